//===- CheckTest.cpp - A wrong value is found, and said of its layer ------===//

#include "Check.h"

#include "SparseAccel/Dialect/Accel/Accel.h"
#include "SparseAccel/Target/Program/Emit.h"
#include "SparseAccel/Transforms/Passes.h"
#include "SparseAccel/Transforms/Pipeline.h"

#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FormatVariadic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace sparseaccel;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

namespace {

/// Quantised TOSA of int8 as text, an operation at a time.
class ModelText {
public:
  /// A 1x1 convolution of 4x4 positions and its rescale.
  void conv(llvm::StringRef name, llvm::StringRef input, int in, int out, int weight) {
    text += llvm::formatv(R"(
      %{0}.w = "tosa.const"() {{values = dense<{4}> : tensor<{3}x1x1x{2}xi8>} : () -> tensor<{3}x1x1x{2}xi8>
      %{0}.b = "tosa.const"() {{values = dense<7> : tensor<{3}xi32>} : () -> tensor<{3}xi32>
      %{0}.s = tosa.conv2d %{1}, %{0}.w, %{0}.b, %zero, %zero {{acc_type = i32, dilation = array<i64: 1, 1>,
        pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} : (tensor<1x4x4x{2}xi8>, tensor<{3}x1x1x{2}xi8>,
        tensor<{3}xi32>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x4x4x{3}xi32>)",
                          name, input, in, out, weight);
    rescale(name, name.str() + ".s", llvm::formatv("1x4x4x{0}", out).str(), 36);
  }
  void rescale(llvm::StringRef name, llvm::StringRef input, llvm::StringRef shape, int shift) {
    text += llvm::formatv(R"(
      %{0}.k = "tosa.const"() {{values = dense<{3}> : tensor<1xi8>} : () -> tensor<1xi8>
      %{0} = tosa.rescale %{1}, %factor, %{0}.k, %zero32, %zero {{input_unsigned = false, output_unsigned = false,
        per_channel = false, rounding_mode = SINGLE_ROUND, scale32 = true, sparsity.value = "{0}"}
        : (tensor<{2}xi32>, tensor<1xi32>, tensor<1xi8>, tensor<1xi32>, tensor<1xi8>) -> tensor<{2}xi8> loc("{0}"))",
                          name, input, shape, shift);
  }
  void line(llvm::StringRef operation) { text += "\n      " + operation.str(); }
  std::string finish(llvm::StringRef input, llvm::StringRef result, llvm::StringRef resultType) {
    return llvm::formatv(R"(module attributes {{sparsity.numerics = "int8"} {{
    func.func @main(%x: {0} {{sparsity.name = "x"}) -> {2} {{
      %zero = "tosa.const"() {{values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
      %zero32 = "tosa.const"() {{values = dense<0> : tensor<1xi32>} : () -> tensor<1xi32>
      %factor = "tosa.const"() {{values = dense<1073741824> : tensor<1xi32>} : () -> tensor<1xi32>
      {3}
      return %{1} : {2}
    }
})",
                         input, result, resultType, text)
        .str();
  }

private:
  std::string text;
};

class CheckTest : public ::testing::Test {
protected:
  CheckTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<accel::AccelDialect, mlir::func::FuncDialect, sparsity::SparsityDialect,
                        mlir::tosa::TosaDialect>();
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &diagnostic) { messages += diagnostic.str() + "\n"; });
  }

  /// Compiles and runs the model, and keeps every tensor.
  void run(const std::string &text, const std::string &machineName) {
    quantised = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    ASSERT_TRUE(quantised) << messages << text;
    auto loaded = machine::loadMachine(machineName);
    ASSERT_TRUE(loaded.ok());
    machine = *std::move(loaded);
    mlir::OwningOpRef<mlir::ModuleOp> module = quantised->clone();
    SparseCompileOptions options;
    options.machine = machineName;
    mlir::PassManager pm(module.get()->getName());
    buildSparseCompilePipeline(pm, options);
    ASSERT_TRUE(mlir::succeeded(pm.run(*module))) << messages;
    auto emitted = emitProgram(*module);
    ASSERT_TRUE(mlir::succeeded(emitted)) << messages;
    program = std::move(*emitted);
    auto simulator = sim::Simulator::create(program, machine);
    ASSERT_TRUE(simulator.ok()) << simulator.status();
    const isa::Tensor &input = program.tensors[program.inputs.front()];
    sim::TensorData x{input.type, input.shape, {}};
    for (uint64_t i = 0; i < input.elements(); ++i)
      x.bytes.push_back(uint8_t(i * 37 % 101));
    sim::Options simulate;
    simulate.observe = [&](const sim::TensorObservation &tensor) { values[tensor.tensor] = tensor.data; };
    auto result = (*simulator)->run({x}, simulate);
    ASSERT_TRUE(result.ok()) << result.status();
    auto made = run::Checker::create(*quantised, program);
    ASSERT_TRUE(mlir::succeeded(made)) << messages;
    checker = std::move(*made);
  }

  run::CheckResult check(const run::TensorValues &observed) {
    auto results = checker->check(observed);
    EXPECT_TRUE(mlir::succeeded(results)) << messages;
    return mlir::succeeded(results) ? results->front() : run::CheckResult();
  }

  /// What the check says once one element of a tensor is another than the simulator's.
  std::vector<std::string> corrupted(const std::string &tensor, size_t element) {
    run::TensorValues changed = values;
    for (auto &[index, data] : changed)
      if (program.tensors[index].name == tensor) {
        data.bytes.at(element) ^= 0x40; // enough to outlast a rescale
        return check(changed).mismatches;
      }
    ADD_FAILURE() << "no tensor '" << tensor << "' was observed";
    return {};
  }

  mlir::MLIRContext context;
  std::string messages;
  mlir::OwningOpRef<mlir::ModuleOp> quantised;
  machine::Machine machine;
  isa::Program program;
  run::TensorValues values;
  std::unique_ptr<run::Checker> checker;
};

/// A concatenation whose first part is read elsewhere before it is complete, and whose last one the host writes.
std::string concatenation() {
  ModelText model;
  model.conv("a", "x", 8, 4, 3);
  model.conv("b", "a", 4, 8, 5);
  model.line(
      R"(%turned = tosa.reverse %a {axis = 1 : i32, sparsity.value = "turned"} :
    (tensor<1x4x4x4xi8>) -> tensor<1x4x4x4xi8> loc("turned"))");
  model.line(R"(%cat = tosa.concat %a, %b, %turned {axis = 3 : i32, sparsity.value = "cat"} :
    (tensor<1x4x4x4xi8>, tensor<1x4x4x8xi8>, tensor<1x4x4x4xi8>) -> tensor<1x4x4x16xi8> loc("cat"))");
  model.conv("c", "cat", 16, 8, 2);
  return model.finish("tensor<1x4x4x8xi8>", "c", "tensor<1x4x4x8xi8>");
}

TEST_F(CheckTest, PartsOfAConcatenationAreComparedEach) {
  ASSERT_NO_FATAL_FAILURE(run(concatenation(), "scnn"));
  run::CheckResult right = check(values);
  EXPECT_TRUE(right.held());
  EXPECT_THAT(right.mismatches, IsEmpty());
  EXPECT_THAT(right.notCompared, IsEmpty());
  EXPECT_TRUE(right.wholeChecked);
  for (const isa::Layer &layer : program.layers)
    EXPECT_TRUE(layer.onHost || layer.macs == 0 || layer.name == "a" || layer.name == "b" || layer.name == "c");

  // Channels 4 to 11 of the first position are b's.
  std::vector<std::string> lines = corrupted("cat", 5);
  EXPECT_THAT(lines, Contains(StartsWith("layer 'b': 1 of 128 elements differ, the first at 1: expected ")));
  EXPECT_THAT(lines, Not(Contains(StartsWith("layer 'a'"))));
  EXPECT_THAT(lines, Contains(StartsWith("layer 'c'"))); // computed from it
  lines = corrupted("c", 127);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines.front(), StartsWith("layer 'c': 1 of 128 elements differ, the first at 127: expected "));
  // What the host wrote there is computed from a, and not taken from the host.
  lines = corrupted("cat", 14);
  EXPECT_THAT(lines, Contains(StartsWith("layer 'cat': 1 of 64 elements differ, the first at 2: expected ")));
  EXPECT_THAT(corrupted("x", 0), Contains(StartsWith("layer 'a'")));
}

TEST_F(CheckTest, ABroadcastOperandIsNoObstacle) {
  ModelText model;
  model.conv("a", "x", 8, 8, 3);
  model.line(
      R"(%gap = tosa.avg_pool2d %a, %zero, %zero {acc_type = i32, kernel = array<i64: 4, 4>,
    pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>, sparsity.value = "gap"} :
    (tensor<1x4x4x8xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<1x1x1x8xi8> loc("gap"))");
  model.line(
      R"(%product = tosa.mul %gap, %a, %zero :
    (tensor<1x1x1x8xi8>, tensor<1x4x4x8xi8>, tensor<1xi8>) -> tensor<1x4x4x8xi32> loc("scale"))");
  model.rescale("scaled", "product", "1x4x4x8", 34);
  ASSERT_NO_FATAL_FAILURE(run(model.finish("tensor<1x4x4x8xi8>", "scaled", "tensor<1x4x4x8xi8>"), "cnvlutin"));
  EXPECT_TRUE(check(values).held());
  EXPECT_TRUE(check(values).wholeChecked);
  EXPECT_THAT(corrupted("scaled", 3), Contains(HasSubstr("layer 'scale': 1 of 128 elements differ, the first at 3")));
  EXPECT_THAT(corrupted("gap", 3), Contains(HasSubstr("layer 'gap': 1 of 8 elements differ, the first at 3")));
  EXPECT_THAT(corrupted("a", 3), Contains(HasSubstr("layer 'a': 1 of 128 elements differ, the first at 3")));
}

TEST_F(CheckTest, WhatNothingComparesIsSaid) {
  ASSERT_NO_FATAL_FAILURE(run(concatenation(), "cnvlutin"));
  // A module that does not know the last layer's value, and returns another.
  mlir::func::FuncOp main = *quantised->getOps<mlir::func::FuncOp>().begin();
  for (mlir::Operation &op : main.getOps())
    if (auto name = op.getAttrOfType<mlir::StringAttr>("sparsity.value"); name && name == "c")
      op.removeAttr("sparsity.value");
  mlir::Operation *end = main.front().getTerminator();
  main.setType(mlir::FunctionType::get(&context, main.getArgumentTypes(), {}));
  end->setOperands({});
  auto made = run::Checker::create(*quantised, program);
  ASSERT_TRUE(mlir::succeeded(made)) << messages;
  checker = std::move(*made);
  run::CheckResult result = check(values);
  EXPECT_FALSE(result.held());
  EXPECT_THAT(result.mismatches, IsEmpty());
  EXPECT_THAT(result.notCompared,
              Contains("layer 'c' is not compared: no value of the quantised model holds its tensor 'c', and none that "
                       "is compared follows from it"));
}

} // namespace
