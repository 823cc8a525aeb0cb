// Pictures of the mosaics, and how sharp their stars are.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "html.hpp"
#include "report_view.hpp"
#include "tessera/steps/resample/mosaic_quicklook.hpp"
#include "tessera/steps/resample/write_i2d.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

std::string one_mosaic(ReportView& view, steps::MosaicPlan const& mosaic) {
  auto const fits = steps::i2d_path(mosaic);
  auto const name = fits.stem().string();
  std::string html = fmt::format("<h4>{}</h4>\n", escape_html(name));
  if (!fs::exists(fits)) return html + "<p class=\"bad\">Not made.</p>\n";
  html += fmt::format("<p>{}: {} &times; {} pixels of {:.4f}&Prime;, {} exposures", link_to_file(view.page, fits),
                      mosaic.grid.nx, mosaic.grid.ny, mosaic.grid.cdelt[0] * 3600, mosaic.request.members.size());
  if (auto const manifest = store::read_manifest(fits))
    html += fmt::format(", manifest <code>{}</code>", escape_html(manifest->key().substr(0, 12)));
  html += "</p>\n";
  std::string figures;
  bool is_first = true;  // SCI, then WHT
  for (auto const& picture : steps::quicklook_paths(mosaic)) {
    auto const what = fmt::format("{}{}", mosaic.request.is_aligned ? "aligned " : "", is_first ? "image" : "weights");
    figures += view.mosaic_pictures.figure(
        picture, fmt::format("{} {}: {}", mosaic.request.target, mosaic.request.band, what), is_first ? 1 : 0.5);
    is_first = false;
  }
  return html + side_by_side(figures);
}

/// Before and after the mosaics were aligned to the sky and drizzled again.
std::string sharpness(ReportView const& view, ReportTarget const& target) {
  HtmlTable table({"mosaic", "stars", "median FWHM"});
  for (auto const& work : view.plan.request.mosaic_steps) {
    if (work.task.target != target.name || work.step->name != "astrometric_catalog") continue;
    std::ifstream stream(fs::path(work.task.root) += "_astro_cat.json");
    auto const stars = nlohmann::json::parse(stream, nullptr, false);
    // Half written by a run that was killed (the next makes it again), or a mosaic without stars.
    if (!stars.is_object() || !stars.contains("fwhm_median_arcsec") || !stars["fwhm_median_arcsec"].is_number())
      continue;
    auto const count = stars.find("stars");
    table.add({escape_html(work.task.mosaic.filename().string()),
               count != stars.end() && count->is_number() ? fmt::format("{}", count->get<long long>()) : "&ndash;",
               fmt::format("{:.4f}&Prime;", stars["fwhm_median_arcsec"].get<double>())});
  }
  return table.size() == 0 ? "" : "<h4>Sharpness</h4>\n" + table.html();
}

}  // namespace

std::string mosaics_section(ReportView& view, ReportTarget const& target) {
  std::string html;
  for (auto const& band : target.bands)
    for (auto const& mosaic : view.plan.mosaics)
      if (mosaic.request.target == target.name && mosaic.request.band == band) html += one_mosaic(view, mosaic);
  html += sharpness(view, target);
  return html.empty() ? "" : "<h3>Mosaics</h3>\n" + html;
}

}  // namespace tessera::pipeline
