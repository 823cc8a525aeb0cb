#include "tessera/steps/single_tile_destripe/destripe_rate.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "measure_tile.hpp"
#include "row_noise.hpp"
#include "source_model.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/kernels/flat_field.hpp"
#include "tessera/kernels/source_mask.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"
#include "tile_regions.hpp"
#include "wisps.hpp"

namespace tessera::steps {

namespace {

std::string instrument_of(model::ExposureImage const& image) {
  auto instrument = image.primary.text("INSTRUME").value_or("");
  for (char& letter : instrument) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  return instrument;
}

/// SCI through the flat, and the pixels that are not measured.
struct MeasuredOn {
  std::vector<float> sci;
  std::vector<std::uint8_t> bad;
};

MeasuredOn flatten(model::ExposureImage const& image, refs::FlatReference const* flat) {
  auto const& planes = image.planes;
  MeasuredOn made{planes.sci, {}};
  if (flat) kernels::divide_by_flat(flat->sci, flat->dq, made.sci);
  made.bad.reserve(made.sci.size());
  for (std::size_t k = 0; k < made.sci.size(); ++k)
    made.bad.push_back(!std::isfinite(made.sci[k]) || planes.sci[k] == 0 ||
                       (!planes.err.empty() && !std::isfinite(planes.err[k])) ||
                       (!planes.dq.empty() && (planes.dq[k] & dq::ResampleBad) != 0));
  return made;
}

void turn(MeasuredOn& measured, std::int64_t nx, std::int64_t ny) {
  measured.sci = transpose(measured.sci, nx, ny);
  measured.bad = transpose(measured.bad, nx, ny);
}

/// Outside sources and bad pixels.
std::vector<std::uint8_t> mask_for_noise(MeasuredOn const& measured, StripeLayout const& layout,
                                         SingleTileDestripeOptions const& options) {
  auto mask =
      kernels::make_source_mask(measured.sci.data(), measured.bad.data(), layout.nx, layout.ny,
                                {.nsigma = options.sigma, .npixels = options.npixels, .dilate = options.dilate});
  for (std::size_t k = 0; k < mask.size(); ++k) mask[k] |= measured.bad[k];
  return mask;
}

}  // namespace

DestripedTile destripe_exposure(model::ExposureImage& image, refs::FlatReference const* flat, sky::Wcs const* wcs,
                                double conversion, config::ResolvedParameters const& parameters) {
  auto& planes = image.planes;
  auto const nx = planes.nx, ny = planes.y1 - planes.y0;
  TESSERA_EXPECT(static_cast<std::int64_t>(planes.sci.size()) == nx * ny);
  auto const options = single_tile_options(parameters, StripesGoTo::Pixels);
  auto const frame =
      find_stripe_layout(image.primary, instrument_of(image), image.identity.half, nx, ny, options.quadrants);
  auto const layout = without_reference_pixels(frame);

  DestripedTile tile;
  tile.amplifiers = layout.bounds.size() - 1;
  auto measured = flatten(image, flat);
  refuse_without_pixels(image.path, measured.bad);
  if (options.region_mask) tile.masked_by_regions = leave_out_regions(*options.region_mask, wcs, nx, ny, measured.bad);
  if (options.source_model) {
    tile.source_model_coverage =
        subtract_source_model(*options.source_model, wcs, conversion, nx, ny, measured.sci, measured.bad);
    warn_of_coverage(image.identity.label(), *tile.source_model_coverage);
  }
  refuse_without_pixels(image.path, measured.bad);
  std::vector<float> wisps;
  if (options.wisp_template) {
    auto const found = find_wisps(image, options, frame, measured.sci, measured.bad);
    if (found) tile.wisps = found->fit;
    if (found && found->fit.subtracted) {
      wisps = found->image;
      for (std::size_t k = 0; k < wisps.size(); ++k) measured.sci[k] -= wisps[k];
    }
  }

  if (layout.turned) turn(measured, nx, ny);
  auto const stripes = measure_tile(measured.sci, measured.bad, layout, options, seed_of(image.identity.label()));
  tile.model = draw_stripes(stripes, frame, layout);
  {
    auto const mask = mask_for_noise(measured, layout, options);
    tile.row_rms_before = measure_row_noise(measured.sci, mask, layout);
    for (std::size_t k = 0; k < measured.sci.size(); ++k) measured.sci[k] -= tile.model[k];
    tile.row_rms_after = measure_row_noise(measured.sci, mask, layout);
  }
  if (layout.turned) tile.model = transpose(tile.model, ny, nx);
  for (std::size_t k = 0; k < wisps.size(); ++k) {
    // Light of the sky has gone through the flat, noise of the readout has not.
    float const through = flat ? flat->sci[k] : 1.0f;
    if (std::isfinite(through)) tile.model[k] += wisps[k] * through;
  }
  for (std::size_t k = 0; k < tile.model.size(); ++k) {
    float& value = planes.sci[k];
    if (value != 0) value = static_cast<float>(static_cast<double>(value) - static_cast<double>(tile.model[k]));
  }
  if (tile.wisps && tile.wisps->subtracted) {
    image.primary.set("TSWISP", tile.wisps->scale, "tessera: scale of the wisp template subtracted");
    image.primary.set("TSWISPER", tile.wisps->error, "tessera: its error");
  }
  return tile;
}

std::int64_t destripe_exposure_bytes() {
  // SCI through the flat, bad pixels, them turned, the model, its turned copy; wisps and their template.
  constexpr std::int64_t Measured = 2 * (4 + 1), Model = 2 * 4, Wisps = 3 * 4, Noise = 2;
  return measure_tile_bytes() + Measured + Model + Wisps + Noise;
}

}  // namespace tessera::steps
