//===- Container.h - A program as a file ------------------------*- C++ -*-===//
//
// A header, a table of sections, and sections that begin at multiples of 64 bytes, each with a CRC-32C.
// docs/container.md describes the bytes.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TARGET_ISA_CONTAINER_H
#define SPARSEACCEL_TARGET_ISA_CONTAINER_H

#include "SparseAccel/Target/ISA/Estimates.h"
#include "SparseAccel/Target/ISA/Program.h"

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include <string>
#include <vector>

namespace sparseaccel::isa {

/// A reader takes files of its own major version, and of any minor version whose feature bits it knows.
inline constexpr uint16_t kContainerMajor = 1;
inline constexpr uint16_t kContainerMinor = 2;

/// What a reader must understand to run the program. A set bit that it does not know is an error.
enum class Feature : uint64_t {
  RankFormats = 1,  ///< A tensor is stored rank by rank.
  EyerissRlc = 2,   ///< A tensor is stored in Eyeriss's run-length words.
  Zfnaf = 4,        ///< A tensor is stored in Cnvlutin's bricks.
  HostOps = 8,      ///< Host operators run.
  FormatTexts = 16, ///< A tensor is stored in a format that only its text says (since 1.1).
  DenseSlots = 32,  ///< A dense tensor lies granule by granule.
  OwnSlots = 64,    ///< An encoded constant's slots are as large as it needs, and not as its format may need.
};
inline constexpr uint64_t kKnownFeatures = 127;

/// The file's bytes. The same program gives the same bytes. Estimates have a section only where there are any.
std::vector<uint8_t> serialize(const Program &program, const Estimates &estimates = {});

/// Reads bytes that serialize() wrote. `file` stands in messages. The program is well-formed, but not yet verified (see
/// Verifier.h). Here and below `estimates` gets the compiler's, empty where the file has none.
absl::StatusOr<Program> parse(absl::Span<const uint8_t> bytes, absl::string_view file = "<memory>",
                              Estimates *estimates = nullptr);

/// Writes beside `path` and renames, so that a reader never sees half a file.
absl::Status writeFile(const Program &program, const std::string &path, const Estimates &estimates = {});

/// Reads and parses, and leaves verifying to the caller.
absl::StatusOr<Program> parseFile(const std::string &path, Estimates *estimates = nullptr);

/// Reads, parses and verifies.
absl::StatusOr<Program> readFile(const std::string &path, Estimates *estimates = nullptr);

/// One instruction's bytes appended to `out`; docs/ISA.md has the layout.
void encode(const Instruction &inst, std::vector<uint8_t> &out);
/// Decodes the instruction at the front of `bytes` and removes it from there.
absl::StatusOr<Instruction> decode(absl::Span<const uint8_t> &bytes);

} // namespace sparseaccel::isa

#endif // SPARSEACCEL_TARGET_ISA_CONTAINER_H
