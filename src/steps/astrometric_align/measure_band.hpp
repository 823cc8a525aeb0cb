// The solution of one band of a target, measured by one rank.
#pragma once
#include "mosaic_solution.hpp"
#include "mosaic_sources.hpp"
#include "tessera/steps/band_task.hpp"
#include "tessera/steps/step_context.hpp"

namespace tessera::steps {

/// A band that was done before, for the ones that need it.
struct ReferenceBand {
  BandTask const* task = nullptr;
  MosaicSolution const* solution = nullptr;
};

/// A star of the mosaic and the one it was matched to.
struct MatchedStar {
  MosaicSource source;
  model::Star reference;  ///< x and y are NaN where the catalogue has none
  bool used = false;      ///< left after clipping
};

struct MeasuredBand {
  MosaicSolution solution;
  std::vector<MatchedStar> stars;  ///< empty where no stars were matched
};

/// Bad catalogues and matches that cannot be trusted leave the WCS as it is and say so in the solution; Error: the
/// mosaic cannot be read. `reference` is that of AstrometricAlignOptions::needed_band.
MeasuredBand measure_band(StepContext& context, BandTask const& task, AstrometricAlignOptions const& options,
                          ReferenceBand const& reference);

/// Beside the mosaic <product>_i2d_align.json and, where stars were matched, _i2d_align_table.fits (one of an earlier
/// run is removed otherwise); in the products of the task a table, residuals and a picture of them.
void write_align_products(BandTask const& task, MeasuredBand const& measured);

}  // namespace tessera::steps
