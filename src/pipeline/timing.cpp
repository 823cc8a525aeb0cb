#include "tessera/pipeline/timing.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/parallel/memory_budget.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::pipeline {

StepTiming gather_timing(parallel::Communicator const& communicator, std::string const& step, double wall_s,
                         steps::StepCounts const& counts) {
  StepTiming row;
  row.step = step;
  row.wall_s = communicator.max(wall_s);
  auto const busy = communicator.all_gather_values<double>(std::span(&counts.busy_s, 1));
  for (double const seconds : busy) {
    row.busy_mean_s += seconds / static_cast<double>(busy.size());
    row.busy_max_s = std::max(row.busy_max_s, seconds);
  }
  row.imbalance = parallel::imbalance(busy);
  row.items = communicator.sum(counts.items);
  row.bytes_read = communicator.sum(counts.bytes_read);
  row.bytes_written = communicator.sum(counts.bytes_written);
  row.peak_memory = communicator.max(parallel::peak_resident_bytes());
  return row;
}

std::string timing_table(std::vector<StepTiming> const& rows) {
  std::string text = fmt::format("{:<30} {:>10} {:>10} {:>9} {:>10} {:>10} {:>11} {:>10}\n", "step", "time", "busy",
                                 "items", "read", "written", "peak a rank", "imbalance");
  for (auto const& row : rows)
    text += fmt::format("{:<30} {:>9.2f}s {:>9.2f}s {:>9} {:>10} {:>10} {:>11} {:>10.3f}\n", row.step, row.wall_s,
                        row.busy_mean_s, row.items, format_bytes(row.bytes_read), format_bytes(row.bytes_written),
                        format_bytes(row.peak_memory), row.imbalance);
  return text;
}

std::string timing_json(std::vector<StepTiming> const& rows, int ranks, int threads) {
  nlohmann::json list = nlohmann::json::array();
  for (auto const& row : rows)
    list.push_back({{"step", row.step},
                    {"wall_s", row.wall_s},
                    {"busy_mean_s", row.busy_mean_s},
                    {"busy_max_s", row.busy_max_s},
                    {"items", row.items},
                    {"bytes_read", row.bytes_read},
                    {"bytes_written", row.bytes_written},
                    {"peak_memory_bytes", row.peak_memory},
                    {"imbalance", row.imbalance}});
  return nlohmann::json{
             {"program", "tessera " + build_facts().version}, {"ranks", ranks}, {"threads", threads}, {"steps", list}}
             .dump(1) +
         "\n";
}

}  // namespace tessera::pipeline
