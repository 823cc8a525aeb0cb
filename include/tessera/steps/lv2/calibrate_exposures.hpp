// From count rates to calibrated exposures, each in one pass through memory (spec 20; spec 40, 1.5 and 1.6).
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/steps/lv2/rate_record.hpp"
#include "tessera/steps/step_context.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

/// Changes when the pixels of a _cal file do.
inline constexpr int Lv2Algorithm = 1;

/// What is done to an exposure while it is in memory.
enum class ExposureOperation { SingleTileDestripe, Lv2 };

/// What all exposures of a (target, band) have in common.
struct CalibrationBand {
  std::string target, band;
  std::vector<ExposureOperation> operations;  ///< in the configured order
  config::ResolvedParameters destripe;        ///< of single_tile_destripe, where it is among them
  std::string crds_context, association;      ///< CRDS_CTX and ASNTABLE of the products
  std::filesystem::path lv2_folder;           ///< <target_dir>/<band>/lv2
  std::filesystem::path destripe_folder;      ///< <target_dir>/<band>/single_tile_destripe

  bool does(ExposureOperation operation) const;
};

/// One exposure to make.
struct CalibrationItem {
  int record = 0;                             ///< of the records of count rates
  int band = 0;                               ///< of the bands
  std::vector<ExposureOperation> operations;  ///< those of the band; an off needs not all of them
  std::filesystem::path product;              ///< _cal.fits; _rate.fits where lv2 is not among the operations
  std::filesystem::path background;           ///< _combinedbackground.fits; empty: none is subtracted
  int background_count = 0;
  std::optional<double> days_to_backgrounds;  ///< DT_BGR
  bool draws_stripes = false;                 ///< a picture of what destriping did: of one exposure a detector
  store::Manifest manifest;
};

/// How it went, and how long each operation took on this rank.
struct CalibrationOutcome {
  StepOutcome outcome;
  std::vector<std::pair<std::string, double>> seconds_of;  ///< operation or official step -> s; the same names on all
};

/// Makes all `items`, divided over the ranks by their pixels. Each is committed with its manifest as soon as it is
/// done; one that fails is reported and the others are made. Where operations include destriping before lv2 it is
/// measured on flat-fielded rates and subtracted before the flat. `label` is for the progress line. Collective.
CalibrationOutcome calibrate_exposures(StepContext& context, std::string const& label,
                                       std::vector<RateRecord> const& records,
                                       std::vector<CalibrationBand> const& bands,
                                       std::vector<CalibrationItem> const& items);

/// Most bytes that one of the items holds at a time.
std::int64_t calibration_bytes(RateRecord const& record, std::vector<ExposureOperation> const& operations);

}  // namespace tessera::steps
