// What was asked for and what there is: for the whole run, and step by step for a target.
#include <fmt/format.h>

#include <algorithm>

#include "csv_table.hpp"
#include "html.hpp"
#include "report_view.hpp"
#include "svg.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/core/byte_size.hpp"
#include "tessera/core/error.hpp"
#include "tessera/pipeline/ledger_steps.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

std::string marked(char const* kind, std::string const& text) {
  return fmt::format("<span class=\"{}\">{}</span>", kind, text);
}
std::string not_for_this_band() { return "&ndash;"; }
std::string left_out() { return marked("faint", "left out"); }
std::string not_done() { return marked("bad", "not done"); }
std::string done(std::size_t count, char const* what) {
  return marked("good", fmt::format("{} {}{}", count, what, count == 1 ? "" : "s"));
}

std::size_t exposures_of(RunPlan const& plan, std::string const& target, std::string const& band) {
  for (auto const& exposures : plan.request.exposures)
    if (exposures.target == target && exposures.band == band) return exposures.members.size();
  return 0;
}

/// Whether the mosaic that is asked for is on the disk; nothing where none was planned.
std::optional<bool> is_made(RunPlan const& plan, std::string const& target, std::string const& band, bool is_aligned) {
  for (auto const& mosaic : plan.mosaics)
    if (mosaic.request.target == target && mosaic.request.band == band && mosaic.request.is_aligned == is_aligned)
      return fs::exists(steps::i2d_path(mosaic));
  return std::nullopt;
}

std::string ledger_cell(ReportView const& view, std::string_view step, std::string const& target,
                        std::string const& band) {
  auto const work = view.find(step, target, band);
  if (!work) return left_out();
  return fs::exists(work.ledger()) ? done(work.band->members.size(), "exposure") : not_done();
}

std::string mosaic_cell(ReportView const& view, std::string const& target, std::string const& band) {
  auto const made = is_made(view.plan, target, band, false), aligned = is_made(view.plan, target, band, true);
  if (!made && !aligned) return left_out();
  if (!made.value_or(true) || !aligned.value_or(true)) return not_done();
  return done(made && aligned ? 2 : 1, "mosaic");
}

std::string catalogue_cell(ReportView const& view, std::string_view step, std::string const& target,
                           std::string const& band) {
  std::size_t planned = 0, there = 0;
  for (auto const& work : view.plan.request.mosaic_steps)
    if (work.step->name == step && work.task.target == target && work.task.band == band) {
      ++planned;
      if (fs::exists(work.task.product)) ++there;
    }
  return planned == 0 ? left_out() : there == planned ? done(there, "catalogue") : not_done();
}

std::size_t count_exposures(fs::path const& folder) {
  std::size_t count = 0;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), end; !error && item != end; item.increment(error)) {
    auto const name = item->path().filename().string();
    if (name.ends_with("_cal.fits") || name.ends_with("_rate.fits")) ++count;
  }
  return count;
}

/// A step that is neither of the ledger nor of mosaics: what it left in its folder counts.
std::string folder_cell(ReportView const& view, config::StepEntry const& entry, std::string const& target,
                        std::string const& band) {
  auto const* step = config::find_step(entry.step);
  if (auto const folder = view.products(entry.step, target, band))
    if (auto const stripes = read_csv(*folder / "stripes.csv"); stripes && !stripes->rows.empty())
      return done(stripes->rows.size(), "exposure");
  if (auto const count = count_exposures(view.band_folder(target, band) / entry.step); count > 0)
    return done(count, "exposure");
  // Without a folder of its own where the exposure went on through memory.
  bool const ran = std::any_of(view.timing.begin(), view.timing.end(),
                               [&](auto const& row) { return row.items > 0 && row.step.starts_with(entry.step); });
  if (ran) return marked("good", "ran");
  if (!step || !step->is_built) return marked("faint", "not built yet: left out");
  return left_out();
}

using CellOf = std::function<std::string(std::string const& band)>;

void add_row(HtmlTable& table, ReportTarget const& target, std::string const& name, config::StepEntry const* entry,
             CellOf const& cell_of) {
  std::vector<std::string> cells{escape_html(name)};
  for (auto const& band : target.bands) {
    bool runs = true;
    if (entry) try {
        runs = entry->runs_on(config::parse_band(band));
      } catch (ConfigError const&) {  // tessera mosaic: no band
      }
    cells.push_back(runs ? cell_of(band) : not_for_this_band());
  }
  table.add(std::move(cells));
}

/// Rows of one entry of `steps`: itself, or the parts of lv3.
void add_entry(HtmlTable& table, ReportView const& view, ReportTarget const& target, config::StepEntry const& entry) {
  bool is_known = false;
  auto const name_of = [&](std::string const& part) {
    return part == entry.step ? entry.text : entry.text + ": " + part;
  };
  for (auto const& step : ledger_steps()) {
    bool const is_planned = std::any_of(view.plan.request.steps.begin(), view.plan.request.steps.end(),
                                        [&](auto const& planned) { return planned.step->name == step.name; });
    // single_tile_destripe on count rates has no ledger.
    if (step.listed != entry.step || (!is_planned && step.name == entry.step)) continue;
    is_known = true;
    add_row(table, target, name_of(step.name), &entry,
            [&](std::string const& band) { return ledger_cell(view, step.name, target.name, band); });
  }
  if (entry.step == "lv3")
    add_row(table, target, name_of("resample"), &entry,
            [&](std::string const& band) { return mosaic_cell(view, target.name, band); });
  for (auto const& step : mosaic_steps()) {
    if (step.listed != entry.step) continue;
    is_known = true;
    add_row(table, target, name_of(step.name), &entry,
            [&](std::string const& band) { return catalogue_cell(view, step.name, target.name, band); });
  }
  if (!is_known)
    add_row(table, target, entry.text, &entry,
            [&](std::string const& band) { return folder_cell(view, entry, target.name, band); });
}

}  // namespace

std::string steps_section(ReportView const& view, ReportTarget const& target) {
  std::vector<std::string> heads{"step"};
  heads.insert(heads.end(), target.bands.begin(), target.bands.end());
  HtmlTable table(std::move(heads));
  add_row(table, target, "exposures taken", nullptr, [&](std::string const& band) {
    auto const count = exposures_of(view.plan, target.name, band);
    return count > 0 ? fmt::format("{}", count) : std::string("&ndash;");
  });
  for (auto const& entry : view.listed) add_entry(table, view, target, entry);
  if (view.listed.empty())
    add_row(table, target, "mosaics", nullptr,
            [&](std::string const& band) { return mosaic_cell(view, target.name, band); });
  return "<h3>What ran</h3>\n" + table.html();
}

std::string overview_section(ReportView const& view) {
  if (view.targets.empty()) return "";
  std::vector<std::string> bands;
  for (auto const& target : view.targets)
    for (auto const& band : target.bands)
      if (std::find(bands.begin(), bands.end(), band) == bands.end()) bands.push_back(band);
  std::vector<std::string> heads{"target"};
  heads.insert(heads.end(), bands.begin(), bands.end());
  HtmlTable table(std::move(heads));
  for (std::size_t t = 0; t < view.targets.size(); ++t) {
    auto const& target = view.targets[t];
    std::vector<std::string> cells{fmt::format("<a href=\"#target-{}\">{}</a>", t, escape_html(target.name))};
    for (auto const& band : bands) {
      auto const count = exposures_of(view.plan, target.name, band);
      auto const made = is_made(view.plan, target.name, band, false);
      auto const aligned = is_made(view.plan, target.name, band, true);
      auto const text = count > 0 ? fmt::format("{}", count) : std::string("&ndash;");
      bool const is_good = made.value_or(true) && aligned.value_or(true);
      cells.push_back(!made && !aligned ? text
                      : is_good         ? marked("good", text + " &#10003;")
                                        : marked("bad", text + " not made"));
    }
    table.add(std::move(cells));
  }
  return "<h2>Targets and bands</h2>\n<p>Exposures of each; &#10003;: their mosaics are there.</p>\n" + table.html();
}

std::string cost_section(ReportView const& view) {
  if (view.timing.empty()) return "";
  HtmlTable table({"step", "time", "busy (mean)", "items", "read", "written", "peak a rank", "imbalance"});
  std::vector<Bar> bars;
  for (auto const& row : view.timing) {
    table.add({escape_html(row.step), fmt::format("{:.2f} s", row.wall_s), fmt::format("{:.2f} s", row.busy_mean_s),
               fmt::format("{}", row.items), format_bytes(row.bytes_read), format_bytes(row.bytes_written),
               format_bytes(row.peak_memory), fmt::format("{:.3f}", row.imbalance)});
    bars.push_back({row.step, row.wall_s, fmt::format("{:.2f} s", row.wall_s)});
  }
  return "<h2>Time and memory</h2>\n" + side_by_side(bar_chart_svg("Seconds of each step", bars)) + table.html();
}

}  // namespace tessera::pipeline
