// HDRTAB: the header values of every input, one row each. Private to resample.
#pragma once
#include "member_values.hpp"
#include "tessera/io/asdf_value.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {

/// Fills table_columns, table_row_bytes and table of `metadata`: every keyword that any member has, in schema order.
/// Reals are float64 (NaN where missing), integers int32 or int64 (0), logicals one byte, texts as wide as the widest
/// (spec 30, 4.10). Returns the `hdrtab` node that names the table in the ASDF tree, so that the official
/// `jwst.datamodels` find it; null when there is no column.
io::AsdfValue make_header_table(std::vector<MemberValues> const& members, I2dMetadata& metadata);

}  // namespace tessera::steps
