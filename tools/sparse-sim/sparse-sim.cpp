//===- sparse-sim.cpp - Runs a program on a machine -----------------------===//

#include "LintEnergy.h"

#include "SparseAccel/Runtime/Npy.h"
#include "SparseAccel/Runtime/Runtime.h"
#include "SparseAccel/Sim/Report.h"
#include "SparseAccel/Support/Files.h"
#include "SparseAccel/Support/Names.h"
#include "SparseAccel/Target/ISA/Container.h"
#include "SparseAccel/Target/Machine/Machine.h"

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/reflection.h"
#include "absl/flags/usage.h"
#include "absl/flags/usage_config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

ABSL_FLAG(std::string, machine, "",
          "Machine file, or the name of a shipped machine. Default: the machine that the program was compiled for.");
ABSL_FLAG(
    std::vector<std::string>, input, {},
    "Input arrays: a .npy or .npz file; for a program with several inputs NAME=FILE.npy, separated by commas, or a "
    ".npz whose arrays have the inputs' names. The first axis is the images: any number of them.");
ABSL_FLAG(
    std::vector<std::string>, output, {},
    "Where to write outputs: a .npy file; for a program with several outputs NAME=FILE.npy, separated by commas.");
ABSL_FLAG(std::string, stats, "", "Where to write stats.json (docs/stats.schema.json).");
ABSL_FLAG(std::string, trace, "", "Where to write the first image's instructions for Perfetto (ui.perfetto.dev).");
ABSL_FLAG(unsigned, threads, 0,
          "Threads, for images side by side and for parts of one; results do not depend on it. 0: one for each core.");
ABSL_FLAG(bool, values_only, false, "Compute the outputs only: no cycles, no actions, no energy.");
ABSL_FLAG(std::vector<std::string>, lint_energy, {},
          "Check energy tables in place of running a program: files (Accelergy's ERT and ART, too) or names of shipped "
          "ones, separated by commas. Exit code 1 where there is a finding (docs/energy.md).");
ABSL_FLAG(bool, quiet, false, "Print no table and no progress.");

using namespace sparseaccel;

namespace {

constexpr char kUsage[] = R"(Simulates a program for a sparse accelerator, bit for bit, and reports cycles and energy.

  sparse-sim PROGRAM --input x.npy [--output y.npy] [--stats s.json] [--trace t.json] [--machine m.yaml]

PROGRAM is a container that sparse-translate --emit-program or sparse-run --out wrote. Inputs are float32 in the
model's own layout; their first axis is the images, which run independently of each other on all cores. The table on
standard output has means per image; stats.json has sums over all images.

Examples:
  sparse-sim squeezenet.sac --input pictures.npy --output prob.npy --stats stats.json
  sparse-sim two-inputs.sac --input left=a.npy,right=b.npy --trace trace.json
  sparse-sim --lint_energy accelergy-45nm,./ERT.yaml

Exit code: 0 when the program ran, 1 when a file is wrong or the run failed, 2 when the command line is wrong.)";

constexpr const char *kFlags[] = {"machine", "input",       "output",      "stats", "trace",
                                  "threads", "values_only", "lint_energy", "quiet"};

/// 0, or 1 where standard output took not everything: a full disk, say.
int finish() {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout))
    return 0;
  std::fprintf(stderr, "sparse-sim: error: cannot write to standard output: %s\n", std::strerror(errno));
  return 1;
}

int fail(const absl::Status &status) {
  std::fprintf(stderr, "sparse-sim: error: %s\n", std::string(status.message()).c_str());
  return 1;
}

int misuse(const std::string &message) {
  std::fprintf(stderr, "sparse-sim: error: %s\nTry sparse-sim --help.\n", message.c_str());
  return 2;
}

absl::StatusOr<runtime::NamedArrays> readInputs(const std::vector<std::string> &items, const isa::Program &program) {
  std::vector<std::string> names;
  for (uint32_t input : program.inputs)
    names.push_back(program.tensors[input].name);
  if (items.empty() && !names.empty())
    return absl::InvalidArgumentError(
        absl::StrCat("expected --input: a .npy or .npz file for ", absl::StrJoin(names, ", ")));
  runtime::NamedArrays arrays;
  std::set<std::string> given;
  for (const std::string &item : items) {
    std::pair<std::string, std::string> named = absl::StrSplit(item, absl::MaxSplits('=', 1));
    bool hasName = absl::StrContains(item, '=');
    if (hasName && std::find(names.begin(), names.end(), named.first) == names.end())
      return absl::InvalidArgumentError(
          absl::StrCat("--input: the program has no input '", named.first, "'", suggestion(named.first, names)));
    if (!given.insert(hasName ? named.first : "").second)
      return absl::InvalidArgumentError(
          absl::StrCat("--input: '", item,
                       "' is given after another for the same input; images lie in one file, along its first axis"));
    if (hasName && named.second.empty())
      return absl::InvalidArgumentError(absl::StrCat("--input: '", item, "': expected a file behind the '='"));
    absl::StatusOr<runtime::NamedArrays> read = runtime::readArrays(hasName ? named.second : item);
    if (!read.ok())
      return read.status();
    for (const auto &[name, array] : *read)
      if (runtime::isFloat(array.dtype))
        for (int64_t i = 0; i < array.elements(); ++i)
          if (!std::isfinite(array.at(i)))
            return absl::InvalidArgumentError(absl::StrCat(hasName ? named.second : item, ": element ", i, " is ",
                                                           array.at(i), ", not a finite number"));
    if (hasName && read->size() != 1)
      return absl::InvalidArgumentError(
          absl::StrCat(named.second, " holds ", read->size(), " arrays, and input '", named.first, "' takes one"));
    for (auto &[name, array] : *read)
      arrays.emplace_back(hasName ? named.first : name, std::move(array));
  }
  return arrays;
}

/// Which output goes to which file.
absl::StatusOr<std::vector<std::pair<std::string, size_t>>> bindOutputs(const std::vector<std::string> &items,
                                                                        const isa::Program &program) {
  std::vector<std::pair<std::string, size_t>> files;
  std::vector<std::string> names;
  for (uint32_t output : program.outputs)
    names.push_back(program.tensors[output].name);
  std::set<size_t> given;
  for (const std::string &item : items) {
    auto twice = [&](size_t index) -> absl::Status {
      if (given.insert(index).second)
        return absl::OkStatus();
      return absl::InvalidArgumentError(
          absl::StrCat("--output: '", item, "' is given after another file for output '", names[index], "'"));
    };
    if (!absl::StrContains(item, '=')) {
      if (names.size() != 1)
        return absl::InvalidArgumentError(absl::StrCat("the program has ", names.size(), " outputs (",
                                                       absl::StrJoin(names, ", "), "): --output NAME=FILE.npy,..."));
      if (absl::Status status = twice(0); !status.ok())
        return status;
      files.emplace_back(item, 0);
      continue;
    }
    std::pair<std::string, std::string> named = absl::StrSplit(item, absl::MaxSplits('=', 1));
    size_t index = 0;
    while (index < names.size() && names[index] != named.first)
      ++index;
    if (index == names.size())
      return absl::InvalidArgumentError(
          absl::StrCat("--output: the program has no output '", named.first, "'", suggestion(named.first, names)));
    if (absl::Status status = twice(index); !status.ok())
      return status;
    files.emplace_back(named.second, index);
  }
  return files;
}

/// What the results go to is looked at before hours of work, not after.
absl::Status checkWritable(absl::string_view flag, const std::string &file) {
  std::filesystem::path path(file), folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": expected a file, and ", file, " is a folder"));
  if (!std::filesystem::is_directory(folder, error))
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, ": cannot write ", file, ": there is no folder ", folder.string()));
  if (::access(folder.c_str(), W_OK) != 0)
    return absl::InvalidArgumentError(absl::StrCat("--", flag, ": cannot write ", file, ": ", std::strerror(errno)));
  return absl::OkStatus();
}

/// A wrong value of a flag, a flag that needs one and has none, or an unknown flag with the nearest known one; or "".
std::string checkFlags(int argc, char **argv) {
  const std::vector<std::string> names(std::begin(kFlags), std::end(kFlags));
  for (int i = 1; i < argc && std::strcmp(argv[i], "--") != 0; ++i) {
    absl::string_view text = argv[i];
    if (text.size() < 2 || text[0] != '-')
      continue;
    text.remove_prefix(text[1] == '-' ? 2 : 1);
    std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
    const auto &[name, given] = parts;
    if (name == "version" || name == "noquiet" || name == "novalues_only")
      continue;
    if (std::find(names.begin(), names.end(), name) == names.end())
      return absl::StrCat("unknown flag '", argv[i], "'", suggestion(name, names));
    absl::CommandLineFlag *flag = absl::FindCommandLineFlag(name);
    bool hasValue = absl::StrContains(text, '='), isBool = flag->IsOfType<bool>();
    if (!hasValue && isBool)
      continue;
    if (!hasValue && ++i == argc)
      return absl::StrCat("--", name, " takes a value");
    std::string value = hasValue ? given : argv[i], error;
    if (!flag->ParseFrom(value, &error))
      return absl::StrCat("--", name, " takes ", isBool ? "true or false" : "a number", ", not '", value, "'");
  }
  return "";
}

int lint(const std::vector<std::string> &tables) {
  absl::StatusOr<LintResult> result = lintEnergyTables(tables);
  if (!result.ok())
    return fail(result.status());
  std::fputs(result->text.c_str(), stdout);
  return finish() || result->findings ? 1 : 0;
}

int run(const std::string &path) {
  absl::StatusOr<std::unique_ptr<runtime::Session>> session =
      runtime::Session::load(path, absl::GetFlag(FLAGS_machine));
  if (!session.ok())
    return fail(session.status());
  const isa::Program &program = (*session)->program();
  const machine::Machine &machine = (*session)->machine();
  absl::StatusOr<std::vector<std::pair<std::string, size_t>>> files = bindOutputs(absl::GetFlag(FLAGS_output), program);
  if (!files.ok())
    return fail(files.status());
  for (const auto &[file, index] : *files)
    if (absl::Status status = checkWritable("output", file); !status.ok())
      return fail(status);
  std::set<std::string> written;
  for (const auto &[file, index] : *files)
    written.insert(file);
  for (auto [flag, file] : {std::pair{"stats", absl::GetFlag(FLAGS_stats)}, {"trace", absl::GetFlag(FLAGS_trace)}}) {
    if (absl::Status status = file.empty() ? absl::OkStatus() : checkWritable(flag, file); !status.ok())
      return fail(status);
    if (!file.empty() && !written.insert(file).second)
      return fail(absl::InvalidArgumentError(absl::StrCat("--", flag, ": ", file, " is written by another flag, too")));
  }
  absl::StatusOr<runtime::NamedArrays> inputs = readInputs(absl::GetFlag(FLAGS_input), program);
  if (!inputs.ok())
    return fail(inputs.status());

  bool quiet = absl::GetFlag(FLAGS_quiet), counts = !absl::GetFlag(FLAGS_values_only);
  std::string trace = absl::GetFlag(FLAGS_trace), stats = absl::GetFlag(FLAGS_stats);
  runtime::RunOptions options;
  options.threads = absl::GetFlag(FLAGS_threads);
  options.counts = counts;
  options.timeline = !trace.empty();
  if (!quiet)
    options.progress = runtime::terminalProgress();
  absl::StatusOr<runtime::BatchResult> result = (*session)->run(*inputs, options);
  if (absl::IsInvalidArgument(result.status()))
    return fail(absl::InvalidArgumentError(
        absl::StrCat("--input ", absl::StrJoin(absl::GetFlag(FLAGS_input), ","), ": ", result.status().message())));
  if (!result.ok())
    return fail(result.status());

  FileSet set;
  for (const auto &[file, index] : *files) {
    std::vector<uint8_t> bytes = runtime::serializeNpy(result->outputs[index].second);
    set.add(file, std::string(bytes.begin(), bytes.end()));
  }
  auto write = [&] {
    absl::Status status = set.write();
    return status.ok() ? 0 : fail(status);
  };
  if (!counts)
    return write();
  absl::StatusOr<sim::Report> report = sim::makeReport(result->stats, program, machine, (*session)->estimates());
  if (!report.ok())
    return fail(report.status());
  if (!stats.empty())
    set.add(stats, sim::toJson(*report));
  if (!trace.empty())
    set.add(trace, sim::toTrace(result->stats, program, machine));
  if (int failed = write())
    return failed;
  if (!quiet)
    std::fputs(sim::formatReport(*report).c_str(), stdout);
  return finish();
}

} // namespace

int main(int argc, char **argv) {
  absl::SetProgramUsageMessage(kUsage);
  absl::FlagsUsageConfig config;
  // --help is about this tool's own flags.
  config.contains_help_flags = [](absl::string_view file) { return absl::StrContains(file, "sparse-sim"); };
  config.version_string = [] { return std::string("sparse-sim " SPARSEACCEL_VERSION "\n"); };
  absl::SetFlagsUsageConfig(config);
  // Abseil leaves with 1 on a wrong command line and on --help; here these are 2 and 0.
  for (int i = 1; i < argc; ++i)
    if (!std::strcmp(argv[i], "--help") || !std::strcmp(argv[i], "-h") || !std::strcmp(argv[i], "-help")) {
      std::printf("%s\n\nFlags:\n", kUsage);
      for (const char *name : kFlags) {
        const absl::CommandLineFlag *flag = absl::FindCommandLineFlag(name);
        std::printf("  --%s\n      %s\n", name, flag->Help().c_str());
      }
      return finish();
    }
  if (std::string problem = checkFlags(argc, argv); !problem.empty())
    return misuse(problem);
  std::vector<char *> positional = absl::ParseCommandLine(argc, argv);
  if (std::vector<std::string> tables = absl::GetFlag(FLAGS_lint_energy); !tables.empty())
    return positional.size() == 1 ? lint(tables) : misuse("--lint_energy runs no program");
  if (positional.size() != 2)
    return misuse(positional.size() < 2
                      ? "no program given"
                      : absl::StrCat("more than one program: ", positional[1], " and ", positional[2]));
  if (absl::GetFlag(FLAGS_values_only) && (!absl::GetFlag(FLAGS_stats).empty() || !absl::GetFlag(FLAGS_trace).empty()))
    return misuse("--values_only counts nothing that --stats or --trace could write");
  return run(positional[1]);
}
