// Tangent-plane corrections of a WCS (spec 30, 1.7 and 1.10; spec 40, 1.7).
#pragma once
#include <optional>
#include <span>

#include "tessera/model/ledger_entry.hpp"
#include "tessera/sky/gwcs.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

/// The plane in which corrections of one WCS are measured and applied: tangent to the sky at `tangent`, coordinates
/// X = xi (east) and Y = eta (north), radians. For a JWST gwcs it is the plane at (ra_ref, dec_ref), and (v2_ref,
/// v3_ref, roll_ref) say where that is in V2V3. Any other WCS has no V2V3: the sky takes its place, so that v2_ref =
/// 3600 ra, v3_ref = 3600 dec [arcsec] and roll_ref = 0.
struct CorrectionPlane {
  SkyPoint tangent;
  double v2_ref = 0, v3_ref = 0, roll_ref = 0;  ///< what WcsCorrection stores: arcsec, arcsec, degrees

  /// NaN for positions 90 degrees or more from the tangent point.
  void sky_to_plane(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                    std::span<double> y) const;
  void plane_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                    std::span<double> dec) const;
};

/// The plane of `wcs`. `reference_pixel` (the array centre, say) is the tangent point of a WCS without V2V3 frames.
CorrectionPlane correction_plane(Wcs const& wcs, PixelPoint reference_pixel);

/// `wcs` with the correction applied: positions in the plane of the correction become matrix p + shift. A Gwcs with a
/// V2V3 frame gets a frame "v2v3corr" after v2v3vacorr (or v2v3); one that is there already is composed with. Any other
/// WCS is wrapped, the plane being tangent at ra = v2_ref / 3600, dec = v3_ref / 3600 (see CorrectionPlane).
/// Throws InputError for a singular or not finite matrix.
WcsPointer correct_wcs(WcsPointer const& wcs, model::WcsCorrection const& correction);

/// The transform of the correction from V2V3 to corrected V2V3, both arcsec, with its inverse, built as the official
/// alignment step writes it.
TransformPointer make_correction_transform(model::WcsCorrection const& correction);

/// The correction that a gwcs carries in its step to "v2v3corr"; nullopt when there is none of the usual form.
std::optional<model::WcsCorrection> stored_correction(Gwcs const& wcs);

}  // namespace tessera::sky
