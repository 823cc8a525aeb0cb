// Background and its scatter on a mesh of boxes, and between them by splines (spec 30, 1.3).
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tessera::kernels {

struct BackgroundMeshOptions {
  std::int64_t box_y = 400, box_x = 400;  ///< pixels; cut to the image
  double sigma = 3;
  int maxiters = 5;
  double exclude_percentile = 10;  ///< a box is invalid unless more than (100 - this) % of its full area survives
  int filter_size = 3;             ///< side of the median filter of the mesh
};

/// Clipped median and population standard deviation of one box.
struct MeshCell {
  double background = 0, rms = 0;
  std::int64_t survivors = 0;  ///< values left after clipping
};
/// `values` (not masked, finite; reordered) of one box.
MeshCell measure_mesh_cell(std::span<float> values, BackgroundMeshOptions const& options);

/// The finished mesh of an ny x nx image: invalid cells filled, median filtered. Copies share their memory.
class BackgroundMesh {
 public:
  /// `cells` is [cells_along(ny)][cells_along(nx)] as measured; the boxes at the upper ends may be cut by the image.
  /// Invalid ones (is_valid) are filled from those about them. Throws InputError where no cell is valid: take
  /// measure_mesh_cell of all pixels and whole_image_options then.
  BackgroundMesh(std::vector<MeshCell> const& cells, std::int64_t nx, std::int64_t ny,
                 BackgroundMeshOptions const& options);

  static std::int64_t cells_along(std::int64_t pixels, std::int64_t box) { return (pixels + box - 1) / box; }

  /// Whether enough of the box is left; the boxes at the upper ends are held to the area of a full one. Boxes are cut
  /// to the image first, see fit_boxes.
  static bool is_valid(MeshCell const& cell, BackgroundMeshOptions const& options);

  /// The options with boxes no larger than the image.
  static BackgroundMeshOptions fit_boxes(BackgroundMeshOptions options, std::int64_t nx, std::int64_t ny);

  /// One box for the whole image, valid unless it is empty: what to do where no cell of a finer mesh is valid.
  static BackgroundMeshOptions whole_image_options(BackgroundMeshOptions options, std::int64_t nx, std::int64_t ny);

  /// Background and rms of the full-width rows y0 <= y < y1, [y - y0][x]; masked pixels (mask != 0, may be null) are 0.
  /// Either output may be null. Uses all threads.
  void rows(std::int64_t y0, std::int64_t y1, std::uint8_t const* mask, float* background, float* rms) const;

  /// Medians over the cells of the filtered meshes: what reports quote.
  double median_background() const;
  double median_rms() const;

  /// The filtered meshes, [cells_along(ny)][cells_along(nx)].
  std::vector<double> const& background() const;
  std::vector<double> const& rms() const;

 private:
  struct Splines;
  std::int64_t nx_ = 0, ny_ = 0;
  std::shared_ptr<Splines const> splines_;
};

/// The mesh of a whole image in memory, [ny][nx]; NaN and `mask` != 0 (may be null) are left out. With no valid box one
/// box of the whole image is taken (exclude_percentile 100). Throws InputError where every pixel is masked.
BackgroundMesh measure_background(float const* image, std::uint8_t const* mask, std::int64_t nx, std::int64_t ny,
                                  BackgroundMeshOptions const& options);

}  // namespace tessera::kernels
