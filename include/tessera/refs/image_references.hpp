// Typed reference images of level 2: flat fields and pixel areas, cut to the window of an exposure (spec 20, 4.1, 4.2,
// 5.4).
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "tessera/model/exposure_image.hpp"

namespace tessera::refs {

/// A flat field as an exposure needs it. Arrays are [window.ny][window.nx]; DQ bits are the standard ones (translated
/// through DQ_DEF).
struct FlatReference {
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;
  /// Of its pixels, those that it corrects: neither NaN nor 0, nor flagged NO_FLAT_FIELD or DO_NOT_USE. 0 is a flat
  /// that leaves nothing of an exposure.
  double usable_fraction = 0;
};

/// Reads and cuts (rows by pread, never more than the window's). nullopt where the reference is smaller than the
/// exposure in either axis: the official step is skipped then. Throws InputError: no SCI, planes of differing shapes,
/// SUBSTRT or SUBSIZE missing in a reference that is no full frame, a window that reaches out of it, a DQ_DEF without
/// its columns.
std::optional<FlatReference> read_flat(std::filesystem::path const& path, model::DetectorWindow const& window);

/// Pixel areas and what the primary header says of them.
struct AreaReference {
  std::vector<float> area;                   ///< [window.ny][window.nx], relative
  std::optional<double> pixar_sr, pixar_a2;  ///< steradian, square arcsec
};

/// The reference is taken as starting at pixel 1,1 (spec 20, 5.4). Throws InputError: no SCI, a window that reaches out
/// of it.
AreaReference read_area(std::filesystem::path const& path, model::DetectorWindow const& window);

/// SUBSTRT1/2, SUBSIZE1/2 of a JWST file; the full frame where they are missing and the array has that shape (spec 20,
/// 2.3, 4.2); sizes that disagree with the array are the array's. `path` is for messages. Throws InputError.
model::DetectorWindow detector_window(std::filesystem::path const& path, model::Header const& primary, std::int64_t nx,
                                      std::int64_t ny);

}  // namespace tessera::refs
