//===- TaskPool.cpp - Threads of one run ----------------------------------===//

#include "TaskPool.h"

namespace sparseaccel::sim {

TaskPool::TaskPool(unsigned threads) {
  for (unsigned i = 1; i < threads; ++i)
    workers.emplace_back([this] { work(); });
}

TaskPool::~TaskPool() {
  {
    std::lock_guard<std::mutex> lock(mutex);
    ends = true;
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void TaskPool::work() {
  // The next piece of work follows within microseconds in the middle of a layer: a short look-out costs less than being
  // woken up.
  constexpr unsigned kLooks = 2000;
  while (true) {
    for (unsigned look = 0; look < kLooks && queued.load(std::memory_order_relaxed) == 0; ++look) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#endif
    }
    Handle task;
    {
      std::unique_lock<std::mutex> lock(mutex);
      wake.wait(lock, [this] { return ends || !queue.empty(); });
      if (queue.empty())
        return;
      task = std::move(queue.front());
      queue.pop_front();
      queued.store(static_cast<uint32_t>(queue.size()), std::memory_order_relaxed);
    }
    if (task->claim())
      task->run();
  }
}

TaskPool::Handle TaskPool::start(std::function<void()> body) {
  auto task = std::make_shared<Task>(std::move(body));
  if (workers.empty())
    return task;
  {
    std::lock_guard<std::mutex> lock(mutex);
    queue.push_back(task);
    queued.store(static_cast<uint32_t>(queue.size()), std::memory_order_relaxed);
  }
  wake.notify_one();
  return task;
}

void TaskPool::wait(const Handle &task) {
  if (task->claim()) {
    task->run();
    return;
  }
  while (task->state.load(std::memory_order_acquire) != Task::Done)
    task->state.wait(Task::Running, std::memory_order_acquire);
}

void TaskPool::forEach(int64_t parts, absl::FunctionRef<void(int64_t part)> body) {
  if (parts <= 1 || workers.empty()) {
    for (int64_t part = 0; part < parts; ++part)
      body(part);
    return;
  }
  // Every helper, and the caller, takes the next part until none is left.
  std::atomic<int64_t> next = 0;
  auto take = [&] {
    for (int64_t part; (part = next.fetch_add(1, std::memory_order_relaxed)) < parts;)
      body(part);
  };
  std::vector<Handle> helpers;
  for (int64_t i = 1; i < parts && i <= static_cast<int64_t>(workers.size()); ++i)
    helpers.push_back(start(take));
  take();
  for (const Handle &helper : helpers)
    wait(helper);
}

} // namespace sparseaccel::sim
