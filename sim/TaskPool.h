//===- TaskPool.h - Threads of one run --------------------------*- C++ -*-===//
//
// The threads that one run of a program may use beside its own. Tasks write to places of their own, and whoever needs a
// result waits for it: what a run computes does not depend on how many threads there are.
//
//===----------------------------------------------------------------------===//

#ifndef SPARSEACCEL_SIM_TASKPOOL_H
#define SPARSEACCEL_SIM_TASKPOOL_H

#include "absl/functional/function_ref.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace sparseaccel::sim {

class TaskPool {
public:
  /// A piece of work that has been handed over.
  class Task {
  public:
    explicit Task(std::function<void()> body) : body(std::move(body)) {}

  private:
    friend class TaskPool;
    enum State : uint8_t { Waiting, Running, Done };
    bool claim() {
      State expected = Waiting;
      return state.compare_exchange_strong(expected, Running, std::memory_order_acq_rel);
    }
    void run() {
      body();
      state.store(Done, std::memory_order_release);
      state.notify_all();
    }
    std::function<void()> body;
    std::atomic<State> state = Waiting;
  };
  using Handle = std::shared_ptr<Task>;

  /// `threads` counts the caller's own: a pool of one has no thread, and runs everything in wait() and forEach().
  explicit TaskPool(unsigned threads);
  ~TaskPool();
  TaskPool(const TaskPool &) = delete;
  TaskPool &operator=(const TaskPool &) = delete;
  unsigned threads() const { return static_cast<unsigned>(workers.size()) + 1; }

  /// Hands work over; some thread of the pool does it, or the caller of wait().
  Handle start(std::function<void()> body);
  /// Returns when the work is done, having done it where nobody had begun.
  static void wait(const Handle &task);
  /// Calls body(0) to body(parts - 1), in any order and side by side, and returns when all have returned.
  void forEach(int64_t parts, absl::FunctionRef<void(int64_t part)> body);

private:
  void work();

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Handle> queue;
  std::atomic<uint32_t> queued = 0; ///< Length of the queue, for those who look without the lock.
  bool ends = false;
  std::vector<std::thread> workers;
};

} // namespace sparseaccel::sim

#endif // SPARSEACCEL_SIM_TASKPOOL_H
