// How one mosaic was aligned, as it goes to other ranks and to <product>_i2d_align.json.
#pragma once
#include <string>
#include <vector>

#include "mosaic_plane.hpp"
#include "tessera/exchange/alignment.hpp"

namespace tessera::steps {

/// Where a solution comes from.
enum class AlignMode {
  None,        ///< nothing to align to: the WCS stays
  Catalogue,   ///< a catalogue of the user's
  BandStars,   ///< the aligned stars of another band (ref_long_filter)
  Mapped,      ///< the solution of another band (align_mapping, shift)
  Correlation  ///< its aligned mosaic (align_mapping, cross_corr)
};
/// "none", "catalogue", "band_stars", "mapped", "cross_corr".
char const* align_mode_name(AlignMode mode);

struct MosaicSolution {
  std::string target, band;
  AlignMode mode = AlignMode::None;
  std::string reference;  ///< file, or band
  exchange::AlignStatus status = exchange::AlignStatus::NotAligned;
  std::string reason;  ///< for a person; may be empty
  std::vector<std::string> warnings, iterations;
  model::SkyPoint tangent;  ///< of the plane of the mosaic, degrees
  double pixel_scale = 0;   ///< arcsec
  PlaneMove move;           ///< in that plane, radians; identity unless Success
  PlaneMove pixel_move;     ///< the same in pixels from CRPIX: reference = matrix image + shift
  int sources = 0, references = 0, pairs = 0, matches = 0;  ///< `references`: in the field; `matches`: used of `pairs`
  double rmse = 0, mae = 0, rms_before = 0;                 ///< arcsec
  double expected_by_chance = 0, log10_chance = 0;
  double tolerance = 0;               ///< pixels, of the last iteration
  std::array<double, 2> error{0, 0};  ///< standard errors of the shift, arcsec; 0: not known
  double epoch = 0;                   ///< Julian year to which the catalogue was carried; 0: none known

  bool is_aligned() const { return status == exchange::AlignStatus::Success; }
};

/// All of it; reading gives every bit back.
std::string to_json(MosaicSolution const& solution);
MosaicSolution solution_from_json(std::string const& text);

/// <lv3>/<product>_i2d_align.json and _i2d_align_table.fits of a mosaic <lv3>/<product>_i2d.fits.
std::filesystem::path align_json_path(std::filesystem::path const& mosaic);
std::filesystem::path align_table_path(std::filesystem::path const& mosaic);

}  // namespace tessera::steps
