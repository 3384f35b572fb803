//===- ScheduleTesting.h - Layers for the scheduler's tests -----*- C++ -*-===//

#ifndef SPARSEACCEL_TEST_UNIT_SCHEDULE_SCHEDULETESTING_H
#define SPARSEACCEL_TEST_UNIT_SCHEDULE_SCHEDULETESTING_H

#include "Schedule/Plan.h"

namespace sparseaccel::schedule {

/// A convolution of its own: tensors 0 (input), 1 (weights) and 2 (output).
struct Problem {
  std::vector<TensorDesc> tensors;
  LayerDesc layer;
};

inline Problem makeConv(const machine::Machine &machine, int64_t c, int64_t size, int64_t m, int64_t kernel,
                        int64_t stride, int64_t pad, int64_t groups = 1, int64_t n = 1) {
  Problem problem;
  LayerDesc &layer = problem.layer;
  layer.name = "conv";
  layer.kind = "conv";
  layer.configured = layer.biased = true;
  dataflow::Contraction &shape = layer.shape;
  shape.n = n, shape.g = groups, shape.m = m / groups, shape.c = c / groups, shape.r = shape.s = kernel;
  shape.strideH = shape.strideW = stride;
  shape.p = shape.q = (size + 2 * pad - kernel) / stride + 1;
  shape.padTop = shape.padLeft = pad;
  shape.padBottom = shape.padRight = std::max<int64_t>(0, (shape.p - 1) * stride + kernel - pad - size);
  auto tensor = [&](const char *name, Coord extents, const formats::Format &dram, const formats::Format &buffer,
                    bool constant) {
    TensorDesc desc;
    desc.name = name;
    desc.shape = extents;
    desc.dramFormat = dram;
    desc.bufferFormat = buffer;
    desc.constant = constant;
    problem.tensors.push_back(desc);
    return View{static_cast<int>(problem.tensors.size()) - 1, {0, 0, 0, 0}, extents};
  };
  layer.a = tensor("x", {n, size, size, c}, machine.a.dram.front(), machine.a.buffer, false);
  layer.b = tensor("w", {m, kernel, kernel, c / groups}, machine.b.dram.front(), machine.b.buffer, true);
  layer.o = tensor("y", {n, shape.p, shape.q, m}, machine.a.dram.front(), machine.a.buffer, false);
  return problem;
}

inline machine::Machine loadNamed(const std::string &name) {
  auto machine = machine::loadMachine(name);
  return machine.ok() ? *machine : machine::Machine();
}

} // namespace sparseaccel::schedule

#endif // SPARSEACCEL_TEST_UNIT_SCHEDULE_SCHEDULETESTING_H
