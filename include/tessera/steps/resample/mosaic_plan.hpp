// One mosaic before it is made: its grid, its exposures, and which of them reach which block.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/exchange/sky_plan.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/steps/resample/resample_options.hpp"
#include "tessera/store/exposure_record.hpp"
#include "tessera/store/ledger.hpp"

namespace tessera::steps {

/// Exposures of one mosaic and what to make of them.
struct MosaicRequest {
  std::string target, band;
  std::filesystem::path folder;  ///< where the products go
  std::string product;           ///< root of their names, e.g. "ngc0628_nircam_lv3_f300m"
  std::string file_name;         ///< of the FITS product; empty: "<product>_i2d.fits"
  bool is_aligned = false;       ///< drizzled again after it was aligned: astrometric_align's product
  int before_step = 1000;        ///< corrections of ledger steps with smaller numbers are applied
  std::vector<int> members;      ///< indices into the inventory, in catalogue order: position = context bit
  ResampleOptions options;
};

/// Positions in the sky plan are those in `request.members`.
struct MosaicPlan : exchange::SkyPlan {
  MosaicRequest request;
  std::vector<std::int64_t> context_offset;  ///< [block number]: first 256x256 plane of its sparse context
  std::int64_t context_planes = 0;           ///< over all blocks
  std::string ledger_hash;                   ///< what the ledger held
  std::string key;                           ///< manifest key: what the pixels are made from

  std::int64_t bytes_hdf5() const;
  std::int64_t bytes_fits() const;
  int dense_context_planes() const { return static_cast<int>((request.members.size() + 31) / 32); }
  bool writes_dense_context() const;
};

/// Outline of every member on the sky with the ledger's WCS corrections: the record's own where there are none.
/// Collective (members are divided over the ranks).
std::vector<model::SkyPolygon> corrected_footprints(parallel::Communicator const& communicator,
                                                    MosaicRequest const& request,
                                                    std::vector<store::ExposureRecord> const& records,
                                                    store::Ledger const& ledger);

/// Grid of one request or, for several (the bands of a target), the one grid they share: the union of all footprints,
/// the pointing and scale of the first exposure of the first request. Throws InputError.
model::SkyGrid plan_grid(std::vector<MosaicRequest const*> const& requests,
                         std::vector<std::vector<model::SkyPolygon>> const& footprints,
                         std::vector<store::ExposureRecord> const& records);

/// The plan of a mosaic on `grid`. `ledger_hash` goes into the key.
MosaicPlan plan_mosaic(MosaicRequest request, model::SkyGrid const& grid,
                       std::vector<model::SkyPolygon> const& footprints,
                       std::vector<store::ExposureRecord> const& records, std::string const& ledger_hash);

/// Inputs of the mosaic's manifest: the grid, the ledger, every member with its hash.
std::vector<std::pair<std::string, std::string>> manifest_inputs(MosaicPlan const& plan,
                                                                 std::vector<store::ExposureRecord> const& records,
                                                                 std::string const& ledger_hash);

/// Algorithm number of resample: raised when its results change.
inline constexpr int ResampleAlgorithm = 2;

}  // namespace tessera::steps
