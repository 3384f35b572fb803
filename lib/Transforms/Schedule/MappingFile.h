//===- MappingFile.h - Mappings forced by a file ----------------*- C++ -*-===//
//
// docs/scheduling.md describes the file: for each layer by name, the loops of each level from the outermost in.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULE_MAPPINGFILE_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULE_MAPPINGFILE_H

#include "SparseAccel/Target/Machine/Machine.h"

#include <map>

namespace sparseaccel::schedule {

struct ForcedMapping {
  isa::Mapping mapping;
  bool innerGiven = false; ///< Loops of levels below DRAM were given; else the dataflow chooses them.
  int line = 0;
};

struct MappingFile {
  std::string path;
  std::string machine; ///< Empty: any.
  std::map<std::string, ForcedMapping> layers;
};

/// Errors name file, line, what was expected and the nearest valid name.
absl::StatusOr<MappingFile> parseMappingFile(absl::string_view text, absl::string_view file,
                                             const machine::Machine &machine);
absl::StatusOr<MappingFile> loadMappingFile(const std::string &path, const machine::Machine &machine);

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULE_MAPPINGFILE_H
