//===- BankQueuesTest.cpp - Banks side by side against the definition -----===//

#include "BankQueues.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

using namespace sparseaccel::dataflow;

namespace {

/// Random weights and activations that meet in some processing elements.
struct Case {
  BankQueues queues;
  std::vector<int64_t> weights;                  ///< The bank of each; -1 for one whose products go nowhere.
  std::vector<std::vector<int64_t>> activations; ///< By processing element, the bank of each: one vector.
};

Case randomCase(std::mt19937_64 &random, int i) {
  auto pick = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  Case one;
  one.queues = {int64_t(1) << (i % 9), pick(0, 6), pick(1, 5), i % 2 ? 4 : pick(1, 6)};
  for (int64_t k = pick(1, 60); k > 0; --k)
    one.weights.push_back(pick(0, 9) ? pick(0, one.queues.banks - 1) : -1);
  one.activations.resize(size_t(pick(1, kMeetings)));
  for (std::vector<int64_t> &banks : one.activations)
    for (int64_t k = pick(1, one.queues.activations); k > 0; --k)
      banks.push_back(pick(0, one.queues.banks - 1));
  return one;
}

struct Outcome {
  std::vector<uint64_t> stalls;
  std::vector<std::vector<int64_t>> waiting; ///< By processing element and bank.
  bool operator==(const Outcome &) const = default;
};

/// Twice the same, so that the second time queues are not empty.
template <typename Cell>
Outcome play(const Case &one, const BankKernel<Cell> &kernel) {
  const BankQueues &queues = one.queues;
  int64_t lanes = queues.lanes(), count = int64_t(one.weights.size());
  int64_t vectors = (count + queues.weights - 1) / queues.weights;
  std::vector<Cell> spotCells = spots<Cell>(queues);
  std::vector<uint16_t> offsets;
  std::vector<uint32_t> order;
  for (int64_t bank : one.weights) {
    order.push_back(uint32_t(order.size()));
    offsets.push_back(uint16_t(bank < 0 ? spotNowhere(queues) : spotAt(queues, bank)));
  }
  AlignedCells<Cell> nothing(size_t(vectors * rowCells(queues))), rows(size_t(vectors * rowCells(queues)));
  kernel.fillRows(queues, spotCells.data(), offsets.data(), order.data(), count, rows.data());
  Outcome outcome;
  outcome.stalls.resize(one.activations.size());
  std::vector<std::vector<Cell>> waiting(one.activations.size(), std::vector<Cell>(size_t(lanes)));
  std::vector<std::vector<const Cell *>> sees;
  std::vector<Meeting<Cell>> meetings;
  for (const std::vector<int64_t> &banks : one.activations) {
    sees.emplace_back(queues.activations, nothing.data());
    for (size_t k = 0; k < banks.size(); ++k)
      sees.back()[k] = rows.data() + rotation(queues, banks[k]);
  }
  for (size_t i = 0; i < sees.size(); ++i)
    meetings.push_back({waiting[i].data(), &outcome.stalls[i], sees[i].data()});
  for (int time = 0; time < 2; ++time)
    kernel.meet(queues, vectors, meetings.data(), int64_t(meetings.size()));
  for (const std::vector<Cell> &lengths : waiting) {
    for (int64_t lane = queues.banks; lane < lanes; ++lane)
      EXPECT_EQ(lengths[lane], lengths[lane - queues.banks]);
    outcome.waiting.emplace_back(lengths.begin(), lengths.begin() + queues.banks);
  }
  return outcome;
}

/// Product by product and cycle by cycle.
Outcome define(const Case &one) {
  Outcome outcome;
  for (const std::vector<int64_t> &banks : one.activations) {
    std::vector<int64_t> waiting(one.queues.banks);
    uint64_t stalls = 0;
    for (int time = 0; time < 2; ++time)
      for (size_t k = 0; k < one.weights.size();) {
        bool issues = *std::max_element(waiting.begin(), waiting.end()) <= one.queues.depth;
        if (issues)
          for (size_t end = std::min(k + one.queues.weights, one.weights.size()); k < end; ++k)
            for (int64_t bank : banks)
              if (one.weights[k] >= 0)
                ++waiting[(one.weights[k] + bank) % one.queues.banks];
        stalls += !issues;
        for (int64_t &length : waiting)
          length = std::max<int64_t>(0, length - 1);
      }
    outcome.stalls.push_back(stalls);
    outcome.waiting.push_back(waiting);
  }
  return outcome;
}

TEST(BankQueues, AreTheSameWithAndWithoutVectorInstructions) {
  std::mt19937_64 random(13);
  uint64_t stalls = 0;
  for (int i = 0; i < 2000; ++i) {
    Case one = randomCase(random, i);
    SCOPED_TRACE(testing::Message() << "case " << i << ", banks " << one.queues.banks);
    Outcome defined = define(one);
    ASSERT_TRUE(one.queues.fit<uint8_t>());
    EXPECT_EQ(play(one, baselineBankKernel<uint8_t>()), defined);
    EXPECT_EQ(play(one, bankKernel<uint8_t>(one.queues)), defined);
    EXPECT_EQ(play(one, bankKernel<uint32_t>(one.queues)), defined);
    for (uint64_t each : defined.stalls)
      stalls += each;
  }
  EXPECT_GT(stalls, 1000u);
}

TEST(BankQueues, FillAByteToItsLimit) {
  // All products of a vector go to one bank: 251 may wait before another 4 come, and a byte holds no more.
  BankQueues queues{1, 251, 1, 4};
  ASSERT_TRUE(queues.fit<uint8_t>());
  EXPECT_FALSE((BankQueues{1, 252, 1, 4}).fit<uint8_t>());
  Case one{queues, std::vector<int64_t>(200, 0), {{0, 0, 0, 0}}};
  Outcome defined = define(one);
  EXPECT_GT(defined.stalls[0], 0u);
  EXPECT_EQ(play(one, baselineBankKernel<uint8_t>()), defined);
  EXPECT_EQ(play(one, bankKernel<uint8_t>(queues)), defined);
  // Wider cells for longer queues.
  one.queues.depth = 300;
  EXPECT_EQ(play(one, bankKernel<uint32_t>(one.queues)), define(one));
}

} // namespace
