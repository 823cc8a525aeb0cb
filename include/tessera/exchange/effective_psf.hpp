// An effective PSF measured from the exposures themselves, and star centres by fitting it (Anderson & King 2000).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tessera/kernels/build_psf.hpp"
#include "tessera/model/star.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::exchange {

/// Pixels around a star of one exposure, background not taken off.
struct StarStamp {
  model::Star star;                 ///< centre as first found, pixels of the exposure
  std::int64_t x0 = 0, y0 = 0;      ///< corner pixel of the stamp
  int side = 0;                     ///< pixels; value and error are [y][x]
  std::vector<float> value, error;  ///< NaN: no data
};

/// How wide the PSF of an exposure is, and with it all that is cut and fitted.
struct PsfSize {
  double fwhm = 2;        ///< pixels, of the optics
  double fit_radius = 5;  ///< pixels around a star that are fitted
  int radius = 6;         ///< of the PSF, pixels
  int stamp_side() const { return 2 * radius + 1; }
};
/// For a PSF of this width: 2.5 FWHM with the pixel are fitted, 4 pixels at least. 0 (unknown): 2.5 pixels.
PsfSize psf_size(double fwhm_pixels);

/// Stamps of the stars of one exposure that a PSF can be measured from: whole, without bad pixels in the core, no
/// neighbour above 3 % of their light, peak above 15 times the noise. The brightest `at_most`, in the order of `stars`.
/// Independent; memory: a band of rows.
std::vector<StarStamp> cut_psf_stamps(store::ExposureReader const& reader, std::span<model::Star const> stars,
                                      PsfSize const& size, std::size_t at_most);

/// A PSF as it travels between ranks.
struct MeasuredPsf {
  kernels::EffectivePsf psf;  ///< empty: none
  double model_error = 0;     ///< as a fraction of the value
  std::string account;        ///< how it was made, or why not, for the log
};
MeasuredPsf measure_psf(std::vector<StarStamp> const& stamps, PsfSize const& size);

/// How the centres of one exposure went.
struct CentreCounts {
  std::int64_t fitted = 0, kept = 0;  ///< fitted; left as they were found, error 0
};

/// Fits every star, listed neighbours with it, and replaces x, y, error, ra, dec where that went well. Pixels that are
/// bad or saturated are left out. Independent; memory: a band of rows.
CentreCounts fit_centres(store::ExposureReader const& reader, std::vector<model::Star>& stars, PsfSize const& size,
                         MeasuredPsf const& measured);

/// Bytes and back. Stamps come with the whole list of stars that they were chosen from.
struct StampList {
  std::vector<model::Star> stars;
  std::vector<StarStamp> stamps;
};
std::vector<std::byte> pack_stamps(StampList const& list);
StampList unpack_stamps(std::span<std::byte const> bytes);
std::vector<std::byte> pack_psf(MeasuredPsf const& measured);
MeasuredPsf unpack_psf(std::span<std::byte const> bytes);

}  // namespace tessera::exchange
