// Corrections as values: what the ledger holds and the exposure reader applies.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tessera/model/exposure.hpp"
#include "tessera/model/sky_grid.hpp"

namespace tessera::model {

/// SCI -= level over the region.
struct LevelCorrection {
  double level = 0;
};

/// SCI -= level + slope_x (x - x0) + slope_y (y - y0), x and y pixels of the exposure, 0-based.
struct PlaneCorrection {
  double level = 0, slope_x = 0, slope_y = 0, x0 = 0, y0 = 0;
};

/// SCI -= profile[amplifier][index]. Amplifier a spans x (or y, for columns) in [bounds[a], bounds[a + 1]).
struct StripeCorrection {
  enum class Direction : std::uint8_t { Rows, Columns };  ///< Rows: one value a row; Columns: one value a column
  Direction direction = Direction::Rows;
  std::vector<std::int64_t> bounds;         ///< amplifier edges along the other axis: amplifiers + 1 values, pixels
  std::vector<std::vector<float>> profile;  ///< [amplifier][row or column]
};

/// DQ |= bits where mask is set; SCI of flagged pixels is made NaN on export. One bit a pixel, row-major over the
/// region, packed least significant bit first.
struct FlagCorrection {
  std::uint32_t bits = 0;
  std::vector<std::uint8_t> mask;
};

/// DQ |= bits over the whole region (a coronagraph half, a Lyot mask).
struct RegionFlag {
  std::uint32_t bits = 0;
};

/// Tangent-plane affine of the WCS (spec 30, 1.10): inserted after v2v3 (or v2v3vacorr); for FITS WCS about CRVAL.
/// p' = matrix p + shift, radians, in the plane tangent at (v2_ref, v3_ref) [arcsec] rolled by roll_ref [deg].
struct WcsCorrection {
  std::array<std::array<double, 2>, 2> matrix{{{1, 0}, {0, 1}}};
  std::array<double, 2> shift{0, 0};  ///< radians
  double v2_ref = 0, v3_ref = 0, roll_ref = 0;
};

/// SCI -= level + slope_x (X - x_ref) + slope_y (Y - y_ref) at the position (X, Y) of the pixel on `grid`, 0-based, by
/// the WCS that the exposure had when the plane was fitted (LedgerEntry::wcs_version): a later correction of the WCS
/// does not move the plane (spec 40, 1.9).
struct SkyPlaneCorrection {
  double level = 0, slope_x = 0, slope_y = 0;  ///< unit of SCI, and that a pixel of the grid
  double x_ref = 0, y_ref = 0;                 ///< pixels of the grid
  SkyGrid grid;
};

/// Background of the exposure as skymatch found it (spec 30, 2.5). With `subtract` SCI -= level; else SCI stays as it
/// is, and what follows (outlier_detection, resample) takes the level off by itself: BKGLEVEL with BKGSUB false.
struct SkyCorrection {
  double level = 0;  ///< unit of SCI
  bool subtract = false;
  std::string method;  ///< BKGMETH
};

using Correction = std::variant<LevelCorrection, PlaneCorrection, StripeCorrection, FlagCorrection, RegionFlag,
                                WcsCorrection, SkyPlaneCorrection, SkyCorrection>;

/// One entry: what is done to which part of which exposure, by which step, made from what.
struct LedgerEntry {
  ExposureIdentity identity;
  std::string step;  ///< official step name, e.g. "level_match"
  int order = 0;     ///< position of the step in the run: entries apply in (order, index in file)
  Correction correction;
  PixelBox region;        ///< pixels it applies to; empty means the whole exposure
  int wcs_version = 0;    ///< how many WCS corrections the exposure had when this one was measured
  std::string made_from;  ///< hash of the manifest of the inputs
};

}  // namespace tessera::model
