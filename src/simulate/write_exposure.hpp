// Writing simulated exposures and the truth beside them.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/simulate/make_exposure.hpp"

namespace tessera::simulate {

/// Writes the `_cal.fits` file (spec 20, 6.1: PRIMARY, SCI, ERR, DQ, AREA, VAR_POISSON, VAR_RNOISE, VAR_FLAT, ASDF); of
/// a count rate the `_rate.fits` file (spec 20, 1.1: PRIMARY, SCI, ERR, DQ, VAR_POISSON, VAR_RNOISE, ASDF).
void write_exposure(std::filesystem::path const& path, SurveyPlan const& plan, PlannedExposure const& planned,
                    SimulatedExposure const& exposure);

/// Writes SKY (noiseless), STRIPES (what was added, per pixel) and COSMIC_RAYS (1 where hit) to a FITS file. Of a count
/// rate SKY is in MJy/sr, STRIPES in DN/s, and there are BACKGROUND (MIRI; DN/s, what was added) and RESPONSE as well.
void write_truth_planes(std::filesystem::path const& path, SimulatedExposure const& exposure);

/// One object of truth.json: file, seed, attitude, errors, levels, counts. No line break.
std::string describe_truth(SurveyPlan const& plan, PlannedExposure const& planned, SimulatedExposure const& exposure);

/// Writes the compact sources of a target within `box` as a FITS table: RA, DEC (deg), KIND (0 field star, 1 member
/// star, 2 cluster, 3 galaxy), SIZE (arcsec) and FLUX_<band> (microjansky).
void write_sources(std::filesystem::path const& path, SurveyPlan const& plan, Scene const& scene,
                   std::vector<Source> const& sources);

}  // namespace tessera::simulate
