// Exposures as the pairs see them: bad pixels and, if wished, sources masked; earlier stages taken off.
#pragma once
#include "match_pool.hpp"
#include "tessera/exchange/loaded_exposure.hpp"

namespace tessera::steps {

/// Reads an exposure with the corrections of the steps before this one. With do_sigma_clip its sources are bad pixels
/// (spec 40, P8) when `mask_sources` is set. Counts the bytes read.
exchange::LoadedExposure load_for_matching(MatchPool& pool, int exposure, bool mask_sources);

/// Bytes that load_for_matching and a reproject_exposure after it take besides the cutout.
std::int64_t exposure_working_bytes(store::ExposureRecord const& record);

/// Takes what the stages so far have found off a cutout on `grid`.
void subtract_corrections(MatchPool const& pool, int exposure, model::SkyGrid const& grid, exchange::Cutout& cutout);

/// Clipped median of the pixels of an exposure outside its sources; NaN where there are none (spec 40, 1.9, S1).
double measure_local_median(MatchPool& pool, int exposure);

}  // namespace tessera::steps
