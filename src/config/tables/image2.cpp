// Level 2: attributes of the official image2 pipeline and its steps (spec 20).
#include "tables.hpp"

namespace tessera::config {

namespace {

/// References of these steps may be overridden.
std::vector<ParameterTable> with_overrides(std::vector<ParameterTable> tables) {
  for (auto& table : tables)
    for (auto& parameter : table.parameters)
      if (parameter.key == "override_*" && table.name != "image2") parameter.support = Support::Built;
  return tables;
}

}  // namespace

std::vector<ParameterTable> image2_tables() {
  return with_overrides({
      official_pipeline("image2", {boolean("save_bsub", false, "write the background-subtracted rate").built()}),
      official_step("bkg_subtract", false,
                    {real("sigma", 3.0, "clip of the stack of backgrounds").in("sigma").at_least(0).built(),
                     integer("maxiters", {}, "most clipping passes; unset: until nothing changes").built(),
                     boolean("save_combined_background", false, "write <product>_combinedbackground.fits").built(),
                     list("bkg_list", {}, "background files where no association names any")}),
      official_step("assign_wcs", false,
                    {boolean("sip_approx", true, "fit the FITS SIP keywords").built(),
                     real("sip_max_pix_error", 0.01, "forward tolerance").in("pixel").built(),
                     real("sip_max_inv_pix_error", 0.01, "inverse tolerance").in("pixel").built(),
                     integer("sip_degree", {}, "fixed degree; unset: automatic").within(1, 6).built(),
                     integer("sip_inv_degree", {}, "fixed inverse degree; unset: automatic").within(1, 6).built(),
                     integer("sip_npoints", 12, "samples per axis").at_least(8).built()}),
      official_step("flat_field", false,
                    {text("user_supplied_flat", {}, "flat that replaces the CRDS one").built(),
                     boolean("inverse", false, "multiply instead of divide").built(),
                     boolean("save_interpolated_flat", false, "NIRSpec only").without_effect()}),
      official_step("photom", false,
                    {boolean("apply_time_correction", true, "use the time dependence of the sensitivity").built(),
                     boolean("inverse", false, "divide instead of multiply").built(),
                     text("source_type", {}, "for spectra").without_effect()}),
  });
}

}  // namespace tessera::config
