#include "tessera/steps/multi_tile_destripe/destripe_options.hpp"

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

DestripeWeight parse_weight(std::string const& name) {
  if (name == "ivm") return DestripeWeight::ReadNoise;
  if (name == "exptime") return DestripeWeight::ExposureTime;
  if (name == "equal") return DestripeWeight::Equal;
  throw ConfigError({.what = "unknown weight of exposures in the stack",
                     .where = "multi_tile_destripe.weight_type",
                     .expected = "ivm, exptime or equal",
                     .found = name,
                     .remedy = "choose one of these; ivm is the default"});
}

/// The joint method by itself is the end of what do_convergence would repeat.
void check_joint(DestripeOptions& options) {
  auto const refuse = [](std::string const& what, std::string const& key, std::string const& needed) {
    throw ConfigError({.what = what,
                       .where = "multi_tile_destripe." + key,
                       .expected = needed + " with destriping_method = \"joint\"",
                       .found = "another value",
                       .remedy = "set " + key + " = " + needed + ", or destriping_method = \"two_pass\""});
  };
  if (options.reprojection != kernels::Reprojection::Interp)
    refuse("the joint method knows how stripes look after bilinear interpolation only", "reproject_func", "\"interp\"");
  if (options.vertical)
    refuse("the joint method has stripes in one direction only", "do_vertical_subtraction", "false");
  options.converge = false;
}

}  // namespace

DestripeOptions destripe_options(config::ResolvedParameters const& parameters) {
  if (parameters.boolean("apply_to_unflat"))
    throw ConfigError({.what = "the flat of the exposures cannot be had",
                       .where = "multi_tile_destripe.apply_to_unflat",
                       .expected = "the CRDS reference flat (FLAT) of the detector and filter",
                       .found = "no part of this program that reads reference files",
                       .remedy = "set apply_to_unflat = false"});
  DestripeOptions options;
  options.joint = parameters.text("destriping_method") == "joint";
  options.prior_amplitude = parameters.optional_real("joint_prior_amplitude").value_or(0);
  options.stack = kernels::parse_stack_method(parameters.text("weight_method"));
  options.weight = parse_weight(parameters.text("weight_type"));
  options.quadrants = parameters.boolean("quadrants");
  options.min_mask_frac = parameters.real("min_mask_frac");
  options.vertical = parameters.boolean("do_vertical_subtraction");
  options.large_scale = parameters.boolean("do_large_scale");
  options.filter_scale = parameters.optional_integer("large_scale_filter_scale");
  options.extend_mode = kernels::parse_extend_mode(parameters.text("large_scale_filter_extend_mode"));
  options.sigma = parameters.real("sigma");
  options.dilate = static_cast<int>(parameters.integer("dilate_size"));
  if (auto const rounds = parameters.optional_integer("maxiters")) options.maxiters = static_cast<int>(*rounds);
  options.level_match = parameters.boolean("do_level_match");
  options.converge = parameters.boolean("do_convergence");
  options.convergence_sigma = parameters.real("convergence_sigma");
  options.most_iterations = static_cast<int>(parameters.integer("convergence_max_iterations"));
  options.reprojection = kernels::parse_reprojection(parameters.text("reproject_func"));
  if (options.joint) check_joint(options);
  return options;
}

}  // namespace tessera::steps
