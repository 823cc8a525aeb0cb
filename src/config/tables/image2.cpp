// Level 2: attributes of the official image2 pipeline and its steps (spec 20).
#include "tables.hpp"

namespace tessera::config {

std::vector<ParameterTable> image2_tables() {
  return {
      official_pipeline("image2", {boolean("save_bsub", false, "write the background-subtracted rate")}),
      official_step("bkg_subtract", false,
                    {real("sigma", 3.0, "clip of the stack of backgrounds").in("sigma").at_least(0),
                     integer("maxiters", {}, "most clipping passes; unset: until nothing changes"),
                     boolean("save_combined_background", false, "write <product>_combinedbackground.fits"),
                     list("bkg_list", {}, "background files where no association names any")}),
      official_step("assign_wcs", false,
                    {boolean("sip_approx", true, "fit the FITS SIP keywords"),
                     real("sip_max_pix_error", 0.01, "forward tolerance").in("pixel"),
                     real("sip_max_inv_pix_error", 0.01, "inverse tolerance").in("pixel"),
                     integer("sip_degree", {}, "fixed degree; unset: automatic").within(1, 6),
                     integer("sip_inv_degree", {}, "fixed inverse degree; unset: automatic").within(1, 6),
                     integer("sip_npoints", 12, "samples per axis").at_least(8)}),
      official_step("flat_field", false,
                    {text("user_supplied_flat", {}, "flat that replaces the CRDS one"),
                     boolean("inverse", false, "multiply instead of divide"),
                     boolean("save_interpolated_flat", false, "NIRSpec only").without_effect()}),
      official_step("photom", false,
                    {boolean("apply_time_correction", true, "use the time dependence of the sensitivity"),
                     boolean("inverse", false, "divide instead of multiply"),
                     text("source_type", {}, "for spectra").without_effect()}),
  };
}

}  // namespace tessera::config
