// sluice/report_json.cpp: the report as one JSON object, members in the order of the structs.
//
// A stage's "dropped" is skipped + cancelled: what it took and neither completed nor gave up as a
// dead letter. Text that is not UTF-8 (an error's cause may hold anything) is replaced, not refused.
// SPDX-License-Identifier: MIT
#include <sluice/report.hpp>

#include <nlohmann/json.hpp>

#include <cmath>

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

// Clocks are read in nanoseconds; more digits than that would be rounding errors of additions.
double rounded(double seconds) { return std::round(seconds * 1e9) / 1e9; }

Json clock_json(const WorkerReport& clock) {
  return {{"busy_s", rounded(clock.busy_s)},
          {"starved_s", rounded(clock.starved_s)},
          {"blocked_s", rounded(clock.blocked_s)},
          {"parked_s", rounded(clock.parked_s)},
          {"delayed_s", rounded(clock.delayed_s)}};
}

Json stage_json(const StageReport& stage) {
  Json json = {{"name", stage.name},
               {"kind", stage.kind},
               {"workers", stage.workers},
               {"carrier", to_string(stage.carrier)},
               {"in", stage.in},
               {"out", stage.out},
               {"completed", stage.completed},
               {"filtered", stage.filtered},
               {"dropped", stage.skipped + stage.cancelled},
               {"skipped", stage.skipped},
               {"cancelled", stage.cancelled},
               {"dead", stage.dead},
               {"failed", stage.failed},
               {"retried", stage.retried},
               {"refused", stage.refused},
               {"overdue", stage.overdue},
               {"processes", stage.processes},
               {"deaths", stage.deaths},
               {"bytes", stage.bytes},
               {"expected_bytes", stage.expected_bytes}};
  if (stage.window > 0) {
    json["window"] = {{"capacity", stage.window},
                      {"open", stage.window_open},
                      {"high_water", stage.window_high_water}};
  }
  json.update(clock_json(stage.clock_sum()));
  json["service_p50_us"] = stage.service_p50_us;
  json["service_p99_us"] = stage.service_p99_us;
  json["clocks"] = Json::array();
  for (const WorkerReport& clock : stage.clocks) json["clocks"].push_back(clock_json(clock));
  return json;
}

Json branch_json(const BranchReport& branch) {
  return {{"from", branch.from},
          {"when_full", branch.when_full},
          {"emitted", branch.emitted},
          {"put", branch.put},
          {"refused", branch.refused},
          {"elsewhere", branch.elsewhere},
          {"dropped_newest", branch.dropped_newest},
          {"dropped_oldest", branch.dropped_oldest}};
}

Json store_json(const StoreReport& store) {
  return {{"items", store.items},           {"items_high_water", store.items_high_water},
          {"spilled", store.spilled},       {"spilled_high_water", store.spilled_high_water},
          {"file_bytes", store.file_bytes}, {"file_bytes_high_water", store.file_bytes_high_water}};
}

template <class T, class ToJson>
Json array_of(const std::vector<T>& values, ToJson to_json) {
  Json array = Json::array();
  for (const T& value : values) array.push_back(to_json(value));
  return array;
}

Json edge_json(const EdgeReport& edge) {
  Json json = {{"name", edge.name},
               {"adaptors", edge.adaptors},
               {"capacity", edge.capacity},
               {"lanes", edge.lanes},
               {"put", edge.put},
               {"got", edge.got},
               {"done", edge.done},
               {"dropped", edge.dropped},
               {"queued", edge.queued},
               {"high_water", edge.high_water},
               {"full_s", rounded(edge.full_s)},
               {"empty_s", rounded(edge.empty_s)},
               {"lane_puts", edge.lane_puts},
               {"branches", array_of(edge.branches, branch_json)}};
  if (edge.stores) json["store"] = store_json(edge.store);
  if (edge.capacity_bytes > 0 || edge.high_water_bytes > 0) {
    json["bytes"] = {{"capacity", edge.capacity_bytes},
                     {"queued", edge.queued_bytes},
                     {"high_water", edge.high_water_bytes}};
  }
  return json;
}

Json error_json(const ErrorReport& error) {
  return {{"stage", error.stage},
          {"worker", error.worker},
          {"item", error.has_item ? Json(error.item) : Json(nullptr)},
          {"attempt", error.attempt},
          {"phase", error.phase},
          {"cause", error.cause}};
}

}  // namespace

std::string Report::json() const {
  Json report = {{"pipeline", pipeline},
                 {"status", to_string(status)},
                 {"seconds", rounded(seconds)},
                 {"cpu_seconds", rounded(cpu_seconds)},
                 {"cores", cores},
                 {"stages", array_of(stages, stage_json)},
                 {"edges", array_of(edges, edge_json)},
                 {"ledger", {{"balanced", ledger.balanced}, {"faults", ledger.faults}}},
                 {"verdict", verdict},
                 {"dead_letters", dead_letters},
                 {"chaos", {{"kills", chaos_kills}, {"stops", chaos_stops}}},
                 {"error_count", error_count},
                 {"errors", array_of(errors, error_json)}};
  if (memory.budget > 0) {
    report["memory"] = {
        {"budget", memory.budget}, {"peak", memory.peak}, {"charged", memory.charged}};
  }
  return report.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sluice
