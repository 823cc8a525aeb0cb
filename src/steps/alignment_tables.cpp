#include "alignment_tables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numbers>

#include "tessera/io/quicklook.hpp"

namespace tessera::steps {

namespace {

constexpr double DegreesPerRadian = 180 / std::numbers::pi;

/// A field of a table: in quotes where it holds a comma.
std::string field(std::string const& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char const letter : text) quoted += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return quoted + "\"";
}

struct Members {
  std::string visit;
  int images = 0;
};

/// Visit and number of images of every group.
std::map<std::string, Members> members_of(std::span<exchange::AlignImage const> images) {
  std::map<std::string, Members> members;
  for (auto const& image : images) {
    auto& group = members[image.group];
    if (group.images++ == 0) group.visit = image.visit;
  }
  return members;
}

double rms_of(std::vector<std::array<float, 2>> const& residuals) {
  double sum = 0;
  for (auto const& r : residuals) sum += static_cast<double>(r[0]) * r[0] + static_cast<double>(r[1]) * r[1];
  return residuals.empty() ? 0 : std::sqrt(sum / static_cast<double>(residuals.size()));
}

/// Half width that holds nearly all residuals, arcsec: a round number.
double residual_range(exchange::Alignment const& alignment) {
  std::vector<float> sizes;
  for (auto const& group : alignment.groups)
    for (auto const& r : group.residuals) sizes.push_back(std::max(std::abs(r[0]), std::abs(r[1])));
  if (sizes.empty()) return 0;
  auto const at = static_cast<std::ptrdiff_t>(std::ceil(0.98 * static_cast<double>(sizes.size() - 1)));
  std::nth_element(sizes.begin(), sizes.begin() + at, sizes.end());
  double const wanted = std::max(1.1 * static_cast<double>(sizes[static_cast<std::size_t>(at)]), 1e-6);
  double const decade = std::pow(10, std::floor(std::log10(wanted)));
  for (double const step : {1.0, 2.0, 5.0, 10.0})
    if (step * decade >= wanted) return step * decade;
  return 10 * decade;
}

std::string group_name(exchange::GlobalAlignment const& alignment, int group) {
  return group < 0 ? "datum" : alignment.groups[static_cast<std::size_t>(group)].group;
}

}  // namespace

std::string group_table(exchange::Alignment const& alignment, std::span<exchange::AlignImage const> images) {
  auto members = members_of(images);
  std::string text =
      "group,visit,images,status,shift_x,shift_y,rotation,scale,sources,matches,rmse,mae,rms_before,rms_after,"
      "error_x,error_y,error_rotation,tolerance,reason\n";
  for (auto const& fit : alignment.groups) {
    auto const found = members.find(fit.group);
    int const count = found == members.end() ? static_cast<int>(images.size()) : found->second.images;
    std::string const visit = found == members.end() ? "" : found->second.visit;
    auto const& m = fit.matrix;
    bool const moved = fit.status == exchange::AlignStatus::Success;
    text += fmt::format("{},{},{},{}", field(fit.group), visit, count, exchange::status_text(fit.status));
    if (moved)
      text += fmt::format(",{:.6f},{:.6f},{:.7f},{:.9f}", fit.shift[0], fit.shift[1],
                          std::atan2(m[0][1] - m[1][0], m[0][0] + m[1][1]) * DegreesPerRadian,
                          std::sqrt(std::abs(m[0][0] * m[1][1] - m[0][1] * m[1][0])));
    else
      text += ",,,,";
    text += fmt::format(",{},{}", fit.sources, fit.matches);
    if (moved)
      text += fmt::format(",{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.7f}", fit.rmse, fit.mae, fit.rms_before,
                          rms_of(fit.residuals), fit.error[0], fit.error[1], fit.error[2]);
    else
      text += ",,,,,,,";
    text += fmt::format(",{},{}\n", fit.first_tolerance > 0 ? fmt::format("{:g}", fit.first_tolerance) : "",
                        field(fit.reason));
  }
  return text;
}

std::string residual_histograms(exchange::Alignment const& alignment, std::span<exchange::AlignImage const> images) {
  constexpr int Bins = 40;
  std::string text = "visit,axis,low,high,count\n";
  double const range = residual_range(alignment);
  if (range <= 0) return text;
  auto const members = members_of(images);
  std::map<std::string, std::array<std::array<std::int64_t, Bins>, 2>> counts;
  for (auto const& fit : alignment.groups) {
    if (fit.residuals.empty()) continue;
    auto const found = members.find(fit.group);
    auto& of_visit = counts[found == members.end() ? fit.group : found->second.visit];
    for (auto const& residual : fit.residuals)
      for (std::size_t axis = 0; axis < 2; ++axis) {
        double const bin = std::floor((static_cast<double>(residual[axis]) / range + 1) * Bins / 2);
        ++of_visit[axis][static_cast<std::size_t>(std::clamp(bin, 0.0, Bins - 1.0))];  // the ends hold what is beyond
      }
  }
  for (auto const& [visit, histogram] : counts)
    for (std::size_t axis = 0; axis < 2; ++axis)
      for (int bin = 0; bin < Bins; ++bin)
        text +=
            fmt::format("{},{},{:.6g},{:.6g},{}\n", field(visit), axis == 0 ? "x" : "y", range * (2.0 * bin / Bins - 1),
                        range * (2.0 * (bin + 1) / Bins - 1), histogram[axis][static_cast<std::size_t>(bin)]);
  return text;
}

std::string pair_table(exchange::GlobalAlignment const& alignment) {
  std::string text = "group_1,group_2,matches,by_chance,shift_x,shift_y,rival,verdict\n";
  for (auto const& pair : alignment.pairs)
    text += fmt::format("{},{},{},{:.3g},{:.6f},{:.6f},{:.3g},{}\n", field(group_name(alignment, pair.first)),
                        field(group_name(alignment, pair.second)), pair.matches, pair.expected_by_chance, pair.shift[0],
                        pair.shift[1], pair.rival, exchange::status_text(pair.verdict));
  return text;
}

std::string detector_table(exchange::GlobalAlignment const& alignment) {
  std::string text = "detector,offset_x,offset_y\n";
  for (std::size_t k = 0; k < alignment.detectors.size() && k < alignment.detector_offset.size(); ++k)
    text += fmt::format("{},{:.6f},{:.6f}\n", alignment.detectors[k], alignment.detector_offset[k][0],
                        alignment.detector_offset[k][1]);
  return text;
}

void draw_residuals(std::filesystem::path const& path, exchange::Alignment const& alignment, std::string const& title) {
  constexpr std::int64_t Side = 81;
  double const range = residual_range(alignment);
  if (range <= 0) return;
  std::vector<float> counts(static_cast<std::size_t>(Side * Side), 0.0f);
  auto const bin_of = [&](float residual) {
    return static_cast<std::int64_t>(std::floor((static_cast<double>(residual) / range + 1) * Side / 2));
  };
  for (auto const& group : alignment.groups)
    for (auto const& residual : group.residuals) {
      auto const x = bin_of(residual[0]), y = bin_of(residual[1]);
      if (x >= 0 && x < Side && y >= 0 && y < Side) counts[static_cast<std::size_t>(y * Side + x)] += 1;
    }
  io::QuicklookOptions options;
  options.stretch = io::QuicklookOptions::Stretch::Linear;
  options.low_percentile = 0;
  options.high_percentile = 100;
  options.unit = "stars";
  options.title = fmt::format("{}: RESIDUALS WITHIN {:g} MAS", title, 1000 * range);
  io::write_quicklook(path, counts, Side, Side, options);
}

}  // namespace tessera::steps
