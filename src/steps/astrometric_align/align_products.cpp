#include <cmath>

#include "../alignment_tables.hpp"
#include "measure_band.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

constexpr double ArcsecPerRadian = 3600 * sky::DegreesPerRadian;

/// Where the solution puts a star of the mosaic.
model::SkyPoint corrected_sky(MosaicSolution const& solution, model::SkyPoint const& sky) {
  sky::CorrectionPlane plane;
  plane.tangent = solution.tangent;
  std::array<double, 2> p{}, q{};
  plane.sky_to_plane({&sky.ra, 1}, {&sky.dec, 1}, {&p[0], 1}, {&p[1], 1});
  q = multiply(solution.move.matrix, p);
  for (std::size_t k = 0; k < 2; ++k) q[k] += solution.move.shift[k];
  model::SkyPoint moved;
  plane.plane_to_sky({&q[0], 1}, {&q[1], 1}, {&moved.ra, 1}, {&moved.dec, 1});
  return moved;
}

/// The matches of the fit (spec 40, 1.14).
void write_match_table(std::filesystem::path const& path, MeasuredBand const& measured) {
  std::vector<double> x_ref, y_ref, ra_ref, dec_ref, x, y, ra, dec, ra_corr, dec_corr;
  bool has_pixels = false;
  for (auto const& star : measured.stars) {
    if (!star.used) continue;
    auto const corrected = corrected_sky(measured.solution, star.source.sky);
    x_ref.push_back(star.reference.x);
    y_ref.push_back(star.reference.y);
    has_pixels = has_pixels || std::isfinite(star.reference.x);
    ra_ref.push_back(star.reference.ra);
    dec_ref.push_back(star.reference.dec);
    x.push_back(star.source.x);
    y.push_back(star.source.y);
    ra.push_back(star.source.sky.ra);
    dec.push_back(star.source.sky.dec);
    ra_corr.push_back(corrected.ra);
    dec_corr.push_back(corrected.dec);
  }
  io::SourceTable table;
  auto const add = [&](char const* name, char const* unit, std::vector<double>& values) {
    table.columns.push_back({name, unit, "", std::move(values), ""});
  };
  if (has_pixels) {
    add("xcentroid_ref", "pix", x_ref);
    add("ycentroid_ref", "pix", y_ref);
  }
  add("ra_ref", "deg", ra_ref);
  add("dec_ref", "deg", dec_ref);
  add("xcentroid_jwst", "pix", x);
  add("ycentroid_jwst", "pix", y);
  add("ra_jwst_uncorr", "deg", ra);
  add("dec_jwst_uncorr", "deg", dec);
  add("ra_jwst_corr", "deg", ra_corr);
  add("dec_jwst_corr", "deg", dec_corr);
  io::write_table(path, table);
}

/// The solution as the tables and pictures of alignments want it.
exchange::Alignment as_alignment(BandTask const& task, MeasuredBand const& measured) {
  auto const& solution = measured.solution;
  exchange::Alignment alignment;
  auto& fit = alignment.groups.emplace_back();
  fit.group = task.label();
  fit.status = solution.status;
  fit.reason = solution.reason;
  fit.matrix = solution.move.matrix;
  fit.shift = {solution.move.shift[0] * ArcsecPerRadian, solution.move.shift[1] * ArcsecPerRadian};
  fit.error = {solution.error[0], solution.error[1], 0};
  fit.sources = solution.sources;
  fit.matches = solution.matches;
  fit.rmse = solution.rmse;
  fit.mae = solution.mae;
  fit.rms_before = solution.rms_before;
  fit.first_tolerance = solution.tolerance * solution.pixel_scale;
  for (auto const& star : measured.stars) {
    if (!star.used) continue;
    auto const axes = sky::tangent_axes({star.reference.ra, star.reference.dec});
    auto const corrected = sky::to_vector(corrected_sky(solution, star.source.sky));
    fit.residuals.push_back({static_cast<float>(-sky::dot(axes.east, corrected) * ArcsecPerRadian),
                             static_cast<float>(-sky::dot(axes.north, corrected) * ArcsecPerRadian)});
  }
  return alignment;
}

}  // namespace

void write_align_products(BandTask const& task, MeasuredBand const& measured) {
  io::write_file(align_json_path(task.mosaic), to_json(measured.solution));
  auto const table = align_table_path(task.mosaic);
  if (measured.stars.empty())
    std::filesystem::remove(table);
  else
    write_match_table(table, measured);
  auto const alignment = as_alignment(task, measured);
  exchange::AlignImage image;
  image.name = image.group = task.label();
  std::span<exchange::AlignImage const> const images(&image, 1);
  std::filesystem::create_directories(task.products);
  io::write_file(task.products / "astrometric_align.csv", group_table(alignment, images));
  if (measured.stars.empty()) return;
  io::write_file(task.products / "astrometric_align_residuals.csv", residual_histograms(alignment, images));
  draw_residuals(task.products / "astrometric_align_residuals.png", alignment, task.label());
}

}  // namespace tessera::steps
