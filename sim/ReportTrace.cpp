//===- ReportTrace.cpp - Timelines for Perfetto ---------------------------===//
//
// The JSON form of Chrome's trace-event format: complete events ("X") in microseconds on one thread per queue.
//
//===----------------------------------------------------------------------===//

#include "SparseAccel/Sim/Report.h"

#include "absl/strings/str_cat.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace sparseaccel::sim {

using Json = nlohmann::ordered_json;

static Json boxOf(const isa::Operand &operand, const isa::Program &program) {
  Json json;
  size_t rank = 4;
  if (operand.tensor < program.tensors.size()) {
    json["tensor"] = program.tensors[operand.tensor].name;
    rank = std::min<size_t>(rank, program.tensors[operand.tensor].shape.size());
  }
  json["origin"] = std::vector<uint32_t>(operand.origin.begin(), operand.origin.begin() + rank);
  json["extent"] = std::vector<uint32_t>(operand.extent.begin(), operand.extent.begin() + rank);
  if (operand.buffer < program.buffers.size())
    json["buffer"] = program.buffers[operand.buffer].name;
  return json;
}

// What the instruction is, for the event's arguments.
static Json describe(const isa::Instruction &instruction, const isa::Program &program) {
  Json json;
  json["instruction"] = std::string(isa::toString(isa::opcodeOf(instruction)));
  if (const auto *load = std::get_if<isa::Load>(&instruction)) {
    json["box"] = boxOf(load->dst, program);
  } else if (const auto *store = std::get_if<isa::Store>(&instruction)) {
    json["box"] = boxOf(store->src, program);
  } else if (const auto *contract = std::get_if<isa::Contract>(&instruction)) {
    Json &tile = json["tile"];
    for (auto [name, extent] : {std::pair<const char *, uint32_t>{"n", contract->n},
                                {"g", contract->g},
                                {"m", contract->m},
                                {"c", contract->c},
                                {"p", contract->p},
                                {"q", contract->q},
                                {"r", contract->r},
                                {"s", contract->s}})
      tile[name] = extent;
    json["mode"] = std::string(isa::toString(contract->mode));
    if (contract->mapping < program.mappings.size())
      json["mapping"] = formatMapping(program.mappings[contract->mapping], program.levelNames);
  } else if (const auto *vector = std::get_if<isa::Vector>(&instruction)) {
    json["kind"] = std::string(isa::toString(vector->kind));
    json["box"] = boxOf(vector->o, program);
  } else if (const auto *configure = std::get_if<isa::Configure>(&instruction)) {
    if (configure->numerics < program.numerics.size())
      json["numerics"] = program.numerics[configure->numerics].name;
  } else if (const auto *host = std::get_if<isa::Host>(&instruction)) {
    if (host->op < program.hostOps.size())
      json["operator"] = program.hostOps[host->op].name;
  }
  return json;
}

std::string toTrace(const RunStats &stats, const isa::Program &program, const machine::Machine &machine) {
  auto dump = [](const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  double microseconds = 1.0 / machine.clockMhz; // of a cycle
  std::string text = "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n";
  Json process = {{"name", "process_name"}, {"ph", "M"}, {"pid", 1}, {"args", {{"name", machine.name}}}};
  absl::StrAppend(&text, dump(process));
  for (unsigned unit = 0; unit < kNumUnits; ++unit) {
    Json args = {{"name", unitName(static_cast<Unit>(unit))}};
    Json thread = {{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", unit + 1}, {"args", args}};
    Json order = {
        {"name", "thread_sort_index"}, {"ph", "M"}, {"pid", 1}, {"tid", unit + 1}, {"args", {{"sort_index", unit}}}};
    absl::StrAppend(&text, ",\n", dump(thread), ",\n", dump(order));
  }
  for (const InstructionRecord &record : stats.timeline) {
    Json args = record.instruction < program.instructions.size()
                    ? describe(program.instructions[record.instruction], program)
                    : Json::object();
    args["index"] = record.instruction;
    args["start_cycle"] = record.start;
    args["cycles"] = record.cycles;
    if (record.dram.total())
      args["dram_bytes"] = record.dram.total();
    Json bounds = Json::object();
    for (size_t i = 0; i < record.boundCycles.size(); ++i)
      if (record.boundCycles[i] > 0)
        bounds[dataflow::boundName(static_cast<dataflow::Bound>(i))] = record.boundCycles[i];
    if (!bounds.empty())
      args["bound_cycles"] = std::move(bounds);
    Json event;
    event["name"] = record.layer < program.layers.size() ? program.layers[record.layer].name : "?";
    event["cat"] = unitName(record.unit);
    event["ph"] = "X";
    event["pid"] = 1;
    event["tid"] = static_cast<unsigned>(record.unit) + 1;
    // A queue is held until `freed`: an event up to `end` would overlap the next one of its track.
    event["ts"] = static_cast<double>(record.start) * microseconds;
    event["dur"] = static_cast<double>(std::max(record.freed, record.start) - record.start) * microseconds;
    event["args"] = std::move(args);
    absl::StrAppend(&text, ",\n", dump(event));
  }
  absl::StrAppend(&text, "\n]}\n");
  return text;
}

} // namespace sparseaccel::sim
