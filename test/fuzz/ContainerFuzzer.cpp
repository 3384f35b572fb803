//===- ContainerFuzzer.cpp - Program files from outside ---------------------===//
//
// Parses, verifies and prints. Checksums would stop nearly every mutation at the door, so the bytes are tried as they
// are and with their checksums mended.
//
//===----------------------------------------------------------------------===//

#include "../../lib/Target/ISA/Checksum.h"
#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/ISA/Disassembler.h"
#include "SparseAccel/Target/ISA/Verifier.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

using namespace sparseaccel::isa;

static void run(absl::Span<const uint8_t> bytes) {
  Estimates estimates, estimatesAgain;
  absl::StatusOr<Program> program = parse(bytes, "fuzz", &estimates);
  if (!program.ok())
    return;
  std::ostringstream text;
  disassemble(*program, text);
  bool good = verify(*program).ok();
  // What was read is what is written, and judging it does not depend on how it came.
  absl::StatusOr<Program> again = parse(serialize(*program, estimates), "again", &estimatesAgain);
  if (!again.ok() || estimates != estimatesAgain || verify(*again).ok() != good)
    std::abort();
}

static void mend(std::vector<uint8_t> &bytes) {
  constexpr size_t kHeader = 64, kEntry = 24;
  uint32_t sections = 0;
  if (bytes.size() < kHeader)
    return;
  uint64_t size = bytes.size();
  std::memcpy(bytes.data() + 24, &size, 8);
  std::memcpy(&sections, bytes.data() + 12, 4);
  if (sections > (bytes.size() - kHeader) / kEntry)
    return;
  for (size_t i = 0; i < sections; ++i) {
    uint8_t *entry = bytes.data() + kHeader + i * kEntry;
    uint64_t offset, length;
    std::memcpy(&offset, entry + 8, 8);
    std::memcpy(&length, entry + 16, 8);
    if (offset > bytes.size() || length > bytes.size() - offset)
      return;
    uint32_t sum = crc32c(absl::MakeConstSpan(bytes).subspan(offset, length));
    std::memcpy(entry + 4, &sum, 4);
  }
  uint32_t sum = crc32c(absl::MakeConstSpan(bytes).subspan(kHeader, sections * kEntry));
  std::memcpy(bytes.data() + 32, &sum, 4);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  run({data, size});
  std::vector<uint8_t> mended(data, data + size);
  mend(mended);
  run(mended);
  return 0;
}
