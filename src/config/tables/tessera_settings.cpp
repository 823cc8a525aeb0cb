// The [tessera] table: what pjpipe does not have.
#include "tables.hpp"

namespace tessera::config {

ParameterTable make_tessera_table() {
  return {
      "tessera",
      {list("inputs", Value(Value::List{}), "folders or files with exposures, instead of the layout of raw_dir")
           .built(),
       boolean("keep_hdf5", false, "keep the HDF5 mosaics beside the FITS ones").built(),
       text("memory_per_rank", "", "memory a rank may use, e.g. '4 GB', at least 1 GB; empty: from the node").built(),
       text("scratch_dir", "", "folder for temporary files; empty: from the environment").built(),
       choice("on_error", "quarantine", {"quarantine", "stop"}, "what happens with a broken exposure").built(),
       boolean("skip_unbuilt", false, "leave out steps that are not yet built, instead of refusing").built(),
       boolean("quicklook", true, "make small PNG images of the mosaics").built(),
       text("dense_context_limit", "2 GB", "largest context image written dense; larger ones are sparse").built(),
       boolean("parameter_references", true,
               "parameters of official steps from CRDS (pars- references), below those of the configuration")
           .built(),
       text(
           "previous_version", "",
           "an earlier `version` below reprocess_dir that the report compares the mosaics with; empty: prev_version of "
           "regress_against_previous, if that is listed")
           .built(),
       boolean("shared_grid", false, "one grid for all bands of a target").built(),
       choice("compat", "", {"", "pjpipe-1.2.1"}, "follow pjpipe 1.2.1 where it is wrong too").built()}};
}

}  // namespace tessera::config
