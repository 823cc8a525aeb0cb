// Every mosaic against the one of a previous version of the same survey.
#include <fmt/format.h>

#include "compare_mosaics.hpp"
#include "html.hpp"
#include "report_view.hpp"
#include "tessera/core/error.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> compared(ReportView const& view, fs::path const& mosaic, fs::path const& previous) {
  auto const name = link_to_file(view.page, previous, mosaic.filename().string());
  auto const without = [&](std::string const& why) {
    return std::vector<std::string>{name, why, "&ndash;", "&ndash;", "&ndash;", "&ndash;", "&ndash;"};
  };
  if (!fs::exists(previous))
    return {escape_html(mosaic.filename().string()),
            "not in that version",
            "&ndash;",
            "&ndash;",
            "&ndash;",
            "&ndash;",
            "&ndash;"};
  try {
    auto const found = compare_mosaics(mosaic, previous);
    auto const size = [](std::int64_t nx, std::int64_t ny) { return fmt::format("{} &times; {}", nx, ny); };
    bool const same_size = found.nx == found.previous_nx && found.ny == found.previous_ny;
    return {name,
            size(found.nx, found.ny) + (found.same_grid ? ", same grid"
                                        : same_size     ? ", another grid"
                                                        : ", was " + size(found.previous_nx, found.previous_ny)),
            number_text(found.median, 5),
            number_text(found.previous_median, 5),
            number_text(found.median_difference, 4),
            number_text(found.rms_difference, 4),
            fmt::format("{} of {} rows", found.rows, found.ny)};
  } catch (Error const&) {
    return without("<span class=\"bad\">cannot be read</span>");
  }
}

}  // namespace

std::string comparison_section(ReportView const& view, ReportTarget const& target) {
  auto const& request = view.plan.request;
  if (request.previous_products.empty()) return "";
  HtmlTable table(
      {"mosaic", "pixels", "median level", "previous median", "median difference", "rms difference", "from"});
  for (auto const& mosaic : view.plan.mosaics) {
    auto const fits = steps::i2d_path(mosaic);
    if (mosaic.request.target != target.name || !fs::exists(fits)) continue;
    table.add(compared(view, fits, request.previous_products / fs::relative(fits, request.report_folder)));
  }
  if (table.size() == 0) return "";
  return fmt::format(
      "<h3>Compared with {}</h3>\n<p>Levels and differences (this version less that one) of SCI, in its "
      "unit; differences where both have data on the same grid.</p>\n{}",
      escape_html(request.previous_products.filename().string()), table.html());
}

}  // namespace tessera::pipeline
