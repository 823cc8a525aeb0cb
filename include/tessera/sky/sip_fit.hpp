// The FITS SIP approximation of any WCS (spec 20, 3.9).
#pragma once
#include <optional>
#include <vector>

#include "tessera/model/header.hpp"
#include "tessera/sky/wcs.hpp"

namespace tessera::sky {

struct SipFitOptions {
  double max_pix_error = 0.01;  ///< forward tolerance, pixels
  std::optional<double> max_inv_pix_error = 0.01;
  std::optional<int> degree = {}, inv_degree = {};  ///< 1..6; unset: automatic, 1..5
  int npoints = 12;                                 ///< samples an axis, >= 8
  std::optional<PixelPoint> crpix = {};             ///< 0-based; unset: centre of the box rounded to one decimal
};

/// A fitted SIP WCS. Coefficient vectors are [i * (order + 1) + j] for u^i v^j.
struct SipFit {
  PixelPoint crpix;  ///< 0-based
  SkyPoint crval;
  std::array<std::array<double, 2>, 2> cd{};  ///< degrees
  int a_order = 1, ap_order = 0;              ///< 1: no A, B terms; 0: no inverse
  std::vector<double> a, b, ap, bp;
  double max_error_pix = 0, max_inverse_error_pix = 0;  ///< SIPMXERR, SIPIVERR
  bool tolerance_met = true, inverse_tolerance_met = true;

  /// Sets all keywords of spec 20 3.9 in `header` and removes PCi_j, CDELTi and older SIP keywords.
  void write_to(model::Header& header) const;
};

SipFit fit_sip(Wcs const& wcs, BoundingBox const& box, SipFitOptions const& options);

}  // namespace tessera::sky
