// Drizzle: exposures onto the blocks of an output grid (spec 30, 4.4 to 4.8).
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/model/blocks.hpp"
#include "tessera/model/pixel_map.hpp"

namespace tessera::kernels {

enum class DrizzleKernel { Square, Turbo, Point, Gaussian, Lanczos2, Lanczos3 };
/// Throws ConfigError naming the kernels there are.
DrizzleKernel parse_drizzle_kernel(std::string_view name);

/// How images are weighted when their variances are combined (spec 30, 4.8 item 2).
enum class VarianceWeight { InverseReadNoise, ExposureTime };

struct DrizzleOptions {
  DrizzleKernel kernel = DrizzleKernel::Square;
  double pixfrac = 1.0;            ///< (0, 1]; <= 0.001 switches to the point kernel
  double pixel_scale_ratio = 1.0;  ///< matters for turbo, gaussian, lanczos
  double iscale = 1.0;             ///< multiplies the data
  bool context = true;
  bool variances = true;  ///< drizzle the variances and make ERR
  VarianceWeight variance_weight = VarianceWeight::InverseReadNoise;
};

/// Rows y0 <= y < y1 of one exposure, ready to drizzle. Arrays are [y - y0][nx], float32.
struct DrizzleInput {
  int number = 0;  ///< 0-based number in the association: the context bit
  model::PixelMap const* map = nullptr;
  std::int64_t y0 = 0, y1 = 0;
  float const* data = nullptr;    ///< SCI less sky
  float const* weight = nullptr;  ///< null: all ones. Must be 0 where data is NaN
  std::array<float const*, 3>
      root_variance{};       ///< square roots of VAR_RNOISE, VAR_FLAT, VAR_POISSON; null: missing plane
  double exposure_time = 1;  ///< seconds, for VarianceWeight::ExposureTime
  /// Pixels (y * nx + x, ascending) without a position besides those outside map->valid; null: none. No interior drop
  /// next to one takes part either (spec 30, 4.6).
  std::vector<std::int64_t> const* holes = nullptr;
};

/// The finished planes of a block, [row][column] of its box, float32. NaN (or `fill`) where there is no weight.
struct DrizzledBlock {
  model::PixelBox box;
  std::vector<float> sci, wht, err, var_rnoise, var_flat, var_poisson;
  /// Sparse context: numbers of the inputs that reach this block, ascending, and for each 32 of them a plane of bits
  /// (bit k of plane p belongs to inputs[32 p + k]).
  std::vector<int> inputs;
  std::vector<std::vector<std::uint32_t>> context;
};

/// Sums of one output block. Exposures are added in catalogue order, the rows of one exposure in raster order, by one
/// thread: the bits depend on nothing else.
class BlockAccumulator {
 public:
  BlockAccumulator(model::PixelBox const& box, std::int64_t grid_nx, std::int64_t grid_ny,
                   DrizzleOptions const& options);
  ~BlockAccumulator();
  BlockAccumulator(BlockAccumulator&&) noexcept;
  BlockAccumulator& operator=(BlockAccumulator&&) noexcept;

  model::PixelBox const& box() const;

  /// Adds every input pixel of the whole exposure that reaches this block. `input` must hold at least the rows of
  /// sky::find_input_box(map, box, reach(options)). Scratch memory is the calling thread's.
  void add(DrizzleInput const& input);

  /// The planes; `fill` where W = 0 (SCI only; ERR and variances NaN). The accumulator may be added to further.
  DrizzledBlock finish(float fill) const;

  /// Bytes held by one accumulator, without context planes.
  static std::int64_t bytes(DrizzleOptions const& options);
  /// Bytes of scratch a thread needs while adding.
  static std::int64_t scratch_bytes(DrizzleOptions const& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Largest distance in output pixels between the mapped centre of an input pixel and the centre of an output pixel it
/// can reach, given the largest magnification of the map (output pixels an input pixel).
double reach(DrizzleOptions const& options, double magnification);

/// Adds `input` to all blocks, one thread a block (Kokkos, dynamic schedule: no block depends on another).
void drizzle_onto_blocks(DrizzleInput const& input, std::vector<BlockAccumulator*> const& blocks);
/// The same for several exposures, ascending in number: each block takes all of them while its sums are in the cache.
void drizzle_onto_blocks(std::vector<DrizzleInput> const& inputs, std::vector<BlockAccumulator*> const& blocks);

}  // namespace tessera::kernels
