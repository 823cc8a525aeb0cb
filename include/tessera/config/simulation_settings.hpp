// Settings of the survey simulator (`tessera simulate`), read from a TOML file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tessera::config {

/// A galaxy to observe.
struct SimulatedTarget {
  std::string name;
  double ra = 0, dec = 0;  ///< degrees, centre
  double size = 180;       ///< arcsec: diameter beyond which the sky is empty but for stars and far galaxies
  std::filesystem::path star_list = {};  ///< catalogue (ra, dec) of stars to put on the sky; empty: none
};

/// How the tiles (visits) lie: a grid in V2, V3 about the target.
struct TileSettings {
  int columns = 1, rows = 1;
  double overlap = 0.1;                 ///< fraction of the field of view that neighbours share
  double v3pa = 30;                     ///< degrees, position angle of V3
  int miri_columns = 0, miri_rows = 0;  ///< of MIRI, whose field of view is smaller; 0: as the others
};

struct DitherSettings {
  int count = 4;
  double size = 6;  ///< arcsec: side of the box that holds the pattern (covers the gaps of the short detectors)
  double module_gap =
      0;  ///< arcsec: extra throw along V2 between even and odd dithers (covers the gap between modules)
};

struct DetectorSettings {
  int nircam_size = 2048;        ///< pixels a side; smaller: a subarray in the middle, same pixels
  int miri_size = 1032;          ///< the same; 1032 is the full 1032x1024 format with the coronagraph corner
  bool compact = true;           ///< reduced detectors move together, so that the gaps shrink in proportion
  std::vector<std::string> use;  ///< detectors to simulate ("nrcalong"); empty: all of each band
};

/// Detector and sky of one band. Unset values come from the tables of the simulator.
struct BandSettings {
  std::optional<double> exposure_time;  ///< seconds
  std::optional<double> background;     ///< MJy/sr, subtracted from SCI but counted in the noise
  std::optional<double> read_noise;     ///< electrons an exposure
  std::optional<double> photmjsr;       ///< MJy/sr per DN/s
  std::optional<double> fwhm;           ///< pixels
  std::optional<double> level_rms;      ///< MJy/sr, instead of effects.levels.rms
  std::optional<double> stripe_rms;     ///< MJy/sr, instead of effects.stripes.rms
};

struct SceneSettings {
  double brightness = 1;    ///< factor on all diffuse emission
  double field_stars = 40;  ///< an arcmin^2
  double galaxies = 15;     ///< background galaxies an arcmin^2
  int member_stars = 2000;  ///< in the disc
  int clusters = 120;
  int ionised_regions = 200;   ///< HII regions
  double faintest_star = 0.5;  ///< microjansky at 2 micron
  double brightest_star = 500;
};

/// The stars of SimulatedTarget::star_list: N(> flux) ~ flux^-0.9, one colour.
struct ListedStarSettings {
  double faintest = 3, brightest = 50;  ///< microjansky at 2 micron
  double slope = -0.6;                  ///< flux ~ wavelength^slope: red giants, to be seen from 2 to 10 micron
};

/// The astrometric catalogue that is written beside the survey.
struct DatumSettings {
  std::string stars = "bright";  ///< "bright": all bright stars in the field; "listed": those of the star list
  double scatter = 0;            ///< arcsec, each axis: errors of the positions
};

struct LevelSettings {
  bool on = true;
  double rms = 0.05;             ///< MJy/sr
  std::string per = "exposure";  ///< "exposure" (every file its own) or "visit"
};
struct StripeSettings {
  bool on = true;
  double rms = 0.02;           ///< MJy/sr of the row stripes of NIRCam
  double white = 0.5;          ///< part of the variance that is white from row to row; the rest is 1/f
  double common = 0.5;         ///< part of the variance that all amplifiers share
  double columns_rms = 0.005;  ///< MJy/sr of column stripes
};
struct CosmicRaySettings {
  bool on = true;
  double rate = 200;       ///< undetected hits a megapixel and exposure
  double detected = 0.01;  ///< fraction of pixels with JUMP_DET (found and repaired earlier)
  double strength = 40;    ///< mean height in units of the noise
};
struct PointingErrorSettings {
  bool on = true;
  double shift_rms = 0.1;     ///< arcsec a visit, each axis
  double roll_rms = 0.005;    ///< degrees a visit
  double jitter_rms = 0.002;  ///< arcsec a dither, each axis
};
/// Differences of the true places of detectors in V2, V3 from those of the headers, the same in all exposures.
struct FocalPlaneErrorSettings {
  bool on = true;
  double miri_v2 = 0, miri_v3 = 0;  ///< arcsec, of MIRI against NIRCam
  double module_rms = 0;            ///< arcsec, of NIRCam's modules, each axis
  double detector_rms = 0;          ///< arcsec, of NIRCam's detectors, each axis

  bool any() const { return on && (miri_v2 != 0 || miri_v3 != 0 || module_rms != 0 || detector_rms != 0); }
};
struct BadPixelSettings {
  bool on = true;
  double fraction = 0.003;  ///< of the pixels, single
  double clusters = 4;      ///< clusters of dead pixels a megapixel
};

/// How the detectors respond, as their flat references say.
struct FlatSettings {
  double shape = 0.05;    ///< size of the large-scale shape
  double scatter = 0.01;  ///< rms from pixel to pixel
  double dead = 5e-4;     ///< fraction of pixels with NO_FLAT_FIELD; as many have UNRELIABLE_FLAT
  double error = 1e-3;    ///< the true response differs from the reference by so much (rms), as its ERR says
};
/// The glow of the telescope in MIRI, as bright as the band's `background` on average.
struct ThermalSettings {
  double shape = 0.1;   ///< size of its shape on the detector, which never changes
  double drift = 0.02;  ///< rms of its changes with time, a fraction
  double hours = 2;     ///< time over which it changes
};
struct SensitivitySettings {
  double scatter = 0.03;  ///< rms from detector to detector, a fraction
  double loss = 0.1;      ///< fraction of MIRI's count rate that decays away after May 2022
};
/// Count rates (`_rate`) instead of calibrated exposures, and a CRDS cache that calibrates them.
struct RateSettings {
  bool on = false;
  FlatSettings flat;
  ThermalSettings background;
  SensitivitySettings photom;
};

struct SimulationSettings {
  std::uint64_t seed = 1;
  std::string version = "v0p1";  ///< of the pjpipe configuration that is written
  int program = 9001;
  std::string start = "2023-07-20T00:00:00";  ///< UTC of the first exposure
  std::vector<std::string> bands;
  std::vector<SimulatedTarget> targets;
  TileSettings tiles;
  DitherSettings dithers;
  DetectorSettings detectors;
  std::map<std::string, BandSettings> band;
  SceneSettings scene;
  ListedStarSettings listed_stars;
  DatumSettings datum;
  int off_exposures = 0;      ///< dithers of an empty field beside each target, MIRI bands
  double off_distance = 900;  ///< arcsec
  int off_late = 0;           ///< so many of the off exposures, the last, are taken late
  double off_late_hours = 24;
  bool noise = true;
  bool truth_planes = false;  ///< also write stripes, cosmic rays and the noiseless sky of every exposure
  LevelSettings levels;
  StripeSettings stripes;
  CosmicRaySettings cosmic_rays;
  PointingErrorSettings pointing_errors;
  FocalPlaneErrorSettings focal_plane;
  BadPixelSettings bad_pixels;
  RateSettings rates;
};

/// Reads and checks a settings file. Everything but `bands` and `[[targets]]` has a default. Throws ConfigError naming
/// file, key and line: broken TOML, an unknown key (with the nearest known one), a wrong type, a value out of range.
/// Star lists with relative paths are looked for from the folder of the file.
SimulationSettings read_simulation_settings(std::filesystem::path const& path);
/// The same from text; `name` stands for the file in messages.
SimulationSettings parse_simulation_settings(std::string const& text, std::string const& name);

}  // namespace tessera::config
