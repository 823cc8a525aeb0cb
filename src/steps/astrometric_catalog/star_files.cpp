#include "star_files.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tessera/io/durable_file.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::steps {

namespace {

nlohmann::json number(double value) {
  if (!std::isfinite(value)) return nullptr;
  return value;
}

/// Median of the measured ones; NaN: none.
double median_fwhm(std::vector<model::Star> const& stars) {
  std::vector<double> values;
  for (auto const& star : stars)
    if (star.fwhm > 0) values.push_back(star.fwhm);
  return kernels::median_in_place(std::span<double>(values));
}

}  // namespace

void write_star_table(std::filesystem::path const& path, MosaicStars const& stars) {
  io::SourceTable table;
  std::vector<std::int64_t> ids;
  for (std::size_t k = 0; k < stars.stars.size(); ++k) ids.push_back(static_cast<std::int64_t>(k + 1));
  table.columns.push_back({"id", "", "", std::move(ids), ""});
  auto const add = [&](char const* name, std::string const& unit, double model::Star::*member) {
    std::vector<double> values;
    for (auto const& star : stars.stars) values.push_back(star.*member);
    table.columns.push_back({name, unit, "", std::move(values), ""});
  };
  add("xcentroid", "pix", &model::Star::x);
  add("ycentroid", "pix", &model::Star::y);
  add("fwhm", "pix", &model::Star::fwhm);
  add("sharpness", "", &model::Star::sharpness);
  add("roundness", "", &model::Star::roundness);
  add("peak", stars.unit, &model::Star::peak);
  add("flux", stars.unit, &model::Star::flux);
  add("sky_centroid.ra", "deg", &model::Star::ra);
  add("sky_centroid.dec", "deg", &model::Star::dec);
  table.meta = {{"FINDER", stars.finder},
                {"PREFILT", stars.prefilter},
                {"NOISE", stars.noise_method},
                {"SKYLEVEL", fmt::format("{}", stars.noise.median)},
                {"SKYRMS", fmt::format("{}", stars.noise.rms)},
                {"THRESH", fmt::format("{}", stars.threshold)},
                {"KERNFWHM", fmt::format("{}", stars.kernel_fwhm)}};
  io::write_table(path, table);
}

void write_star_summary(std::filesystem::path const& path, MosaicStars const& stars) {
  double const fwhm = median_fwhm(stars.stars);
  nlohmann::json const summary{{"stars", stars.stars.size()},
                               {"fwhm_median_pixel", number(fwhm)},
                               {"fwhm_median_arcsec", number(fwhm * stars.pixel_scale)},
                               {"pixel_scale_arcsec", number(stars.pixel_scale)},
                               {"finder", stars.finder},
                               {"prefilter", stars.prefilter},
                               {"kernel_fwhm_pixel", number(stars.kernel_fwhm)},
                               {"noise_method", stars.noise_method},
                               {"sky_level", number(stars.noise.median)},
                               {"sky_rms", number(stars.noise.rms)},
                               {"noise_pixels", stars.noise.pixels},
                               {"threshold", number(stars.threshold)},
                               {"unit", stars.unit}};
  io::write_file(path, summary.dump(2) + "\n");
}

}  // namespace tessera::steps
