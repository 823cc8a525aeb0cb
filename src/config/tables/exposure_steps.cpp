// pjpipe's steps on calibrated exposures (spec 40, 1.7 to 1.11).
#include "tables.hpp"

namespace tessera::config {

namespace {

std::vector<std::string> const reprojections{"interp", "exact", "adaptive"};
std::vector<std::string> const extend_modes{"reflect", "nearest", "mirror", "constant", "wrap"};

Step make_get_wcs_adjust() {
  auto step = make_step(
      "get_wcs_adjust", StepClass::Combined, StepKind::Pool, "measures one small shift a visit in well-behaved bands",
      {list("bands", Value(Value::List{}), "bands to measure in").built(),
       choice("method", "tweakreg", {"tweakreg", "cross_corr", "global"}, "how the shift is measured").built(),
       dictionary("alignment_catalogs", "absolute catalogue of a target, in alignment_dir").built(),
       dictionary("reference_band", "band, among `bands`, to whose corrected stars a band or instrument is matched")
           .built(),
       list_of("group_dithers", Value(Value::List{}), {"nircam", "miri", "niriss"},
               "instruments whose dithers of a visit move together")
           .built(),
       boolean("degroup_nircam_modules", false, "modules A and B by themselves").built(),
       attributes("tweakreg_parameters", "tweakreg", "attributes of the official tweakreg").built(),
       choice("reproject_func", "interp", reprojections, "reprojection").built(),
       choice("custom_catalog_function", {}, {"constrained_diffusion"}, "how catalogues are made instead").built(),
       attributes("custom_catalog_function_kwargs", "diffusion_catalog", "arguments of that").built()});
  step.is_built = true;
  return step;
}

Step make_level_match() {
  std::vector<std::string> const fits{"level", "level+slope"};
  auto step = make_step(
      "level_match", StepClass::PerBand, StepKind::Pool, "matches the background levels of overlapping exposures",
      {choice("fit_type_dithers", "level", fits, "what is matched among dithers").built(),
       choice("fit_type_recombine_lyot", "level", fits, "what is matched between coronagraph and imager").built(),
       choice("fit_type_combine_nircam_short", "level", fits, "what is matched among the chips of a module").built(),
       choice("fit_type_mosaic_tiles", "level", fits, "what is matched among tiles").built(),
       boolean("recombine_lyot", false, "match the coronagraph to the imager and join them again").built(),
       boolean("combine_nircam_short", false, "match the four short chips of a module first").built(),
       boolean("do_local_subtraction", true, "take a local median off each dither group").built(),
       real("sigma", 3, "clipping").in("sigma").at_least(0).built(),
       integer("npixels", 3, "least pixels of a source").at_least(1).built(),
       integer("dilate_size", 7, "growth of source masks").in("pixel").at_least(0).built(),
       integer("max_iters", 20, "clipping rounds").at_least(0).built(),
       boolean("do_sigma_clip", false, "mask sources before taking differences").built(),
       choice("weight_method", "equal", {"equal", "npix", "rms"}, "weights of the pairs").built(),
       real("min_area_percent", 0.002, "least overlap, as a fraction of the mean overlap").at_least(0).built(),
       real("min_linear_frac", 0.2, "least overlap along an axis, as a fraction of the image").within(0, 1).built(),
       real("rms_sig_limit", 2, "cut of noisy pairs").in("sigma").at_least(0).built(),
       choice("reproject_func", "interp", reprojections, "reprojection").built(),
       integer("max_points", 10000, "points in a plot").without_effect()});
  step.is_built = true;
  return step;
}

Step make_multi_tile_destripe() {
  auto step =
      make_step("multi_tile_destripe", StepClass::PerBand, StepKind::Pool,
                "removes 1/f stripes measured against the stack of all exposures",
                {choice("destriping_method", "two_pass", {"two_pass", "joint"},
                        "against the stack, or with the sky as one least-squares solution")
                     .built(),
                 real("joint_prior_amplitude", {}, "rms of the stripes in the joint solution; unset: from the data")
                     .in("unit of SCI")
                     .at_least(0)
                     .built(),
                 choice("weight_method", "mean", {"mean", "median", "sigma_clip"}, "how the stack is made").built(),
                 choice("weight_type", "ivm", {"ivm", "exptime", "equal"}, "weights in the stack").built(),
                 boolean("quadrants", true, "each amplifier by itself").built(),
                 real("min_mask_frac", 0.2, "least unmasked part of a row in a block").within(0, 1).built(),
                 boolean("do_vertical_subtraction", false, "column stripes too").built(),
                 boolean("do_large_scale", true, "second pass for large scales").built(),
                 integer("large_scale_filter_scale", {}, "window of that pass; unset: a tenth of the image")
                     .in("row")
                     .at_least(1)
                     .built(),
                 choice("large_scale_filter_extend_mode", "reflect", extend_modes, "edges of that window").built(),
                 real("sigma", 3, "masks and clipping").in("sigma").at_least(0).built(),
                 integer("dilate_size", 7, "growth of source masks").in("pixel").at_least(0).built(),
                 integer("maxiters", {}, "clipping rounds; unset: until nothing changes").at_least(0).built(),
                 boolean("do_level_match", false, "match levels before stacking").built(),
                 boolean("apply_to_unflat", false, "take the flat out while correcting"),
                 boolean("do_convergence", false, "repeat until the stripes are small").built(),
                 real("convergence_sigma", 1, "small means less than this").in("ERR").at_least(0).built(),
                 integer("convergence_max_iterations", 5, "most repetitions").at_least(1).built(),
                 choice("reproject_func", "interp", reprojections, "reprojection").built()});
  step.is_built = true;
  return step;
}

Step make_psf_model() {
  return make_step("psf_model", StepClass::PerBand, StepKind::Item, "models saturated sources (experimental)",
                   {choice("method", "replace", {"replace", "subtract"}, "what is done with the model"),
                    integer("npixels", 9, "least saturated pixels of a source").at_least(1),
                    length("separation", 0.1, "nearer sources are one"),
                    integer("psf_fov_pixels", 511, "size of the PSF").in("pixel").at_least(1),
                    real("psf_thresh", 1e-5, "least value of the PSF used in the fit"),
                    integer("dilate_size", 7, "growth of source masks").in("pixel").at_least(0),
                    real("nsigma", 5, "source masks").in("sigma").at_least(0)});
}

Step make_apply_wcs_adjust() {
  auto step = make_step("apply_wcs_adjust", StepClass::PerBand, StepKind::Item, "applies the shift of its visit", {});
  step.is_built = true;
  return step;
}

Step make_lyot_mask() {
  auto step =
      make_step("lyot_mask", StepClass::PerBand, StepKind::Item, "masks the MIRI coronagraph",
                {choice("method", "mask", {"mask", "mask_overlap"}, "all of it, or what the imager saw too").built()});
  step.is_built = true;
  return step;
}

Step make_lyot_separate() {
  auto step =
      make_step("lyot_separate", StepClass::PerBand, StepKind::Item, "separates the MIRI coronagraph from the imager",
                {text("miri_ext", "mirimage", "detector part of the file names").without_effect()});
  step.is_built = true;
  return step;
}

}  // namespace

std::vector<Step> exposure_steps() {
  return {make_get_wcs_adjust(), make_apply_wcs_adjust(),    make_lyot_mask(), make_lyot_separate(),
          make_level_match(),    make_multi_tile_destripe(), make_psf_model()};
}

}  // namespace tessera::config
