#include <string>

#include "tessera/io/fits_write.hpp"

namespace tessera::io {

HduPlan plan_asdf_hdu(std::int64_t bytes) {
  HduPlan plan;
  plan.extname = "ASDF";
  plan.binary_table = true;
  plan.axes = {bytes, 1};
  model::Header columns;
  columns.set("TTYPE1", "ASDF_METADATA");
  columns.set("TFORM1", std::to_string(bytes) + "B");
  plan.table_columns = columns.cards();
  return plan;
}

}  // namespace tessera::io
