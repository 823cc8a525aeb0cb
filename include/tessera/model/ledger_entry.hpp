// Corrections as values: what the ledger holds and the exposure reader applies.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tessera/model/exposure.hpp"

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

using Correction =
    std::variant<LevelCorrection, PlaneCorrection, StripeCorrection, FlagCorrection, RegionFlag, WcsCorrection>;

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
