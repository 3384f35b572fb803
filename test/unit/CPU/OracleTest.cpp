//===- OracleTest.cpp - The quantised model against the float one ---------===//

#include "SparseAccel/Target/CPU/Oracle.h"
#include "SparseAccel/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace sparseaccel;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

// A convolution with ReLU, a pool, a sigmoid, a residual add, a product, an average pool, and soft-max on the host.
constexpr llvm::StringLiteral kModel = R"(
func.func private @softmax.0(%x: tensor<1x1x1x4xf32>) -> tensor<1x1x1x4xf32> attributes {sparsity.host = {kind = "softmax", axis = 3 : i64}} {
  %s = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %0 = tosa.exp %x : (tensor<1x1x1x4xf32>) -> tensor<1x1x1x4xf32>
  %1 = tosa.reduce_sum %0 {axis = 3 : i32} : (tensor<1x1x1x4xf32>) -> tensor<1x1x1x1xf32>
  %2 = tosa.reciprocal %1 : (tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %3 = tosa.mul %0, %2, %s : (tensor<1x1x1x4xf32>, tensor<1x1x1x1xf32>, tensor<1xi8>) -> tensor<1x1x1x4xf32>
  return %3 : tensor<1x1x1x4xf32>
}
func.func @main(%arg0: tensor<1x2x4x4xf32> {sparsity.name = "data"}) -> (tensor<1x4x4x4xf32>, tensor<1x1x1x4xf32>) {
  %s = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %x = tosa.transpose %arg0 {perms = array<i32: 0, 2, 3, 1>} : (tensor<1x2x4x4xf32>) -> tensor<1x4x4x2xf32> loc("data")
  %w = "tosa.const"() {values = dense<[[[[1.0, -0.5]]], [[[0.25, 0.0]]], [[[0.5, 2.0]]], [[[-1.0, 0.125]]]]> : tensor<4x1x1x2xf32>} : () -> tensor<4x1x1x2xf32>
  %b = "tosa.const"() {values = dense<[0.0, 0.1, -0.2, 0.3]> : tensor<4xf32>} : () -> tensor<4xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x4x4x2xf32>, tensor<4x1x1x2xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x4xf32> loc("conv1")
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 0x7F800000 : f32} : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> loc("relu1")
  %p = tosa.max_pool2d %1 {kernel = array<i64: 3, 3>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>} :
    (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> loc("pool")
  %2 = tosa.sigmoid %p : (tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> loc("sig")
  %3 = tosa.add %1, %2 : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32> loc("add")
  %4 = tosa.mul %3, %2, %s : (tensor<1x4x4x4xf32>, tensor<1x4x4x4xf32>, tensor<1xi8>) -> tensor<1x4x4x4xf32> loc("mul")
  %5 = tosa.avg_pool2d %4, %z, %z {acc_type = f32, kernel = array<i64: 4, 4>, pad = array<i64: 0, 0, 0, 0>, stride = array<i64: 1, 1>} :
    (tensor<1x4x4x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x1x4xf32> loc("gap")
  %6 = call @softmax.0(%5) : (tensor<1x1x1x4xf32>) -> tensor<1x1x1x4xf32> loc("prob")
  return %4, %6 : tensor<1x4x4x4xf32>, tensor<1x1x1x4xf32>
}
)";

class OracleTest : public ::testing::Test {
protected:
  OracleTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<mlir::func::FuncDialect, mlir::tosa::TosaDialect>();
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &diagnostic) { messages += diagnostic.str() + "\n"; });
    module = mlir::parseSourceString<mlir::ModuleOp>(kModel, &context);
  }

  mlir::OwningOpRef<mlir::ModuleOp> quantised(NumericsKind numerics, const std::string &calibrate) {
    mlir::OwningOpRef<mlir::ModuleOp> copy(module->clone());
    mlir::PassManager passes(&context);
    QuantizeOptions options;
    options.numerics = numerics;
    options.calibrate = calibrate;
    passes.addPass(createQuantize(options));
    if (mlir::failed(passes.run(*copy)))
      ADD_FAILURE() << messages;
    return copy;
  }

  static runtime::Array images(int64_t count) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<float> values(count * 32);
    for (float &value : values)
      value = normal(random);
    return runtime::makeArray<float>({count, 2, 4, 4}, values);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string messages;
};

TEST_F(OracleTest, QuantisedModelIsCloseToTheFloatOne) {
  const std::string path = ::testing::TempDir() + "/oracle_test_images.npy";
  ASSERT_TRUE(runtime::writeNpy(path, images(8)).ok());
  auto reference = cpu::CompiledModule::compile(*module);
  ASSERT_TRUE(mlir::succeeded(reference)) << messages;
  for (NumericsKind numerics : {NumericsKind::Int8, NumericsKind::Int16}) {
    auto integer = quantised(numerics, path);
    auto compiled = cpu::CompiledModule::compile(*integer);
    ASSERT_TRUE(mlir::succeeded(compiled)) << messages;
    auto runs = cpu::splitInputs(*cpu::mainFunction(*integer), {{"", images(8)}}, path);
    ASSERT_TRUE(mlir::succeeded(runs)) << messages;
    ASSERT_EQ(runs->size(), 8u);
    // Scales are a few units over 127 or 32767; four roundings in a row.
    const double tolerance = numerics == NumericsKind::Int8 ? 0.35 : 0.002;
    double most = 0;
    for (const auto &inputs : *runs) {
      auto want = (*reference)->run("main", inputs), have = (*compiled)->run("main", inputs);
      ASSERT_TRUE(mlir::succeeded(want) && mlir::succeeded(have)) << messages;
      for (size_t output = 0; output < want->size(); ++output)
        for (size_t i = 0; i < (*want)[output].as<float>().size(); ++i)
          most = std::max<double>(most, std::abs((*want)[output].as<float>()[i] - (*have)[output].as<float>()[i]));
    }
    EXPECT_LT(most, tolerance);
    EXPECT_GT(most, 0);
  }
}

// Every layer alone, fed what the whole model computed, gives the whole model's bits.
TEST_F(OracleTest, LayersAloneAgreeWithTheWhole) {
  const std::string path = ::testing::TempDir() + "/oracle_test_layers.npy";
  ASSERT_TRUE(runtime::writeNpy(path, images(2)).ok());
  auto integer = quantised(NumericsKind::Int16, path);
  auto main = *cpu::mainFunction(*integer);
  struct Layer {
    std::string output;
    std::vector<std::string> inputs;
  };
  const std::vector<Layer> layers = {{"relu1", {"data.quantized"}}, {"sig", {"relu1"}},        {"add", {"relu1", "sig"}},
                                     {"mul", {"add", "sig"}},       {"gap", {"mul"}},          {"prob", {"gap.real"}},
                                     {"gap", {"relu1", "sig"}},     {"mul.real", {"mul"}}};
  auto known = cpu::namedValues(main);
  std::vector<cpu::LayerSpec> specs;
  for (const Layer &layer : layers) {
    specs.push_back({"layer" + std::to_string(specs.size()), known.lookup(layer.output), {}});
    for (const std::string &input : layer.inputs)
      specs.back().inputs.push_back(known.lookup(input));
  }
  std::vector<std::string> names = {"data.quantized", "relu1", "sig",     "add", "mul", "gap",
                                    "gap.real",       "prob",  "mul.real"};
  auto exposed = cpu::exposeValues(main, names);
  ASSERT_TRUE(mlir::succeeded(exposed)) << messages;
  auto whole = cpu::CompiledModule::compile(**exposed);
  auto functions = cpu::buildLayerFunctions(*integer, specs);
  ASSERT_TRUE(mlir::succeeded(functions)) << messages;
  auto alone = cpu::CompiledModule::compile(**functions);
  ASSERT_TRUE(mlir::succeeded(whole) && mlir::succeeded(alone)) << messages;
  auto runs = cpu::splitInputs(main, {{"data", images(2)}}, path);
  auto values = (*whole)->run("main", runs->front());
  ASSERT_TRUE(mlir::succeeded(values)) << messages;
  auto value = [&](const std::string &name) {
    return (*values)[std::find(names.begin(), names.end(), name) - names.begin()];
  };
  for (const auto &[layer, spec] : llvm::zip(layers, specs)) {
    std::vector<cpu::Tensor> inputs;
    for (const std::string &name : layer.inputs)
      inputs.push_back(value(name));
    auto results = (*alone)->run(spec.function, inputs);
    ASSERT_TRUE(mlir::succeeded(results)) << messages;
    EXPECT_EQ(results->front().type, value(layer.output).type);
    EXPECT_EQ(results->front().bytes, value(layer.output).bytes) << spec.function;
  }
}

TEST_F(OracleTest, MisuseIsDiagnosed) {
  auto main = *cpu::mainFunction(*module);
  EXPECT_TRUE(mlir::failed(cpu::exposeValues(main, {std::string("dada")})));
  EXPECT_THAT(messages, HasSubstr("has no value named 'dada'; the nearest name is 'data'"));
  const std::string path = ::testing::TempDir() + "/oracle_test_misuse.npy";
  ASSERT_TRUE(runtime::writeNpy(path, images(1)).ok());
  auto integer = quantised(NumericsKind::Int8, path);
  auto known = cpu::namedValues(*cpu::mainFunction(*integer));
  mlir::Value relu = known.lookup("relu1"), sig = known.lookup("sig"), add = known.lookup("add");
  EXPECT_TRUE(mlir::failed(cpu::buildLayerFunctions(*integer, {{"layer", add, {sig}}})));
  EXPECT_THAT(messages,
              HasSubstr("layer 'layer': value 'add' needs argument 0 of @main, which is not among the layer's inputs"));
  EXPECT_TRUE(mlir::failed(cpu::buildLayerFunctions(*integer, {{"a", sig, {relu}}, {"a", sig, {relu}}})));
  EXPECT_THAT(messages, HasSubstr("layer 'a' is named twice"));
  EXPECT_TRUE(mlir::failed(cpu::buildLayerFunctions(*integer, {{"b", add, {relu, sig, relu}}})));
  EXPECT_THAT(messages, HasSubstr("layer 'b' takes value 'relu1' twice"));
}

TEST_F(OracleTest, InputsAreCutIntoRuns) {
  auto main = *cpu::mainFunction(*module);
  const runtime::Array array = images(3);
  auto runs =
      cpu::splitInputs(main, {{"labels", runtime::makeArray<int64_t>({3}, {1, 2, 3})}, {"x", array}}, "file.npz");
  ASSERT_TRUE(mlir::succeeded(runs)) << messages;
  ASSERT_EQ(runs->size(), 3u);
  EXPECT_EQ((*runs)[2][0].as<float>()[0], array.as<float>()[64]);
  EXPECT_TRUE(
      mlir::failed(cpu::splitInputs(main, {{"data", runtime::makeArray<float>({4}, {0, 0, 0, 0})}}, "file.npz")));
  EXPECT_THAT(messages, HasSubstr("file.npz: the array for input 'data' is float32[4]; expected shape 1x2x4x4xf32"));
  // The only array is meant, whatever its name; of two, the one that fits.
  messages.clear();
  EXPECT_TRUE(mlir::failed(cpu::splitInputs(main, {{"y", runtime::makeArray<float>({4}, {0, 0, 0, 0})}}, "file.npz")));
  EXPECT_THAT(messages, HasSubstr("file.npz: the array for input 'data' is float32[4]; expected shape 1x2x4x4xf32"));
  runtime::Array none = runtime::makeArray<float>({4}, {0, 0, 0, 0});
  EXPECT_TRUE(mlir::failed(cpu::splitInputs(main, {{"y", none}, {"z", none}}, "file.npz")));
  EXPECT_THAT(messages, HasSubstr("file.npz: no array for input 'data' of type 1x2x4x4xf32"));
}

} // namespace
