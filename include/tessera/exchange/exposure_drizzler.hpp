// The walk of exposures over resident blocks: each is read once, in groups of rows that fit the memory.
#pragma once
#include <cstdint>
#include <list>
#include <span>
#include <vector>

#include "tessera/exchange/sky_plan.hpp"
#include "tessera/kernels/resample_weight.hpp"
#include "tessera/model/exposure.hpp"
#include "tessera/model/pixel_map.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::exchange {

/// What is drizzled, and how. Everything referred to must live longer than the drizzler.
struct DrizzleWalk {
  std::vector<store::ExposureRecord> const& records;
  store::Ledger const& ledger;
  parallel::ControlChannel& control;
  SkyPlan const& plan;
  std::span<int const> members;  ///< [position]: index into `records`
  kernels::DrizzleOptions drizzle;
  kernels::WeightType weight_type = kernels::WeightType::Ivm;
  std::uint32_t bad_bits = 0;  ///< DQ bits that make a pixel bad
  std::int64_t rows = 0;   ///< rows of an exposure that fit in its buffer; a block's own rows are always held at once
  model::PlaneSet planes;  ///< planes to read. A pixel that is NaN in one of them is no data
  std::size_t kept_open = 1;  ///< exposures kept open with their maps, for walks that come back to them
};

/// What resample reads: a pixel that is NaN in any plane is no data (spec 30, 3.2 item 6), whether the plane is
/// drizzled or not.
inline constexpr model::PlaneSet AllDrizzlePlanes{
    model::Plane::Sci,        model::Plane::Err,       model::Plane::Dq,     model::Plane::Wht,
    model::Plane::VarPoisson, model::Plane::VarRnoise, model::Plane::VarFlat};

/// Drizzles exposures onto blocks of one plan. Buffers are kept from call to call, so that memory is allocated once.
class ExposureDrizzler {
 public:
  explicit ExposureDrizzler(DrizzleWalk const& walk) : walk_(walk) {}

  /// Adds the exposures at `positions` (ascending) to the accumulators of `blocks` that they may reach: exposures
  /// outermost, each read once. Returns false when a request to abandon came in between. Throws InputError when an
  /// exposure cannot be read (after one more try). Independent.
  bool add(std::span<int const> positions, std::span<std::int64_t const> blocks,
           std::vector<kernels::BlockAccumulator>& accumulators);

  std::int64_t bytes_read() const { return bytes_read_; }

 private:
  struct OpenExposure {
    int position;
    store::ExposureReader reader;
    model::PixelMap map;
    double margin;  ///< reach of a drop, output pixels
  };
  OpenExposure const& open(int position);
  void add_exposure(int position, std::span<std::int64_t const> blocks,
                    std::vector<kernels::BlockAccumulator>& accumulators);

  DrizzleWalk walk_;
  std::list<OpenExposure> open_;  ///< the one used last comes first
  model::RowBand band_;
  std::vector<float> weight_;
  std::int64_t bytes_read_ = 0;
};

/// Reads rows; what fails is tried once more.
void read_with_one_more_try(store::ExposureReader const& reader, std::int64_t y0, std::int64_t y1,
                            model::PlaneSet planes, model::RowBand& band);

/// Bytes a pixel of one exposure row while it is read and prepared: SCI, ERR, DQ, WHT, three variances and the weight
/// made of them, 4 bytes each, and SCI once more in double while the ledger is applied.
inline constexpr std::int64_t ExposurePixelBytes = 8 * 4 + 8;

/// Rows of the members of a plan that must be held at once, and how large they are.
struct ExposureRows {
  std::int64_t widest = 1, tallest = 1;  ///< pixels, over all members
  std::int64_t least = 1;                ///< rows that one block may need
  std::int64_t row_bytes() const { return widest * ExposurePixelBytes; }
};
ExposureRows exposure_rows(model::SkyGrid const& grid, std::span<int const> members,
                           std::vector<store::ExposureRecord> const& records);

}  // namespace tessera::exchange
