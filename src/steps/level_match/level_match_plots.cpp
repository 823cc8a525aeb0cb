#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include "level_match_tables.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

/// Offsets from a position on the sky, arcsec east and north.
class Offsets {
 public:
  explicit Offsets(model::SkyPoint const& zero) : axes_(sky::tangent_axes(zero)) {}
  std::pair<double, double> operator()(model::SkyPoint const& point) const {
    auto const n = sky::to_vector(point);
    double const arcsec = 3600 * sky::DegreesPerRadian;
    return {arcsec * sky::dot(axes_.east, n), arcsec * sky::dot(axes_.north, n)};
  }

 private:
  sky::TangentAxes axes_;
};

/// Names carry underscores, which gnuplot would take for subscripts: hence 'noenhanced'.
std::string graph_script(std::string const& stem, std::string const& title, bool with_names) {
  std::string const labels =
      with_names ? fmt::format(", \\\n     '{}_nodes.tsv' using 2:3:1 with labels offset 0,1 font ',8' notitle", stem)
                 : "";
  return fmt::format(R"(# gnuplot {0}_graph.gp: the images of this stage, joined where they overlap
reset
set terminal pngcairo noenhanced size 1200,1000
set output '{0}_graph.png'
set datafile separator "\t"
set title '{1}'
set xlabel 'east (arcsec)'
set ylabel 'north (arcsec)'
set xrange [*:*] reverse
set size ratio -1
set palette rgb 33,13,10
set cblabel 'size of the difference that is left (unit of SCI)'
set key outside below
set offsets graph 0.1, graph 0.1, graph 0.05, graph 0.05
plot '{0}_edges.tsv' using ($6 == 0 ? $1 : NaN):2:3:4 with vectors nohead lc rgb 'grey70' dt 2 title 'not used', \
     '{0}_edges.tsv' using ($6 == 1 ? $1 : NaN):2:3:4:5 with vectors nohead lw 2 lc palette title 'used', \
     '{0}_nodes.tsv' using 2:3 with points pt 7 ps 1 lc rgb 'black' title 'images'{2}
)",
                     stem, title, labels);
}

std::string difference_script(std::string const& stem, std::string const& title) {
  return fmt::format(R"(# gnuplot {0}_differences.gp: the difference of each pair before and after matching
reset
set terminal pngcairo noenhanced size 1200,900
set output '{0}_differences.png'
set datafile separator "\t"
set multiplot layout 2,1 title '{1}'
set xlabel 'pair'
set offsets 1, 1, graph 0.05, graph 0.05
set key outside below horizontal
set ylabel 'difference before (unit of SCI)'
plot '{0}_edges.tsv' using 0:($6 == 1 ? $7 : NaN):8 with yerrorbars pt 7 ps 0.7 lc rgb 'black' title 'used (bars: error of the mean)', \
     '{0}_edges.tsv' using 0:($6 == 0 ? $7 : NaN) with points pt 6 lc rgb 'grey60' title 'not used'
set ylabel 'difference after (unit of SCI)'
set format y '%g'
plot '{0}_edges.tsv' using 0:($6 == 1 ? $9 : NaN):8 with yerrorbars pt 7 ps 0.5 lc rgb 'black' notitle, \
     0 lc rgb 'grey70' notitle
unset multiplot
)",
                     stem, title);
}

/// Tables and scripts of one stage. False where it has no pair with pixels.
bool write_stage(std::filesystem::path const& folder, std::string const& stem, std::string const& title,
                 MatchStage stage, TaskTables const& tables) {
  std::string nodes = "# image\teast\tnorth\tgroup\n",
              edges = "# east 1\tnorth 1\teast 2 - east 1\tnorth 2 - north 1\t|left|\tused\tbefore\terror\tleft\n";
  std::size_t node_count = 0, edge_count = 0;
  std::optional<Offsets> offsets;
  for (auto const& node : tables.nodes) {
    if (node.stage != stage) continue;
    if (!offsets) offsets.emplace(node.centre);
    auto const [east, north] = (*offsets)(node.centre);
    nodes += fmt::format("{}\t{:.3f}\t{:.3f}\t{}\n", node.name, east, north, node.component);
    ++node_count;
  }
  for (auto const& row : tables.pairs) {
    auto const& pair = row.result.measurement;
    if (row.stage != stage || pair.n_pix <= 0 || !offsets) continue;
    auto const [east, north] = (*offsets)(row.centre_1);
    auto const [east_2, north_2] = (*offsets)(row.centre_2);
    edges += fmt::format("{:.3f}\t{:.3f}\t{:.3f}\t{:.3f}\t{:.6g}\t{}\t{:.9g}\t{:.6g}\t{:.9g}\n", east, north,
                         east_2 - east, north_2 - north, std::abs(row.residual), exchange::is_used(row.verdict) ? 1 : 0,
                         pair.delta, pair.rms / std::sqrt(static_cast<double>(pair.n_pix)), row.residual);
    ++edge_count;
  }
  if (edge_count == 0) return false;
  io::write_file(folder / (stem + "_nodes.tsv"), nodes);
  io::write_file(folder / (stem + "_edges.tsv"), edges);
  io::write_file(folder / (stem + "_graph.gp"),
                 graph_script(stem, title, stage != MatchStage::Dithers && node_count <= 40));
  io::write_file(folder / (stem + "_differences.gp"), difference_script(stem, title));
  return true;
}

/// A path as one word of the shell.
std::string quote(std::string const& path) {
  std::string quoted = "'";
  for (char const letter : path) quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return quoted + "'";
}

/// Runs gnuplot on the scripts. False where it is not there, or does not succeed.
bool draw(std::filesystem::path const& folder, std::string const& stem) {
  auto const command = fmt::format("cd {} && gnuplot {}_graph.gp {}_differences.gp >/dev/null 2>gnuplot.log",
                                   quote(folder.string()), stem, stem);
  bool const drawn = std::system(command.c_str()) == 0;
  std::error_code ignored;
  if (drawn) std::filesystem::remove(folder / "gnuplot.log", ignored);
  return drawn;
}

}  // namespace

void write_level_match_plots(MatchPool const& pool, int task, TaskTables const& tables) {
  auto const& band_task = pool.tasks[static_cast<std::size_t>(task)];
  auto const folder = band_task.products / "plots";
  std::filesystem::create_directories(folder);
  for (auto const stage : MatchStages) {
    auto const stem = fmt::format("level_match_{}", stage_name(stage));
    if (!write_stage(folder, stem, fmt::format("{}, {}", band_task.label(), stage_name(stage)), stage, tables))
      continue;
    if (!draw(folder, stem))
      log::info(
          "{}: {} holds the tables and gnuplot scripts of plots that are not drawn (gnuplot is missing or failed)",
          band_task.label(), folder.string());
  }
}

}  // namespace tessera::steps
