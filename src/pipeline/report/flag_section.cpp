// How much of each exposure outlier_detection flagged.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

#include "html.hpp"
#include "report_view.hpp"
#include "svg.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

struct FlaggedExposure {
  std::string name;
  double fraction = 0;
};

std::int64_t count_bits(std::vector<std::uint8_t> const& mask) {
  std::int64_t count = 0;
  for (auto const byte : mask) count += std::popcount(byte);
  return count;
}

/// One mask at a time. `pixels` of each exposure; where an exposure is not there its mask says how many.
std::vector<FlaggedExposure> flagged_in(fs::path const& ledger, std::map<std::string, std::int64_t> const& pixels) {
  std::vector<FlaggedExposure> found;
  io::Hdf5File const file(ledger, io::Hdf5File::Mode::ReadOnly);
  if (!file.has("exposures")) return found;
  for (auto const& exposure : file.names("exposures")) {
    std::int64_t flagged = 0, size = 0;
    for (auto const& entry : file.names("exposures/" + exposure)) {
      auto const group = "exposures/" + exposure + "/" + entry;
      if (file.text_attribute(group, "operation") != "flag") continue;
      auto const mask = file.read_bytes(group + "/mask");
      flagged += count_bits(mask);
      size = std::max(size, static_cast<std::int64_t>(8 * mask.size()));
    }
    auto const known = pixels.find(exposure.substr(0, exposure.find(':')));
    if (known != pixels.end()) size = known->second;
    if (size > 0) found.push_back({exposure, static_cast<double>(flagged) / static_cast<double>(size)});
  }
  return found;
}

std::string percent(double fraction) { return fmt::format("{:.3f} %", 100 * fraction); }

}  // namespace

std::string flags_section(ReportView& view, ReportTarget const& target) {
  std::map<std::string, std::int64_t> pixels;
  for (auto const& record : view.plan.request.inventory.records)
    if (record.identity.target == target.name) pixels[record.identity.exposure] = record.nx * record.ny;
  HtmlTable table({"band", "exposures", "least flagged", "median", "most flagged", "in"});
  std::string drawings;
  for (auto const& band : target.bands) {
    auto const work = view.find("outlier_detection", target.name, band);
    if (!work || !fs::exists(work.ledger())) continue;
    std::vector<FlaggedExposure> flagged;
    try {
      flagged = flagged_in(work.ledger(), pixels);
    } catch (Error const&) {  // broken: its step will be done again
      continue;
    }
    std::vector<double> fractions;
    std::vector<float> percents;
    for (auto const& exposure : flagged) {
      fractions.push_back(exposure.fraction);
      percents.push_back(static_cast<float>(100 * exposure.fraction));
    }
    auto const summary = summarise(fractions);
    if (!summary) continue;
    auto const most = std::max_element(flagged.begin(), flagged.end(),
                                       [](auto const& a, auto const& b) { return a.fraction < b.fraction; });
    table.add({escape_html(band), fmt::format("{}", summary->count), percent(summary->least), percent(summary->median),
               percent(summary->largest), escape_html(most->name)});
    if (percents.size() > 1)
      drawings += view.figure(curves_svg(fmt::format("Flagged pixels of {} {}", target.name, band),
                                         std::vector<std::vector<float>>{percents}, band + ": exposures", "% flagged"));
  }
  if (table.size() == 0) return "";
  return "<h3>Flagged by outlier_detection</h3>\n" + table.html() + side_by_side(drawings);
}

}  // namespace tessera::pipeline
