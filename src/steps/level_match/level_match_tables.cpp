#include "level_match_tables.hpp"

#include <fmt/format.h>

#include <cmath>

#include "tessera/io/durable_file.hpp"

namespace tessera::steps {

namespace {

/// Numbers as they are written: all digits that count, nothing where there is none.
std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.9g}", value) : ""; }

std::string pair_line(PairRow const& row) {
  auto const& pair = row.result.measurement;
  bool const is_used = exchange::is_used(row.verdict), has_pixels = pair.n_pix > 0;
  std::string line =
      fmt::format("{},{},{},{},{},{},{},{},{},{},{}", stage_name(row.stage), row.set, row.first, row.second, pair.n_pix,
                  has_pixels ? number(pair.delta) : "", has_pixels ? number(pair.rms) : "", is_used ? 1 : 0,
                  row.failed ? "exposure failed" : exchange::verdict_text(row.verdict),
                  is_used ? number(row.weight) : "", has_pixels ? number(row.residual) : "");
  if (pair.has_plane)
    line += fmt::format(",{},{},{}", number(pair.plane.slope_x), number(pair.plane.slope_y), number(pair.plane.level));
  else
    line += ",,,";
  return line + "\n";
}

std::string correction_lines(MatchPool const& pool, int exposure) {
  std::string lines;
  auto const& record = pool.record(exposure);
  for (auto const& correction : pool.exposures[static_cast<std::size_t>(exposure)].corrections) {
    lines += fmt::format("{},{},{},{}", exposure_image_name(record.identity), stage_name(correction.stage),
                         number(correction.plane.level + correction.local), number(correction.local));
    if (correction.with_slope) {
      auto const& grid = pool.grids[static_cast<std::size_t>(correction.grid)];
      auto const reference = sky::grid_reference_pixel(grid);
      auto const at = sky::make_grid_wcs(grid)->pixel_to_sky(reference);
      lines += fmt::format(",{},{},{:.9f},{:.9f}\n", number(correction.plane.slope_x), number(correction.plane.slope_y),
                           at.ra, at.dec);
    } else {
      lines += ",0,0,,\n";
    }
  }
  return lines;
}

}  // namespace

void write_level_match_tables(MatchPool const& pool, int task, TaskTables const& tables) {
  auto const& folder = pool.tasks[static_cast<std::size_t>(task)].products;
  std::filesystem::create_directories(folder);
  std::string text = "stage,set,i,j,n_pix,delta,rms,used,verdict,weight,residual,slope_x,slope_y,level\n";
  for (auto const& row : tables.pairs) text += pair_line(row);
  io::write_file(folder / "level_match_pairs.csv", text);
  text = "exposure,stage,level,local,slope_x,slope_y,ra_ref,dec_ref\n";
  for (std::size_t e = 0; e < pool.exposures.size(); ++e)
    if (pool.exposures[e].task == task && !pool.exposures[e].failed)
      text += correction_lines(pool, static_cast<int>(e));
  io::write_file(folder / "level_match_corrections.csv", text);
}

}  // namespace tessera::steps
