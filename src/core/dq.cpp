#include "tessera/core/dq.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"

namespace tessera::dq {

namespace {

constexpr NamedBit bits_by_number[] = {
    {"DO_NOT_USE", DoNotUse},
    {"SATURATED", Saturated},
    {"JUMP_DET", JumpDet},
    {"DROPOUT", Dropout},
    {"OUTLIER", Outlier},
    {"PERSISTENCE", Persistence},
    {"AD_FLOOR", AdFloor},
    {"CHARGELOSS", ChargeLoss},
    {"UNRELIABLE_ERROR", UnreliableError},
    {"NON_SCIENCE", NonScience},
    {"DEAD", Dead},
    {"HOT", Hot},
    {"WARM", Warm},
    {"LOW_QE", LowQe},
    {"RC", Rc},
    {"TELEGRAPH", Telegraph},
    {"NONLINEAR", Nonlinear},
    {"BAD_REF_PIXEL", BadRefPixel},
    {"NO_FLAT_FIELD", NoFlatField},
    {"NO_GAIN_VALUE", NoGainValue},
    {"NO_LIN_CORR", NoLinCorr},
    {"NO_SAT_CHECK", NoSatCheck},
    {"UNRELIABLE_BIAS", UnreliableBias},
    {"UNRELIABLE_DARK", UnreliableDark},
    {"UNRELIABLE_SLOPE", UnreliableSlope},
    {"UNRELIABLE_FLAT", UnreliableFlat},
    {"OPEN", Open},
    {"ADJ_OPEN", AdjOpen},
    {"FLUX_ESTIMATED", FluxEstimated},
    {"MSA_FAILED_OPEN", MsaFailedOpen},
    {"OTHER_BAD_PIXEL", OtherBadPixel},
    {"REFERENCE_PIXEL", ReferencePixel},
};
static_assert(std::size(bits_by_number) == 32);

std::string_view trim(std::string_view text) {
  auto const is_blank = [](char letter) { return letter == ' ' || letter == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string to_upper(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char letter) { return std::toupper(letter); });
  return upper;
}

/// Value of one flag: its name or its number.
std::uint32_t parse_flag(std::string_view flag, std::string_view whole) {
  std::uint32_t number = 0;
  auto const [end, status] = std::from_chars(flag.data(), flag.data() + flag.size(), number);
  if (status == std::errc{} && end == flag.data() + flag.size()) return number;
  if (auto const bit = find_bit(flag)) return *bit;
  std::vector<std::string> known;
  for (auto const& [name, bit] : bits_by_number) known.emplace_back(name);
  throw ConfigError({.what = "unknown data-quality flag",
                     .where = "good bits '" + std::string(whole) + "'",
                     .expected = "names of JWST flags or numbers, joined by + or a comma",
                     .found = "'" + std::string(flag) + "'",
                     .remedy = suggest_name(flag, known)});
}

}  // namespace

std::span<NamedBit const> all_bits() { return bits_by_number; }

std::optional<std::uint32_t> find_bit(std::string_view name) {
  std::string const upper = to_upper(name);
  if (upper == "GOOD") return Good;
  // Bit 8 is RESERVED in current files and UNRELIABLE_ERROR in older ones.
  if (upper == "RESERVED") return UnreliableError;
  for (auto const& [known, bit] : bits_by_number)
    if (upper == known) return bit;
  return std::nullopt;
}

std::string describe_bits(std::uint32_t bits) {
  std::string text;
  for (auto const& [name, bit] : bits_by_number)
    if (bits & bit) text.append(text.empty() ? "" : "+").append(name);
  return text.empty() ? "GOOD" : text;
}

std::uint32_t bad_bits(std::string_view good_bits) {
  std::string_view text = trim(good_bits);
  std::string const upper = to_upper(text);
  if (upper.empty() || upper == "NONE" || upper == "INDEF") return 0;  // DQ is not used
  bool const inverted = text.front() == '~';
  if (inverted) text = trim(text.substr(1));
  if (text.size() >= 2 && text.front() == '(' && text.back() == ')') text = trim(text.substr(1, text.size() - 2));
  std::uint32_t named = 0;
  while (true) {
    auto const separator = text.find_first_of("+,|");
    named |= parse_flag(trim(text.substr(0, separator)), good_bits);
    if (separator == std::string_view::npos) break;
    text = text.substr(separator + 1);
  }
  return inverted ? named : ~named;
}

}  // namespace tessera::dq
