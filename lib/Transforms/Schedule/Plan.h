//===- Plan.h - From tilings to a list of steps -----------------*- C++ -*-===//
//
// A plan is the tile program before it becomes IR: one step an instruction, operands as boxes in slots, and for each
// step those that it must wait for. Two questions are kept apart: planTiles() decides what happens in which slot,
// placeSlots() where slots lie; findDependencies() answers for either.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_TRANSFORMS_SCHEDULE_PLAN_H
#define SPARSEACCEL_TRANSFORMS_SCHEDULE_PLAN_H

#include "Schedule/Search.h"

namespace sparseaccel::schedule {

/// Room in a level for one tile of one operand of one layer.
struct Slot {
  int level = -1;
  uint32_t layer = 0;
  std::string name; ///< "a0", "b1", "sums0", "o0".
  uint64_t bytes = 0;
  uint64_t offset = 0; ///< In the level, once placed.
};

/// A box in a slot.
struct Piece {
  int slot = -1;
  int tensor = -1;   ///< Index in the tensors; for sums that of the layer's output.
  bool sums = false; ///< Boxes of sums are in the layer's own output coordinates, others in the tensor's.
  Box box;
  uint64_t offset = 0, bytes = 0; ///< Within the slot.
};

struct Step {
  isa::Opcode kind = isa::Opcode::Halt;
  uint32_t layer = 0;
  dataflow::Contraction shape; ///< Of a contraction or window.
  isa::VectorKind vector = isa::VectorKind::Rescale;
  isa::AccumulateMode mode = isa::AccumulateMode::Clear;
  Piece a, b, o;                         ///< A load's destination is o, a store's source is a.
  Coord aOrigin{}, bOrigin{}, oOrigin{}; ///< First elements that a contraction touches.
  std::vector<uint32_t> after;           ///< Steps that must have ended: at most one a queue, never of the own queue.
};

struct Plan {
  std::vector<Slot> slots;
  std::vector<Step> steps;
  uint64_t elidedLoads = 0; ///< Tiles that already lay where they were wanted.
};

isa::Queue queueOf(isa::Opcode kind);

/// Whether a tiling can run at all: the loop over C must be the innermost of those over tiles, so that sums never leave
/// their buffer.
absl::Status checkOrder(const LayerDesc &layer, const Tiling &tiling);

/// All steps of all layers, in program order. Layouts come from layoutSlots(); a host layer is one step. A layer of
/// class Host has an empty layout.
absl::StatusOr<Plan> planTiles(const std::vector<LayerDesc> &layers, const std::vector<Tiling> &tilings,
                               const std::vector<SlotLayout> &layouts, const std::vector<TensorDesc> &tensors,
                               const machine::Machine &machine);

/// Gives slots their offsets. Layers follow each other around each level, so that the loads of one may run beside the
/// work of the one before. Where the slots of one layer need more than a level has, the error names it as `owners` does
/// (by a slot's layer), else by its number.
absl::Status placeSlots(std::vector<Slot> &slots, const machine::Machine &machine,
                        const std::vector<std::string> &owners = {});

/// What one step reads and writes, as findDependencies() wants to know it.
struct Access {
  isa::Queue queue = isa::Queue::Load;
  bool barrier = false; ///< Waits for everything; everything waits for it.
  struct Bytes {
    int space = 0; ///< Spaces are disjoint: levels where slots are placed, slots where they are not.
    uint64_t begin = 0, end = 0;
    bool write = false;
  };
  std::vector<Bytes> bytes;
  struct Elements {
    int tensor = 0;
    Box box;
    bool write = false;
  };
  std::vector<Elements> elements; ///< In DRAM.
  int fetches = -1, uses = -1;    ///< Numerics.
};

/// For each access those that it must wait for: the last of each other queue that it conflicts with. Redundant waits
/// are left out.
std::vector<std::vector<uint32_t>> findDependencies(const std::vector<Access> &accesses);

/// The accesses of a step; `placed` says whether slots have offsets.
Access accessOf(const Step &step, const Plan &plan, bool placed);

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TRANSFORMS_SCHEDULE_PLAN_H
