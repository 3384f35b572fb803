//===- Residence.cpp - Constants that lie in buffers ----------------------===//

#include "Residence.h"

#include <cassert>

namespace sparseaccel::sim {

bool Residence::holds(const isa::Operand &operand) const {
  const auto &own = boxes[operand.buffer];
  auto found = own.find(operand.offset);
  return found != own.end() && found->second.operand == operand;
}

void Residence::add(const isa::Operand &operand, uint64_t end) {
  bool added = boxes[operand.buffer].try_emplace(operand.offset, Box{operand, end}).second;
  assert(added && "what lay there is overwritten first");
  (void)added;
}

void Residence::overwrite(unsigned buffer, uint64_t begin, uint64_t end) {
  auto &own = boxes[buffer];
  auto first = own.lower_bound(begin);
  if (first != own.begin() && std::prev(first)->second.end > begin)
    --first;
  auto last = first;
  while (last != own.end() && last->first < end)
    ++last;
  own.erase(first, last);
}

} // namespace sparseaccel::sim
