// How the stripes of an exposure lie, and what is subtracted along them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tessera/model/ledger_entry.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

/// Stripes run along the fast axis of the readout. Where that is y the image is turned (transposed) for everything that
/// is measured: "rows" and "columns" are those of the turned image.
struct StripeLayout {
  bool turned = false;
  std::int64_t nx = 0, ny = 0;        ///< of the turned image
  std::vector<std::int64_t> bounds;   ///< columns where amplifiers begin and end; {0, nx} where there is one
  std::int64_t first_column = 0;      ///< columns before it are corrected but take no part in what is measured
  std::int64_t reference_pixels = 0;  ///< wide is the frame of them about the image
  std::int64_t border = 0;            ///< as wide is the frame that is not corrected

  bool has_amplifiers() const { return bounds.size() > 2; }
};

/// From FASTAXIS and SLOWAXIS (else along x). Four amplifiers with `quadrants` where a near-infrared detector is read
/// over its whole width through four outputs (NOUTPUTS, SUBARRAY; 2048 pixels wide where it does not say FULL). MIRI:
/// no amplifiers, and the coronagraphs (x < 300) are not measured, save in a Lyot half by itself.
StripeLayout find_stripe_layout(model::Header const& primary, std::string const& instrument, model::Half half,
                                std::int64_t nx, std::int64_t ny, bool quadrants);
StripeLayout find_stripe_layout(store::ExposureReader const& reader, bool quadrants);

/// The same with the reference pixels left out: the outer amplifiers end where these begin.
StripeLayout without_reference_pixels(StripeLayout layout);

/// What to subtract at (x, y) of the turned image: rows[amplifier of x][y] + columns[x].
struct StripeProfile {
  std::vector<std::vector<double>> rows;
  std::vector<double> columns;  ///< empty: none

  void add(StripeProfile const& other);
};

/// A profile of zeros.
StripeProfile make_profile(StripeLayout const& layout);

/// Subtracts the profile from an exposure as it is in memory (not turned). Exact zeros stay: they are no data.
void subtract_profile(StripeProfile const& profile, StripeLayout const& layout, std::span<float> sci);

/// Ledger entries of the profile; none for one of zeros.
std::vector<model::LedgerEntry> make_entries(StripeProfile const& profile, StripeLayout const& layout);

/// For the journal, doubles with their bits, with one number more that the step wants to keep.
std::vector<std::byte> pack_profile(StripeProfile const& profile, double remark);
StripeProfile unpack_profile(std::span<std::byte const> bytes, double& remark);

/// [x][y] of [y][x].
template <class T>
std::vector<T> transpose(std::vector<T> const& image, std::int64_t nx, std::int64_t ny) {
  std::vector<T> turned(image.size());
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x)
      turned[static_cast<std::size_t>(x * ny + y)] = image[static_cast<std::size_t>(y * nx + x)];
  return turned;
}

}  // namespace tessera::steps
