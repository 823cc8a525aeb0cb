// Levels: the graphs of level_match and the sky of skymatch.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "csv_table.hpp"
#include "html.hpp"
#include "report_view.hpp"
#include "svg.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// Larger graphs stay tables.
constexpr std::size_t MostEdges = 3000;

std::optional<SkyGraph> read_graph(fs::path const& stem) {
  auto const nodes = read_csv(fs::path(stem) += "_nodes.tsv", '\t'),
             edges = read_csv(fs::path(stem) += "_edges.tsv", '\t');
  if (!nodes || !edges || edges->rows.size() > MostEdges) return std::nullopt;
  SkyGraph graph;
  for (std::size_t k = 0; k < nodes->rows.size(); ++k) {
    auto const east = nodes->number(k, "east"), north = nodes->number(k, "north");
    if (east && north) graph.nodes.push_back({*east, *north});
  }
  for (std::size_t k = 0; k < edges->rows.size(); ++k) {
    auto const east = edges->number(k, "east 1"), north = edges->number(k, "north 1");
    auto const across = edges->number(k, "east 2 - east 1"), along = edges->number(k, "north 2 - north 1");
    if (!east || !north || !across || !along) continue;
    graph.edges.push_back({{*east, *north},
                           {*east + *across, *north + *along},
                           edges->number(k, "|left|").value_or(0),
                           edges->number(k, "used") == 1});
  }
  return graph;
}

/// Pairs of one stage.
struct StagePairs {
  std::size_t all = 0;
  std::vector<double> before, after;  ///< of those that were used
};

std::vector<std::pair<std::string, StagePairs>> stages_of(CsvTable const& pairs) {
  std::vector<std::pair<std::string, StagePairs>> stages;
  for (std::size_t k = 0; k < pairs.rows.size(); ++k) {
    auto const& name = pairs.text(k, "stage");
    auto stage = std::find_if(stages.begin(), stages.end(), [&](auto const& each) { return each.first == name; });
    if (stage == stages.end()) stage = stages.insert(stages.end(), {name, {}});
    ++stage->second.all;
    auto const delta = pairs.number(k, "delta"), residual = pairs.number(k, "residual");
    if (pairs.number(k, "used") != 1 || !delta || !residual) continue;
    stage->second.before.push_back(*delta);
    stage->second.after.push_back(*residual);
  }
  return stages;
}

std::string matched_levels(ReportView& view, ReportTarget const& target) {
  HtmlTable table({"band", "stage", "pairs used", "rms difference before", "after", "largest left", "files"});
  std::string drawings;
  for (auto const& band : target.bands) {
    auto const folder = view.products("level_match", target.name, band);
    if (!folder) continue;
    auto const pairs = read_csv(*folder / "level_match_pairs.csv");
    if (!pairs) continue;
    for (auto const& [name, stage] : stages_of(*pairs)) {
      auto const stem = *folder / "plots" / ("level_match_" + name);
      auto const before = summarise(stage.before), after = summarise(stage.after);
      std::vector<fs::path> const files{*folder / "level_match_pairs.csv", *folder / "level_match_corrections.csv",
                                        fs::path(stem) += "_graph.png", fs::path(stem) += "_differences.png"};
      table.add({escape_html(band), escape_html(name), fmt::format("{} of {}", stage.before.size(), stage.all),
                 before ? number_text(before->rms) : "&ndash;", after ? number_text(after->rms) : "&ndash;",
                 after ? number_text(std::max(std::abs(after->least), std::abs(after->largest))) : "&ndash;",
                 links_to(view.page, files)});
      auto const title = fmt::format("{} {}, {}", target.name, band, name);
      std::string both;
      if (auto const graph = read_graph(stem)) both += sky_graph_svg("Level graph: " + title, *graph);
      if (stage.before.size() <= MostEdges)
        both += before_after_svg("Differences of pairs: " + title, stage.before, stage.after, "");
      drawings += view.figure(both, title);
    }
  }
  if (table.size() == 0) return "";
  return "<h3>Levels</h3>\n" + table.html() + side_by_side(drawings);
}

std::string sky_levels(ReportView const& view, ReportTarget const& target) {
  HtmlTable table({"band", "exposures", "with a level", "least sky", "median", "largest", "files"});
  for (auto const& band : target.bands) {
    auto const folder = view.products("skymatch", target.name, band);
    if (!folder) continue;
    auto const levels = read_csv(*folder / "skymatch.csv");
    if (!levels) continue;
    auto const sky = summarise(levels->numbers("sky"));
    std::vector<fs::path> const files{*folder / "skymatch.csv", *folder / "skymatch_pairs.csv"};
    table.add({escape_html(band), fmt::format("{}", levels->rows.size()), fmt::format("{}", sky ? sky->count : 0),
               sky ? number_text(sky->least) : "&ndash;", sky ? number_text(sky->median) : "&ndash;",
               sky ? number_text(sky->largest) : "&ndash;", links_to(view.page, files)});
  }
  return table.size() == 0 ? "" : "<h3>Sky</h3>\n" + table.html();
}

}  // namespace

std::string levels_section(ReportView& view, ReportTarget const& target) {
  return matched_levels(view, target) + sky_levels(view, target);
}

}  // namespace tessera::pipeline
