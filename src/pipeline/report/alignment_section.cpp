// Alignment: what each group was moved by, and what is left of the matches.
#include <fmt/format.h>

#include <array>
#include <cmath>

#include "csv_table.hpp"
#include "html.hpp"
#include "report_view.hpp"
#include "svg.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

struct AlignmentFiles {
  char const* step;
  char const* groups;     ///< table of what was moved by how much
  char const* residuals;  ///< its histograms are this and ".csv", the picture ".png"
};
constexpr std::array Steps{AlignmentFiles{"get_wcs_adjust", "get_wcs_adjust_groups.csv", "get_wcs_adjust_residuals"},
                           AlignmentFiles{"tweakreg", "tweakreg_groups.csv", "tweakreg_residuals"},
                           AlignmentFiles{"astrometric_align", "astrometric_align.csv", "astrometric_align_residuals"}};

std::string milliarcsec(std::optional<double> arcsec) {
  return arcsec && std::isfinite(*arcsec) ? fmt::format("{:.2f}", 1000 * *arcsec) : "&ndash;";
}

std::string status_cell(std::string const& status) {
  if (status.empty()) return "&ndash;";
  bool const is_good = status == "SUCCESS" || status == "REFERENCE";
  return fmt::format("<span class=\"{}\">{}</span>", is_good ? "good" : "bad", escape_html(status));
}

std::string group_rows(CsvTable const& groups) {
  constexpr std::size_t Shown = 12, Most = 60;
  HtmlTable table({"group", "images", "status", "shift x (mas)", "shift y (mas)", "rotation (deg)", "matches",
                   "rms before (mas)", "rms after (mas)", "reason"});
  for (std::size_t k = 0; k < groups.rows.size(); ++k)
    table.add({escape_html(groups.text(k, "group")), escape_html(groups.text(k, "images")),
               status_cell(groups.text(k, "status")), milliarcsec(groups.number(k, "shift_x")),
               milliarcsec(groups.number(k, "shift_y")), number_text(groups.number(k, "rotation"), 3),
               escape_html(groups.text(k, "matches")), milliarcsec(groups.number(k, "rms_before")),
               milliarcsec(groups.number(k, "rms_after")), escape_html(groups.text(k, "reason"))});
  auto const rows = table.html(Most);
  return table.size() <= Shown
             ? rows
             : fmt::format("<details><summary>{} groups</summary>\n{}</details>\n", table.size(), rows);
}

/// The histograms of all visits, added up, along one axis.
std::string axis_histogram(CsvTable const& residuals, std::string const& axis, std::string const& title) {
  std::vector<std::int64_t> counts;
  std::string visit;
  std::size_t bin = 0;
  double low = 0, high = 0;
  for (std::size_t k = 0; k < residuals.rows.size(); ++k) {
    if (residuals.text(k, "axis") != axis) continue;
    auto const from = residuals.number(k, "low"), to = residuals.number(k, "high"),
               count = residuals.number(k, "count");
    if (!from || !to || !count) return "";
    if (k == 0 || bin == 0 || residuals.text(k, "visit") != visit) {
      visit = residuals.text(k, "visit");
      bin = 0;
      low = *from;
    }
    high = *to;
    if (counts.size() <= bin) counts.resize(bin + 1);
    counts[bin++] += static_cast<std::int64_t>(*count);
  }
  return histogram_svg(title, counts, 1000 * low, 1000 * high, axis + " (mas)");
}

std::string of_band(ReportView& view, ReportTarget const& target, std::string const& band,
                    AlignmentFiles const& files) {
  auto const folder = view.products(files.step, target.name, band);
  if (!folder) return "";
  auto const groups = read_csv(*folder / files.groups);
  if (!groups || groups->rows.empty()) return "";
  auto const stem = *folder / files.residuals;
  std::vector<fs::path> const tables{*folder / files.groups, fs::path(stem) += ".csv",
                                     *folder / fmt::format("{}_pairs.csv", files.step),
                                     *folder / fmt::format("{}_detectors.csv", files.step)};
  std::string html = fmt::format("<h4>{}: {}</h4>\n<p>{}</p>\n{}", files.step, escape_html(band),
                                 links_to(view.page, tables), group_rows(*groups));
  std::string drawings;
  if (auto const residuals = read_csv(fs::path(stem) += ".csv"))
    for (auto const* axis : {"x", "y"})
      drawings += view.figure(axis_histogram(
          *residuals, axis, fmt::format("Residuals of {} {} along {}, {}", target.name, band, axis, files.step)));
  drawings += view.plots.figure(fs::path(stem) += ".png", fmt::format("{} {}: residuals", files.step, band), 0.7);
  html += side_by_side(drawings);
  return html;
}

}  // namespace

std::string alignment_section(ReportView& view, ReportTarget const& target) {
  std::string html;
  for (auto const& files : Steps)
    for (auto const& band : target.bands) html += of_band(view, target, band, files);
  return html.empty() ? "" : "<h3>Alignment</h3>\n" + html;
}

}  // namespace tessera::pipeline
