// An exposure: who it is, and its planes in memory.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::model {

/// Which part of a MIRI exposure: whole, or one half of a coronagraph split (lyot_separate).
enum class Half : std::uint8_t { Whole = 0, Imager = 1, Lyot = 2 };

/// What names an exposure in a survey. Ordering is catalogue order: target and band in the order of the configuration,
/// then file name, then half.
struct ExposureIdentity {
  std::string target;
  std::string band;      ///< as in the configuration, e.g. "F300M", "F770W_bgr"
  std::string exposure;  ///< file root without suffix, e.g. "jw02107041001_02105_00001_mirimage"
  Half half = Half::Whole;
  bool operator==(ExposureIdentity const&) const = default;
  /// "ngc0628/F300M/jw..._nrcalong" with ":imager" or ":lyot" for halves.
  std::string label() const;
};

/// The planes of a calibrated exposure (spec 20, 6.1) and of a mosaic (spec 30, 4.10), by extension name.
enum class Plane : std::uint8_t { Sci, Err, Dq, Area, VarPoisson, VarRnoise, VarFlat, Wht, Con };
inline constexpr int PlaneCount = 9;
/// "SCI", "ERR", "DQ", "AREA", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT", "WHT", "CON".
char const* extension_name(Plane plane);

/// A set of planes.
class PlaneSet {
 public:
  constexpr PlaneSet() = default;
  constexpr PlaneSet(std::initializer_list<Plane> planes) {
    for (Plane const plane : planes) bits_ |= 1u << static_cast<unsigned>(plane);
  }
  constexpr bool has(Plane plane) const { return (bits_ >> static_cast<unsigned>(plane)) & 1u; }
  constexpr void add(Plane plane) { bits_ |= 1u << static_cast<unsigned>(plane); }

 private:
  std::uint32_t bits_ = 0;
};

/// Full-width rows y0 <= y < y1 of an exposure. A plane that was not asked for, or that the file lacks, is empty.
/// Arrays are [y - y0][x], nx columns. Units: SCI and ERR of the file (MJy/sr for cal), variances their square.
struct RowBand {
  std::int64_t nx = 0, y0 = 0, y1 = 0;
  std::vector<float> sci, err, var_poisson, var_rnoise, var_flat, wht;
  std::vector<std::uint32_t> dq;
  std::int64_t pixel_count() const { return nx * (y1 - y0); }
};

}  // namespace tessera::model
