// Backgrounds from exposures of an empty field, combined once for each distinct list of them (spec 20, section 2).
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/kernels/combine_backgrounds.hpp"
#include "tessera/model/exposure_image.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

/// One exposure of an empty field.
struct OffExposure {
  std::string label;           ///< for messages
  std::filesystem::path path;  ///< _rate.fits: the archive's, or destriped
  model::DetectorWindow window;
  double weight = 1;
};

/// One combination to make.
struct OffBackground {
  std::filesystem::path product;  ///< ..._combinedbackground.fits: SCI, ERR, DQ as official, and COUNT and VAR
  std::string target, band;
  std::vector<OffExposure> offs;  ///< in order of time
  model::DetectorWindow window;   ///< of the science exposures; an off elsewhere on the detector adds NaN
  kernels::BackgroundClip clip;
  /// Ours: sources are found in each off against the median of all of them and left out, and pixels that all offs mask
  /// are filled from their neighbours.
  bool mask_sources = false;
  std::filesystem::path scratch;  ///< shared folder for what is passing, named after the product
  store::Manifest manifest;
};

/// Makes them all: one pool of (combination, rows) over the ranks, each rank reading its rows of every off, as many
/// rows at a time as the budget allows. The same bits for any ranks and budget. Each product is committed with its
/// manifest once whole. A combination whose off cannot be read fails alone. Collective.
StepOutcome combine_off_backgrounds(StepContext& context, std::vector<OffBackground> const& backgrounds);

/// SCI and DQ of a product, whole.
struct BackgroundImage {
  std::vector<float> sci;
  std::vector<std::uint32_t> dq;
};
BackgroundImage read_off_background(std::filesystem::path const& product, model::DetectorWindow const& window);

}  // namespace tessera::steps
