// The stripes of one exposure, from its pixels alone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../stripe_layout.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_options.hpp"

namespace tessera::steps {

struct TileStripes {
  std::vector<double> added_levels;  ///< to each amplifier, before anything else; empty: columns see to that
  StripeProfile profile;             ///< rows and columns
  std::vector<float> pixels;         ///< pca: [layout.ny][layout.nx], in place of rows; else empty
};

/// `sci` and `bad` are [layout.ny][layout.nx], turned as the layout is, with the reference pixels left out of it; bad
/// pixels that are finite and not 0 still may be seen as sources. `seed` is for the noise that stands in for bad pixels
/// where diffuse light is filtered.
TileStripes measure_tile(std::vector<float> const& sci, std::vector<std::uint8_t> const& bad,
                         StripeLayout const& layout, SingleTileDestripeOptions const& options, std::uint64_t seed);

/// All of it as an image, turned as the layouts are. `frame` has the reference pixels in it, `layout` not.
std::vector<float> draw_stripes(TileStripes const& stripes, StripeLayout const& frame, StripeLayout const& layout);

/// Of the label of an exposure: the noise that stands in for its bad pixels is its own.
std::uint64_t seed_of(std::string_view label);

/// Throws InputError.
void refuse_without_pixels(std::string const& path, std::vector<std::uint8_t> const& bad);

/// Bytes a pixel that it takes besides what it is given.
std::int64_t measure_tile_bytes();

}  // namespace tessera::steps
