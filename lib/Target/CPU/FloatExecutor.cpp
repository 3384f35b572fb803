//===- FloatExecutor.cpp - Run a float model without compiling it ---------===//

#include "SparseAccel/Target/CPU/FloatExecutor.h"
#include "FloatConstants.h"
#include "FloatJit.h"
#include "FloatKernels.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/SymbolTable.h"

#include <cstring>

using namespace mlir;

namespace sparseaccel::cpu {

namespace {
/// One op of the function or of a helper that it calls.
struct Step {
  std::unique_ptr<FloatKernel> kernel;
  SmallVector<unsigned> inputs, outputs; ///< Slots.
  SmallVector<unsigned> lastUses;        ///< Slots that no later step reads.
};

/// A value at run time: one slot for each value of the function, and of each call of a helper.
struct Slot {
  TensorType type;
  const uint8_t *constant = nullptr;
  std::optional<unsigned> argument;
};
} // namespace

struct FloatExecutor::Impl {
  explicit Impl(func::FuncOp main) : main(main) {}

  func::FuncOp main;
  Signature signature;
  std::vector<Slot> slots;
  std::vector<Step> steps;
  llvm::DenseMap<Value, unsigned> own; ///< Slots of the function's own values.
  SmallVector<unsigned> results;
  FloatConstants constants;
  std::vector<std::string> compiled;

  LogicalResult plan();
  void findLastUses();
};

namespace {
/// Lays a function out as steps.
class Planner {
public:
  Planner(std::vector<Slot> &slots, std::vector<Step> &steps, FloatConstants &constants, FloatJit &jit)
      : slots(slots), steps(steps), constants(constants), jit(jit) {}

  /// The steps of a body whose arguments are in `values`; returns the slots of what it returns.
  FailureOr<SmallVector<unsigned>> body(func::FuncOp function, llvm::DenseMap<Value, unsigned> &values);
  FailureOr<unsigned> newSlot(Operation *at, Type type);

private:
  LogicalResult constant(Operation *op, llvm::DenseMap<Value, unsigned> &values);
  LogicalResult call(func::CallOp op, llvm::DenseMap<Value, unsigned> &values);
  LogicalResult compute(Operation *op, llvm::DenseMap<Value, unsigned> &values);

  std::vector<Slot> &slots;
  std::vector<Step> &steps;
  FloatConstants &constants;
  FloatJit &jit;
  SmallVector<func::FuncOp> active;
};
} // namespace

FailureOr<unsigned> Planner::newSlot(Operation *at, Type type) {
  auto ranked = dyn_cast<RankedTensorType>(type);
  FailureOr<ElementType> element = failure();
  if (ranked && ranked.hasStaticShape())
    element = elementTypeOf(ranked);
  if (failed(element))
    return at->emitError() << "has a value of type " << type
                           << "; running on the CPU needs tensors of static shape with elements of i1, i8, i16, i32, "
                              "i48, i64 or f32";
  slots.push_back({TensorType{*element, std::vector<int64_t>(ranked.getShape())}, nullptr, std::nullopt});
  return static_cast<unsigned>(slots.size() - 1);
}

LogicalResult Planner::constant(Operation *op, llvm::DenseMap<Value, unsigned> &values) {
  FailureOr<unsigned> slot = newSlot(op, op->getResult(0).getType());
  if (failed(slot))
    return failure();
  FailureOr<const uint8_t *> bytes =
      constants.bytes(cast<tosa::ConstOp>(op).getValues(), slots[*slot].type, op->getLoc());
  if (failed(bytes))
    return failure();
  slots[*slot].constant = *bytes;
  values[op->getResult(0)] = *slot;
  return success();
}

LogicalResult Planner::call(func::CallOp op, llvm::DenseMap<Value, unsigned> &values) {
  auto callee = SymbolTable::lookupNearestSymbolFrom<func::FuncOp>(op, op.getCalleeAttr());
  if (!callee || callee.isExternal())
    return op.emitError() << "calls '" << op.getCallee() << "', which has no body";
  if (llvm::is_contained(active, callee))
    return op.emitError() << "calls '" << op.getCallee() << "', which calls itself";
  llvm::DenseMap<Value, unsigned> inner;
  for (auto [argument, operand] : llvm::zip_equal(callee.getArguments(), op.getOperands()))
    inner[argument] = values.lookup(operand);
  FailureOr<SmallVector<unsigned>> returned = body(callee, inner);
  if (failed(returned))
    return failure();
  for (auto [result, slot] : llvm::zip_equal(op.getResults(), *returned))
    values[result] = slot;
  return success();
}

LogicalResult Planner::compute(Operation *op, llvm::DenseMap<Value, unsigned> &values) {
  Step step;
  KernelSite site;
  site.op = op;
  for (Value operand : op->getOperands())
    if (isa<mlir::TensorType>(operand.getType())) {
      unsigned slot = values.lookup(operand);
      step.inputs.push_back(slot);
      site.inputs.push_back(slots[slot].type);
      site.constants.push_back(slots[slot].constant);
    }
  for (Value result : op->getResults()) {
    FailureOr<unsigned> slot = newSlot(op, result.getType());
    if (failed(slot))
      return failure();
    values[result] = *slot;
    step.outputs.push_back(*slot);
    site.outputs.push_back(slots[*slot].type);
  }
  step.kernel = makeOneDnnKernel(site);
  if (!step.kernel)
    step.kernel = makeHostKernel(site);
  if (!step.kernel) {
    FailureOr<std::unique_ptr<FloatKernel>> compiled = jit.add(site);
    if (failed(compiled))
      return failure();
    step.kernel = std::move(*compiled);
  }
  steps.push_back(std::move(step));
  return success();
}

FailureOr<SmallVector<unsigned>> Planner::body(func::FuncOp function, llvm::DenseMap<Value, unsigned> &values) {
  if (!function.getBody().hasOneBlock())
    return function.emitError() << "has several blocks; running on the CPU needs a straight line";
  active.push_back(function);
  SmallVector<unsigned> returned;
  for (Operation &op : function.front()) {
    if (auto leave = dyn_cast<func::ReturnOp>(op)) {
      for (Value value : leave.getOperands())
        returned.push_back(values.lookup(value));
    } else if (isa<tosa::ConstShapeOp>(op)) {
      continue; // read by the kernels from the op
    } else if (isa<tosa::ConstOp>(op)) {
      if (failed(constant(&op, values)))
        return failure();
    } else if (auto inner = dyn_cast<func::CallOp>(op)) {
      if (failed(call(inner, values)))
        return failure();
    } else if (isa_and_nonnull<tosa::TosaDialect>(op.getDialect()) && op.getNumRegions() == 0) {
      if (failed(compute(&op, values)))
        return failure();
    } else {
      return op.emitError() << "cannot run here; expected an op of TOSA without regions, or a call";
    }
  }
  active.pop_back();
  return returned;
}

LogicalResult FloatExecutor::Impl::plan() {
  if (main.isExternal())
    return main.emitError("has no body; running on the CPU needs one");
  FloatJit jit;
  Planner planner(slots, steps, constants, jit);
  for (BlockArgument argument : main.getArguments()) {
    FailureOr<unsigned> slot = planner.newSlot(main, argument.getType());
    if (failed(slot))
      return failure();
    slots[*slot].argument = argument.getArgNumber();
    signature.inputs.push_back(slots[*slot].type);
    own[argument] = *slot;
  }
  FailureOr<SmallVector<unsigned>> returned = planner.body(main, own);
  if (failed(returned) || failed(jit.compile(main.getLoc())))
    return failure();
  results = *returned;
  for (unsigned slot : results)
    signature.results.push_back(slots[slot].type);
  compiled = jit.names();
  findLastUses();
  return success();
}

void FloatExecutor::Impl::findLastUses() {
  std::vector<bool> seen(slots.size());
  for (unsigned slot : results)
    seen[slot] = true;
  for (Step &step : llvm::reverse(steps))
    for (ArrayRef<unsigned> used : {ArrayRef<unsigned>(step.inputs), ArrayRef<unsigned>(step.outputs)})
      for (unsigned slot : used) {
        if (!seen[slot] && !slots[slot].constant && !slots[slot].argument)
          step.lastUses.push_back(slot);
        seen[slot] = true;
      }
}

FloatExecutor::FloatExecutor(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
FloatExecutor::~FloatExecutor() = default;

FailureOr<std::unique_ptr<FloatExecutor>> FloatExecutor::create(func::FuncOp main) {
  auto impl = std::make_unique<Impl>(main);
  if (failed(impl->plan()))
    return failure();
  return std::unique_ptr<FloatExecutor>(new FloatExecutor(std::move(impl)));
}

const Signature &FloatExecutor::signature() const { return impl->signature; }
ArrayRef<std::string> FloatExecutor::compiledOps() const { return impl->compiled; }

namespace {
/// The memory of one run: tensors whose last reader is through give theirs to later ones, so that pages are touched
/// once.
class Arena {
public:
  Tensor make(const TensorType &type) {
    size_t bytes = static_cast<size_t>(type.elements()) * byteSize(type.element);
    auto best = spare.end();
    for (auto it = spare.begin(); it != spare.end(); ++it)
      if (it->capacity() >= bytes && (best == spare.end() || it->capacity() < best->capacity()))
        best = it;
    if (best == spare.end())
      return Tensor(type);
    Tensor tensor;
    tensor.type = type;
    tensor.bytes = std::move(*best);
    spare.erase(best);
    tensor.bytes.resize(bytes);
    return tensor;
  }
  void free(Tensor &tensor) { spare.push_back(std::exchange(tensor.bytes, {})); }

private:
  std::vector<std::vector<uint8_t>> spare;
};
} // namespace

FailureOr<std::vector<Tensor>> FloatExecutor::run(ArrayRef<Tensor> inputs, ArrayRef<Value> wanted,
                                                  Visitor visit) const {
  const std::vector<Slot> &slots = impl->slots;
  Location loc = impl->main.getLoc();
  if (inputs.size() != impl->signature.inputs.size())
    return emitError(loc) << "takes " << impl->signature.inputs.size() << " inputs, but " << inputs.size()
                          << " were given";
  for (auto [index, input, type] : llvm::enumerate(inputs, impl->signature.inputs))
    if (input.type != type)
      return emitError(loc) << "input " << index << " must be " << type.str() << ", but is " << input.type.str();

  std::vector<Tensor> live(slots.size());
  auto bytesOf = [&](unsigned slot) -> const uint8_t * {
    const Slot &at = slots[slot];
    return at.constant ? at.constant : at.argument ? inputs[*at.argument].bytes.data() : live[slot].bytes.data();
  };
  auto copyOf = [&](unsigned slot) {
    Tensor tensor(slots[slot].type);
    if (!tensor.bytes.empty())
      std::memcpy(tensor.bytes.data(), bytesOf(slot), tensor.bytes.size());
    return tensor;
  };

  // By the slot in which a value lies: what a call returns lies in the helper's.
  llvm::DenseMap<unsigned, SmallVector<Value, 1>> observers;
  for (Value value : wanted) {
    auto it = impl->own.find(value);
    if (it == impl->own.end())
      return emitError(value.getLoc()) << "is asked for a value that @" << impl->main.getSymName()
                                       << " does not compute as a tensor";
    if (slots[it->second].argument)
      visit(value, inputs[*slots[it->second].argument]);
    else if (slots[it->second].constant)
      visit(value, copyOf(it->second));
    else
      observers[it->second].push_back(value);
  }

  Arena arena;
  SmallVector<const uint8_t *> in;
  SmallVector<uint8_t *> out;
  for (const Step &step : impl->steps) {
    in.clear();
    out.clear();
    for (unsigned slot : step.inputs)
      in.push_back(bytesOf(slot));
    for (unsigned slot : step.outputs) {
      live[slot] = arena.make(slots[slot].type);
      out.push_back(live[slot].bytes.data());
    }
    if (failed(step.kernel->run(in, out)))
      return failure();
    for (unsigned slot : step.outputs)
      if (auto it = observers.find(slot); it != observers.end())
        for (Value value : it->second)
          visit(value, live[slot]);
    for (unsigned slot : step.lastUses)
      arena.free(live[slot]);
  }

  std::vector<Tensor> results;
  for (auto [index, slot] : llvm::enumerate(impl->results)) {
    bool again = llvm::is_contained(ArrayRef<unsigned>(impl->results).drop_front(index + 1), slot);
    results.push_back(slots[slot].constant || slots[slot].argument || again ? copyOf(slot) : std::move(live[slot]));
  }
  return results;
}

} // namespace sparseaccel::cpu
