#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "calibrated_headers.hpp"
#include "tessera/core/build_facts.hpp"

namespace tessera::simulate {
namespace {

constexpr double Degree = std::numbers::pi / 180;

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// Readout of the instrument, in the shape of real exposures.
struct Readout {
  char const* pattern;
  double frame_time, group_time;  ///< seconds
  int group_gap;
};
Readout readout_of(Band const& band) {
  if (band.is_miri()) return {"FASTR1", 2.77504, 2.775, 0};
  return {"BRIGHT1", 10.73677, 21.47354, 1};
}

void add_file_cards(model::Header& h, SurveyPlan const& plan, PlannedExposure const& exposure) {
  Band const& band = plan.bands[exposure.band];
  // A date that follows from the plan, not the clock: the same bits whenever it is run.
  h.set("DATE", format_utc(exposure.start_mjd + 1), "UTC date file created");
  h.set("ORIGIN", "tessera simulate", "Organization responsible for creating file");
  h.set("TIMESYS", "UTC", "principal time system for time-related keywords");
  h.set("TIMEUNIT", "s", "Default unit applicable to all time values");
  h.set("FILENAME", exposure.root + (plan.settings.rates.on ? "_rate.fits" : "_cal.fits"), "Name of the file");
  h.set("PRD_VER", "PRDOPSSOC-063", "S&OC Project Reference Database (PRD) Version");
  h.set("CAL_VER", build_facts().version, "Calibration Software Version");
  h.set("CAL_VCS", "tessera simulate", "Calibration software version control sys number");
  h.set("DATAMODL", "ImageModel", "Type of data model");
  h.set("TELESCOP", "JWST", "Telescope used to acquire the data");
  h.set("TITLE", "Simulated survey", "Proposal title");
  h.set("PI_NAME", "tessera simulate", "Principal investigator name");
  h.set("CATEGORY", "CAL", "Program category");
  h.set("ASNPOOL", "none", "Name of the ASN pool");
  h.set("ASNTABLE", "singleton", "Name of the ASN table");
  h.set("HGA_MOVE", false, "High Gain Antenna moved during data collection");
  h.set("TEMPLATE", band.is_miri() ? "MIRI Imaging" : "NIRCam Imaging", "Observation template used");
}

void add_time_cards(model::Header& h, SurveyPlan const& plan, PlannedExposure const& exposure) {
  Band const& band = plan.bands[exposure.band];
  double const days = band.exposure_time / 86400, start = exposure.start_mjd;
  std::string const begin = format_utc(start);
  h.set("DATE-OBS", begin.substr(0, 10), "[yyyy-mm-dd] UTC date at start of exposure");
  h.set("TIME-OBS", begin.substr(11), "[hh:mm:ss.sss] UTC time at start of exposure");
  h.set("DATE-BEG", begin, "Date-time start of exposure");
  h.set("DATE-END", format_utc(start + days), "Date-time end of exposure");
  h.set("EXPSTART", start, "[d] exposure start time in MJD");
  h.set("EXPMID", start + days / 2, "[d] exposure mid time in MJD");
  h.set("EXPEND", start + days, "[d] exposure end time in MJD");
}

void add_identity_cards(model::Header& h, SurveyPlan const& plan, PlannedExposure const& exposure) {
  auto const& settings = plan.settings;
  auto const& target = settings.targets[exposure.target];
  std::string const program = fmt::format("{:05}", settings.program), activity = exposure.root.substr(17, 2);
  std::string const sequence = exposure.off ? "2" : "1";  // the empty field is observed in parallel (spec 40, 1.6)
  std::string const visit_id = exposure.visit_name.substr(2);
  h.set("OBS_ID", "V" + visit_id + "P0000000002" + sequence + activity, "Programmatic observation identifier");
  h.set("VISIT_ID", visit_id, "Visit identifier");
  h.set("PROGRAM", program, "Program number");
  h.set("OBSERVTN", fmt::format("{:03}", exposure.observation), "Observation number");
  h.set("VISIT", fmt::format("{:03}", exposure.visit), "Visit number");
  h.set("VISITGRP", "02", "Visit group identifier");
  h.set("SEQ_ID", sequence, "Parallel sequence identifier");
  h.set("ACT_ID", activity, "Activity identifier");
  h.set("EXPOSURE", std::to_string(exposure.dither + 1), "Exposure request number");
  h.set("BKGDTARG", exposure.off, "Background target");
  h.set("ENG_QUAL", "OK", "Engineering data quality indicator from EngDB");
  h.set("ENGQLPTG", "CALCULATED_TRACK_TR_202111", "Quality of pointing information from EngDB");
  h.set("VISITYPE", "PRIME_TARGETED_FIXED", "Visit type");
  h.set("VSTSTART", format_utc(exposure.start_mjd), "UTC visit start time");
  h.set("VISITSTA", "SUCCESSFUL", "Status of a visit");
  h.set("NEXPOSUR", settings.dithers.count, "Total number of planned exposures in visit");
  h.set("INTARGET", false, "At least one exposure in visit is internal");
  h.set("TARGOOPP", false, "Visit scheduled as target of opportunity");
  h.set("TSOVISIT", false, "Time Series Observation visit indicator");
  h.set("EXP_ONLY", false, "Special commanding without SI configuration");
  h.set("CROWDFLD", false, "Are the FGSes in a crowded field?");
  std::string const name = upper(target.name) + (exposure.off ? "-OFF" : "");
  h.set("TARGPROP", name, "Proposer's name for the target");
  h.set("TARGNAME", name, "Standard astronomical catalog name for target");
  h.set("TARGTYPE", "FIXED", "Type of target (fixed, moving, generic)");
  h.set("TARG_RA", target.ra, "[deg] Target RA at mid time of exposure");
  h.set("TARG_DEC", target.dec, "[deg] Target Dec at mid time of exposure");
  h.set("PROP_RA", target.ra, "[deg] Proposer's target RA");
  h.set("PROP_DEC", target.dec, "[deg] Proposer's target Dec");
  h.set("SRCTYAPT", "EXTENDED", "Source type from APT");
}

void add_instrument_cards(model::Header& h, Band const& band, Detector const& detector, bool parallel) {
  std::string const& name = detector.aperture->detector;
  h.set("INSTRUME", band.is_miri() ? "MIRI" : "NIRCAM", "Instrument used to acquire the data");
  h.set("DETECTOR", upper(name), "Name of detector used to acquire the data");
  if (!band.is_miri()) {
    h.set("MODULE", upper(name.substr(3, 1)), "NIRCam module: A or B");
    h.set("CHANNEL", band.channel == Channel::NircamLong ? "LONG" : "SHORT", "Instrument channel");
  }
  h.set("FILTER", band.filter, "Name of the filter element used");
  if (!band.is_miri()) {
    h.set("PUPIL", band.pupil, "Name of the pupil element used");
    h.set("PILIN", false, "Pupil imaging lens in the optical path?");
  }
  h.set("EXPCOUNT", 1, "Running count of exposures in visit");
  h.set("EXPRIPAR", parallel ? "PARALLEL_COORDINATED" : "PRIME", "Prime or parallel exposure");
  h.set("EXP_TYPE", band.is_miri() ? "MIR_IMAGE" : "NRC_IMAGE", "Type of data in the exposure");
}

void add_readout_cards(model::Header& h, Band const& band, Detector const& detector) {
  Readout const readout = readout_of(band);
  double const time = band.exposure_time;
  h.set("READPATT", readout.pattern, "Readout pattern");
  h.set("NOUTPUTS", 4, "Number of detector outputs used");
  h.set("NINTS", 1, "Number of integrations in exposure");
  h.set("NGROUPS", std::max(2, static_cast<int>(std::lround(time / readout.group_time))),
        "Number of groups in integration");
  h.set("NFRAMES", 1, "Number of frames per group");
  h.set("FRMDIVSR", 1, "Divisor applied to frame-averaged groups");
  h.set("GROUPGAP", readout.group_gap, "Number of frames dropped between groups");
  h.set("NSAMPLES", 1, "Number of A/D samples per pixel");
  h.set("TSAMPLE", 10.0, "[us] Time between samples");
  h.set("TFRAME", readout.frame_time, "[s] Time between frames");
  h.set("TGROUP", readout.group_time, "[s] Time between groups");
  h.set("EFFINTTM", time, "[s] Effective integration time");
  h.set("EFFEXPTM", time, "[s] Effective exposure time");
  h.set("TMEASURE", std::max(0.5 * time, time - readout.frame_time), "[s] Measurement time");
  h.set("DURATION", time, "[s] Total duration of exposure");
  h.set("NRSTSTRT", band.is_miri() ? 0 : 1, "Number of reset frames at start of exposure");
  h.set("NRESETS", band.is_miri() ? 1 : 0, "Number of reset frames between integrations");
  h.set("ZEROFRAM", false, "Zero frame was downlinked separately");
  h.set("DATAPROB", false, "Science telemetry indicated a problem");
  // A reduced array stands for a small full frame: four amplifiers, reference pixels at its border.
  h.set("SUBARRAY", "FULL", "Subarray used");
  h.set("SUBSTRT1", static_cast<int>(detector.substrt1), "Starting pixel in axis 1 direction");
  h.set("SUBSTRT2", static_cast<int>(detector.substrt2), "Starting pixel in axis 2 direction");
  h.set("SUBSIZE1", detector.nx, "Number of pixels in axis 1 direction");
  h.set("SUBSIZE2", detector.ny, "Number of pixels in axis 2 direction");
  // NRCA1, A3, ALONG, B2 and B4 are read from right to left, the other NIRCam detectors from top to bottom.
  std::string const& name = detector.aperture->detector;
  bool const leftwards = name == "nrca1" || name == "nrca3" || name == "nrcalong" || name == "nrcb2" || name == "nrcb4";
  h.set("FASTAXIS", !band.is_miri() && leftwards ? -1 : 1, "Fast readout axis direction");
  h.set("SLOWAXIS", band.is_miri() || leftwards ? 2 : -2, "Slow readout axis direction");
}

void add_dither_cards(model::Header& h, SimulationSettings const& settings, Band const& band, Detector const& detector,
                      PlannedExposure const& exposure) {
  h.set("PATTTYPE", band.is_miri() ? "4-POINT-SETS" : "INTRAMODULEBOX", "Primary dither pattern type");
  h.set("PATT_NUM", exposure.dither + 1, "Position number within dither pattern");
  h.set("NUMDTHPT", exposure.off ? settings.off_exposures : settings.dithers.count,
        "Total number of points in dither pattern");
  h.set("XOFFSET", exposure.x_offset, "[arcsec] X offset in SI ideal coordinate frame");
  h.set("YOFFSET", exposure.y_offset, "[arcsec] Y offset in SI ideal coordinate frame");
  h.set("APERNAME", detector.aperture->name, "PRD science aperture used");
  h.set("PPS_APER", band.is_miri() ? "MIRIM_ILLUM" : "NRCALL_FULL", "original AperName supplied by PPS");
  h.set("DITH_RA", exposure.believed.ra, "[deg] Dithered RA of the pointing");
  h.set("DITH_DEC", exposure.believed.dec, "[deg] Dithered Dec of the pointing");
}

void add_guide_star_cards(model::Header& h, PlannedExposure const& exposure) {
  h.set("GS_ORDER", 1, "index of guide star within list of selected guide stars");
  h.set("GDSTARID", "SIMULATED", "guide star identifier");
  h.set("GS_RA", exposure.believed.ra, "guide star right ascension");
  h.set("GS_DEC", exposure.believed.dec, "guide star declination");
  h.set("GS_MAG", 15.0, "guide star magnitude in FGS detector");
  h.set("GS_V3_PA", exposure.believed.v3pa, "V3 Position Angle of guide star for science");
  h.set("PCS_MODE", "FINEGUIDE", "Pointing Control System mode");
}

void add_calibration_cards(model::Header& h, Band const& band) {
  h.set("CRDS_VER", "N/A", "Version of CRDS file selection software used");
  h.set("CRDS_CTX", "N/A", "CRDS context (.pmap) used to select ref files");
  for (char const* type :
       {"AREA", "DARK", "DISTOR", "FILOFF", "FLAT", "GAIN", "LINEAR", "MASK", "PHOTOM", "READNO", "SATURA", "SUPERB"})
    h.set("R_" + std::string(type), "N/A", "Reference file name");
  for (char const* step : {"DQINIT", "SATURA", "LINEAR", "DARK", "JUMP", "RAMP", "WCS", "FLAT", "PHOTOM"})
    h.set("S_" + std::string(step), "COMPLETE", "Calibration step status");
  h.set("S_REFPIX", band.is_miri() ? "SKIPPED" : "COMPLETE", "Calibration step status");
  for (char const* step : {"BKDSUB", "IPC", "PERSIS", "RESAMP"})
    h.set("S_" + std::string(step), "SKIPPED", "Calibration step status");
}

/// What the ramps went through on their way to a count rate; level 2 is still to come.
void add_rate_calibration_cards(model::Header& h, Band const& band) {
  h.set("CRDS_VER", "N/A", "Version of CRDS file selection software used");
  h.set("CRDS_CTX", "N/A", "CRDS context (.pmap) used to select ref files");
  for (char const* type : {"DARK", "GAIN", "LINEAR", "MASK", "READNO", "SATURA", "SUPERB"})
    h.set("R_" + std::string(type), "N/A", "Reference file name");
  for (char const* step : {"DQINIT", "SATURA", "LINEAR", "DARK", "JUMP", "RAMP"})
    h.set("S_" + std::string(step), "COMPLETE", "Calibration step status");
  h.set("S_REFPIX", band.is_miri() ? "SKIPPED" : "COMPLETE", "Calibration step status");
  for (char const* step : {"IPC", "PERSIS", "GANSCL"})
    h.set("S_" + std::string(step), "SKIPPED", "Calibration step status");
}

/// Days from the light's arrival here to its arrival at the Sun, the orbit of the Earth taken as a circle with its
/// equation of centre: good to a second.
double heliocentric_delay(double mjd, double ra, double dec) {
  double const n = mjd - 51544.5;  // from J2000
  double const anomaly = (357.528 + 0.9856003 * n) * Degree;
  double const longitude = (280.46 + 0.9856474 * n + 1.915 * std::sin(anomaly) + 0.02 * std::sin(2 * anomaly)) * Degree;
  double const distance = 1.00014 - 0.01671 * std::cos(anomaly), obliquity = 23.439 * Degree;
  double const x = -distance * std::cos(longitude), y = -distance * std::sin(longitude) * std::cos(obliquity),
               z = -distance * std::sin(longitude) * std::sin(obliquity);
  double const along = x * std::cos(dec * Degree) * std::cos(ra * Degree) +
                       y * std::cos(dec * Degree) * std::sin(ra * Degree) + z * std::sin(dec * Degree);
  constexpr double SecondsPerUnit = 499.004784;
  return along * SecondsPerUnit / 86400;
}

void add_heliocentric_cards(model::Header& h, Band const& band, PlannedExposure const& exposure) {
  double const days = band.exposure_time / 86400, start = exposure.start_mjd;
  double const delay = heliocentric_delay(start + days / 2, exposure.believed.ra, exposure.believed.dec);
  h.set("HSTRTIME", start + delay, "[d] Heliocentric start time in MJD");
  h.set("HMIDTIME", start + days / 2 + delay, "[d] Heliocentric mid time in MJD");
  h.set("HENDTIME", start + days + delay, "[d] Heliocentric end time in MJD");
}

}  // namespace

model::Header make_primary_header(SurveyPlan const& plan, PlannedExposure const& exposure) {
  Band const& band = plan.bands[exposure.band];
  Detector const& detector = plan.detectors[exposure.band][exposure.detector];
  model::Header h;
  add_file_cards(h, plan, exposure);
  add_time_cards(h, plan, exposure);
  add_identity_cards(h, plan, exposure);
  add_instrument_cards(h, band, detector, exposure.off);
  add_readout_cards(h, band, detector);
  add_dither_cards(h, plan.settings, band, detector, exposure);
  add_guide_star_cards(h, exposure);
  if (plan.settings.rates.on) {
    add_heliocentric_cards(h, band, exposure);
    add_rate_calibration_cards(h, band);
  } else {
    add_calibration_cards(h, band);
  }
  h.add_history("Simulated exposure, made by 'tessera simulate'. Not an observation.");
  return h;
}

}  // namespace tessera::simulate
