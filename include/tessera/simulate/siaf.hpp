// Apertures of the Science Instrument Aperture File: where each detector lies in the focal plane, and its distortion.
#pragma once
#include <string>
#include <vector>

namespace tessera::simulate {

/// A full-frame aperture. Polynomials are in SIAF order: 00, 10, 11, 20, 21, 22, ...; coefficient ij multiplies
/// x^(i-j) y^j. Sci: pixels relative to (x_ref, y_ref); Idl: arcsec about the reference point. The inverse is fitted to
/// the forward polynomials (jobs/make-siaf-table.py): good to 0.002 pixel for NIRCam, 0.03 for MIRI.
struct SiafAperture {
  std::string name;               ///< e.g. "NRCA5_FULL"
  std::string detector;           ///< as in file names: "nrcalong", "nrcb1", "mirimage"
  int nx = 0, ny = 0;             ///< pixels
  double x_ref = 0, y_ref = 0;    ///< reference pixel, 1-based
  double v2_ref = 0, v3_ref = 0;  ///< arcsec
  double v3_idl_y_angle = 0;      ///< degrees
  int vidl_parity = -1;
  int degree = 0;
  std::vector<double> sci_to_idl_x, sci_to_idl_y, idl_to_sci_x, idl_to_sci_y;
};

/// NRCA1_FULL to NRCB5_FULL and MIRIM_FULL of PRDOPSSOC-063 (pysiaf, BSD-3-Clause).
std::vector<SiafAperture> const& siaf_apertures();

/// Aperture of a detector ("nrcb1"). Throws ConfigError naming the nearest one.
SiafAperture const& find_aperture(std::string const& detector);

}  // namespace tessera::simulate
