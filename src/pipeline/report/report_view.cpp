#include "report_view.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "html.hpp"
#include "tessera/core/error.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// How much of the page pictures may take: with texts and tables it stays below 20 MB.
constexpr std::int64_t MosaicBytes = std::int64_t{10} << 20, PlotBytes = std::int64_t{3} << 20,
                       DrawingBytes = std::int64_t{4} << 20;
/// Each mosaic comes with its weights at half the side.
constexpr double PicturesPerMosaic = 1.25;

void add_band(std::vector<ReportTarget>& targets, std::string const& name, std::string const& band) {
  auto target = std::find_if(targets.begin(), targets.end(), [&](auto const& each) { return each.name == name; });
  if (target == targets.end()) target = targets.insert(targets.end(), {name, {}});
  if (std::find(target->bands.begin(), target->bands.end(), band) == target->bands.end()) target->bands.push_back(band);
}

nlohmann::json configuration_of(RunPlan const& plan) {
  auto configuration = nlohmann::json::parse(plan.request.configuration_json, nullptr, false);
  return configuration.is_object() ? configuration : nlohmann::json::object();
}

std::vector<std::string> texts_of(nlohmann::json const& configuration, char const* key) {
  std::vector<std::string> texts;
  if (configuration.contains(key) && configuration[key].is_array())
    for (auto const& text : configuration[key])
      if (text.is_string()) texts.push_back(text.get<std::string>());
  return texts;
}

std::vector<ReportTarget> targets_of(RunPlan const& plan) {
  std::vector<ReportTarget> targets;
  auto const configuration = configuration_of(plan);
  for (auto const& target : texts_of(configuration, "targets"))
    for (auto const& band : texts_of(configuration, "bands")) add_band(targets, target, band);
  for (auto const& exposures : plan.request.exposures) add_band(targets, exposures.target, exposures.band);
  for (auto const& mosaic : plan.mosaics) add_band(targets, mosaic.request.target, mosaic.request.band);
  return targets;
}

std::vector<config::StepEntry> listed_steps(RunPlan const& plan) {
  std::vector<config::StepEntry> entries;
  for (auto const& text : texts_of(configuration_of(plan), "steps")) try {
      entries.push_back(config::parse_step(text));
    } catch (ConfigError const&) {  // of another version of the program
    }
  return entries;
}

/// Ledger steps whose plots are pictures: at most two a (target, band).
double count_plots(RunPlan const& plan) {
  std::size_t bands = 0;
  for (auto const& planned : plan.request.steps) bands += planned.bands.size();
  return static_cast<double>(bands) * 0.5;
}

}  // namespace

ReportView::ReportView(fs::path page_, RunPlan const& plan_, std::vector<StepTiming> const& timing_,
                       std::vector<parallel::Failure> const& failures_)
    : page(std::move(page_)),
      plan(plan_),
      timing(timing_),
      failures(failures_),
      targets(targets_of(plan_)),
      listed(listed_steps(plan_)),
      mosaic_pictures(page, MosaicBytes, PicturesPerMosaic * static_cast<double>(plan_.mosaics.size())),
      plots(page, PlotBytes, count_plots(plan_)),
      drawing_bytes_left_(DrawingBytes) {}

fs::path ReportView::band_folder(std::string const& target, std::string const& band) const {
  return plan.request.report_folder / target / band;
}

ReportView::Work ReportView::find(std::string_view step, std::string const& target, std::string const& band) const {
  for (auto const& planned : plan.request.steps) {
    if (planned.step->name != step) continue;
    for (auto const& work : planned.bands)
      if (work.target == target && work.band.name == band) return {&planned, &work};
  }
  return {};
}

std::optional<fs::path> ReportView::products(std::string_view step, std::string const& target,
                                             std::string const& band) const {
  if (auto const work = find(step, target, band)) return work.band->products;
  bool const is_listed =
      std::any_of(listed.begin(), listed.end(), [&](auto const& entry) { return entry.step == step; });
  auto folder = band_folder(target, band) / step;
  if (!is_listed || !fs::is_directory(folder)) return std::nullopt;
  return folder;
}

bool ReportView::is_of(parallel::Failure const& failure, std::string const& target) {
  return failure.item.starts_with(target + "/") || failure.item.starts_with(target + " ");
}

std::string ReportView::figure(std::string const& drawing, std::string const& caption) {
  if (drawing.empty()) return "";
  if (static_cast<std::int64_t>(drawing.size()) > drawing_bytes_left_) {
    drawings_left_out = true;
    return "";
  }
  drawing_bytes_left_ -= static_cast<std::int64_t>(drawing.size());
  auto const below = caption.empty() ? "" : "<figcaption>" + escape_html(caption) + "</figcaption>";
  return "<figure>" + drawing + below + "</figure>\n";
}

std::optional<ColumnSummary> summarise(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  double squares = 0;
  for (double const value : values) squares += value * value;
  auto const half = values.size() / 2;
  double const median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return ColumnSummary{values.size(), values.front(), median, values.back(),
                       std::sqrt(squares / static_cast<double>(values.size()))};
}

}  // namespace tessera::pipeline
