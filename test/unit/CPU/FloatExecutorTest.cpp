//===- FloatExecutorTest.cpp ----------------------------------------------===//

#include "SparseAccel/Target/CPU/FloatExecutor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>

using namespace sparseaccel;
using cpu::ElementType;
using cpu::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

/// Ops that models have, one function each. %z is a float zero, %s a multiplication's shift.
struct Case {
  const char *name;
  const char *arguments;
  const char *result;
  const char *body; ///< Defines %r.
};

constexpr Case kCases[] = {
    {"conv", "%x: tensor<2x9x8x5xf32>, %w: tensor<7x3x2x5xf32>, %b: tensor<7xf32>", "tensor<2x5x8x7xf32>",
     R"(%r = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 2>, pad = array<i64: 1, 1, 0, 2>,
        stride = array<i64: 2, 1>} : (tensor<2x9x8x5xf32>, tensor<7x3x2x5xf32>, tensor<7xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x5x8x7xf32>)"},
    {"conv_one_bias", "%x: tensor<1x6x6x16xf32>, %w: tensor<32x1x1x16xf32>, %b: tensor<1xf32>", "tensor<1x6x6x32xf32>",
     R"(%r = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>,
        stride = array<i64: 1, 1>} : (tensor<1x6x6x16xf32>, tensor<32x1x1x16xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x6x6x32xf32>)"},
    {"fully_connected", "%x: tensor<3x1x1x70xf32>, %w: tensor<9x1x1x70xf32>, %b: tensor<9xf32>", "tensor<3x1x1x9xf32>",
     R"(%r = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>,
        stride = array<i64: 1, 1>} : (tensor<3x1x1x70xf32>, tensor<9x1x1x70xf32>, tensor<9xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<3x1x1x9xf32>)"},
    {"depthwise", "%x: tensor<1x7x6x4xf32>, %w: tensor<3x3x4x1xf32>, %b: tensor<4xf32>", "tensor<1x7x3x4xf32>",
     R"(%r = tosa.depthwise_conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 0>,
        stride = array<i64: 1, 2>} : (tensor<1x7x6x4xf32>, tensor<3x3x4x1xf32>, tensor<4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x7x3x4xf32>)"},
    {"depthwise_multiplier", "%x: tensor<1x5x5x3xf32>, %w: tensor<2x3x3x4xf32>, %b: tensor<12xf32>",
     "tensor<1x4x3x12xf32>",
     R"(%r = tosa.depthwise_conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 0, 0, 0, 0>,
        stride = array<i64: 1, 1>} : (tensor<1x5x5x3xf32>, tensor<2x3x3x4xf32>, tensor<12xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x3x12xf32>)"},
    {"matmul", "%x: tensor<2x5x33xf32>, %y: tensor<2x33x17xf32>", "tensor<2x5x17xf32>",
     "%r = tosa.matmul %x, %y, %z, %z : (tensor<2x5x33xf32>, tensor<2x33x17xf32>, tensor<1xf32>, tensor<1xf32>) -> "
     "tensor<2x5x17xf32>"},
    {"max_pool", "%x: tensor<2x7x8x5xf32>", "tensor<2x4x4x5xf32>",
     "%r = tosa.max_pool2d %x {kernel = array<i64: 3, 2>, pad = array<i64: 1, 1, 0, 0>, stride = array<i64: 2, 2>} : "
     "(tensor<2x7x8x5xf32>) -> tensor<2x4x4x5xf32>"},
    {"avg_pool", "%x: tensor<2x7x7x5xf32>", "tensor<2x4x4x5xf32>",
     "%r = tosa.avg_pool2d %x, %z, %z {acc_type = f32, kernel = array<i64: 3, 3>, pad = array<i64: 1, 1, 1, 1>, stride "
     "= array<i64: 2, 2>} : (tensor<2x7x7x5xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<2x4x4x5xf32>"},
    {"add", "%x: tensor<2x3x4xf32>, %y: tensor<1x3x1xf32>", "tensor<2x3x4xf32>",
     "%r = tosa.add %x, %y : (tensor<2x3x4xf32>, tensor<1x3x1xf32>) -> tensor<2x3x4xf32>"},
    {"sub", "%x: tensor<1x1x4xf32>, %y: tensor<2x3x1xf32>", "tensor<2x3x4xf32>",
     "%r = tosa.sub %x, %y : (tensor<1x1x4xf32>, tensor<2x3x1xf32>) -> tensor<2x3x4xf32>"},
    {"mul", "%x: tensor<2x3x4xf32>, %y: tensor<2x3x4xf32>", "tensor<2x3x4xf32>",
     "%r = tosa.mul %x, %y, %s : (tensor<2x3x4xf32>, tensor<2x3x4xf32>, tensor<1xi8>) -> tensor<2x3x4xf32>"},
    {"maximum", "%x: tensor<2x3xf32>, %y: tensor<2x3xf32>", "tensor<2x3xf32>",
     "%r = tosa.maximum %x, %y : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>"},
    {"minimum", "%x: tensor<2x3xf32>, %y: tensor<1x1xf32>", "tensor<2x3xf32>",
     "%r = tosa.minimum %x, %y : (tensor<2x3xf32>, tensor<1x1xf32>) -> tensor<2x3xf32>"},
    {"pow", "%x: tensor<40xf32>, %y: tensor<40xf32>", "tensor<40xf32>",
     "%a = tosa.abs %x : (tensor<40xf32>) -> tensor<40xf32>\n%r = tosa.pow %a, %y : (tensor<40xf32>, tensor<40xf32>) "
     "-> tensor<40xf32>"},
    {"exp", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.exp %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"log", "%x: tensor<40xf32>", "tensor<40xf32>",
     "%a = tosa.abs %x : (tensor<40xf32>) -> tensor<40xf32>\n%r = tosa.log %a : (tensor<40xf32>) -> tensor<40xf32>"},
    {"reciprocal", "%x: tensor<40xf32>", "tensor<40xf32>",
     "%r = tosa.reciprocal %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"rsqrt", "%x: tensor<40xf32>", "tensor<40xf32>",
     "%a = tosa.abs %x : (tensor<40xf32>) -> tensor<40xf32>\n%r = tosa.rsqrt %a : (tensor<40xf32>) -> tensor<40xf32>"},
    {"sigmoid", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.sigmoid %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"tanh", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.tanh %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"erf", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.erf %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"floor", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.floor %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"ceil", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.ceil %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"sin", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.sin %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"cos", "%x: tensor<40xf32>", "tensor<40xf32>", "%r = tosa.cos %x : (tensor<40xf32>) -> tensor<40xf32>"},
    {"negate", "%x: tensor<40xf32>", "tensor<40xf32>",
     "%r = tosa.negate %x, %z, %z : (tensor<40xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<40xf32>"},
    {"clamp", "%x: tensor<40xf32>", "tensor<40xf32>",
     "%r = tosa.clamp %x {min_val = -0.5 : f32, max_val = 1.5 : f32} : (tensor<40xf32>) -> tensor<40xf32>"},
    {"reduce_sum", "%x: tensor<2x30x4xf32>", "tensor<2x1x4xf32>",
     "%r = tosa.reduce_sum %x {axis = 1 : i32} : (tensor<2x30x4xf32>) -> tensor<2x1x4xf32>"},
    {"reduce_max", "%x: tensor<2x3x4xf32>", "tensor<2x3x1xf32>",
     "%r = tosa.reduce_max %x {axis = 2 : i32} : (tensor<2x3x4xf32>) -> tensor<2x3x1xf32>"},
    {"reduce_min", "%x: tensor<2x3x4xf32>", "tensor<1x3x4xf32>",
     "%r = tosa.reduce_min %x {axis = 0 : i32} : (tensor<2x3x4xf32>) -> tensor<1x3x4xf32>"},
    {"reduce_product", "%x: tensor<2x3x4xf32>", "tensor<2x1x4xf32>",
     "%r = tosa.reduce_product %x {axis = 1 : i32} : (tensor<2x3x4xf32>) -> tensor<2x1x4xf32>"},
    {"reshape", "%x: tensor<2x3x4xf32>", "tensor<6x4xf32>",
     "%d = tosa.const_shape {values = dense<[6, 4]> : tensor<2xindex>} : () -> !tosa.shape<2>\n"
     "%r = tosa.reshape %x, %d : (tensor<2x3x4xf32>, !tosa.shape<2>) -> tensor<6x4xf32>"},
    {"transpose", "%x: tensor<2x3x4xf32>", "tensor<4x2x3xf32>",
     "%r = tosa.transpose %x {perms = array<i32: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>"},
    {"slice", "%x: tensor<4x5xf32>", "tensor<2x3xf32>",
     "%a = tosa.const_shape {values = dense<[1, 2]> : tensor<2xindex>} : () -> !tosa.shape<2>\n"
     "%b = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>\n"
     "%r = tosa.slice %x, %a, %b : (tensor<4x5xf32>, !tosa.shape<2>, !tosa.shape<2>) -> tensor<2x3xf32>"},
    {"pad", "%x: tensor<2x3xf32>", "tensor<3x6xf32>",
     "%a = tosa.const_shape {values = dense<[1, 0, 1, 2]> : tensor<4xindex>} : () -> !tosa.shape<4>\n"
     "%v = \"tosa.const\"() {values = dense<-2.5> : tensor<1xf32>} : () -> tensor<1xf32>\n"
     "%r = tosa.pad %x, %a, %v : (tensor<2x3xf32>, !tosa.shape<4>, tensor<1xf32>) -> tensor<3x6xf32>"},
    {"concat", "%x: tensor<2x3xf32>, %y: tensor<2x4xf32>", "tensor<2x10xf32>",
     "%r = tosa.concat %x, %y, %x {axis = 1 : i32} : (tensor<2x3xf32>, tensor<2x4xf32>, tensor<2x3xf32>) -> "
     "tensor<2x10xf32>"},
    {"reverse", "%x: tensor<2x5xf32>", "tensor<2x5xf32>",
     "%r = tosa.reverse %x {axis = 1 : i32} : (tensor<2x5xf32>) -> tensor<2x5xf32>"},
    {"tile", "%x: tensor<2x3xf32>", "tensor<4x9xf32>",
     "%a = tosa.const_shape {values = dense<[2, 3]> : tensor<2xindex>} : () -> !tosa.shape<2>\n"
     "%r = tosa.tile %x, %a : (tensor<2x3xf32>, !tosa.shape<2>) -> tensor<4x9xf32>"},
    {"gather", "%x: tensor<1x4x3xf32>", "tensor<1x3x3xf32>",
     "%i = \"tosa.const\"() {values = dense<[[3, 0, 3]]> : tensor<1x3xi32>} : () -> tensor<1x3xi32>\n"
     "%r = tosa.gather %x, %i : (tensor<1x4x3xf32>, tensor<1x3xi32>) -> tensor<1x3x3xf32>"},
    {"select", "%x: tensor<2x3xf32>, %y: tensor<1x3xf32>", "tensor<2x3xf32>",
     "%c = tosa.greater %x, %y : (tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xi1>\n"
     "%n = tosa.logical_not %c : (tensor<2x3xi1>) -> tensor<2x3xi1>\n"
     "%e = tosa.greater_equal %y, %x : (tensor<1x3xf32>, tensor<2x3xf32>) -> tensor<2x3xi1>\n"
     "%a = tosa.logical_and %n, %e : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>\n"
     "%o = tosa.logical_or %a, %c : (tensor<2x3xi1>, tensor<2x3xi1>) -> tensor<2x3xi1>\n"
     "%m = tosa.select %a, %x, %y : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<1x3xf32>) -> tensor<2x3xf32>\n"
     "%r = tosa.select %o, %m, %x : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>"},
    {"constant_mask", "%x: tensor<2x3xf32>", "tensor<2x3xf32>",
     "%c = \"tosa.const\"() {values = dense<[[true, false, true], [false, false, true]]> : tensor<2x3xi1>} : () -> "
     "tensor<2x3xi1>\n"
     "%k = \"tosa.const\"() {values = dense<7.0> : tensor<2x3xf32>} : () -> tensor<2x3xf32>\n"
     "%r = tosa.select %c, %x, %k : (tensor<2x3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>"},
    {"cast", "%x: tensor<40xf32>", "tensor<40xf32>",
     "%k = \"tosa.const\"() {values = dense<40.0> : tensor<1xf32>} : () -> tensor<1xf32>\n"
     "%a = tosa.mul %x, %k, %s : (tensor<40xf32>, tensor<1xf32>, tensor<1xi8>) -> tensor<40xf32>\n"
     "%i = tosa.cast %a : (tensor<40xf32>) -> tensor<40xi8>\n"
     "%j = tosa.cast %i : (tensor<40xi8>) -> tensor<40xi32>\n"
     "%r = tosa.cast %j : (tensor<40xi32>) -> tensor<40xf32>"},
    {"identity", "%x: tensor<2x3xf32>", "tensor<2x3xf32>",
     "%r = tosa.identity %x : (tensor<2x3xf32>) -> tensor<2x3xf32>"},
};

std::string functionText(const Case &one) {
  std::string text = std::string("func.func @") + one.name + "(" + one.arguments + ") -> " + one.result + " {\n";
  text += "%z = \"tosa.const\"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>\n"
          "%s = \"tosa.const\"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>\n";
  return text + one.body + "\nreturn %r : " + one.result + "\n}\n";
}

class FloatExecutorTest : public ::testing::Test {
protected:
  FloatExecutorTest() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<mlir::func::FuncDialect, mlir::tosa::TosaDialect>();
    context.getDiagEngine().registerHandler(
        [this](mlir::Diagnostic &diagnostic) { messages += diagnostic.str() + "\n"; });
  }

  mlir::func::FuncOp parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << messages;
    return module ? module->lookupSymbol<mlir::func::FuncOp>("main") : mlir::func::FuncOp();
  }

  std::vector<Tensor> inputsOf(const cpu::Signature &signature) {
    std::vector<Tensor> inputs;
    for (const cpu::TensorType &type : signature.inputs) {
      Tensor &tensor = inputs.emplace_back(type);
      std::normal_distribution<float> normal;
      for (float &value : tensor.as<float>())
        value = normal(random);
    }
    return inputs;
  }

  static Tensor floats(std::vector<int64_t> shape, const std::vector<float> &values) {
    Tensor result(cpu::TensorType{ElementType::F32, std::move(shape)});
    std::copy(values.begin(), values.end(), result.as<float>().begin());
    return result;
  }

  mlir::MLIRContext context;
  std::string messages;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::mt19937 random{7};
};

/// The largest difference over the largest value.
double error(const Tensor &ours, const Tensor &theirs) {
  double difference = 0, range = 0;
  for (auto [a, b] : llvm::zip_equal(ours.as<float>(), theirs.as<float>())) {
    difference = std::max(difference, std::fabs(double(a) - double(b)));
    range = std::max(range, std::fabs(double(b)));
  }
  return difference / std::max(range, 1e-30);
}

// Each op beside upstream's lowering, and none of them compiled.
TEST_F(FloatExecutorTest, AgreesWithTheJit) {
  std::string text;
  for (const Case &one : kCases)
    text += functionText(one);
  module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(module) << messages;
  auto compiled = cpu::CompiledModule::compile(*module);
  ASSERT_TRUE(mlir::succeeded(compiled)) << messages;
  for (const Case &one : kCases) {
    SCOPED_TRACE(one.name);
    auto executor = cpu::FloatExecutor::create(module->lookupSymbol<mlir::func::FuncOp>(one.name));
    ASSERT_TRUE(mlir::succeeded(executor)) << messages;
    EXPECT_THAT((*executor)->compiledOps(), IsEmpty());
    std::vector<Tensor> inputs = inputsOf((*executor)->signature());
    auto ours = (*executor)->run(inputs);
    auto theirs = (*compiled)->run(one.name, inputs);
    ASSERT_TRUE(mlir::succeeded(ours) && mlir::succeeded(theirs)) << messages;
    ASSERT_EQ(ours->front().type, theirs->front().type);
    EXPECT_LE(error(ours->front(), theirs->front()), 1e-5);
  }
}

constexpr llvm::StringLiteral kNetwork = R"(
func.func private @softmax(%x: tensor<1x6xf32>) -> tensor<1x6xf32> attributes {sparsity.host = {kind = "softmax", axis = 1 : i64}} {
  %m = tosa.reduce_max %x {axis = 1 : i32} : (tensor<1x6xf32>) -> tensor<1x1xf32>
  %d = tosa.sub %x, %m : (tensor<1x6xf32>, tensor<1x1xf32>) -> tensor<1x6xf32>
  %e = tosa.exp %d : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %t = tosa.reduce_sum %e {axis = 1 : i32} : (tensor<1x6xf32>) -> tensor<1x1xf32>
  %i = tosa.reciprocal %t : (tensor<1x1xf32>) -> tensor<1x1xf32>
  %s = "tosa.const"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>
  %r = tosa.mul %e, %i, %s : (tensor<1x6xf32>, tensor<1x1xf32>, tensor<1xi8>) -> tensor<1x6xf32>
  return %r : tensor<1x6xf32>
}
func.func @main(%x: tensor<1x6xf32>) -> (tensor<1x6xf32>, tensor<1x6xf32>, tensor<1x6xf32>) {
  %k = "tosa.const"() {values = dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]> : tensor<1x6xf32>} : () -> tensor<1x6xf32>
  %a = tosa.add %x, %k : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<1x6xf32>
  %p = call @softmax(%a) : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %q = call @softmax(%p) : (tensor<1x6xf32>) -> tensor<1x6xf32>
  %b = tosa.add %q, %a : (tensor<1x6xf32>, tensor<1x6xf32>) -> tensor<1x6xf32>
  return %b, %x, %b : tensor<1x6xf32>, tensor<1x6xf32>, tensor<1x6xf32>
}
)";

std::vector<double> softmax(const std::vector<double> &x) {
  double sum = 0;
  std::vector<double> result;
  for (double value : x)
    sum += result.emplace_back(std::exp(value));
  for (double &value : result)
    value /= sum;
  return result;
}

TEST_F(FloatExecutorTest, ShowsValuesAsTheyAreComputed) {
  auto main = parse(kNetwork);
  auto executor = cpu::FloatExecutor::create(main);
  ASSERT_TRUE(mlir::succeeded(executor)) << messages;
  llvm::SmallVector<mlir::Operation *> ops;
  for (mlir::Operation &op : main.front())
    ops.push_back(&op);
  mlir::Value constant = ops[0]->getResult(0), p = ops[2]->getResult(0), b = ops[4]->getResult(0);
  std::vector<std::pair<mlir::Value, std::vector<float>>> seen;
  auto results = (*executor)->run(
      floats({1, 6}, {0, -1, -2, -3, -4, -5}), {b, p, constant, main.getArgument(0)},
      [&](mlir::Value value, const Tensor &tensor) { seen.emplace_back(value, tensor.as<float>().vec()); });
  ASSERT_TRUE(mlir::succeeded(results)) << messages;
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0].first, constant);
  EXPECT_THAT(seen[0].second, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_EQ(seen[1].first, main.getArgument(0));
  EXPECT_THAT(seen[1].second, ElementsAre(0, -1, -2, -3, -4, -5));
  EXPECT_EQ(seen[2].first, p); // before what is computed of it
  EXPECT_EQ(seen[3].first, b);
  std::vector<double> expected = softmax(std::vector<double>(6, 1.0));
  for (auto [index, value] : llvm::enumerate(seen[2].second))
    EXPECT_NEAR(value, expected[index], 1e-6);
  expected = softmax(expected);
  ASSERT_EQ(results->size(), 3u);
  for (size_t index = 0; index < 6; ++index)
    EXPECT_NEAR((*results)[0].as<float>()[index], expected[index] + 1, 1e-6);
  EXPECT_EQ((*results)[1].as<float>()[5], -5);
  EXPECT_EQ((*results)[2].bytes, (*results)[0].bytes); // returned twice
}

// Several runs at once, on threads that OpenMP would share out again, give the same bytes.
TEST_F(FloatExecutorTest, RunsAreTheSameOnAnyThread) {
  auto main = parse(functionText({"main", kCases[1].arguments, kCases[1].result, kCases[1].body}));
  auto executor = cpu::FloatExecutor::create(main);
  ASSERT_TRUE(mlir::succeeded(executor)) << messages;
  std::vector<Tensor> inputs = inputsOf((*executor)->signature());
  auto expected = (*executor)->run(inputs);
  ASSERT_TRUE(mlir::succeeded(expected));
  std::vector<std::vector<uint8_t>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<uint8_t> &bytes : found)
    threads.emplace_back([&] {
      auto results = (*executor)->run(inputs);
      bytes = mlir::succeeded(results) ? results->front().bytes : std::vector<uint8_t>();
    });
  for (std::thread &thread : threads)
    thread.join();
  for (const std::vector<uint8_t> &bytes : found)
    EXPECT_EQ(bytes, expected->front().bytes);
}

// What no kernel runs is compiled, and named by its node.
TEST_F(FloatExecutorTest, CompilesTheRestByName) {
  auto main = parse(R"(
func.func @main(%x: tensor<1x2x3xf32>) -> (tensor<1x2xi32>, tensor<1x2x3xf32>) {
  %i = tosa.argmax %x {axis = 2 : i32} : (tensor<1x2x3xf32>) -> tensor<1x2xi32> loc("pick")
  %a = tosa.abs %x : (tensor<1x2x3xf32>) -> tensor<1x2x3xf32>
  return %i, %a : tensor<1x2xi32>, tensor<1x2x3xf32>
}
)");
  auto executor = cpu::FloatExecutor::create(main);
  ASSERT_TRUE(mlir::succeeded(executor)) << messages;
  EXPECT_THAT((*executor)->compiledOps(), ElementsAre("pick (tosa.argmax)"));
  auto results = (*executor)->run(floats({1, 2, 3}, {1, -2, 0.5, -3, -2, -1}));
  ASSERT_TRUE(mlir::succeeded(results)) << messages;
  EXPECT_THAT((*results)[0].as<int32_t>().vec(), ElementsAre(0, 2));
  EXPECT_THAT((*results)[1].as<float>().vec(), ElementsAre(1, 2, 0.5, 3, 2, 1));
}

TEST_F(FloatExecutorTest, RefusesWhatDoesNotFit) {
  auto main = parse(kNetwork);
  auto executor = cpu::FloatExecutor::create(main);
  ASSERT_TRUE(mlir::succeeded(executor)) << messages;
  EXPECT_TRUE(mlir::failed((*executor)->run({})));
  EXPECT_THAT(messages, HasSubstr("takes 1 inputs, but 0 were given"));
  EXPECT_TRUE(mlir::failed((*executor)->run(floats({6}, {0, 0, 0, 0, 0, 0}))));
  EXPECT_THAT(messages, HasSubstr("input 0 must be 1x6xf32, but is 6xf32"));
  auto helper = module->lookupSymbol<mlir::func::FuncOp>("softmax");
  EXPECT_TRUE(mlir::failed((*executor)->run(floats({1, 6}, {0, 0, 0, 0, 0, 0}), helper.getArgument(0))));
  EXPECT_THAT(messages, HasSubstr("a value that @main does not compute"));
  EXPECT_TRUE(mlir::failed(cpu::FloatExecutor::create(parse(R"(
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}
)"))));
  EXPECT_THAT(messages, HasSubstr("needs tensors of static shape"));
}

} // namespace
