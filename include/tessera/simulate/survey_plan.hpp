// Every exposure of a simulated survey: names, times, where it believes to point and where it points.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "tessera/simulate/bands.hpp"
#include "tessera/simulate/focal_plane.hpp"

namespace tessera::simulate {

/// Attitude of the observatory: the sky position and V3 position angle at a point of the focal plane.
struct Attitude {
  V2V3 at;                 ///< arcsec
  double ra = 0, dec = 0;  ///< degrees
  double v3pa = 0;         ///< degrees, roll of V3 at that point
};

/// One file to write.
struct PlannedExposure {
  std::size_t index = 0;                           ///< in the survey, counted from 0
  std::size_t target = 0, band = 0, detector = 0;  ///< indices in the plan
  bool off = false;                                ///< of the empty field
  int observation = 1, visit = 1, dither = 0;
  std::string root;                   ///< "jw09001001001_02101_00001_nrcalong"
  std::string visit_name;             ///< "jw09001001001"
  std::uint64_t key = 0;              ///< of its random numbers
  double start_mjd = 0;               ///< UTC
  double x_offset = 0, y_offset = 0;  ///< dither in V2, V3, arcsec
  double va_scale = 1;
  Attitude believed, actual;                           ///< what the header says; what the sky on the detector says
  double shift_ra = 0, shift_dec = 0, roll_error = 0;  ///< actual minus believed: arcsec on the sky, arcsec, degrees
};

struct SurveyPlan {
  SimulationSettings settings;
  std::vector<Band> bands;
  std::vector<std::vector<Detector>> detectors;  ///< of each band
  std::vector<std::vector<V2V3>> offsets;  ///< arcsec, true minus believed place of each band's detectors in V2, V3
  std::vector<PlannedExposure> exposures;  ///< target, band, visit, dither, detector: the last fastest

  /// "<out>/raw/<target>/mastDownload/JWST/<root>/<root>_cal.fits" without <out>; with [rates] "_rate.fits".
  std::string relative_path(PlannedExposure const& exposure) const;
};

/// The whole plan; the same on every rank. Throws ConfigError.
SurveyPlan plan_survey(SimulationSettings const& settings);

/// The pointing keywords of a detector under an attitude: RA_REF, DEC_REF and ROLL_REF at its reference point.
sky::Pointing make_pointing(Detector const& detector, Attitude const& attitude, double va_scale);

/// The pointing under which the sky falls on the detector: of the actual attitude, the detector's offset from its
/// believed place taken into it, so that it goes with the believed geometry (make_geometry).
sky::Pointing actual_pointing(SurveyPlan const& plan, PlannedExposure const& exposure);

/// Modified Julian date of "2023-07-20T01:02:03.5". Throws ConfigError.
double parse_utc(std::string const& text);
/// "2023-07-20T01:02:03.500", to the millisecond.
std::string format_utc(double mjd);

}  // namespace tessera::simulate
