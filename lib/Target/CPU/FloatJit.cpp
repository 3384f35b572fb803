//===- FloatJit.cpp - Ops of a float model that need the JIT --------------===//

#include "FloatJit.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/StringExtras.h"

#include <cstring>

using namespace mlir;

namespace sparseaccel::cpu {

namespace {
class JitKernel : public FloatKernel {
public:
  JitKernel(std::shared_ptr<std::unique_ptr<CompiledModule>> compiled, std::string function,
            SmallVector<unsigned> arguments, std::vector<TensorType> types)
      : compiled(std::move(compiled)), function(std::move(function)), arguments(std::move(arguments)),
        types(std::move(types)) {}

  LogicalResult run(ArrayRef<const uint8_t *> inputs, ArrayRef<uint8_t *> outputs) const override {
    std::vector<Tensor> tensors;
    for (unsigned argument : arguments) {
      Tensor &tensor = tensors.emplace_back(types[argument]);
      if (!tensor.bytes.empty())
        std::memcpy(tensor.bytes.data(), inputs[argument], tensor.bytes.size());
    }
    FailureOr<std::vector<Tensor>> results = (*compiled)->run(function, tensors);
    if (failed(results))
      return failure();
    for (auto [tensor, output] : llvm::zip_equal(*results, outputs))
      if (!tensor.bytes.empty())
        std::memcpy(output, tensor.bytes.data(), tensor.bytes.size());
    return success();
  }

private:
  std::shared_ptr<std::unique_ptr<CompiledModule>> compiled;
  std::string function;
  SmallVector<unsigned> arguments; ///< Which inputs are no constants.
  std::vector<TensorType> types;   ///< Of all inputs.
};
} // namespace

FloatJit::FloatJit() : compiled(std::make_shared<std::unique_ptr<CompiledModule>>()) {}
FloatJit::~FloatJit() = default;

static std::string nodeName(Operation *op) {
  std::string name;
  op->getLoc()->walk([&](Location loc) {
    if (auto named = dyn_cast<NameLoc>(loc))
      name = named.getName().str();
    return WalkResult::advance();
  });
  std::string kind = op->getName().getStringRef().str();
  return name.empty() ? kind : name + " (" + kind + ")";
}

FailureOr<std::unique_ptr<FloatKernel>> FloatJit::add(const KernelSite &site) {
  if (!module)
    module = ModuleOp::create(site.op->getLoc());
  OpBuilder builder(site.op->getContext());
  builder.setInsertionPointToEnd(module->getBody());

  // Attributes of an op may come in as operands (shapes, zero points): constants are copied beside it.
  SmallVector<Operation *> constants;
  SmallVector<Value> passed;
  SmallVector<unsigned> arguments;
  unsigned tensors = 0;
  for (Value operand : site.op->getOperands()) {
    bool isTensor = isa<mlir::TensorType>(operand.getType());
    if (isa_and_nonnull<tosa::ConstOp, tosa::ConstShapeOp>(operand.getDefiningOp())) {
      constants.push_back(operand.getDefiningOp());
    } else if (isTensor) {
      passed.push_back(operand);
      arguments.push_back(tensors);
    } else {
      return site.op->emitOpError() << "has an operand of type " << operand.getType()
                                    << " that is computed; expected a constant";
    }
    tensors += isTensor;
  }

  std::string name = "op" + std::to_string(added.size());
  auto function = func::FuncOp::create(
      builder, site.op->getLoc(), name,
      builder.getFunctionType(llvm::map_to_vector(passed, [](Value value) { return value.getType(); }),
                              site.op->getResultTypes()));
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (Operation *constant : constants)
    mapping.map(constant->getResult(0), builder.clone(*constant)->getResult(0));
  for (auto [operand, argument] : llvm::zip_equal(passed, body->getArguments()))
    mapping.map(operand, argument);
  Operation *copy = builder.clone(*site.op, mapping);
  func::ReturnOp::create(builder, site.op->getLoc(), copy->getResults());
  added.push_back(nodeName(site.op));
  return std::unique_ptr<FloatKernel>(
      std::make_unique<JitKernel>(compiled, std::move(name), std::move(arguments), site.inputs));
}

LogicalResult FloatJit::compile(Location loc) {
  if (!module)
    return success();
  FailureOr<std::unique_ptr<CompiledModule>> result = CompiledModule::compile(*module);
  if (failed(result))
    return emitError(loc) << "no kernel here runs " << llvm::join(added, ", ");
  *compiled = std::move(*result);
  return success();
}

} // namespace sparseaccel::cpu
