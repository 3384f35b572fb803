//===- BankQueues.h - Queues of accumulator banks, all at once --*- C++ -*-===//
//
// Which bank a product goes to is a sum of what its weight and what its activation say, modulo the banks. So what a
// vector of weights sends to the banks is, but for a rotation, the same for all activations: it is worked out once, and
// the queues of all banks then take in a vector of products by adding rows of counts.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_LIB_TARGET_DATAFLOW_BANKQUEUES_H
#define SPARSEACCEL_LIB_TARGET_DATAFLOW_BANKQUEUES_H

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace sparseaccel::dataflow {

/// Of one processing element.
struct BankQueues {
  int64_t banks;       ///< A power of two.
  int64_t depth;       ///< Products that may wait at a bank while the array issues.
  int64_t weights;     ///< Most in a vector.
  int64_t activations; ///< Most in a vector.

  static constexpr int64_t kLeastLanes = 32;
  /// Cells of a row. Fewer banks are repeated until they fill it: bank b is in lanes b, b + banks, ...
  int64_t lanes() const { return std::max(banks, kLeastLanes); }
  /// Whether no queue's length ever needs more than a Cell.
  template <typename Cell>
  bool fit() const {
    return depth + weights * activations <= int64_t(std::numeric_limits<Cell>::max());
  }
};

/// Cells that start a cache line, so that no vector of them straddles two.
template <typename Cell>
class AlignedCells {
  static constexpr size_t kLine = 64;

public:
  explicit AlignedCells(size_t count) : cells(count + kLine / sizeof(Cell)), room(cells.size() * sizeof(Cell)) {
    void *start = cells.data();
    first = static_cast<Cell *>(std::align(kLine, count * sizeof(Cell), start, room));
  }
  AlignedCells(const AlignedCells &) = delete;
  AlignedCells &operator=(const AlignedCells &) = delete;
  Cell *data() { return first; }

private:
  std::vector<Cell> cells;
  size_t room;
  Cell *first;
};

/// Rows of weights: for each vector of weights the number of products that each bank gets from an activation of bank 0,
/// twice over. From rotation(bank) on it is what an activation of `bank` sends.
inline int64_t rowCells(const BankQueues &queues) { return 2 * queues.lanes(); }
inline int64_t rotation(const BankQueues &queues, int64_t bank) {
  return (queues.lanes() - bank) & (queues.lanes() - 1);
}

/// A row from whose offset spotAt(bank) on that bank has one product, and from spotNowhere() on none has.
template <typename Cell>
std::vector<Cell> spots(const BankQueues &queues) {
  std::vector<Cell> cells(3 * queues.lanes());
  for (int64_t i = 0; i < 2 * queues.lanes(); ++i)
    cells[i] = i % queues.banks == 0;
  return cells;
}
inline int64_t spotAt(const BankQueues &queues, int64_t bank) { return queues.lanes() - bank; }
inline int64_t spotNowhere(const BankQueues &queues) { return 2 * queues.lanes(); }

/// A processing element whose vector of activations meets the vectors of weights of a channel and phase.
template <typename Cell>
struct Meeting {
  Cell *waiting;           ///< Products at each lane's bank at the start of a cycle.
  uint64_t *stalls;        ///< Cycles in which the array waited.
  const Cell *const *rows; ///< For each of the most activations in a vector: the rows of weights that it sees.
};

/// Meetings that are worked out side by side.
inline constexpr int64_t kMeetings = 4;

template <typename Cell>
struct BankKernel {
  /// Rows of weights [0, count): weight k is the spot at offsets[weights[k]] of `spots`.
  void (*fillRows)(const BankQueues &queues, const Cell *spots, const uint16_t *offsets, const uint32_t *weights,
                   int64_t count, Cell *rows);
  /// Issues `vectors` vectors of products in each of `count` (at most kMeetings) processing elements, one in a cycle at
  /// whose start no bank has more than `depth` waiting; in every cycle each bank adds one.
  void (*meet)(const BankQueues &queues, int64_t vectors, const Meeting<Cell> *meetings, int64_t count);
};

template <typename Cell>
BankKernel<Cell> baselineBankKernel();
/// The best one that the processor has for these queues.
template <typename Cell>
BankKernel<Cell> bankKernel(const BankQueues &queues);

} // namespace sparseaccel::dataflow

#endif // SPARSEACCEL_LIB_TARGET_DATAFLOW_BANKQUEUES_H
