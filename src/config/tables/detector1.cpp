// Level 1: attributes of the official detector1 pipeline and its steps (spec 10).
#include "tables.hpp"

namespace tessera::config {

namespace {

std::vector<Parameter> jump_parameters() {
  return {
      real("rejection_threshold", 4.0, "rejection with at least 4 usable differences").in("sigma").at_least(0),
      real("four_group_rejection_threshold", 5.0, "rejection with 3 usable differences").in("sigma").at_least(0),
      real("three_group_rejection_threshold", 6.0, "rejection with 2 usable differences").in("sigma").at_least(0),
      boolean("flag_4_neighbors", true, "flag the four neighbours of a jump"),
      real("max_jump_to_flag_neighbors", 1000, "largest jump whose neighbours are flagged").in("sigma"),
      real("min_jump_to_flag_neighbors", 10, "smallest jump whose neighbours are flagged").in("sigma"),
      real("after_jump_flag_dn1", 0, "flag groups after jumps above this").in("DN"),
      real("after_jump_flag_time1", 0, "for this long").in("s"),
      real("after_jump_flag_dn2", 0, "second such threshold").in("DN"),
      real("after_jump_flag_time2", 0, "for this long").in("s"),
      integer("min_diffs_single_pass", 10, "usable differences from which one pass is made"),
      integer("minimum_groups", 3, "least groups"),
      integer("minimum_sigclip_groups", 100, "groups or integrations from which sigma clipping replaces the test"),
      boolean("only_use_ints", true, "clip along integrations only"),
      text_or_number("maximum_cores", "1", "parallelism of the official step").without_effect(),
      boolean("expand_large_events", false, "flag snowballs (near infrared)"),
      real("min_jump_area", 5.0, "least area of a snowball's jumps").in("pixel"),
      real("min_sat_area", 1.0, "least saturated area of a snowball").in("pixel"),
      real("expand_factor", 2.0, "enlargement of snowballs"),
      boolean("use_ellipses", false, "older option of the official step"),
      boolean("sat_required_snowball", true, "a snowball must have a saturated core"),
      real("min_sat_radius_extend", 2.5, "least radius of cores that are enlarged").in("pixel"),
      integer("sat_expand", 2, "enlargement of saturated cores").in("pixel"),
      integer("edge_size", 25, "border without the saturation rule").in("pixel"),
      boolean("mask_snowball_core_next_int", true, "mask cores in the next integration too"),
      integer("snowball_time_masked_next_int", 4000, "for this long").in("s"),
      integer("max_extended_radius", 200, "largest enlarged radius").in("pixel"),
      boolean("find_showers", false, "flag showers (MIRI)"),
      real("max_shower_amplitude", 4, "largest change a shower may make").in("DN/s"),
      real("extend_snr_threshold", 1.2, "detection of showers").in("sigma"),
      integer("extend_min_area", 90, "least area of a shower").in("pixel"),
      real("extend_inner_radius", 1, "inner radius of the smoothing ring").in("pixel"),
      real("extend_outer_radius", 2.6, "outer radius of the smoothing ring").in("pixel"),
      real("extend_ellipse_expand_ratio", 1.1, "enlargement of showers"),
      real("time_masked_after_shower", 15, "flag so long after a shower").in("s"),
  };
}

std::vector<Parameter> clean_flicker_noise_parameters() {
  return {
      choice("fit_method", "median", {"median", "fft"}, "how the noise is fitted"),
      boolean("fit_by_channel", false, "each amplifier by itself"),
      text("background_method", "median", "how the background is taken out first"),
      list("background_box_size", {}, "boxes of the background model").in("pixel"),
      boolean("mask_science_regions", false, "mask regions without sky"),
      boolean("apply_flat_field", false, "flat-field before fitting"),
      real("n_sigma", 2.0, "clip of the mask").in("sigma"),
      boolean("fit_histogram", false, "noise from a histogram"),
      boolean("single_mask", true, "one mask for all groups"),
      text("user_mask", {}, "mask file"),
      boolean("save_mask", false, "save the mask"),
      boolean("save_background", false, "save the background"),
      boolean("save_noise", false, "save the noise"),
  };
}

std::vector<Parameter> persistence_parameters() {
  return {
      text("input_trapsfilled", "", "trap state of the previous exposure of the detector (legacy model)"),
      real("flag_pers_cutoff", 40.0, "flag pixels with more persistence than this").in("DN"),
      boolean("save_persistence", false, "save the persistence"),
      boolean("save_trapsfilled", true, "save the trap state (legacy model)"),
      integer("persistence_time", {}, "how long a saturated pixel stays flagged").in("s").at_least(1),
      real("dn_threshold", {}, "flag after values above this too").in("DN"),
      boolean("persistence_dnu", false, "set DO_NOT_USE too"),
      text("persistence_array_file", {}, "state file from the exposure before"),
  };
}

}  // namespace

std::vector<ParameterTable> detector1_tables() {
  return {
      official_pipeline("detector1", {boolean("save_calibrated_ramp", false, "write the ramp before fitting")}),
      official_step("group_scale", false, {}),
      official_step("dq_init", false, {text("user_supplied_dq", {}, "image OR-ed into the mask")}),
      official_step("emicorr", true,
                    {choice("algorithm", "joint", {"joint", "sequential"}, "how the interference is fitted"),
                     integer("nints_to_phase", {}, "integrations to phase"), integer("nbins", {}, "phase bins"),
                     boolean("scale_reference", true, "scale the reference wave"),
                     list("onthefly_corr_freq", {}, "frequencies to correct without a reference").in("Hz"),
                     integer("use_n_cycles", 3, "cycles to average"),
                     boolean("fit_ints_separately", false, "each integration by itself"),
                     text("user_supplied_reffile", {}, "reference of the user"),
                     boolean("save_intermediate_results", false, "save the phases")}),
      official_step("saturation", false,
                    {integer("n_pix_grow_sat", 1, "grow saturated pixels by this").in("pixel").at_least(0),
                     boolean("use_readpatt", true, "look for saturation inside averaged groups")}),
      official_step("ipc", true, {}),
      official_step("superbias", false, {}),
      official_step("refpix", false,
                    {boolean("odd_even_columns", true, "odd and even columns by themselves"),
                     boolean("use_side_ref_pixels", true, "use the side reference pixels"),
                     integer("side_smoothing_length", 11, "running median of the sides").in("row"),
                     real("side_gain", 1.0, "factor of the side correction"),
                     boolean("odd_even_rows", true, "odd and even rows by themselves (MIRI)"),
                     real("siglimit", 3.0, "clip of the means").in("sigma"),
                     choice("refpix_algorithm", "median", {"median", "sirs"}, "side correction"),
                     real("sigreject", 4.0, "rejection of sirs").in("sigma"),
                     real("gaussmooth", 1.0, "smoothing of sirs").in("pixel"),
                     integer("halfwidth", 30, "half width of sirs").in("pixel"),
                     real("ovr_corr_mitigation_ftr", 3.0, "NIRSpec only").without_effect(),
                     boolean("preserve_irs2_refpix", false, "NIRSpec only").without_effect(),
                     boolean("irs2_mean_subtraction", false, "NIRSpec only").without_effect()}),
      official_step("rscd", false, {}),
      official_step("firstframe", true, {boolean("bright_use_group1", true, "keep the first group of bright pixels")}),
      official_step("lastframe", false, {}),
      official_step("linearity", false, {}),
      official_step("dark_current", false,
                    {text("dark_output", {}, "write the averaged dark"),
                     real("average_dark_current", {}, "average dark current").in("e-/s")}),
      official_step("reset", false, {}),
      official_step("persistence", true, persistence_parameters()),
      official_step("charge_migration", true, {real("signal_threshold", 25000, "flag groups above this").in("DN")}),
      official_step("jump", false, jump_parameters()),
      official_step("picture_frame", true, {}),
      official_step("clean_flicker_noise", true, clean_flicker_noise_parameters()),
      official_step(
          "ramp_fit", false,
          {choice("algorithm", "OLS_C", {"OLS", "OLS_C", "LIKELY"}, "fit of the ramp"),
           text("int_name", "", "name of the rateints file"), boolean("save_opt", false, "write the optional product"),
           text("opt_name", "", "name of the optional product"),
           boolean("suppress_one_group", true, "drop pixels with one good group"),
           integer("firstgroup", {}, "first group used, from 0"), integer("lastgroup", {}, "last group used, from 0"),
           text_or_number("maximum_cores", "1", "parallelism of the official step").without_effect()}),
      official_step("gain_scale", false, {}),
  };
}

}  // namespace tessera::config
