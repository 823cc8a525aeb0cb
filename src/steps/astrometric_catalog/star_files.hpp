// The catalogue of a mosaic as files.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "mosaic_noise.hpp"
#include "tessera/model/star.hpp"

namespace tessera::steps {

/// What is known of the stars of a mosaic.
struct MosaicStars {
  std::vector<model::Star> stars;  ///< with ra and dec
  MosaicNoise noise;
  double threshold = 0, kernel_fwhm = 0;  ///< unit of the mosaic, pixels
  double pixel_scale = 0;                 ///< arcsec
  std::string unit;                       ///< BUNIT
  std::string finder, noise_method, prefilter;
};

/// <root>_astro_cat.fits: a row a star, as photutils names the columns.
void write_star_table(std::filesystem::path const& path, MosaicStars const& stars);

/// <root>_astro_cat.json: how many there are, how sharp they are, and how they were found.
void write_star_summary(std::filesystem::path const& path, MosaicStars const& stars);

}  // namespace tessera::steps
