//===- ModelReader.cpp - Protocol buffers to plain structures -------------===//
//
// The only file that sees libonnx, of which it uses the message classes alone: operator versions and shapes are the
// importer's business.
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <cstring>
#include <limits>

using namespace llvm;

namespace sparseaccel::onnx {
namespace {

/// ONNX codes of the 4-bit integers, younger than the installed message classes.
constexpr int32_t onnxUint4 = 21, onnxInt4 = 22;

Error error(const Twine &message) { return createStringError(inconvertibleErrorCode(), message); }

class Reader {
public:
  Reader(StringRef path, const ReadLimits &limits) : path(path), limits(limits) {}

  Expected<Model> read(ArrayRef<char> bytes);

private:
  Expected<TensorRef> readTensor(::onnx::TensorProto &proto, const std::string &what);
  Expected<TensorRef> readSparseTensor(::onnx::SparseTensorProto &proto, const std::string &what);
  Error readExternal(const ::onnx::TensorProto &proto, const std::string &what, uint64_t expectedBytes,
                     std::vector<char> &out);
  Expected<Attribute> readAttribute(::onnx::AttributeProto &proto, const std::string &node);
  Expected<ValueInfo> readValueInfo(const ::onnx::ValueInfoProto &proto);

  std::string path;
  ReadLimits limits;
  uint64_t constantBytes = 0;
};

Expected<TensorRef> Reader::readTensor(::onnx::TensorProto &proto, const std::string &what) {
  auto tensor = std::make_shared<HostTensor>();
  tensor->name = proto.name();
  int32_t code = proto.data_type();
  auto type = dtypeFromOnnx(code);
  if (!type)
    return error(what + ": element type " + onnxTypeName(code) +
                 " is not supported; expected a float, integer or bool type");
  tensor->type = *type;
  if (proto.has_segment())
    return error(what + ": is stored in segments; expected one piece");
  if (proto.dims_size() > 8)
    return error(what + ": has " + Twine(proto.dims_size()) + " dimensions; expected at most 8");
  tensor->shape.assign(proto.dims().begin(), proto.dims().end());
  auto count = elementCount(tensor->shape, dtypeBytes(*type), limits.maxTensorBytes);
  if (!count)
    return error(what + ": shape " + shapeString(tensor->shape) + " of " + onnxTypeName(code) +
                 " is negative or exceeds the limit of " + Twine(limits.maxTensorBytes) + " bytes for one tensor");
  bool packed = code == onnxUint4 || code == onnxInt4;
  uint64_t wanted = packed ? (*count + 1) / 2 : *count * dtypeBytes(*type);

  // Check that the values are there before memory is claimed for them.
  int64_t given = -1;
  bool external = proto.data_location() == ::onnx::TensorProto::EXTERNAL;
  if (!external && !proto.has_raw_data()) {
    switch (code) {
    case ::onnx::TensorProto::FLOAT:
      given = proto.float_data_size();
      break;
    case ::onnx::TensorProto::DOUBLE:
      given = proto.double_data_size();
      break;
    case ::onnx::TensorProto::INT64:
      given = proto.int64_data_size();
      break;
    case ::onnx::TensorProto::UINT32:
    case ::onnx::TensorProto::UINT64:
      given = proto.uint64_data_size();
      break;
    default:
      given = proto.int32_data_size();
      break;
    }
    int64_t expected = packed ? static_cast<int64_t>(wanted) : *count;
    if (given != expected)
      return error(what + ": holds " + Twine(given) + " values; expected " + Twine(expected) + " for shape " +
                   shapeString(tensor->shape) + " of " + onnxTypeName(code));
  }
  if (!external && proto.has_raw_data() && proto.raw_data().size() != wanted)
    return error(what + ": holds " + Twine(proto.raw_data().size()) + " bytes; expected " + Twine(wanted) +
                 " for shape " + shapeString(tensor->shape) + " of " + onnxTypeName(code));
  constantBytes += *count * dtypeBytes(*type);
  if (constantBytes > limits.maxConstantBytes)
    return error(what + ": the constants up to here exceed the limit of " + Twine(limits.maxConstantBytes) + " bytes");

  std::vector<char> raw;
  if (external) {
    if (Error failed = readExternal(proto, what, wanted, raw))
      return failed;
  } else if (proto.has_raw_data()) {
    raw.assign(proto.raw_data().begin(), proto.raw_data().end());
    proto.clear_raw_data();
  } else if (packed) {
    raw.resize(wanted);
    for (uint64_t i = 0; i < wanted; ++i)
      raw[i] = static_cast<char>(proto.int32_data(static_cast<int>(i)));
  } else {
    tensor->bytes.resize(wanted);
    for (int i = 0; i < static_cast<int>(*count); ++i) {
      switch (code) {
      case ::onnx::TensorProto::FLOAT:
        tensor->set(i, static_cast<double>(proto.float_data(i)));
        break;
      case ::onnx::TensorProto::DOUBLE:
        tensor->set(i, proto.double_data(i));
        break;
      case ::onnx::TensorProto::INT64:
        tensor->set(i, static_cast<int64_t>(proto.int64_data(i)));
        break;
      case ::onnx::TensorProto::UINT32:
      case ::onnx::TensorProto::UINT64:
        tensor->set(i, static_cast<int64_t>(proto.uint64_data(i)));
        break;
      case ::onnx::TensorProto::FLOAT16:
      case ::onnx::TensorProto::BFLOAT16: {
        uint16_t bits = static_cast<uint16_t>(proto.int32_data(i));
        std::memcpy(tensor->bytes.data() + i * 2, &bits, 2);
        break;
      }
      default:
        tensor->set(i, static_cast<int64_t>(proto.int32_data(i)));
        break;
      }
    }
    return tensor;
  }
  if (packed) {
    tensor->bytes.resize(*count);
    for (int64_t i = 0; i < *count; ++i) {
      int nibble = (static_cast<uint8_t>(raw[i / 2]) >> (i % 2 ? 4 : 0)) & 15;
      tensor->bytes[i] = static_cast<char>(code == onnxInt4 && nibble > 7 ? nibble - 16 : nibble);
    }
  } else {
    tensor->bytes = std::move(raw);
  }
  return tensor;
}

Expected<TensorRef> Reader::readSparseTensor(::onnx::SparseTensorProto &proto, const std::string &what) {
  if (!proto.has_values() || !proto.has_indices())
    return error(what + ": has no " + (proto.has_values() ? "indices" : "values") + "; expected both");
  auto values = readTensor(*proto.mutable_values(), what + " (values)");
  if (!values)
    return values.takeError();
  auto indices = readTensor(*proto.mutable_indices(), what + " (indices)");
  if (!indices)
    return indices.takeError();
  Shape shape(proto.dims().begin(), proto.dims().end());
  auto dense = densify(**values, **indices, shape, what,
                       std::min(limits.maxTensorBytes, limits.maxConstantBytes - constantBytes));
  if (dense)
    constantBytes += (*dense)->bytes.size();
  return dense;
}

Error Reader::readExternal(const ::onnx::TensorProto &proto, const std::string &what, uint64_t expectedBytes,
                           std::vector<char> &out) {
  if (path.empty())
    return error(what + ": lies in an external file; expected a model opened by path, or one that holds its own data");
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto &entry : proto.external_data()) {
    StringRef value = entry.value();
    if (entry.key() == "location") {
      location = value.str();
    } else if (entry.key() == "offset" || entry.key() == "length") {
      uint64_t number;
      if (value.getAsInteger(10, number))
        return error(what + ": external data's " + entry.key() + " is '" + value + "'; expected a number");
      if (entry.key() == "offset")
        offset = number;
      else
        length = number;
    }
  }
  if (location.empty())
    return error(what + ": external data has no location");
  if (length && *length != expectedBytes)
    return error(what + ": external data holds " + Twine(*length) + " bytes; expected " + Twine(expectedBytes));
  bool climbs = sys::path::is_absolute(location) || StringRef(location).contains('\0');
  for (auto part = sys::path::begin(location), end = sys::path::end(location); part != end; ++part)
    climbs |= *part == "..";
  if (climbs)
    return error(what + ": external data lies at '" + location + "'; expected a path inside the model's folder");

  SmallString<256> folder(path), file, realFolder, realFile;
  sys::path::remove_filename(folder);
  if (folder.empty())
    folder = ".";
  file = folder;
  sys::path::append(file, location);
  if (std::error_code failed = sys::fs::real_path(folder, realFolder))
    return error(what + ": cannot open folder '" + folder + "': " + failed.message());
  if (std::error_code failed = sys::fs::real_path(file, realFile))
    return error(what + ": cannot open external data '" + file + "': " + failed.message());
  StringRef inside = realFile;
  if (!inside.consume_front(realFolder) || (realFolder != "/" && !inside.starts_with("/")))
    return error(what + ": external data '" + location +
                 "' is a link out of the model's folder; expected a file inside it");
  if (!sys::fs::is_regular_file(realFile))
    return error(what + ": external data '" + location + "' is no regular file");
  uint64_t fileBytes;
  if (std::error_code failed = sys::fs::file_size(realFile, fileBytes))
    return error(what + ": cannot open external data '" + file + "': " + failed.message());
  if (offset > fileBytes || expectedBytes > fileBytes - offset)
    return error(what + ": external data '" + location + "' has " + Twine(fileBytes) + " bytes; expected " +
                 Twine(expectedBytes) + " at offset " + Twine(offset));
  if (expectedBytes == 0)
    return Error::success();
  auto buffer = MemoryBuffer::getFileSlice(realFile, expectedBytes, offset);
  if (!buffer)
    return error(what + ": cannot read external data '" + file + "': " + buffer.getError().message());
  out.assign((*buffer)->getBufferStart(), (*buffer)->getBufferStart() + expectedBytes);
  return Error::success();
}

Expected<Attribute> Reader::readAttribute(::onnx::AttributeProto &proto, const std::string &node) {
  Attribute attribute;
  attribute.name = proto.name();
  // Files of IR version 1 may leave the type out: then the field that is set says it.
  auto type = proto.type();
  if (type == ::onnx::AttributeProto::UNDEFINED) {
    if (proto.has_f())
      type = ::onnx::AttributeProto::FLOAT;
    else if (proto.has_i())
      type = ::onnx::AttributeProto::INT;
    else if (proto.has_s())
      type = ::onnx::AttributeProto::STRING;
    else if (proto.has_t())
      type = ::onnx::AttributeProto::TENSOR;
    else if (proto.has_sparse_tensor())
      type = ::onnx::AttributeProto::SPARSE_TENSOR;
    else if (proto.floats_size())
      type = ::onnx::AttributeProto::FLOATS;
    else if (proto.ints_size())
      type = ::onnx::AttributeProto::INTS;
  }
  switch (type) {
  case ::onnx::AttributeProto::FLOAT:
    attribute.kind = Attribute::Float;
    attribute.f = proto.f();
    break;
  case ::onnx::AttributeProto::INT:
    attribute.kind = Attribute::Int;
    attribute.i = proto.i();
    break;
  case ::onnx::AttributeProto::STRING:
    attribute.kind = Attribute::String;
    attribute.s = proto.s();
    break;
  case ::onnx::AttributeProto::TENSOR: {
    attribute.kind = Attribute::Tensor;
    auto tensor = readTensor(*proto.mutable_t(), "attribute '" + proto.name() + "' of node '" + node + "'");
    if (!tensor)
      return tensor.takeError();
    attribute.tensor = *tensor;
    break;
  }
  case ::onnx::AttributeProto::SPARSE_TENSOR: {
    attribute.kind = Attribute::SparseTensor;
    auto tensor =
        readSparseTensor(*proto.mutable_sparse_tensor(), "attribute '" + proto.name() + "' of node '" + node + "'");
    if (!tensor)
      return tensor.takeError();
    attribute.tensor = *tensor;
    break;
  }
  case ::onnx::AttributeProto::FLOATS:
    attribute.kind = Attribute::Floats;
    attribute.floats.assign(proto.floats().begin(), proto.floats().end());
    break;
  case ::onnx::AttributeProto::INTS:
    attribute.kind = Attribute::Ints;
    attribute.ints.assign(proto.ints().begin(), proto.ints().end());
    break;
  case ::onnx::AttributeProto::STRINGS:
    attribute.kind = Attribute::Strings;
    break;
  default:
    attribute.kind = Attribute::Other;
    break; // graphs, types: no supported operator takes one
  }
  return attribute;
}

Expected<ValueInfo> Reader::readValueInfo(const ::onnx::ValueInfoProto &proto) {
  ValueInfo info;
  info.name = proto.name();
  if (!proto.has_type() || !proto.type().has_tensor_type())
    return info;
  const auto &tensor = proto.type().tensor_type();
  info.isTensor = true;
  info.elementType = tensor.elem_type();
  info.hasShape = tensor.has_shape();
  for (const auto &dim : tensor.shape().dim()) {
    Dim result;
    if (dim.has_dim_value()) {
      result.value = dim.dim_value();
      // Converters write a dimension that they do not know as a negative number, and a batch as 0, too.
      if (result.value < 0 || (result.value == 0 && info.dims.empty()))
        result.value = -1;
      if (result.value > std::numeric_limits<int32_t>::max())
        return error("value '" + proto.name() + "': dimension " + Twine(info.dims.size()) + " is " +
                     Twine(result.value) + "; expected at most 2147483647");
    } else {
      result.param = dim.dim_param();
    }
    info.dims.push_back(std::move(result));
  }
  return info;
}

Expected<Model> Reader::read(ArrayRef<char> bytes) {
  if (bytes.empty())
    return error("the file is empty; expected an ONNX model");
  if (bytes.size() > std::numeric_limits<int32_t>::max())
    return error("the file has " + Twine(bytes.size()) +
                 " bytes; expected less than 2 GiB (larger weights go to external data)");
  ::onnx::ModelProto proto;
  {
    google::protobuf::LogSilencer quiet;
    google::protobuf::io::CodedInputStream stream(reinterpret_cast<const uint8_t *>(bytes.data()),
                                                  static_cast<int>(bytes.size()));
    if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
      return error("the file cannot be parsed; expected an ONNX model (a protocol buffer), and a whole one");
  }
  if (!proto.has_graph() || proto.ir_version() <= 0)
    return error(Twine("the file has no ") + (proto.has_graph() ? "IR version" : "graph") + "; expected an ONNX model");

  Model model;
  model.irVersion = proto.ir_version();
  for (const auto &set : proto.opset_import())
    if (set.domain().empty() || set.domain() == "ai.onnx")
      model.opset = set.version();
  auto &graph = *proto.mutable_graph();
  model.graphName = graph.name();

  for (auto &initializer : *graph.mutable_initializer()) {
    std::string what = "initialiser '" + initializer.name() + "'";
    if (initializer.name().empty())
      return error("an initialiser has no name");
    auto tensor = readTensor(initializer, what);
    if (!tensor)
      return tensor.takeError();
    if (!model.initializers.emplace(initializer.name(), *tensor).second)
      return error(what + " is defined twice");
  }
  for (auto &initializer : *graph.mutable_sparse_initializer()) {
    const std::string name = initializer.values().name();
    std::string what = "sparse initialiser '" + name + "'";
    if (name.empty())
      return error("a sparse initialiser has no name (that of its values)");
    auto tensor = readSparseTensor(initializer, what);
    if (!tensor)
      return tensor.takeError();
    if (!model.initializers.emplace(name, *tensor).second)
      return error(what + " is defined twice");
  }
  for (const auto &input : graph.input()) {
    if (model.initializers.count(input.name()))
      continue; // before IR version 4 initialisers were inputs as well
    auto info = readValueInfo(input);
    if (!info)
      return info.takeError();
    model.inputs.push_back(std::move(*info));
  }
  for (const auto &output : graph.output()) {
    auto info = readValueInfo(output);
    if (!info)
      return info.takeError();
    model.outputs.push_back(std::move(*info));
  }
  for (auto &from : *graph.mutable_node()) {
    Node node;
    node.op = from.op_type();
    node.domain = from.domain() == "ai.onnx" ? "" : from.domain();
    node.inputs.assign(from.input().begin(), from.input().end());
    node.outputs.assign(from.output().begin(), from.output().end());
    node.name = from.name();
    for (const std::string &output : node.outputs)
      if (node.name.empty())
        node.name = output;
    StringSet<> seen;
    for (auto &attribute : *from.mutable_attribute()) {
      if (!seen.insert(attribute.name()).second)
        return error("node '" + node.name + "': attribute '" + attribute.name() + "' is given twice");
      auto read = readAttribute(attribute, node.name);
      if (!read)
        return read.takeError();
      node.attributes.push_back(std::move(*read));
    }
    model.nodes.push_back(std::move(node));
  }
  return model;
}

} // namespace

Expected<Model> readModel(ArrayRef<char> bytes, StringRef path, const ReadLimits &limits) {
  return Reader(path, limits).read(bytes);
}

} // namespace sparseaccel::onnx
