//===- ScheduleNetwork.cpp - Layer operations as the scheduler's problem --===//

#include "ScheduleNetwork.h"

#include "Constants.h"

using namespace mlir;
using namespace sparseaccel;
using namespace sparseaccel::schedule;

//===----------------------------------------------------------------------===//
// Small conversions
//===----------------------------------------------------------------------===//

Coord sparseaccel::fourRanks(ArrayRef<int64_t> coord, int64_t fill) {
  Coord result{fill, fill, fill, fill};
  if (coord.size() > 4) {
    for (int64_t extent : coord)
      result[3] *= extent;
    return result;
  }
  for (size_t d = 0; d + 1 < coord.size(); ++d)
    result[d] = coord[d];
  if (!coord.empty())
    result[3] = coord.back();
  return result;
}

Coord sparseaccel::fourRanks(ArrayRef<int64_t> shape) { return fourRanks(shape, 1); }

SmallVector<int64_t> sparseaccel::ownRanks(const Coord &coord, size_t rank) {
  SmallVector<int64_t> result;
  for (size_t d = 0; d + 1 < rank; ++d)
    result.push_back(coord[d]);
  if (rank)
    result.push_back(coord[3]);
  return result;
}

unsigned sparseaccel::elementBytes(Type elementType) {
  return llvm::PowerOf2Ceil((elementType.getIntOrFloatBitWidth() + 7) / 8);
}

ElementsAttr sparseaccel::constantOf(Value value) {
  while (auto encode = value.getDefiningOp<sparsity::EncodeOp>())
    value = encode.getSource();
  return constantElements(value);
}

/// Whether a format holds the weights of a contraction: others than constants are not known here.
static bool holdsWeights(const formats::Format &format, accel::ContractionOp op) {
  if (!format.restrictsValues())
    return true;
  ElementsAttr constant = constantOf(op.getWeights());
  if (!constant)
    return false;
  auto type = cast<RankedTensorType>(constant.getType());
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(constant, storage);
  return sparsity::EncodingAttr::get(op.getContext(), format)
      .getObstacle(type.getShape(), type.getElementTypeBitWidth(), bytes)
      .empty();
}

static double densityOf(ElementsAttr constant) {
  std::vector<char> storage;
  ArrayRef<char> bytes = constantBytes(constant, storage);
  size_t nonzeros = 0, count = 0;
  switch (elementBytes(constant.getElementType())) {
  case 1:
    count = bytes.size();
    for (char value : bytes)
      nonzeros += value != 0;
    break;
  case 2: {
    count = bytes.size() / 2;
    const char *data = bytes.data();
    for (size_t i = 0; i < count; ++i)
      nonzeros += data[2 * i] != 0 || data[2 * i + 1] != 0;
    break;
  }
  default:
    return 1;
  }
  return count ? static_cast<double>(nonzeros) / static_cast<double>(count) : 1;
}

void sparseaccel::setOwnSlot(TensorDesc &tensor, ElementsAttr constant, const machine::Machine &machine) {
  if (!tensor.constant || tensor.dramFormat.isDense() || tensor.dramFormat != tensor.bufferFormat)
    return;
  auto homes = findHomes(machine);
  if (!homes.ok())
    return; // Whoever needs one says so.
  const machine::Level &level = machine.levels[homes->b];
  uint32_t burst = machine.dram.burstBytes;
  uint64_t room = level.sizeBytes * level.instances;
  if (!ownSlotBytes(tensor, 0, burst, room))
    return;
  auto type = cast<RankedTensorType>(constant.getType());
  std::vector<char> storage;
  formats::Size size =
      sparsity::EncodingAttr::get(constant.getContext(), tensor.dramFormat)
          .getExactSize(type.getShape(), type.getElementTypeBitWidth(), constantBytes(constant, storage));
  tensor.ownSlotBytes = ownSlotBytes(tensor, size.bytes(), burst, room);
}

std::vector<std::string> sparseaccel::levelNames(const machine::Machine &machine) {
  std::vector<std::string> names;
  for (const machine::Level &level : machine.levels)
    names.push_back(level.name);
  return names;
}

accel::MappingAttr sparseaccel::getMapping(const Network &network, size_t layer) {
  Operation *op = network.ops[layer];
  if (auto contraction = dyn_cast<accel::ContractionOp>(op))
    return contraction.getMappingAttr();
  if (!llvm::isa<accel::ConcatOp>(op))
    return op->getAttrOfType<accel::MappingAttr>("accel.mapping");
  auto list = op->getAttrOfType<ArrayAttr>("accel.mappings");
  unsigned part = network.parts[layer];
  return list && part < list.size() ? dyn_cast<accel::MappingAttr>(list[part]) : accel::MappingAttr();
}

void sparseaccel::setMapping(const Network &network, size_t layer, accel::MappingAttr mapping) {
  Operation *op = network.ops[layer];
  if (auto contraction = dyn_cast<accel::ContractionOp>(op))
    return contraction.setMappingAttr(mapping);
  if (!llvm::isa<accel::ConcatOp>(op))
    return op->setAttr("accel.mapping", mapping);
  SmallVector<Attribute> list;
  unsigned part = network.parts[layer];
  if (auto before = op->getAttrOfType<ArrayAttr>("accel.mappings"))
    list.assign(before.begin(), before.end());
  list.resize(std::max<size_t>(list.size(), part + 1), mapping);
  list[part] = mapping;
  op->setAttr("accel.mappings", ArrayAttr::get(op->getContext(), list));
}

FailureOr<machine::Machine> sparseaccel::loadMachineFor(Operation *op, StringRef name) {
  if (name.empty())
    return emitError(op->getLoc()) << "no machine: give one with machine=NAME or machine=FILE";
  auto machine = machine::loadMachine(name.str());
  if (!machine.ok())
    return emitError(UnknownLoc::get(op->getContext())) << messageOf(machine.status());
  return std::move(*machine);
}

FailureOr<const dataflow::Dataflow *> sparseaccel::findDataflowFor(Operation *op, const machine::Machine &machine) {
  auto dataflow = dataflow::findDataflow(machine);
  if (!dataflow.ok())
    return emitError(UnknownLoc::get(op->getContext())) << messageOf(dataflow.status());
  return *dataflow;
}

//===----------------------------------------------------------------------===//
// The network
//===----------------------------------------------------------------------===//

namespace {

class NetworkBuilder {
public:
  NetworkBuilder(func::FuncOp func, const machine::Machine &machine)
      : func(func), machine(machine),
        densities(func->getParentOfType<ModuleOp>()->getAttrOfType<DictionaryAttr>("sparsity.densities")) {}
  FailureOr<Network> build();
  LogicalResult moveToHost();

private:
  LogicalResult describe(Operation *op, LayerDesc &layer);
  bool onAccelerator(Operation *op) { return accelerated.contains(op); }
  /// All users of a value read boxes of it in a buffer, be it by another name.
  bool onlyTiled(Value value) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      if (auto reshape = dyn_cast<accel::ReshapeOp>(user))
        return isRenaming(reshape) && readInFourRanks(reshape) && onlyTiled(reshape.getResult());
      return onAccelerator(user) || llvm::isa<accel::ConcatOp>(user);
    });
  }
  /// The same elements under a shape that four ranks say alike.
  static bool isRenaming(accel::ReshapeOp reshape) {
    ArrayRef<int64_t> before = cast<RankedTensorType>(reshape.getInput().getType()).getShape();
    ArrayRef<int64_t> after = cast<RankedTensorType>(reshape.getResult().getType()).getShape();
    return before.size() <= 4 && after.size() <= 4 && fourRanks(before) == fourRanks(after);
  }
  /// The vector unit walks boxes of operands and result alike, so they have one rank; a contraction names coordinates.
  static bool readInFourRanks(accel::ReshapeOp reshape) {
    return cast<RankedTensorType>(reshape.getResult().getType()).getRank() == 4 ||
           llvm::all_of(reshape.getResult().getUsers(), [](Operation *user) {
             if (auto next = dyn_cast<accel::ReshapeOp>(user))
               return readInFourRanks(next);
             return llvm::isa<accel::ContractionOp>(user);
           });
  }
  absl::Status acceptsOp(Operation *op, const LayerDesc &layer);
  View viewOf(Value value, StringRef name);
  int addTensor(Value value, std::string name);

  func::FuncOp func;
  const machine::Machine &machine;
  DictionaryAttr densities;
  Network network;
  llvm::DenseSet<Operation *> accelerated;
};

} // namespace

static isa::VectorKind vectorKind(accel::ElementwiseKind kind) {
  switch (kind) {
  case accel::ElementwiseKind::Add:
    return isa::VectorKind::Add;
  case accel::ElementwiseKind::Sub:
    return isa::VectorKind::Sub;
  case accel::ElementwiseKind::Mul:
    return isa::VectorKind::Mul;
  case accel::ElementwiseKind::Max:
    return isa::VectorKind::Max;
  case accel::ElementwiseKind::Min:
    return isa::VectorKind::Min;
  }
  llvm_unreachable("unknown elementwise kind");
}

/// Everything but the views.
LogicalResult NetworkBuilder::describe(Operation *op, LayerDesc &layer) {
  auto interface = cast<accel::LayerOpInterface>(op);
  layer.name = interface.getLayerName().str();
  layer.kind = interface.getKindName();
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  dataflow::Contraction &shape = layer.shape;
  auto output = [&] {
    Coord extents = fourRanks(result.getShape());
    shape.n = extents[0], shape.p = extents[1], shape.q = extents[2], shape.m = extents[3];
  };
  shape.elementBits = result.getElementType().getIntOrFloatBitWidth();
  layer.configured = true;
  auto pads = [&](ArrayRef<int64_t> pads) {
    shape.padTop = pads[0], shape.padBottom = pads[1], shape.padLeft = pads[2], shape.padRight = pads[3];
  };
  // Rows and columns that no window reaches do not count as input: padding below shrinks accordingly.
  auto trim = [&](Value input) {
    auto inputShape = cast<RankedTensorType>(input.getType()).getShape();
    int64_t rows = (shape.p - 1) * shape.strideH + (shape.r - 1) * shape.dilationH + 1 - shape.padTop;
    int64_t columns = (shape.q - 1) * shape.strideW + (shape.s - 1) * shape.dilationW + 1 - shape.padLeft;
    shape.padBottom = std::max<int64_t>(0, rows - inputShape[1]);
    shape.padRight = std::max<int64_t>(0, columns - inputShape[2]);
  };
  if (auto contraction = dyn_cast<accel::ContractionOp>(op)) {
    layer.cls = LayerClass::Contraction;
    auto extents = contraction.getExtents();
    shape.n = extents[0], shape.g = extents[1], shape.m = extents[2], shape.c = extents[3];
    shape.p = extents[4], shape.q = extents[5], shape.r = extents[6], shape.s = extents[7];
    shape.strideH = contraction.getStrides()[0], shape.strideW = contraction.getStrides()[1];
    shape.dilationH = contraction.getDilations()[0], shape.dilationW = contraction.getDilations()[1];
    pads(contraction.getPads());
    trim(contraction.getInput());
    shape.kind = static_cast<machine::ContractionKind>(contraction.getKind());
    layer.biased = !contraction.getNumerics().getBias().empty();
    if (ArrayAttr safs = contraction.getSafsAttr()) {
      auto converted = accel::toISA(safs, levelNames(machine), [&] { return op->emitOpError(); });
      if (failed(converted))
        return failure();
      layer.safs = std::move(*converted);
    }
    return success();
  }
  if (auto pool = dyn_cast<accel::PoolOp>(op)) {
    layer.cls = LayerClass::Window;
    layer.vector = pool.getKind() == accel::PoolKind::Max ? isa::VectorKind::MaxPool : isa::VectorKind::AvgPool;
    output();
    shape.r = pool.getKernel()[0], shape.s = pool.getKernel()[1];
    shape.strideH = pool.getStrides()[0], shape.strideW = pool.getStrides()[1];
    pads(pool.getPads());
    trim(pool.getInput());
    return success();
  }
  layer.cls = LayerClass::Map;
  output();
  if (auto elementwise = dyn_cast<accel::ElementwiseOp>(op))
    layer.vector = vectorKind(elementwise.getKind());
  else if (llvm::isa<accel::RescaleOp>(op))
    layer.vector = isa::VectorKind::Rescale;
  else if (llvm::isa<accel::TableOp>(op))
    layer.vector = isa::VectorKind::Table;
  else if (llvm::isa<accel::ConcatOp>(op))
    layer.vector = isa::VectorKind::Copy;
  else
    layer.cls = LayerClass::Host;
  return success();
}

int NetworkBuilder::addTensor(Value value, std::string name) {
  auto type = cast<RankedTensorType>(value.getType());
  TensorDesc tensor;
  tensor.name = std::move(name);
  tensor.elementBytes = elementBytes(type.getElementType());
  tensor.shape = fourRanks(type.getShape());
  tensor.dramFormat = sparsity::getFormat(type);
  if (ElementsAttr constant = constantOf(value)) {
    tensor.constant = true;
    tensor.density = densityOf(constant);
  } else if (densities) {
    if (auto density = densities.getAs<FloatAttr>(tensor.name))
      tensor.density = density.getValueAsDouble();
  }
  network.tensors.push_back(std::move(tensor));
  network.values.push_back(value);
  int index = static_cast<int>(network.tensors.size()) - 1;
  network.views[value] = {index, {0, 0, 0, 0}, network.tensors.back().shape};
  return index;
}

View NetworkBuilder::viewOf(Value value, StringRef name) {
  auto it = network.views.find(value);
  if (it != network.views.end())
    return it->second;
  addTensor(value, name.str());
  return network.views[value];
}

/// Whether a layer of the accelerator reads the value, by whatever name, as anything but a contraction's second
/// operand.
static bool readAsActivations(Value value) {
  return llvm::any_of(value.getUses(), [](OpOperand &use) {
    if (auto reshape = dyn_cast<accel::ReshapeOp>(use.getOwner()))
      return readAsActivations(reshape.getResult());
    if (llvm::isa<accel::ContractionOp>(use.getOwner()))
      return use.getOperandNumber() == 0;
    return llvm::isa<accel::LayerOpInterface>(use.getOwner()) && !llvm::isa<accel::HostOp>(use.getOwner());
  });
}

absl::Status NetworkBuilder::acceptsOp(Operation *op, const LayerDesc &layer) {
  if (layer.cls == LayerClass::Contraction && !constantOf(op->getOperand(1)) && machine.a.buffer != machine.b.buffer) {
    Value source = op->getOperand(1);
    while (auto reshape = source.getDefiningOp<accel::ReshapeOp>())
      source = reshape.getInput();
    if (readAsActivations(source))
      return absl::UnimplementedError("its second operand is also read as activations, which lie in buffers in another "
                                      "format");
  }
  if (absl::Status status = accepts(layer, machine); !status.ok())
    return status;
  if (cast<RankedTensorType>(op->getResult(0).getType()).getRank() > 4)
    return absl::UnimplementedError("a tensor in a buffer has at most four ranks");
  return absl::OkStatus();
}

LogicalResult NetworkBuilder::moveToHost() {
  SmallVector<Operation *> ops;
  for (auto layer : func.getBody().front().getOps<accel::LayerOpInterface>())
    ops.push_back(layer);
  for (Operation *op : ops) {
    LayerDesc layer;
    if (failed(describe(op, layer)))
      return failure();
    if (layer.cls == LayerClass::Host)
      continue;
    // A buffer's tensors have four ranks, and of such work the last are all that matters.
    if (cast<RankedTensorType>(op->getResult(0).getType()).getRank() > 4 && accepts(layer, machine).ok()) {
      op = toFourRanks(op);
      if (failed(describe(op, layer)))
        return failure();
    }
    absl::Status status = acceptsOp(op, layer);
    if (!status.ok() && failed(sparseaccel::moveToHost(op, status)))
      return failure();
  }
  return success();
}

FailureOr<Network> NetworkBuilder::build() {
  if (!func.getBody().hasOneBlock())
    return emitError(func.getLoc()) << "expected one block of accel layer operations";
  Block &block = func.getBody().front();
  std::vector<LayerDesc> described;
  std::vector<Operation *> ops;
  for (Operation &op : block) {
    if (llvm::isa<func::ReturnOp, sparsity::EncodeOp>(op) || op.hasTrait<OpTrait::ConstantLike>())
      continue;
    if (!llvm::isa<accel::LayerOpInterface>(op))
      return op.emitOpError() << "is no accel layer operation: run --sparse-fuse-layers before";
    LayerDesc layer;
    if (failed(describe(&op, layer)))
      return failure();
    if (layer.cls != LayerClass::Host) {
      absl::Status status = acceptsOp(&op, layer);
      if (status.ok()) {
        accelerated.insert(&op);
      } else {
        return op.emitOpError() << "cannot run: " << messageOf(status);
      }
    }
    described.push_back(std::move(layer));
    ops.push_back(&op);
  }

  // Concatenation without copying: an operand that only tiles read is a box of the result from the start. Later
  // concatenations first, so that nested ones chain.
  llvm::DenseMap<Value, std::pair<Value, Coord>> boxOf;
  for (Operation *op : llvm::reverse(ops)) {
    auto concat = dyn_cast<accel::ConcatOp>(op);
    if (!concat || !onAccelerator(op) || concat.getResult().getType().getRank() != 4)
      continue;
    Coord offset{0, 0, 0, 0};
    for (Value input : concat.getInputs()) {
      auto type = cast<RankedTensorType>(input.getType());
      Operation *producer = input.getDefiningOp();
      bool once = llvm::count(concat.getInputs(), input) == 1;
      if (producer && onAccelerator(producer) && once && onlyTiled(input) && !boxOf.contains(input))
        boxOf[input] = {concat.getResult(), offset};
      offset[concat.getAxis()] += type.getDimSize(concat.getAxis());
    }
  }
  auto resolve = [&](Value value, Coord &offset) {
    for (auto it = boxOf.find(value); it != boxOf.end(); it = boxOf.find(value)) {
      for (int d = 0; d < 4; ++d)
        offset[d] += it->second.second[d];
      value = it->second.first;
    }
    return value;
  };

  for (BlockArgument argument : func.getArguments()) {
    auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "sparsity.name");
    addTensor(argument, name ? name.str() : ("arg" + Twine(argument.getArgNumber())).str());
  }
  auto resultName = [](Value value) { return cast<accel::LayerOpInterface>(value.getDefiningOp()).getValueName(); };
  for (size_t i = 0; i < ops.size(); ++i) {
    Operation *op = ops[i];
    LayerDesc &layer = described[i];
    Value result = op->getResult(0);
    // Another name for the same tensor, which contractions want to have four ranks.
    if (auto reshape = dyn_cast<accel::ReshapeOp>(op)) {
      View input = viewOf(reshape.getInput(), layer.name + ".input");
      bool fourWide = cast<RankedTensorType>(network.values[input.tensor].getType()).getRank() == 4;
      if (fourWide && isRenaming(reshape) && onlyTiled(result) && readInFourRanks(reshape) && !boxOf.contains(result)) {
        network.views[result] = input;
        continue;
      }
    }
    Coord offset{0, 0, 0, 0};
    Value root = resolve(result, offset);
    View view = viewOf(root, resultName(root));
    for (int d = 0; d < 4; ++d)
      view.origin[d] += offset[d];
    view.shape = fourRanks(cast<RankedTensorType>(result.getType()).getShape());
    network.views[result] = view;
    layer.o = view;
    if (layer.vector == isa::VectorKind::Copy && layer.cls == LayerClass::Map) {
      Coord at = view.origin;
      auto concat = cast<accel::ConcatOp>(op);
      int64_t axis = concat.getAxis() + 1 == concat.getResult().getType().getRank() ? 3 : concat.getAxis();
      for (Value input : concat.getInputs()) {
        View source = viewOf(input, layer.name + ".input");
        if (!boxOf.contains(input) || boxOf[input].first != concat.getResult()) {
          LayerDesc copy = layer;
          copy.a = source;
          copy.o.origin = at;
          copy.o.shape = source.shape;
          copy.shape.n = source.shape[0], copy.shape.p = source.shape[1], copy.shape.q = source.shape[2],
          copy.shape.m = source.shape[3];
          network.parts.push_back(!network.ops.empty() && network.ops.back() == op ? network.parts.back() + 1 : 0);
          network.layers.push_back(std::move(copy));
          network.ops.push_back(op);
        }
        at[axis] += source.shape[axis];
      }
      continue;
    }
    if (layer.cls == LayerClass::Host) {
      for (auto [index, operand] : llvm::enumerate(op->getOperands()))
        viewOf(operand, (layer.name + ".input" + Twine(index)).str());
    } else {
      layer.a = viewOf(op->getOperand(0), layer.name + ".input");
      if (op->getNumOperands() > 1)
        layer.b =
            viewOf(op->getOperand(1), layer.name + (layer.cls == LayerClass::Contraction ? ".weights" : ".input1"));
    }
    network.layers.push_back(std::move(layer));
    network.ops.push_back(op);
    network.parts.push_back(0);
  }

  // How tensors lie in buffers: as their readers want them. What this format does not hold lies densely; weights lie as
  // in DRAM there, and where they cross densely and the format does not hold every tensor.
  for (TensorDesc &tensor : network.tensors)
    tensor.bufferFormat = machine.o.buffer;
  for (const LayerDesc &layer : network.layers) {
    if (layer.cls == LayerClass::Host)
      continue;
    network.tensors[layer.a.tensor].bufferFormat = machine.a.buffer;
    if (layer.b.tensor >= 0)
      network.tensors[layer.b.tensor].bufferFormat =
          layer.cls == LayerClass::Contraction ? machine.b.buffer : machine.a.buffer;
  }
  for (auto [layer, op] : llvm::zip(network.layers, network.ops)) {
    auto contraction = dyn_cast<accel::ContractionOp>(op);
    if (!contraction || layer.b.tensor < 0)
      continue;
    TensorDesc &weights = network.tensors[layer.b.tensor];
    bool compressed = !weights.bufferFormat.restrictsValues() || !weights.dramFormat.isDense();
    if (!compressed || !holdsWeights(weights.bufferFormat, contraction))
      weights.bufferFormat = weights.constant ? weights.dramFormat : formats::Format();
    if (weights.constant)
      setOwnSlot(weights, constantOf(contraction.getWeights()), machine);
  }
  return std::move(network);
}

LogicalResult sparseaccel::moveToHost(func::FuncOp func, const machine::Machine &machine) {
  if (!func.getBody().hasOneBlock())
    return emitError(func.getLoc()) << "expected one block of accel layer operations";
  return NetworkBuilder(func, machine).moveToHost();
}

FailureOr<Network> sparseaccel::buildNetwork(func::FuncOp func, const machine::Machine &machine) {
  return NetworkBuilder(func, machine).build();
}
