#include "adjustments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>

#include "tessera/core/error.hpp"

namespace tessera::steps {

namespace {

/// Text of the file; InputError where there is none.
std::string read_text(std::filesystem::path const& path) {
  if (!std::filesystem::exists(path))
    throw InputError({.what = "no file of shifts for apply_wcs_adjust",
                      .where = path.string(),
                      .expected = "a file that get_wcs_adjust made",
                      .found = "none",
                      .remedy = "get_wcs_adjust is not built yet: copy the file from an earlier run to this place, or "
                                "take apply_wcs_adjust out of the steps"});
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw IoError({.what = "cannot read the file of shifts", .where = path.string()});
  return text;
}

bool are_digits(std::string_view text, std::size_t count) {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c); });
}

/// jwPPPPPOOOVVV, jwPPPPPOOOVVV_<instrument> or jwPPPPPOOOVVV_GGSAA_EEEEE.
bool is_known_key(std::string_view key) {
  if (!key.starts_with("jw") || !are_digits(key.substr(2, 11), 11)) return false;
  auto const rest = key.substr(13);
  if (rest.empty() || rest == "_nircam" || rest == "_miri" || rest == "_niriss") return true;
  return rest.size() == 12 && rest[0] == '_' && rest[6] == '_' && are_digits(rest.substr(1, 2), 2) &&
         are_digits(rest.substr(7), 5);
}

void require_invertible(config::WcsAdjustments const& adjustments, std::string const& path) {
  for (auto const& [key, adjustment] : adjustments.by_key) {
    auto const& m = adjustment.matrix;
    auto const& s = adjustment.shift_arcsec;
    double const determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    if (determinant != 0 && std::isfinite(determinant) && std::isfinite(s[0]) && std::isfinite(s[1])) continue;
    throw InputError({.what = "a shift that cannot be applied",
                      .where = path + ": wcs_adjust." + key,
                      .expected = "finite numbers, and a matrix that can be inverted",
                      .found = fmt::format("matrix [[{}, {}], [{}, {}]], shift [{}, {}]", m[0][0], m[0][1], m[1][0],
                                           m[1][1], s[0], s[1]),
                      .remedy = "correct the file or remove the key"});
  }
}

}  // namespace

ReadAdjustments read_adjustments(parallel::Communicator const& communicator, std::filesystem::path const& path) {
  ReadAdjustments read;
  std::string text;
  try {
    if (communicator.is_root()) text = "t" + read_text(path);
  } catch (Error const& error) {
    text = fmt::format("{:03d}{}", static_cast<int>(error.status()), error.what());
  }
  text = communicator.broadcast(text);
  if (!text.starts_with('t')) {
    read.status = std::stoi(text.substr(0, 3));
    read.problem = text.substr(3);
    return read;
  }
  try {
    read.adjustments = config::parse_wcs_adjust(std::string_view(text).substr(1), path.string());
    require_invertible(read.adjustments, path.string());
  } catch (Error const& error) {
    read.status = static_cast<int>(error.status());
    read.problem = error.what();
    return read;
  }
  for (auto const& [key, adjustment] : read.adjustments.by_key)
    if (!is_known_key(key)) read.unknown_keys.push_back(key);
  return read;
}

}  // namespace tessera::steps
