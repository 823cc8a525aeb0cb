// Level 3: attributes of the official image3 pipeline and its steps (spec 30).
#include "tables.hpp"

namespace tessera::config {

namespace {

/// Parameters of the star finders, shared by tweakreg and source_catalog (spec 30, 1.1 and 5.1).
struct FinderDefaults {
  char const* starfinder;
  double snr_threshold;
  int bkg_boxsize;
  int npixels;
};

std::vector<Parameter> finder_parameters(FinderDefaults const& defaults) {
  return {
      choice("starfinder", defaults.starfinder, {"iraf", "dao", "segmentation"}, "how sources are found").built(),
      real("snr_threshold", defaults.snr_threshold, "detection threshold in units of the background rms").built(),
      real("kernel_fwhm", {}, "FWHM of the finder's kernel; unset: that of the band, twice that in get_wcs_adjust")
          .in("pixel")
          .built(),
      integer("bkg_boxsize", defaults.bkg_boxsize, "mesh of the background").in("pixel").at_least(1).built(),
      real("minsep_fwhm", 0.0, "least separation of sources").in("FWHM").built(),
      real("sigma_radius", 1.5, "truncation of the kernel").in("sigma").built(),
      real("sharplo", 0.5, "least sharpness").built(),
      real("sharphi", 2.0, "largest sharpness").built(),
      real("roundlo", 0.0, "least roundness").built(),
      real("roundhi", 0.2, "largest roundness").built(),
      integer("brightest", 200, "keep so many of the brightest").at_least(1).built(),
      real("peakmax", {}, "reject sources with a higher peak").built(),
      integer("npixels", defaults.npixels, "least pixels of a segment").at_least(1).built(),
      integer("connectivity", 8, "neighbours of a pixel in a segment: 4 or 8").within(4, 8).built(),
      integer("nlevels", 32, "levels of deblending").at_least(1).built(),
      real("contrast", 0.001, "contrast of deblending").within(0, 1).built(),
      choice("multithresh_mode", "exponential", {"exponential", "linear", "sinh"}, "spacing of the levels").built(),
      boolean("deblend", true, "separate overlapping segments").built(),
      integer("localbkg_width", 0, "width of the local background ring").in("pixel").at_least(0),
      choice("apermask_method", "correct", {"correct", "mask", "none"}, "neighbours inside an aperture"),
      list("kron_params", Value(Value::List{2.5, 1.4, 0.0}), "Kron photometry"),
  };
}

void append(std::vector<Parameter>& all, std::vector<Parameter> more) {
  for (auto& parameter : more) all.push_back(std::move(parameter));
}

std::vector<Parameter> tweakreg_parameters() {
  std::vector<std::string> const geometries{"shift", "rshift", "rscale", "general"};
  auto all = finder_parameters({"iraf", 10.0, 400, 10});
  for (auto& parameter : all)  // fluxes of segments are for catalogues alone
    if (parameter.key == "localbkg_width" || parameter.key == "apermask_method" || parameter.key == "kron_params")
      parameter.support = Support::NoEffect;
  append(all, {
                  boolean("save_catalogs", false, "write the catalogues").built(),
                  choice("catalog_format", "ecsv", {"ecsv", "fits"}, "format of the catalogues").built(),
                  boolean("use_custom_catalogs", false, "use catalogues of the user").built(),
                  text("catfile", "", "file of two columns: image, catalogue").built(),
                  boolean("enforce_user_order", false, "align in the order of the list").built(),
                  boolean("expand_refcat", false, "add the sources of aligned groups to the reference").built(),
                  integer("minobj", 15, "least matches").at_least(1).built(),
                  length("searchrad", 2.0, "half width of the search for the shift").built(),
                  boolean("use2dhist", true, "first shift from a 2-D histogram").built(),
                  length("separation", 1.0, "sources nearer than this to another are left out").built(),
                  length("tolerance", 0.7, "match radius").built(),
                  length("xoffset", 0.0, "first shift without histogram").built(),
                  length("yoffset", 0.0, "first shift without histogram").built(),
                  choice("fitgeometry", "rshift", geometries, "what is fitted").built(),
                  integer("nclip", 3, "clipping rounds").at_least(0).built(),
                  real("sigma", 3.0, "clip in units of the fit's rms").at_least(0).built(),
                  text("abs_refcat", "", "catalogue of the absolute stage; empty: none").built(),
                  boolean("save_abs_catalog", false, "write the absolute catalogue").built(),
                  integer("abs_minobj", 15, "least matches, absolute stage").at_least(1).built(),
                  length("abs_searchrad", 6.0, "half width of the search, absolute stage").built(),
                  boolean("abs_use2dhist", true, "first shift from a histogram, absolute stage").built(),
                  length("abs_separation", 1.0, "source separation, absolute stage").built(),
                  length("abs_tolerance", 0.7, "match radius, absolute stage").built(),
                  choice("abs_fitgeometry", "rshift", geometries, "what is fitted, absolute stage").built(),
                  integer("abs_nclip", 3, "clipping rounds, absolute stage").at_least(0).built(),
                  real("abs_sigma", 3.0, "clip, absolute stage").at_least(0).built(),
                  boolean("abs_by_group", false, "method sequential: every group onto abs_refcat by itself").built(),
                  choice("method", "sequential", {"sequential", "global"},
                         "one group after the other as the official step, or all in one least squares")
                      .built(),
                  choice("centroid", "finder", {"finder", "epsf"},
                         "positions of the finder, or fits of a PSF measured from the exposures")
                      .built(),
                  list("global_tolerances", Value(Value::List{0.3, 0.1, 0.05, 1.0}),
                       "match radii tried in this order, method global")
                      .in("arcsec")
                      .built(),
                  boolean("global_detector_offsets", false, "one offset a detector, method global").built(),
                  real("abs_error", 0.005, "error of the catalogue along an axis: method global, abs_by_group")
                      .in("arcsec")
                      .at_least(0)
                      .built(),
                  boolean("sip_approx", true, "refit the FITS SIP keywords: an export always does").without_effect(),
                  integer("sip_degree", {}, "fixed degree; unset: automatic").within(1, 6).built(),
                  integer("sip_inv_degree", {}, "fixed inverse degree; unset: automatic").within(1, 6).built(),
                  real("sip_max_pix_error", 0.01, "forward tolerance").in("pixel").built(),
                  real("sip_max_inv_pix_error", 0.01, "inverse tolerance").in("pixel").built(),
                  integer("sip_npoints", 12, "samples per axis").at_least(8).built(),
                  boolean("in_memory", true, "memory of the official step").without_effect(),
                  retired("align_to_gaia", "use abs_refcat"),
                  retired("gaia_catalog", "use abs_refcat"),
                  retired("min_gaia", "use abs_minobj"),
                  retired("save_gaia_catalog", "use save_abs_catalog"),
                  retired("shift", "use fitgeometry"),
              });
  return all;
}

std::vector<Parameter> resample_parameters() {
  return {
      real("pixfrac", 1.0, "size of the drop; up to 0.001 the point kernel").in("input pixel").within(0, 1).built(),
      choice("kernel", "square", {"square", "turbo", "point", "gaussian", "lanczos2", "lanczos3"}, "drop shape")
          .built(),
      text_or_number("fillval", "NAN", "value where there is no data").built(),
      choice("weight_type", "ivm", {"ivm", "exptime", "ivm-sky", "none"}, "weights of the pixels").built(),
      list("output_shape", {}, "columns and rows of the mosaic").in("pixel").built(),
      list("crpix", {}, "reference pixel (x, y), 0-based").in("pixel").built(),
      list("crval", {}, "right ascension and declination of the reference pixel").in("deg").built(),
      real("rotation", {}, "position angle of the mosaic's y axis, east of north; unset: that of the exposures")
          .in("deg")
          .built(),
      real("pixel_scale_ratio", 1.0, "output over input pixel scale").at_least(0).built(),
      length("pixel_scale", {}, "output pixel scale; overrides the ratio").at_least(0).built(),
      text("output_wcs", "", "file with the grid; overrides all geometry"),
      boolean("single", false, "one image per group (outlier detection uses it)"),
      boolean("blendheaders", true, "combine the headers of the exposures").built(),
      boolean("enable_ctx", true, "make the context image").built(),
      boolean("enable_err", true, "make errors and variances").built(),
      boolean("report_var", true, "write the variances").built(),
      boolean("propagate_dq", false, "OR of the contributing DQ"),
      integer("pixmap_stepsize", 1, "sampling of an interpolated pixel map").in("pixel").at_least(1),
      integer("pixmap_order", 1, "order of that interpolation").within(1, 3),
      boolean("in_memory", true, "memory of the official step").without_effect(),
      retired("good_bits", "fixed to ~DO_NOT_USE+NON_SCIENCE"),
      retired("allowed_memory", "memory is set by tessera.memory_per_rank"),
  };
}

std::vector<Parameter> outlier_detection_parameters() {
  return {
      choice("weight_type", "ivm", {"ivm", "exptime"}, "weights of the pixels").built(),
      real("pixfrac", 1.0, "size of the drop").in("input pixel").within(0, 1).built(),
      choice("kernel", "square", {"square", "point", "turbo"}, "drop shape").built(),
      text_or_number("fillval", "NAN", "value where there is no data").built(),
      real("maskpt", 0.7, "pixels with less than this part of the mean weight are left out").within(0, 1).built(),
      text("snr", "5.0 4.0", "thresholds of the first and second pass").built(),
      text("scale", "1.2 0.7", "tolerated gradient of the first and second pass").built(),
      real("backg", 0.0, "background where no BKGLEVEL is known").in("MJy/sr").built(),
      boolean("resample_data", true, "compare on the sky instead of on the detector").built(),
      text_or_number("good_bits", "~DO_NOT_USE", "DQ bits to ignore").built(),
      boolean("save_intermediate_results", false, "write the medians").built(),
      boolean("in_memory", true, "memory of the official step").without_effect(),
      integer("pixmap_stepsize", 1, "sampling of an interpolated pixel map").in("pixel").at_least(1),
      integer("pixmap_order", 1, "order of that interpolation").within(1, 3),
      retired("nlow", "no longer exists"),
      retired("nhigh", "no longer exists"),
      retired("grow", "for spectra and coronagraphy"),
      retired("allowed_memory", "memory is set by tessera.memory_per_rank"),
  };
}

std::vector<Parameter> source_catalog_parameters() {
  auto all = finder_parameters({"segmentation", 3.0, 1000, 25});
  // The segmentation finder looks at none of these, and the catalogue has no Kron photometry.
  for (auto& parameter : all)
    for (char const* name : {"minsep_fwhm", "sigma_radius", "sharplo", "sharphi", "roundlo", "roundhi", "brightest",
                             "peakmax", "localbkg_width", "apermask_method", "kron_params"})
      if (parameter.key == name) parameter.support = Support::NoEffect;
  append(all, {
                  integer("aperture_ee1", 30, "first encircled energy").in("%").within(1, 99).built(),
                  integer("aperture_ee2", 50, "second encircled energy").in("%").within(1, 99).built(),
                  integer("aperture_ee3", 70, "third encircled energy").in("%").within(1, 99).built(),
                  real("ci1_star_threshold", 2.0, "first concentration of a star").built(),
                  real("ci2_star_threshold", 1.8, "second concentration of a star").built(),
                  text("override_apcorr", {}, "APCORR file: radii and corrections of the apertures").built(),
                  text("override_abvegaoffset", {}, "ABVEGAOFFSET file: AB minus Vega magnitudes").built(),
              });
  return all;
}

}  // namespace

std::vector<ParameterTable> image3_tables() {
  return {
      official_pipeline("image3", {boolean("in_memory", true, "memory of the official pipeline").without_effect()}),
      official_step("tweakreg", false, tweakreg_parameters()),
      official_step(
          "skymatch", false,
          {choice("skymethod", "match", {"match", "local", "global", "global+match", "user"}, "method").built(),
           boolean("match_down", true, "match to the lowest sky").built(),
           boolean("subtract", false, "subtract from the data").built(),
           text("skylist", {}, "file of image and sky (method user)").built(),
           integer("stepsize", {}, "largest distance of outline vertices; unset: corners only")
               .in("pixel")
               .at_least(1)
               .built(),
           choice("skystat", "mode", {"mode", "median", "mean", "midpt"}, "statistic of the sky").built(),
           text_or_number("dqbits", "~DO_NOT_USE+NON_SCIENCE", "DQ bits to ignore").built(),
           real("lower", {}, "least value used").built(), real("upper", {}, "largest value used").built(),
           integer("nclip", 5, "clipping rounds").at_least(0).built(),
           real("lsigma", 4.0, "clip below").in("sigma").at_least(0).built(),
           real("usigma", 4.0, "clip above").in("sigma").at_least(0).built(),
           real("binwidth", 0.1, "histogram bin of the mode").in("sigma").at_least(0.001).built(),
           boolean("in_memory", true, "memory of the official step").without_effect()}),
      official_step("outlier_detection", false, outlier_detection_parameters()),
      official_step("resample", false, resample_parameters()),
      official_step("source_catalog", false, source_catalog_parameters()),
  };
}

}  // namespace tessera::config
