// A detector as it is simulated: its format, its place in V2V3 and its distortion.
#pragma once
#include <memory>
#include <optional>

#include "tessera/simulate/bands.hpp"
#include "tessera/simulate/siaf.hpp"
#include "tessera/sky/pointing.hpp"

namespace tessera::simulate {

/// Columns of the MIRI detector that see the sky through the imager, half-open, 0-based.
inline constexpr int MiriImagerBegin = 357, MiriImagerEnd = 1028;

/// Full or reduced detector.
struct Detector {
  SiafAperture const* aperture = nullptr;
  int nx = 0, ny = 0;               ///< pixels simulated
  long substrt1 = 1, substrt2 = 1;  ///< 1-based origin in the full format
  double v2_ref = 0, v3_ref = 0;    ///< arcsec: the aperture's, or moved in with a compact focal plane
  double pixel_area = 0;            ///< steradian, at the reference pixel
  bool reduced = false;
  std::optional<model::PixelPoint> filter_offset = std::nullopt;  ///< pixels; with [rates] alone

  bool is_miri() const { return aperture->detector == "mirimage"; }
  /// Reference pixel in the simulated array, 1-based.
  double crpix1() const { return aperture->x_ref - static_cast<double>(substrt1) + 1; }
  double crpix2() const { return aperture->y_ref - static_cast<double>(substrt2) + 1; }
};

/// Where an instrument is pointed: the middle of its detectors, arcsec.
struct V2V3 {
  double v2 = 0, v3 = 0;
};
V2V3 instrument_centre(std::vector<std::string> const& detectors);

Detector make_detector(std::string const& name, V2V3 const& centre, config::DetectorSettings const& settings);

/// The distortion as a tree like that of the reference files (spec 20, 3.3): 0-based pixels of the full format to V2V3.
/// Each polynomial pair carries its explicit inverse; MIRI has the bounding box that leaves out its reference columns.
sky::TransformPointer make_distortion(Detector const& detector);

/// What sky::make_imaging_wcs needs.
sky::DetectorGeometry make_geometry(Detector const& detector);

/// The chosen detectors' extent in V2 and V3, arcsec, largest minus smallest: of corners; of MIRI's imager, without its
/// coronagraph side, of the middles of its edges.
V2V3 field_of_view(std::vector<Detector> const& detectors);

}  // namespace tessera::simulate
