// Sources as connected pixels above a threshold, and their deblending (spec 30, 1.4 and 1.5).
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/model/blocks.hpp"

namespace tessera::kernels {

enum class LevelSpacing { Exponential, Linear, Sinh };

struct SegmentationOptions {
  double kernel_fwhm = 2.5;  ///< pixels, of the Gaussian that the image is convolved with
  int npixels = 10;
  int connectivity = 8;  ///< 4 or 8
  int nlevels = 32;
  double contrast = 0.001;
  LevelSpacing multithresh_mode = LevelSpacing::Exponential;
  bool deblend = true;
};

/// The image [ny][nx] convolved with the normalised Gaussian; NaN and masked pixels are interpolated over, outside the
/// image is 0.
std::vector<float> smooth_for_detection(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                        double kernel_fwhm);

/// Part of an image of nx x ny pixels in memory: [y - box.y0][x - box.x0].
struct ImageWindow {
  float const* data = nullptr;
  std::uint8_t const* mask = nullptr;  ///< same shape; may be null
  model::PixelBox box;
  std::int64_t nx = 0, ny = 0;  ///< of the image
};

/// Pixels around a pixel that smoothing it reads.
std::int64_t smoothing_reach(double kernel_fwhm);

/// smooth_for_detection of the pixels of `own`, [y - own.y0][x - own.x0]. The window holds smoothing_reach pixels
/// around them, as far as the image goes; the values do not depend on how an image is cut into windows.
void smooth_for_detection(ImageWindow const& window, model::PixelBox const& own, double kernel_fwhm, float* smoothed);

/// Labels 1, 2, ... in raster order of connected pixels of `smoothed` above `threshold` (per pixel) outside `mask`, of
/// at least npixels; 0: none. Deblended where the options say so: labels of what is not blended keep their order, the
/// parts of blended ones come after all of them.
std::vector<std::int32_t> segment(float const* smoothed, float const* threshold, std::uint8_t const* mask,
                                  std::int64_t nx, std::int64_t ny, SegmentationOptions const& options);

/// Pixels x0 <= x < x1 of row y.
struct SegmentRun {
  std::int32_t y = 0, x0 = 0, x1 = 0;
  std::int32_t segment = 0;  ///< index
};

/// Connected pixels.
struct Segment {
  std::int32_t first_x = 0, first_y = 0;        ///< first pixel in raster order
  std::int32_t x0 = 0, y0 = 0, x1 = 0, y1 = 0;  ///< box of its pixels, half open
  std::int64_t pixels = 0;
};

struct Segments {
  std::vector<Segment> segments;  ///< in raster order of their first pixels
  std::vector<SegmentRun> runs;   ///< in raster order

  /// Puts the runs of a segment together, still in raster order; returns where each segment's begin, and their number.
  std::vector<std::size_t> sort_runs_by_segment();
};

/// Connects detected pixels row by row: memory goes with the detections, not with the image.
class SegmentFinder {
 public:
  /// `connectivity` 4 or 8.
  explicit SegmentFinder(int connectivity) : reach_(connectivity == 8 ? 1 : 0) {}

  /// Adds pixels x0 <= x < x1 of row y. In raster order; runs of a row do not touch.
  void add_run(std::int64_t y, std::int64_t x0, std::int64_t x1);

  /// Adds the pixels of row y, x from `first_x`, that `is_detected(index)` (index 0 <= index < count) names.
  template <class Detected>
  void add_row(std::int64_t y, std::int64_t first_x, std::int64_t count, Detected is_detected) {
    for (std::int64_t k = 0; k < count; ++k) {
      if (!is_detected(k)) continue;
      auto const begin = k;
      while (k < count && is_detected(k)) ++k;
      add_run(y, first_x + begin, first_x + k);
    }
  }

  /// All connected sets. The finder is empty afterwards.
  Segments finish();

  std::size_t runs() const { return runs_.size(); }

 private:
  void join(std::size_t first, std::size_t second);
  std::int32_t find_root(std::int32_t run);

  std::int32_t reach_;
  std::vector<SegmentRun> runs_;  ///< `segment` is the parent in the tree of joined runs
  std::size_t row_begin_ = 0, above_begin_ = 0, above_end_ = 0, above_next_ = 0;
};

}  // namespace tessera::kernels
