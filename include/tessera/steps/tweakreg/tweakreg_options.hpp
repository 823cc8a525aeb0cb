// What the parameters of tweakreg say, in lv3 and wherever its table is used (spec 30, 1.1; spec 40, 1.7 and 1.12).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/config/bands.hpp"
#include "tessera/config/resolved_parameters.hpp"
#include "tessera/exchange/align_groups.hpp"
#include "tessera/exchange/exposure_stars.hpp"
#include "tessera/exchange/global_alignment.hpp"
#include "tessera/store/exposure_record.hpp"

namespace tessera::steps {

/// How the stars of an exposure are listed.
struct StarListOptions {
  exchange::ExposureStarOptions finder;
  bool epsf = false;                 ///< centroid = "epsf": fits of an effective PSF
  bool use_custom_catalogs = false;  ///< those that catfile names
  std::string catfile;
  bool save = false;  ///< write <root of the file>_cat.<format> to the products
  std::string format = "ecsv";
};

/// Which exposures move together.
struct AlignGrouping {
  enum class Dithers {
    Apart,     ///< all detectors of one exposure (spec 30, 0.1)
    Together,  ///< all detectors and dithers of a visit and activity (tweakreg_group_dithers)
    Alone      ///< each detector by itself; halves of a MIRI exposure stay together (tweakreg_degroup_dithers)
  } dithers = Dithers::Apart;
  bool by_module = false;  ///< NIRCam's modules A and B by themselves
  bool by_chip = false;    ///< the short chips of NIRCam by themselves

  std::string group_of(store::ExposureRecord const& record) const;
};

struct TweakregStepOptions {
  enum class Method { Sequential, Global } method = Method::Sequential;
  exchange::TweakregOptions align;
  exchange::GlobalAlignmentOptions global;
  double catalogue_error = 0.005;  ///< arcsec, of the absolute catalogue; method global
  StarListOptions stars;
  std::string abs_refcat;  ///< "": no absolute stage
  bool save_abs_catalog = false;
  AlignGrouping grouping;
};

/// The table of tweakreg's own parameters under `prefix` ("jwst_parameters.tweakreg.", "tweakreg_parameters.");
/// grouping is left alone. Throws ConfigError.
TweakregStepOptions read_tweakreg_table(config::ResolvedParameters const& parameters, std::string const& prefix,
                                        config::Band const& band);

/// The same of lv3, with its tweakreg_group_dithers and the like.
TweakregStepOptions tweakreg_options(config::ResolvedParameters const& parameters, config::Band const& band);

/// File of abs_refcat: a path, also one relative to `alignment_dir`, or the name of a service (GAIADR3, GAIADR2,
/// GAIADR1, GAIAREFCAT), for which "<alignment_dir>/Gaia_DR3_<target>.fits" stands: this program goes to no network.
/// nullopt where abs_refcat is empty. InputError where the file is not there.
std::optional<std::filesystem::path> absolute_catalogue(TweakregStepOptions const& options, std::string const& target,
                                                        std::filesystem::path const& alignment_dir);

/// All files of the user that the step reads, for plan and preflight. InputError where one is not there.
std::vector<std::filesystem::path> tweakreg_files(TweakregStepOptions const& options, std::string const& target,
                                                  std::filesystem::path const& alignment_dir);

}  // namespace tessera::steps
