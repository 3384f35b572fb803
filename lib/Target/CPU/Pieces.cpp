//===- Pieces.cpp - Cut functions into small modules ----------------------===//
//
// LLVM takes more than linear time in the length of a function, and a network is one long function of a few kinds of
// layers. Each operation becomes a module of its own, so that equal ones are compiled once, and all of them side by
// side; values do not depend on where they are computed.
//
//===----------------------------------------------------------------------===//

#include "Pieces.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Tosa/IR/TosaOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace sparseaccel::cpu {

bool isTensorInMemory(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && succeeded(elementTypeOf(tensor));
}

static bool isConstant(Operation *op) { return op->hasTrait<OpTrait::ConstantLike>(); }

/// True where upstream's lowering asks nothing of the operand. Zero points, multipliers, shifts, paddings and shapes
/// must be constants.
static bool takesAnyTensor(OpOperand &use) {
  Operation *op = use.getOwner();
  const unsigned index = use.getOperandNumber();
  if (!isa_and_present<tosa::TosaDialect>(op->getDialect()) || op->getNumRegions() != 0)
    return false;
  if (index == 0)
    return true;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<tosa::Conv2DOp, tosa::Conv3DOp, tosa::DepthwiseConv2DOp>([&](auto) { return index <= 2; })
      .Case<tosa::MatMulOp, tosa::MulOp, tosa::TableOp, tosa::GatherOp>([&](auto) { return index == 1; })
      .Case<tosa::AddOp, tosa::SubOp, tosa::MaximumOp, tosa::MinimumOp, tosa::PowOp, tosa::GreaterOp,
            tosa::GreaterEqualOp, tosa::EqualOp, tosa::SelectOp, tosa::ConcatOp>([](auto) { return true; })
      .Default(false);
}

namespace {
class PieceBuilder {
public:
  explicit PieceBuilder(ArrayRef<Operation *> ops) : ops(ops), inside(ops.begin(), ops.end()) { collect(); }

  bool isUsed() const { return !outputs.empty(); }
  FailureOr<Piece> build() const;

private:
  void collect();
  bool isInside(Operation *op) const {
    for (; op; op = op->getParentOp())
      if (inside.contains(op))
        return true;
    return false;
  }
  bool becomesInput(Value constant) const;

  ArrayRef<Operation *> ops;
  llvm::SmallPtrSet<Operation *, 8> inside;
  llvm::SetVector<Value> inputs, outputs, constants;
};
} // namespace

/// A constant is an input where all of its uses in the piece can take it.
bool PieceBuilder::becomesInput(Value constant) const {
  ElementsAttr elements;
  if (!isTensorInMemory(constant.getType()) || !matchPattern(constant, m_Constant(&elements)))
    return false;
  // Attributes that store their elements in another width than memory does are read one by one, resources cannot be.
  const ElementType element = *elementTypeOf(constant.getType());
  const bool inPlace = element != ElementType::I1 && element != ElementType::I48;
  if (!isa<DenseElementsAttr>(elements) && !(inPlace && isa<DenseResourceElementsAttr>(elements)))
    return false;
  return llvm::all_of(constant.getUses(),
                      [&](OpOperand &use) { return !isInside(use.getOwner()) || takesAnyTensor(use); });
}

void PieceBuilder::collect() {
  llvm::SmallPtrSet<Value, 8> seen;
  for (Operation *op : ops) {
    op->walk([&](Operation *nested) {
      for (Value operand : nested->getOperands()) {
        Operation *owner = operand.getParentBlock()->getParentOp();
        Operation *definition = operand.getDefiningOp();
        if (isInside(definition ? definition : owner) || !seen.insert(operand).second)
          continue;
        if (definition && isConstant(definition) && !becomesInput(operand))
          constants.insert(operand);
        else
          inputs.insert(operand);
      }
    });
    for (Value result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !isInside(user); }))
        outputs.insert(result);
  }
}

FailureOr<Piece> PieceBuilder::build() const {
  MLIRContext *context = ops.front()->getContext();
  Location loc = UnknownLoc::get(context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
  auto type = builder.getFunctionType(ValueRange(inputs.getArrayRef()).getTypes(),
                                      ValueRange(outputs.getArrayRef()).getTypes());
  auto function = func::FuncOp::create(builder, loc, kPieceFunction, type);
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (auto [input, argument] : llvm::zip_equal(inputs, body->getArguments()))
    mapping.map(input, argument);
  for (Value constant : constants)
    builder.clone(*constant.getDefiningOp(), mapping);
  for (Operation *op : ops)
    builder.clone(*op, mapping);
  SmallVector<Value> results;
  for (Value output : outputs)
    results.push_back(mapping.lookup(output));
  func::ReturnOp::create(builder, loc, results);
  function->walk([&](Operation *op) {
    op->setLoc(loc);
    op->setDiscardableAttrs(ArrayRef<NamedAttribute>());
    for (Region &region : op->getRegions())
      for (Block &block : region)
        for (BlockArgument argument : block.getArguments())
          argument.setLoc(loc);
  });

  Piece piece;
  piece.first = ops.front();
  piece.inputs.assign(inputs.begin(), inputs.end());
  piece.outputs.assign(outputs.begin(), outputs.end());
  llvm::raw_string_ostream stream(piece.bytecode);
  if (failed(writeBytecodeToFile(*module, stream)))
    return emitError(piece.first->getLoc(), "could not be written as bytecode");
  return piece;
}

/// How many operations from each on must stay in one piece: those up to the last that uses a result which is not a
/// tensor in memory.
static SmallVector<size_t> lastUses(ArrayRef<Operation *> ops) {
  llvm::DenseMap<Operation *, size_t> order;
  for (auto [index, op] : llvm::enumerate(ops))
    order[op] = index;
  SmallVector<size_t> last;
  for (auto [index, op] : llvm::enumerate(ops)) {
    last.push_back(index);
    for (Value result : op->getResults())
      if (!isTensorInMemory(result.getType()))
        for (Operation *user : result.getUsers())
          if (Operation *inBlock = op->getBlock()->findAncestorOpInBlock(*user))
            last.back() = std::max(last.back(), order.lookup_or(inBlock, index));
  }
  return last;
}

FailureOr<std::vector<Piece>> cutIntoPieces(func::FuncOp function) {
  SmallVector<Operation *> ops;
  for (Operation &op : function.front().without_terminator())
    if (!isConstant(&op))
      ops.push_back(&op);
  SmallVector<size_t> last = lastUses(ops);
  std::vector<Piece> pieces;
  for (size_t begin = 0, end = 0; begin < ops.size(); begin = end) {
    size_t reach = begin;
    for (end = begin; end <= reach; ++end)
      reach = std::max(reach, last[end]);
    PieceBuilder builder(ArrayRef<Operation *>(ops).slice(begin, end - begin));
    if (!builder.isUsed())
      continue;
    FailureOr<Piece> piece = builder.build();
    if (failed(piece))
      return failure();
    pieces.push_back(std::move(*piece));
  }
  return pieces;
}

} // namespace sparseaccel::cpu
