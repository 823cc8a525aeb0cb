// The shift of a mosaic against the aligned mosaic of another band (spec 40, 1.14, cross_corr).
#pragma once
#include "mosaic_plane.hpp"
#include "tessera/kernels/image_shift.hpp"
#include "tessera/kernels/reproject.hpp"
#include "tessera/parallel/memory_budget.hpp"

namespace tessera::steps {

/// Compares the central square of `image`, at most 2048 pixels a side (fewer where the pixels of the reference are more
/// than 2.6 times finer), with what `reference` has there by `reference_wcs`. The shift says where in `image` the
/// things of the reference are. InputError: no pixels in common; BudgetError: the square does not fit.
kernels::ImageShift correlate_mosaics(MosaicImage const& image, MosaicImage const& reference,
                                      sky::Wcs const& reference_wcs, double search, kernels::Reprojection reprojection,
                                      parallel::MemoryBudget& budget);

}  // namespace tessera::steps
