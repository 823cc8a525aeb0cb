// The parameters of level_match for one (target, band).
#pragma once
#include <array>
#include <cstdint>

#include "tessera/config/resolved_parameters.hpp"
#include "tessera/exchange/level_graph.hpp"
#include "tessera/kernels/reproject.hpp"

namespace tessera::steps {

/// The stages in their order. Their names are those of the parameters fit_type_<stage>.
enum class MatchStage : std::uint8_t { Dithers, RecombineLyot, CombineNircamShort, MosaicTiles };
inline constexpr std::array<MatchStage, 4> MatchStages{MatchStage::Dithers, MatchStage::RecombineLyot,
                                                       MatchStage::CombineNircamShort, MatchStage::MosaicTiles};
/// "dithers", "recombine_lyot", "combine_nircam_short", "mosaic_tiles".
char const* stage_name(MatchStage stage);

struct LevelMatchOptions {
  std::array<bool, 4> with_slope{};  ///< [stage]: level+slope
  bool recombine_lyot = false, combine_nircam_short = false;
  bool do_local_subtraction = true;  ///< never with planes for the dithers
  bool do_sigma_clip = false;        ///< mask sources before differences are taken
  double sigma = 3;                  ///< of masks and clipping
  int npixels = 3;                   ///< least pixels of a source
  int dilate_size = 7;               ///< growth of masks, pixels
  int max_iters = 20;                ///< rounds of the clipping for the local median
  double min_linear_frac = 0.2;
  exchange::LevelGraphOptions graph;  ///< cuts and weights; with_slope as the stage has it
  kernels::Reprojection reprojection = kernels::Reprojection::Interp;

  bool slope(MatchStage stage) const { return with_slope[static_cast<std::size_t>(stage)]; }
};

/// Throws ConfigError.
LevelMatchOptions read_level_match_options(config::ResolvedParameters const& parameters);

}  // namespace tessera::steps
