//===- NonzeroMask.cpp - Which elements are not zero ------------------------===//

#include "BitStream.h"

namespace sparseaccel::formats {

// Each lane of a word becomes one bit, its top bit being set where any of its bits is; a product then gathers the
// lanes' bits side by side.
static uint64_t nonzeroBytes(uint64_t word) {
  constexpr uint64_t kLow = 0x7f7f7f7f7f7f7f7f;
  uint64_t lanes = ((((word & kLow) + kLow) | word) & ~kLow) >> 7;
  return (lanes * 0x0102040810204080) >> 56;
}
static uint64_t nonzeroHalves(uint64_t word) {
  constexpr uint64_t kLow = 0x7fff7fff7fff7fff;
  uint64_t lanes = ((((word & kLow) + kLow) | word) & ~kLow) >> 15;
  return ((lanes * 0x0001000200040008) >> 48) & 0xf;
}

template <unsigned PerWord, typename Gather>
static uint64_t maskOf64(const uint8_t *data, Gather gather) {
  uint64_t bits = 0;
  for (unsigned done = 0; done < 64; done += PerWord)
    bits |= gather(loadAs<uint64_t>(data + done * (8 / PerWord))) << done;
  return bits;
}

static uint64_t maskOfSome(const uint8_t *data, unsigned elementBytes, uint64_t count) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < count; ++i) {
    uint8_t any = 0;
    for (unsigned byte = 0; byte < elementBytes; ++byte)
      any |= data[i * elementBytes + byte];
    bits |= uint64_t{any != 0} << i;
  }
  return bits;
}

NonzeroMask::NonzeroMask(const void *data, unsigned elementBytes, uint64_t count) {
  words.resize(count / 64 + 2);
  const uint8_t *at = static_cast<const uint8_t *>(data);
  for (uint64_t word = 0; word * 64 < count; ++word, at += uint64_t{64} * elementBytes) {
    uint64_t left = count - word * 64;
    if (left >= 64 && elementBytes == 1)
      words[word] = maskOf64<8>(at, nonzeroBytes);
    else if (left >= 64 && elementBytes == 2)
      words[word] = maskOf64<4>(at, nonzeroHalves);
    else
      words[word] = maskOfSome(at, elementBytes, left < 64 ? left : 64);
  }
}

uint64_t NonzeroMask::runEntries(uint64_t begin, uint64_t length, unsigned bits) const {
  uint64_t entries = 0, next = 0;
  for (uint64_t done = 0; done < length; done += 64) {
    uint64_t word = chunk(begin + done);
    if (length - done < 64)
      word &= lowBits(static_cast<unsigned>(length - done));
    if (!word)
      continue;
    // Between the word's first and last nonzero, a place that no nonzero reaches within 2^bits - 1 steps ends a run
    // that is too long.
    uint64_t reached = word, between = lowBits(static_cast<unsigned>(std::bit_width(word))) & ~(word ^ (word - 1));
    for (unsigned step = 0; step < bits && step < 6; ++step)
      reached |= reached << (1u << step);
    uint64_t first = done + static_cast<uint64_t>(std::countr_zero(word));
    entries += static_cast<uint64_t>(std::popcount(word)) + ((first - next) >> bits);
    if (between & ~reached) {
      next = first + 1;
      for (uint64_t rest = word & (word - 1); rest; rest &= rest - 1) {
        uint64_t place = done + static_cast<uint64_t>(std::countr_zero(rest));
        entries += (place - next) >> bits;
        next = place + 1;
      }
    }
    next = done + static_cast<uint64_t>(std::bit_width(word));
  }
  return entries;
}

} // namespace sparseaccel::formats
