//===- Residence.h - Constants that lie in buffers --------------*- C++ -*-===//
//
// Which boxes of constants lie in the buffers exactly as a LOAD left them. Constants never change, so a LOAD of a box
// to the place where it still lies writes what is there already, and what was derived from a box's values holds
// wherever the box lies.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_RESIDENCE_H
#define SPARSEACCEL_SIM_RESIDENCE_H

#include "SparseAccel/Target/ISA/Instructions.h"

#include <map>
#include <vector>

namespace sparseaccel::sim {

class Residence {
public:
  explicit Residence(size_t buffers) : boxes(buffers) {}
  /// Whether the box lies where the operand says, whole and untouched.
  bool holds(const isa::Operand &operand) const;
  /// The box was loaded, after overwrite() of its bytes, which end before `end`.
  void add(const isa::Operand &operand, uint64_t end);
  /// Bytes of a buffer are written: whatever lay there, even in part, is gone.
  void overwrite(unsigned buffer, uint64_t begin, uint64_t end);

private:
  struct Box {
    isa::Operand operand;
    uint64_t end;
  };
  std::vector<std::map<uint64_t, Box>> boxes; ///< Of each buffer, by their first byte; they do not overlap.
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_RESIDENCE_H
