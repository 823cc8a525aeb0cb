#include <algorithm>
#include <array>

#include "fits_column.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/fits_table.hpp"

namespace tessera::io {

namespace {

/// Cards that describe the file, not the table's content.
bool is_structural(std::string const& keyword) {
  static constexpr std::array<std::string_view, 14> Whole{"",        "XTENSION", "BITPIX",  "NAXIS",   "PCOUNT",
                                                          "GCOUNT",  "TFIELDS",  "EXTNAME", "EXTVER",  "CHECKSUM",
                                                          "DATASUM", "COMMENT",  "HISTORY", "CONTINUE"};
  static constexpr std::array<std::string_view, 10> Numbered{"NAXIS", "TTYPE", "TFORM", "TUNIT", "TNULL",
                                                             "TSCAL", "TZERO", "TDISP", "TDIM",  "THEAP"};
  return std::find(Whole.begin(), Whole.end(), keyword) != Whole.end() ||
         std::any_of(Numbered.begin(), Numbered.end(),
                     [&](std::string_view stem) { return keyword.starts_with(stem); });
}

std::string value_text(model::Header const& header, std::string const& keyword) {
  if (auto const text = header.text(keyword)) return *text;
  if (auto const logical = header.logical(keyword)) return *logical ? "True" : "False";
  if (auto const integer = header.integer(keyword)) return std::to_string(*integer);
  if (auto const real = header.real(keyword)) return fmt::format("{}", *real);
  return {};
}

}  // namespace

SourceTable read_fits_table(FitsFile const& file, Hdu const& hdu) {
  auto const where =
      fmt::format("{}[{}]", file.path().string(), hdu.extname.empty() ? std::to_string(hdu.index) : hdu.extname);
  if (hdu.kind != Hdu::Kind::BinaryTable)
    throw InputError({"is no binary table", where, "an extension of type BINTABLE", "another type",
                      "get the file again, or give one that has the table"});
  SourceTable table;
  for (auto const& card : hdu.header.cards())
    if (auto const keyword = card.keyword(); !is_structural(keyword))
      table.meta.emplace_back(keyword, value_text(hdu.header, keyword));
  auto const columns = describe_columns(hdu, where);
  auto const data = file.read_data(hdu);
  for (auto const& column : columns)
    if (column.is_single()) table.columns.push_back(decode_column(column, data, hdu.ny(), hdu.nx()));
  return table;
}

SourceTable read_fits_table(std::filesystem::path const& path) {
  auto const file = FitsFile::open(path);
  auto const& hdus = file.hdus();
  auto const found = std::find_if(hdus.begin(), hdus.end(), [](Hdu const& hdu) {
    return hdu.kind == Hdu::Kind::BinaryTable && hdu.extname != "ASDF";
  });
  if (found == hdus.end()) {
    bool const has_image = std::any_of(hdus.begin(), hdus.end(), [](Hdu const& hdu) { return hdu.is_image(); });
    throw InputError({"holds no table", path.string(), "a binary table extension",
                      has_image ? "images only" : fmt::format("{} HDUs without one", hdus.size()),
                      "give a table in FITS, ECSV or CSV"});
  }
  return read_fits_table(file, *found);
}

}  // namespace tessera::io
