#include "tessera/steps/level_match/level_match_options.hpp"

#include <string>

namespace tessera::steps {

char const* stage_name(MatchStage stage) {
  switch (stage) {
    case MatchStage::Dithers:
      return "dithers";
    case MatchStage::RecombineLyot:
      return "recombine_lyot";
    case MatchStage::CombineNircamShort:
      return "combine_nircam_short";
    case MatchStage::MosaicTiles:
      return "mosaic_tiles";
  }
  return "";
}

LevelMatchOptions read_level_match_options(config::ResolvedParameters const& parameters) {
  LevelMatchOptions options;
  for (auto const stage : MatchStages)
    options.with_slope[static_cast<std::size_t>(stage)] =
        parameters.text(std::string("fit_type_") + stage_name(stage)) == "level+slope";
  options.recombine_lyot = parameters.boolean("recombine_lyot");
  options.combine_nircam_short = parameters.boolean("combine_nircam_short");
  options.do_local_subtraction = parameters.boolean("do_local_subtraction") && !options.slope(MatchStage::Dithers);
  options.do_sigma_clip = parameters.boolean("do_sigma_clip");
  options.sigma = parameters.real("sigma");
  options.npixels = static_cast<int>(parameters.integer("npixels"));
  options.dilate_size = static_cast<int>(parameters.integer("dilate_size"));
  options.max_iters = static_cast<int>(parameters.integer("max_iters"));
  options.min_linear_frac = parameters.real("min_linear_frac");
  options.graph.min_area_percent = parameters.real("min_area_percent");
  options.graph.rms_sig_limit = parameters.real("rms_sig_limit");
  options.graph.weighting = exchange::parse_pair_weighting(parameters.text("weight_method"));
  options.reprojection = kernels::parse_reprojection(parameters.text("reproject_func"));
  return options;
}

}  // namespace tessera::steps
