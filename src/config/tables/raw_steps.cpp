// pjpipe's steps from the archive to calibrated exposures (spec 40, 1.1 to 1.6).
#include "tables.hpp"

namespace tessera::config {

namespace {

Step make_download() {
  return make_step(
      "download", StepClass::Combined, StepKind::Files,
      "fetches raw data from the archive, or accepts and verifies what lies there",
      {text_or_list("prop_id", {}, "programmes"),
       real("radius", {}, "search radius; unset: that of the service").in("arcmin").at_least(0),
       text_or_list("telescope", "JWST", "observatory"), text_or_list("instrument_name", {}, "instruments"),
       text_or_list("dataproduct_type", {}, "kinds of data"),
       list("calib_level", Value(Value::List{1, 2, 3}), "calibration levels"),
       text_or_list("extension", {}, "file extensions"),
       list_of("product_type", Value(Value::List{"SCIENCE", "PREVIEW", "INFO", "AUXILIARY"}),
               {"SCIENCE", "PREVIEW", "INFO", "AUXILIARY"}, "kinds of products"),
       boolean("do_filter", true, "filter the products"), boolean("filter_gs", true, "leave guide-star products out"),
       boolean("breakout_targets", false, "one folder a target of the proposal"),
       boolean("login", false, "log in at the archive"), text("api_key", {}, "token of the archive")});
}

Step make_gaia_query() {
  return make_step("gaia_query", StepClass::Combined, StepKind::Files,
                   "writes the Gaia DR3 catalogue around the target",
                   {integer("row_limit", -1, "most rows; -1: all"),
                    real("radius", 15, "radius of the search").in("arcmin").at_least(0)});
}

Step make_move_raw_obs() {
  return make_step("move_raw_obs", StepClass::Implicit, StepKind::Files,
                   "picks the raw files of a band and puts them into its folder",
                   {dictionary("obs_to_skip", "file name patterns to leave out, by target and sci or bgr"),
                    dictionary("extra_obs_to_include",
                               "patterns of other targets' files to take, by target and sci or "
                               "bgr")});
}

Step make_lv1() {
  return make_step("lv1", StepClass::PerBand, StepKind::Item, "official detector1: ramps to count rates",
                   {sub_steps("jwst_parameters", names_of(detector1_tables()), "attributes of the official steps")});
}

Step make_persistence() {
  return make_step("persistence", StepClass::PerBand, StepKind::Item,
                   "subtracts the decaying images of earlier exposures (MIRI, experimental)",
                   {boolean("use_all_bands", false, "earlier exposures of all bands"),
                    boolean("apply_only_within_visits", false, "earlier exposures of the same visit only")});
}

Step make_single_tile_destripe() {
  std::vector<std::string> const modes{"reflect", "nearest", "mirror", "constant", "wrap"};
  std::vector<std::string> const methods{"row_median", "median_filter", "remstripe", "smooth", "pca"};
  Step step = make_step(
      "single_tile_destripe", StepClass::PerBand, StepKind::Item,
      "removes 1/f stripes measured in one exposure, before lv2 or after it",
      {boolean("quadrants", true, "each amplifier by itself").built(),
       boolean("vertical_subtraction", true, "column stripes first").built(),
       choice("destriping_method", "median_filter", methods, "how row stripes are measured; pca before lv2 only")
           .built(),
       choice("vertical_destriping_method", "row_median", {"row_median", "median_filter"},
              "how column stripes are measured")
           .built(),
       boolean("filter_diffuse", false, "high-pass filter before measuring").built(),
       real("min_mask_frac", 0.2, "least unmasked part of a row in a block").within(0, 1).built(),
       real("sigma", 3, "masks and clipping").in("sigma").at_least(0).built(),
       integer("npixels", 3, "least pixels of a source").at_least(1).built(),
       integer("dilate_size", 11, "growth of source masks").in("pixel").at_least(0).built(),
       integer("max_iters", 20, "clipping rounds").at_least(0).built(),
       list("filter_scales", Value(Value::List{3, 7, 15, 31, 63, 127}), "windows of the running medians")
           .in("row")
           .built(),
       choice("filter_extend_mode", "reflect", modes, "edges of the running medians").built(),
       integer("pca_components", 50, "components of the pca").at_least(1).built(),
       integer("pca_reconstruct_components", 10, "components used at most").at_least(1).built(),
       text("region_mask", {}, "ours: DS9 region file; pixels inside are not measured").built(),
       text("source_model", {}, "ours: FITS image of the sky in MJy/sr, taken off before measuring only").built(),
       text("wisp_template", {}, "ours: FITS template of NIRCam wisps, before lv2; {detector} stands for e.g. nrcb4")
           .built(),
       boolean("save_results", false, "ours: the destriped _rate files too, where lv2 follows").built(),
       boolean("save_model", false, "ours: what is subtracted as a FITS file for every exposure").built()});
  step.table.parameters.push_back(alias("median_filter_scales", "filter_scales", step.table));
  step.is_built = true;
  return step;
}

Step make_lv2() {
  auto level2_names = names_of(image2_tables());
  level2_names.push_back("resample");  // declared with level 3
  Step step = make_step(
      "lv2", StepClass::PerBand, StepKind::Item, "official image2: count rates to calibrated exposures",
      {choice("bgr_check_type", "parallel_off", {"parallel_off", "check_in_name", "filename"},
              "how off observations are told from science")
           .built(),
       text_or_list("bgr_background_name", "off", "what the name of an off observation contains").built(),
       list_of("bgr_observation_types", Value(Value::List{}), {"nircam", "miri", "niriss"},
               "instruments whose offs are subtracted")
           .built(),
       boolean("process_bgr_like_science", false, "offs are science too").built(),
       integer("off_selection", {}, "offs that are subtracted: those nearest in time; unset: all of them")
           .at_least(1)
           .built(),
       real("off_weighting_days", {}, "weights of offs: exp(-time between off and science / this); unset: equal")
           .in("day")
           .at_least(1e-6)
           .built(),
       boolean("off_mask_sources", false, "ours: sources in the offs are left out before they are combined").built(),
       text("updated_flats_dir", {}, "folder of flats that replace those of CRDS").built(),
       sub_steps("jwst_parameters", level2_names, "attributes of the official steps")});
  step.is_built = true;
  return step;
}

}  // namespace

std::vector<Step> raw_steps() {
  return {make_download(),    make_gaia_query(),           make_move_raw_obs(), make_lv1(),
          make_persistence(), make_single_tile_destripe(), make_lv2()};
}

}  // namespace tessera::config
