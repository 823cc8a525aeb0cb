// The stripes of one exposure against the average (spec 40, 1.10 steps 3 to 8).
#pragma once
#include "destripe_task.hpp"

namespace tessera::steps {

/// What the exposures are measured against. `smooth` and `mask` (0 or 1) in pass B only.
struct AverageImages {
  BlockImageReader const* average = nullptr;
  BlockImageReader const* smooth = nullptr;
  BlockImageReader const* mask = nullptr;
};

struct MeasuredStripes {
  StripeProfile profile;        ///< to subtract: stripes, and the levels of the amplifiers after that
  double largest_in_sigma = 0;  ///< largest |stripe| / ERR over the usable pixels
  std::int64_t bytes_read = 0;
};

/// Bytes that measuring an exposure takes.
std::int64_t measure_bytes(store::ExposureRecord const& record, bool is_large_scale);

MeasuredStripes measure_exposure(StepContext const& context, DestripeTask const& task, std::size_t member,
                                 DestripePass const& pass, AverageImages const& images);

}  // namespace tessera::steps
