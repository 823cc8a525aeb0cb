// What level 2 made: exposures, and the backgrounds that were taken off them.
#include <fmt/format.h>

#include <algorithm>

#include "html.hpp"
#include "report_view.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_ending(fs::path const& folder, std::string const& end) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator item(folder, error), none; !error && item != none; item.increment(error))
    if (item->path().filename().string().ends_with(end)) files.push_back(item->path());
  std::sort(files.begin(), files.end());
  return files;
}

/// How many exposures each combined background is made of.
std::string combined_of(std::vector<fs::path> const& backgrounds) {
  std::vector<double> counts;
  for (auto const& path : backgrounds) try {
      for (auto const& hdu : io::read_headers(path))
        if (auto const count = hdu.header.integer("NBKG")) {
          counts.push_back(static_cast<double>(*count));
          break;
        }
    } catch (Error const&) {  // it will be made again
    }
  auto const summary = summarise(counts);
  if (!summary) return "&ndash;";
  return summary->least == summary->largest ? fmt::format("{:.0f}", summary->least)
                                            : fmt::format("{:.0f} to {:.0f}", summary->least, summary->largest);
}

}  // namespace

std::string level2_section(ReportView const& view, ReportTarget const& target) {
  HtmlTable table({"band", "exposures", "combined backgrounds", "each of", "files"});
  for (auto const& band : target.bands) {
    auto const folder = view.products("lv2", target.name, band);
    if (!folder) continue;
    auto const exposures = files_ending(*folder, "_cal.fits");
    auto const backgrounds = files_ending(*folder / "backgrounds", "_combinedbackground.fits");
    auto files = files_ending(*folder, ".json");
    std::erase_if(files, [](auto const& path) { return !path.filename().string().starts_with("asn_"); });
    table.add({escape_html(band), fmt::format("{}", exposures.size()), fmt::format("{}", backgrounds.size()),
               combined_of(backgrounds), links_to(view.page, files)});
  }
  return table.size() == 0 ? "" : "<h3>Level 2</h3>\n" + table.html();
}

}  // namespace tessera::pipeline
