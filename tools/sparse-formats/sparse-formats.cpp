//===- sparse-formats.cpp - What a tensor takes under each format ---------===//
//
// Loads tensors, measures them without encoding, and prints sizes beside the entropy bound.
//
//===----------------------------------------------------------------------===//

#include "Sizes.h"

#include "SparseAccel/Support/Names.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"
#include "llvm/Support/WithColor.h"

using namespace sparseaccel;
namespace cl = llvm::cl;

namespace {

cl::OptionCategory category("Options");
cl::opt<std::string> input(cl::Positional, cl::desc("<.npy | .npz | .mtx | .onnx | .mlir>"), cl::cat(category));
cl::list<std::string> formatTexts("format", cl::desc("A format to measure, once for each (default: every preset)"),
                                  cl::value_desc("format"), cl::cat(category));
cl::opt<std::string> tensorName("tensor", cl::desc("Only this tensor"), cl::value_desc("name"), cl::cat(category));
cl::opt<bool> each("each", cl::desc("A table for every tensor, too"), cl::cat(category));
cl::opt<std::string> numerics("numerics",
                              cl::desc("Width to which floats are quantised and of the values of masks: int8 or int16"),
                              cl::value_desc("kind"), cl::init("int8"), cl::cat(category));
cl::opt<unsigned> rows("rows", cl::desc("Rows (filters) that are stored as one granule (default: all)"),
                       cl::value_desc("n"), cl::init(0), cl::cat(category));
cl::opt<uint64_t> seed("seed", cl::desc("Of the values that masks get (default: 1)"), cl::value_desc("n"), cl::init(1),
                       cl::cat(category));
cl::list<std::string> dims("dim",
                           cl::desc("Extent of a dimension that an .onnx model leaves open, by its name or as "
                                    "input:index (the batch is 1)"),
                           cl::value_desc("name=N"), cl::cat(category));
cl::opt<std::string> json("json", cl::desc("Write the sizes of every tensor as JSON ('-': standard output)"),
                          cl::value_desc("file"), cl::cat(category));
cl::opt<bool> list("list", cl::desc("Print the presets as docs/formats.md lists them, and stop"), cl::cat(category));

constexpr const char *overview =
    "sparse-formats: what a tensor takes under each storage format, values and metadata apart\n\n"
    "  The weights of a model, in all:\n"
    "    sparse-formats model.onnx\n"
    "  Each layer, in formats of your own beside Huffman codes:\n"
    "    sparse-formats model.onnx --each --format csr --format 'bcsr(4)' --format '[UOP, RLE:4 huffman] + huffman'\n"
    "  An activation, and differences along its width (dimension 2):\n"
    "    sparse-formats x.npy --format bitmask --format 'bitmask + delta(2)'\n"
    "  A sparse matrix (Matrix Market, or scipy.sparse.save_npz):\n"
    "    sparse-formats matrix.mtx --format csr --format coo\n"
    "  Bit-packed masks (Deep Learning Matrix Collection as .npz), with seeded values:\n"
    "    sparse-formats masks.npz --numerics int16\n\n"
    "  ratio is dense / stored; /bound is stored / entropy bound (docs/formats.md says what it bounds).\n";

int fail(const llvm::Twine &message) {
  llvm::WithColor::error(llvm::errs(), "sparse-formats") << message << "\n";
  return 1;
}

void printPresets() {
  llvm::outs() << "| name | ranks | what |\n|---|---|---|\n";
  for (const formats::Preset &preset : formats::listPresets()) {
    llvm::outs() << "| `" << preset.name << "` | ";
    if (!preset.ranks.empty()) {
      if (preset.name != preset.example)
        llvm::outs() << "`" << preset.example << "`: ";
      llvm::outs() << "`" << preset.ranks << "` ";
    }
    llvm::outs() << "| " << preset.description << " |\n";
  }
}

} // namespace

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions({&category});
  cl::ParseCommandLineOptions(argc, argv, overview);
  if (list) {
    printPresets();
    return 0;
  }
  if (input.empty())
    return fail("expected a file of tensors or a model; see --help");
  if (numerics != "int8" && numerics != "int16")
    return fail("--numerics: expected int8 or int16, but got '" + numerics + "'");

  std::vector<formats::Format> chosen;
  if (formatTexts.empty())
    for (const formats::Preset &preset : formats::listPresets())
      formatTexts.push_back(preset.example);
  for (const std::string &text : formatTexts) {
    absl::StatusOr<formats::Format> format = formats::parseFormat(text);
    if (!format.ok())
      return fail("--format: " + std::string(format.status().message()));
    chosen.push_back(*std::move(format));
  }

  sizes::LoadOptions options;
  options.elementBytes = numerics == "int8" ? 1 : 2;
  options.seed = seed;
  options.dims.assign(dims.begin(), dims.end());
  absl::StatusOr<std::vector<sizes::Tensor>> tensors = sizes::loadTensors(input, options);
  if (!tensors.ok())
    return fail(std::string(tensors.status().message()));
  if (!tensorName.empty()) {
    std::vector<std::string> names;
    for (const sizes::Tensor &tensor : *tensors)
      names.push_back(tensor.name.empty() ? "array" : tensor.name); // as the table has it
    std::erase_if(*tensors, [](const sizes::Tensor &tensor) {
      return tensor.name.empty() ? tensorName != "array" : tensor.name != tensorName;
    });
    if (tensors->empty())
      return fail(input + ": no tensor '" + tensorName + "'" + suggestion(tensorName.getValue(), names));
  }
  if (tensors->empty())
    return fail(input + ": the file has no array");

  std::vector<sizes::Measured> measured = sizes::measure(*tensors, chosen, rows);
  if (json != "-")
    sizes::print(measured, chosen, each, llvm::outs());
  if (json.empty())
    return 0;
  std::error_code code;
  llvm::ToolOutputFile file(json, code, llvm::sys::fs::OF_Text);
  if (code)
    return fail("cannot write " + json + ": " + code.message());
  sizes::printJson(measured, chosen, file.os());
  file.keep();
  return 0;
}
