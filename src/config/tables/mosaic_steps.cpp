// pjpipe's steps on mosaics (spec 40, 1.12 to 1.19).
#include "tables.hpp"

namespace tessera::config {

namespace {

std::vector<std::string> const reprojections{"interp", "exact", "adaptive"};

Step make_lv3() {
  std::vector<std::string> const classes{"miri", "nircam_long", "nircam_short", "niriss"};
  Value const none{Value::List{}};
  Step step =
      make_step("lv3", StepClass::PerBand, StepKind::Pool, "official image3: exposures to one mosaic a band",
                {boolean("tweakreg_degroup_nircam_modules", false, "align modules A and B by themselves").built(),
                 boolean("tweakreg_degroup_nircam_short_chips", false, "align the short chips by themselves").built(),
                 list_of("tweakreg_group_dithers", none, classes, "align the dithers of a visit together").built(),
                 list_of("tweakreg_degroup_dithers", none, classes, "align each exposure by itself").built(),
                 list_of("skymatch_group_dithers", none, classes, "one sky level for the dithers of a visit").built(),
                 list_of("skymatch_degroup_dithers", none, classes, "one sky level an exposure").built(),
                 choice("bgr_check_type", "parallel_off", {"parallel_off", "check_in_name", "filename"},
                        "how off observations are told from science")
                     .built(),
                 text_or_list("bgr_background_name", "off", "what the name of an off observation contains").built(),
                 boolean("process_bgr_like_science", false, "offs are science too").built(),
                 boolean("do_drizzle", false, "drizzle each exposure by itself too"),
                 boolean("do_blot", false, "blot the mosaic to each exposure"),
                 integer("blot_ref_index", {}, "exposure whose grid the blots take").at_least(0),
                 text_or_number("blot_fillval", {}, "value of blots where there is no data"),
                 sub_steps("jwst_parameters", names_of(image3_tables()), "attributes of the official steps")});
  step.is_built = true;  // its resample is; the other official steps say for themselves that they are not
  return step;
}

Step make_astrometric_catalog() {
  Step step = make_step("astrometric_catalog", StepClass::PerBand, StepKind::Pool, "finds stars in the mosaic",
                        {real("snr", 5, "detection threshold").in("sigma").at_least(0).built(),
                         choice("noise", {}, {"mad", "clip"},
                                "how the noise is measured: median absolute deviation, or pjpipe 1.2.1's clipping; "
                                "unset: mad, clip with compat")
                             .built(),
                         choice("starfind_method", "dao", {"dao", "iraf"}, "star finder").built(),
                         choice("starfind_prefilter", {}, {"constrained_diffusion"}, "filter before finding").built(),
                         attributes("starfind_parameters", "starfind", "attributes of the finder").built()});
  step.table.parameters.push_back(alias("dao_parameters", "starfind_parameters", step.table));
  step.is_built = true;
  return step;
}

/// Combined since pjpipe 1.3.1: reference bands come first, whatever the order of `bands`.
Step make_astrometric_align() {
  Step step = make_step(
      "astrometric_align", StepClass::Combined, StepKind::Pool,
      "aligns mosaics to an external catalogue and carries the shift back to the exposures",
      {dictionary("catalogs", "catalogue of a target, in alignment_dir").built(),
       dictionary("align_mapping", "bands that take the solution of another band").built(),
       choice("align_mapping_mode", "shift", {"shift", "cross_corr"}, "how it is taken").built(),
       dictionary("ref_long_filter", "band whose aligned stars another band is matched to").built(),
       iterations("tweakreg_parameters", "align_iteration", "matching, flat or in iteration1, iteration2, ...").built(),
       choice("reproject_func", "interp", reprojections, "reprojection of cross_corr").built()});
  step.is_built = true;
  return step;
}

Step make_anchoring() {
  return make_step("anchoring", StepClass::Combined, StepKind::Pool,
                   "anchors the zero level of mosaics to external images",
                   {dictionary("ref_band", "reference band of each instrument"),
                    dictionary("external_bands", "external images of each instrument, in order of preference"),
                    text("internal_conv_band", {}, "band whose resolution bands of an instrument are compared at"),
                    choice("reproject_func", "interp", reprojections, "reprojection"),
                    boolean("simplify_labels", true, "labels of plots").without_effect(),
                    text("galaxy_table", {}, "table of galaxies for automatic intensity ranges"),
                    real("reff_factor", 2.0, "radius of the range").in("effective radius").at_least(0),
                    list("percentile_range", Value(Value::List{15, 60}), "range of intensities").in("%")});
}

Step make_release() {
  return make_step(
      "release", StepClass::Combined, StepKind::Files, "copies the products to the release folder",
      {list("file_exts",
            Value(Value::List{"i2d.fits", "i2d_align.fits", "i2d_anchor.fits", "i2d_align_table.fits", "cat.ecsv",
                              "astro_cat.fits", "segm.fits"}),
            "ends of the names to copy"),
       boolean("remove_bloat", false, "drop the variances"),
       boolean("move_tweakback", false, "copy the corrected exposures"),
       boolean("move_backgrounds", false, "copy the combined backgrounds"),
       boolean("move_individual_fields", false, "copy the mosaics of single fields"),
       boolean("move_psf_matched", false, "copy the PSF-matched mosaics"),
       boolean("move_diagnostic_plots", false, "copy the plots"),
       boolean("compress_diagnostic_plots", true, "pack the plots"), text("lv3_dir", "lv3", "folder of the mosaics"),
       text("tweakback_dir", "lv3", "folder of the corrected exposures"),
       text("tweakback_ext", "tweakback", "end of the names of corrected exposures"),
       text("background_dir", "lv2", "folder of the backgrounds"),
       text("background_ext", "combinedbackground", "end of the names of backgrounds"),
       text("individual_fields_dir", "mosaic_individual_fields", "folder of the fields"),
       text("psf_matched_dir", "psf_matching", "folder of the PSF-matched mosaics"),
       text("diagnostic_plot_dir", "plots", "folder of the plots")});
}

}  // namespace

std::vector<Step> mosaic_steps() {
  return {
      make_lv3(),
      make_astrometric_catalog(),
      make_astrometric_align(),
      make_step("mosaic_individual_fields", StepClass::PerBand, StepKind::Pool, "one mosaic a pointing",
                {text("crf_ext", "crf_tweakback", "end of the names of the exposures"),
                 attributes("resample_parameters", "resample", "attributes of the official resample"),
                 boolean("parallel", true, "parallelism of the original").without_effect()}),
      make_anchoring(),
      make_step("psf_matching", StepClass::PerBand, StepKind::Pool, "convolves mosaics to common resolutions",
                {list("target_bands", Value(Value::List{}), "resolutions: gauss0p85, F2100W, ..."),
                 choice("reproject_func", "interp", reprojections, "reprojection")}),
      make_release(),
      make_step("regress_against_previous", StepClass::Combined, StepKind::Pool,
                "compares the products with those of an earlier version",
                {text("prev_version", {}, "the earlier version"),
                 list("file_exts", Value(Value::List{"i2d_anchor.fits", "i2d_align.fits", "i2d.fits"}),
                      "ends of the names to compare, in order of preference"),
                 choice("reproject_func", "interp", reprojections, "reprojection")}),
  };
}

std::vector<ParameterTable> pjpipe_inner_tables() {
  return {
      {"starfind",
       {real("sharplo", 0.2, "least sharpness; iraf: 0.5").built(),
        real("sharphi", 1.0, "largest sharpness; iraf: 2").built(),
        real("roundlo", -1.0, "least roundness; iraf: 0").built(),
        real("roundhi", 1.0, "largest roundness; iraf: 0.2").built(),
        integer("brightest", {}, "keep so many of the brightest").at_least(1).built(),
        real("peakmax", {}, "reject sources with a higher peak").built(),
        real("fwhm", {}, "FWHM of the kernel; unset: that of the band").in("pixel").at_least(0).built(),
        real("sigma_radius", 1.5, "truncation of the kernel").in("sigma").built(),
        real("minsep_fwhm", {}, "least separation of sources; unset: 2.5 for iraf").in("FWHM").built(),
        real("threshold", {}, "detection threshold; unset: from snr").in("MJy/sr").built()}},
      {"diffusion_catalog",
       {integer("pivot_scale", 3, "scales that hold point sources").at_least(1).built(),
        real("snr_threshold", 5, "detection threshold in units of the median ERR").at_least(0).built(),
        integer("max_sources", 1000, "keep so many of the brightest").at_least(1).built()}},
      {"align_iteration",
       {real("searchrad", 3.0, "half width of the search for the shift").in("mosaic pixel").at_least(0).built(),
        real("separation", 0.5, "sources nearer than this to another are left out")
            .in("mosaic pixel")
            .at_least(0)
            .built(),
        real("tolerance", 1.0, "match radius").in("mosaic pixel").at_least(0).built(),
        boolean("use2dhist", true, "first shift from a 2-D histogram").built(),
        choice("fitgeom", "general", {"shift", "rshift", "rscale", "general"}, "what is fitted").built(),
        integer("nclip", 3, "clipping rounds").at_least(0).built(),
        real("sigma", 3.0, "clip in units of the fit's rms").at_least(0).built(),
        integer("minobj", {}, "least matches").at_least(1).built()}},
  };
}

}  // namespace tessera::config
