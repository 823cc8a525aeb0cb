// Sources of segments: deblended and measured where all their pixels are at hand.
#pragma once
#include <span>
#include <vector>

#include "aperture_reference.hpp"
#include "band_segments.hpp"
#include "catalogue_image.hpp"
#include "label_runs.hpp"
#include "source_record.hpp"
#include "tessera/parallel/memory_budget.hpp"

namespace tessera::steps {

/// What became of some segments.
struct MeasuredSegments {
  std::vector<SourceRecord> sources;
  std::vector<BlendRecord> blends;
  std::vector<LabelRun> runs;
};

/// Finds and measures in windows of a mosaic; what it gives does not depend on the windows.
class SourceMeasurer {
 public:
  SourceMeasurer(CatalogueImage const& image, kernels::BackgroundMesh const& mesh, SourceCatalogOptions const& options,
                 ApertureReference const& reference, parallel::MemoryBudget& budget);

  /// Detected pixels of full-width rows y0 <= y < y1, connected.
  kernels::Segments find(std::int64_t y0, std::int64_t y1) const;

  /// Segments that lie within full-width rows y0 <= y < y1, with no pixel in other rows; in raster order.
  MeasuredSegments measure_within(std::int64_t y0, std::int64_t y1, std::span<NumberedSegment const> segments) const;

  /// One segment of any size, by strips: only its box is held, 8 bytes a pixel, and what deblending takes.
  /// Throws BudgetError where that does not fit.
  MeasuredSegments measure_large(NumberedSegment const& segment) const;

 private:
  /// Smooths the pixels of `own`, and adds those above the threshold. `pixels` reach far enough around them.
  void detect(MosaicPixels const& pixels, model::PixelBox const& own, float* smoothed,
              kernels::SegmentFinder& finder) const;
  void add_isophotal(kernels::SegmentCutout const& cutout, MosaicPixels const& pixels, std::int64_t y0, std::int64_t y1,
                     std::span<SourceRecord> parts) const;
  void measure_apertures(SourceRecord& source, MosaicPixels const& pixels) const;
  std::int64_t detection_bytes(model::PixelBox const& own) const;

  CatalogueImage const& image_;
  kernels::BackgroundMesh const& mesh_;
  SourceCatalogOptions const& options_;
  parallel::MemoryBudget& budget_;
  kernels::FinderKernel kernel_;
  std::array<double, 3> radii_{};  ///< pixels of the mosaic
  double inner_ = 0, outer_ = 0;
  std::int64_t smoothing_reach_ = 0, source_reach_ = 0;
};

}  // namespace tessera::steps
