#include "joint_tables.hpp"

#include <fmt/format.h>

#include <cmath>

#include "tessera/core/log.hpp"

namespace tessera::steps {

namespace {

/// A sky line is as good as unknown below this part of the curvature that it has with the sky known.
constexpr double LeastKnown = 0.05;

}  // namespace

std::string joint_exposure_head() { return "exposure,amplifiers,rows,stripes_with_data,held_by_prior,rms\n"; }

std::string joint_exposure_line(model::ExposureIdentity const& identity, exchange::StripedExposure const& layout,
                                exchange::JointStripes const& solution, int exposure) {
  auto const k = static_cast<std::size_t>(exposure - solution.first);
  std::int64_t known = 0, held = 0;
  double squares = 0;
  for (std::size_t i = 0; i < solution.stripe[k].size(); ++i) {
    double const constraint = solution.constraint[k][i];
    if (!(constraint > 0)) continue;
    ++known;
    held += constraint < solution.ridge;
    squares += solution.stripe[k][i] * solution.stripe[k][i];
  }
  return fmt::format("{},{},{},{},{},{:.6g}\n", identity.label(), layout.amplifiers, layout.rows, known, held,
                     known > 0 ? std::sqrt(squares / static_cast<double>(known)) : 0);
}

std::string joint_row_table(std::span<exchange::StripedExposure const> exposures,
                            exchange::JointStripes const& solution) {
  std::string text = "amplifier,row,exposures,known_part,known\n";
  int rows = 0;
  for (auto const& exposure : exposures)
    if (static_cast<std::size_t>(exposure.stripes()) == solution.common_weight.size()) rows = exposure.rows;
  for (std::size_t i = 0; i < solution.common_weight.size(); ++i) {
    double const weight = solution.common_weight[i];
    text += fmt::format("{},{},{},{:.6g},{}\n", i / static_cast<std::size_t>(rows), i % static_cast<std::size_t>(rows),
                        solution.common_exposures[i], weight > 0 ? solution.common_curvature[i] / weight : 0,
                        solution.is_common_known(i) ? "yes" : "no");
  }
  return text;
}

std::string joint_sky_line_table(exchange::JointStripes const& solution) {
  std::string text = "period,known_part\n";
  for (auto const& mode : solution.sky_lines) text += fmt::format("{},{:.6g}\n", mode.period, mode.quotient);
  return text;
}

void log_joint_solution(std::string const& label, exchange::JointStripes const& solution) {
  log::info(
      "{}: joint stripes from {} pixels ({} clipped) in {} iterations; rms of stripes {:.4g} (prior), noise {:.3g} "
      "of the weights",
      label, solution.cells, solution.clipped, solution.iterations, solution.prior_amplitude, solution.noise);
  if (!solution.converged)
    log::warn("{}: the joint solution has not converged: its last digits are not to be relied on", label);
  std::int64_t rows = 0, unknown = 0;
  for (std::size_t i = 0; i < solution.common_exposures.size(); ++i) {
    if (solution.common_exposures[i] == 0) continue;
    ++rows;
    unknown += !solution.is_common_known(i);
  }
  if (unknown > 0)
    log::warn(
        "{}: the stripe that all exposures have in common is not constrained by the data in {} of {} rows: all see "
        "the same line of sky with the same row; it is taken from the prior (stays in the sky)",
        label, unknown, rows);
  for (auto const& mode : solution.sky_lines)
    if (mode.quotient < LeastKnown) {
      log::info(
          "{}: rows of all exposures run alike on the sky: structure along them that changes over {} pixels is not "
          "told from stripes (known to {:.2g}); see joint_sky_lines.csv, and do_large_scale",
          label, mode.period, mode.quotient);
      break;
    }
}

}  // namespace tessera::steps
