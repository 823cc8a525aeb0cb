#include "file_layout.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "scan_hdus.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::io {

namespace {

/// Keywords that say how the data are stored; those of the source file would be wrong in the new one.
bool is_structural(std::string_view keyword) {
  static constexpr auto Whole = std::to_array<std::string_view>(
      {"SIMPLE",   "XTENSION", "BITPIX",   "NAXIS",    "PCOUNT",  "GCOUNT",   "EXTEND",   "GROUPS",
       "BLOCKED",  "BSCALE",   "BZERO",    "BLANK",    "TFIELDS", "THEAP",    "EXTNAME",  "EXTVER",
       "CHECKSUM", "DATASUM",  "END",      "CONTINUE", "ZIMAGE",  "ZCMPTYPE", "ZBITPIX",  "ZNAXIS",
       "ZSIMPLE",  "ZTENSION", "ZEXTEND",  "ZPCOUNT",  "ZGCOUNT", "ZQUANTIZ", "ZDITHER0", "ZMASKCMP",
       "ZHECKSUM", "ZDATASUM", "ZBLOCKED", "ZBLANK",   "ZSCALE",  "ZZERO"});
  static constexpr auto Numbered =
      std::to_array<std::string_view>({"NAXIS", "TTYPE", "TFORM", "TUNIT", "TNULL", "TSCAL", "TZERO", "TDISP", "TDIM",
                                       "TBCOL", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL", "ZFORM", "ZCTYP"});
  if (std::find(Whole.begin(), Whole.end(), keyword) != Whole.end()) return true;
  return std::any_of(Numbered.begin(), Numbered.end(), [&](std::string_view stem) {
    return keyword.size() > stem.size() && keyword.starts_with(stem) &&
           keyword.find_first_not_of("0123456789", stem.size()) == std::string_view::npos;
  });
}

bool is_known_bitpix(HduPlan const& plan) {
  static constexpr std::array Known{8, 16, 32, 64, -32, -64};
  return std::find(Known.begin(), Known.end(), plan.bitpix) != Known.end() &&
         (!plan.unsigned_integers || plan.bitpix == 16 || plan.bitpix == 32) &&
         (!plan.binary_table || (plan.bitpix == 8 && plan.axes.size() == 2));
}

model::Header structural_cards(HduPlan const& plan, bool primary, bool has_extensions) {
  model::Header header;
  if (primary)
    header.set("SIMPLE", true, "conforms to FITS standard");
  else
    header.set("XTENSION", plan.binary_table ? "BINTABLE" : "IMAGE", plan.binary_table ? "binary table" : "image");
  header.set("BITPIX", plan.bitpix, "bits per data value");
  header.set("NAXIS", static_cast<long long>(plan.axes.size()), "number of axes");
  for (std::size_t i = 0; i < plan.axes.size(); ++i)
    header.set("NAXIS" + std::to_string(i + 1), static_cast<long long>(plan.axes[i]));
  if (primary) {
    if (has_extensions) header.set("EXTEND", true);
  } else {
    header.set("PCOUNT", 0, "number of parameters");
    header.set("GCOUNT", 1, "number of groups");
  }
  if (plan.binary_table) {
    auto const is_type = [](model::Card const& card) { return card.keyword().starts_with("TTYPE"); };
    auto const columns = std::count_if(plan.table_columns.begin(), plan.table_columns.end(), is_type);
    header.set("TFIELDS", static_cast<long long>(columns), "number of columns");
    for (auto const& card : plan.table_columns) header.append(card);
  }
  if (plan.unsigned_integers) {
    header.set("BSCALE", 1);
    header.set("BZERO", plan.bitpix == 16 ? 32768LL : 2147483648LL, "unsigned integers");
  }
  return header;
}

/// Exactly 80 characters that FITS allows, whatever was given.
model::Card clean(model::Card card) {
  card.text.resize(static_cast<std::size_t>(FitsCard), ' ');
  for (char& c : card.text)
    if (c < ' ' || c > '~') c = '?';
  return card;
}

}  // namespace

std::vector<std::byte> HduLayout::header_block() const {
  std::string text;
  for (auto const& card : header.cards()) text += clean(card).text;
  text += "END";
  text.resize(static_cast<std::size_t>(padded_to_block(static_cast<std::int64_t>(text.size()))), ' ');
  auto const bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

FileLayout lay_out_file(std::vector<HduPlan> const& plans) {
  TESSERA_EXPECT(!plans.empty() && !plans.front().binary_table);
  FileLayout layout;
  std::map<std::string, long long> versions;
  for (std::size_t index = 0; index < plans.size(); ++index) {
    auto const& plan = plans[index];
    TESSERA_EXPECT(is_known_bitpix(plan));
    HduLayout hdu;
    hdu.header = structural_cards(plan, index == 0, plans.size() > 1);
    if (!plan.extname.empty()) {
      auto const count = ++versions[plan.extname];
      hdu.header.set("EXTNAME", plan.extname);
      hdu.header.set("EXTVER", plan.header.integer("EXTVER").value_or(count));
    }
    auto rest = plan.header;
    rest.remove_if([](std::string const& keyword) { return is_structural(keyword); });
    for (auto const& card : rest.cards()) hdu.header.append(card);
    hdu.header.set("CHECKSUM", std::string(16, '0'), "HDU checksum");
    hdu.header.set("DATASUM", "0000000000", "data unit checksum");

    std::int64_t values = plan.axes.empty() ? 0 : 1;
    for (auto const axis : plan.axes) {
      TESSERA_EXPECT(axis >= 0);
      TESSERA_EXPECT(!__builtin_mul_overflow(values, axis, &values));
    }
    TESSERA_EXPECT(!__builtin_mul_overflow(values, std::abs(plan.bitpix) / 8, &hdu.data_bytes));
    hdu.header_offset = layout.bytes;
    hdu.data_offset = hdu.header_offset + static_cast<std::int64_t>(hdu.header_block().size());
    layout.bytes = hdu.data_offset + padded_to_block(hdu.data_bytes);
    layout.hdus.push_back(std::move(hdu));
  }
  return layout;
}

}  // namespace tessera::io
