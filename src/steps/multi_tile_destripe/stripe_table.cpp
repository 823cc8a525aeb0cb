#include "stripe_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tessera::steps {

namespace {

double mean_of(std::vector<double> const& values) {
  auto const count = static_cast<double>(std::max<std::size_t>(1, values.size()));
  return std::accumulate(values.begin(), values.end(), 0.0) / count;
}

char const* half_name(model::Half half) {
  return half == model::Half::Whole ? "whole" : half == model::Half::Imager ? "imager" : "lyot";
}

/// About the mean of each amplifier.
double rms_of(StripeProfile const& profile) {
  double squares = 0;
  std::size_t count = 0;
  for (auto const& rows : profile.rows) {
    double const mean = mean_of(rows);
    for (double const value : rows) squares += (value - mean) * (value - mean);
    count += rows.size();
  }
  return std::sqrt(squares / static_cast<double>(std::max<std::size_t>(1, count)));
}

}  // namespace

void describe_profiles(StripeProfile const& first, StripeProfile const* second, StripeLine& line) {
  line.rms_a = rms_of(first);
  if (second) line.rms_b = rms_of(*second);
  if (first.rows.size() == 1) return;
  std::vector<double> levels;
  for (std::size_t a = 0; a < first.rows.size(); ++a)
    levels.push_back(-mean_of(first.rows[a]) - (second ? mean_of(second->rows[a]) : 0));
  line.lowest_level = *std::min_element(levels.begin(), levels.end());
  line.highest_level = *std::max_element(levels.begin(), levels.end());
}

std::string stripe_table(StepContext const& context, DestripeTask const& task, std::span<StripeLine const> lines) {
  std::vector<StripeLine> sorted(lines.begin(), lines.end());
  std::sort(sorted.begin(), sorted.end(), [](StripeLine const& a, StripeLine const& b) { return a.member < b.member; });
  std::string table =
      "exposure,half,overlaps,stack_level,iterations,rms_first_pass,rms_second_pass,largest_over_err,lowest_amplifier,"
      "highest_amplifier\n";
  for (auto const& line : sorted) {
    auto const member = static_cast<std::size_t>(line.member);
    auto const& identity = task.record(context, member).identity;
    table += fmt::format("{},{},{},{:.9g},{},{:.6g},{:.6g},{:.6g},{:.6g},{:.6g}\n", identity.exposure,
                         half_name(identity.half), task.overlaps[member] ? "yes" : "no",
                         task.level.empty() ? 0.0 : task.level[member], line.iterations, line.rms_a, line.rms_b,
                         line.largest_in_sigma, line.lowest_level, line.highest_level);
  }
  return table;
}

}  // namespace tessera::steps
