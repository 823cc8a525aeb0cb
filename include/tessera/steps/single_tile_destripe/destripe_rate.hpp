// single_tile_destripe on an exposure in memory, before level 2 or after it (spec 40, 1.5).
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/model/exposure_image.hpp"
#include "tessera/refs/image_references.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::steps {

/// How strong the template of the wisps is in an exposure.
struct WispFit {
  double scale = 0, error = 0;  ///< exposure = scale * template + a plane for each 128 x 128 pixels
  bool subtracted = false;      ///< the scale is above three times its error
};

/// What was found and subtracted, in the unit of the exposure.
struct DestripedTile {
  /// [ny][nx]: what was taken off SCI (stripes, amplifier levels, wisps), also where SCI is no number or 0 and stays
  /// so; NaN nowhere.
  std::vector<float> model;
  double row_rms_before = 0, row_rms_after = 0;  ///< of clipped row medians of each amplifier, high-passed
  std::size_t amplifiers = 1;
  std::int64_t masked_by_regions = 0;           ///< pixels that region_mask leaves out
  std::optional<double> source_model_coverage;  ///< part of the usable pixels where source_model has a value
  std::optional<WispFit> wisps;                 ///< unset: no template for this detector
};

/// Measures on SCI divided by `flat` (null: as it is) and subtracts from SCI as it is; zeros and NaN stay. `wcs` (may
/// be null) is where the pixels are, for region masks and source models given on the sky; the exposure may not have its
/// own yet. `conversion` is MJy/sr per unit of SCI, for source models (1 after photom). Throws InputError, ConfigError.
DestripedTile destripe_exposure(model::ExposureImage& image, refs::FlatReference const* flat, sky::Wcs const* wcs,
                                double conversion, config::ResolvedParameters const& parameters);

/// Bytes a pixel that it takes besides the exposure and the flat.
std::int64_t destripe_exposure_bytes();

/// ROOT_stripes.fits: the model as image MODEL with the primary header of the exposure; TSWISP, TSWISPER where there
/// were wisps. Throws IoError.
void write_stripe_model(std::filesystem::path const& path, model::ExposureImage const& image,
                        DestripedTile const& tile);

/// A picture of the exposure before, of the model, and of the exposure after, side by side (wide ones from top to
/// bottom) in one scale; the first and the last with their median taken off. `image` is the exposure after. Takes 12
/// bytes a pixel.
void draw_destriped(std::filesystem::path const& path, model::ExposureImage const& image, DestripedTile const& tile);

/// A table of exposures: names of its columns, and a line (both with their end).
std::string destriped_table_head();
std::string destriped_table_line(model::ExposureImage const& image, DestripedTile const& tile);

}  // namespace tessera::steps
