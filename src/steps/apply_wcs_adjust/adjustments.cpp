#include "adjustments.hpp"

#include <fmt/format.h>

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
                      .remedy =
                          "list get_wcs_adjust before apply_wcs_adjust, copy the file from an earlier run to this "
                          "place, or take apply_wcs_adjust out of the steps"});
  std::ifstream stream(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream) throw IoError({.what = "cannot read the file of shifts", .where = path.string()});
  return text;
}

void require_invertible(config::WcsAdjustments const& adjustments, std::string const& path) {
  for (auto const& [key, adjustment] : adjustments.by_key) {
    auto const& m = adjustment.matrix;
    auto const& s = adjustment.shift_arcsec;
    double const determinant = m[0][0] * m[1][1] - m[0][1] * m[1][0];
    auto const tangent = adjustment.tangent.value_or(std::array{0.0, 0.0});
    if (!(std::isfinite(tangent[0]) && std::abs(tangent[1]) <= 90))
      throw InputError({.what = "a tangent point that is not on the sky",
                        .where = path + ": wcs_adjust." + key + ".tangent",
                        .expected = "right ascension and declination in degrees",
                        .found = fmt::format("[{}, {}]", tangent[0], tangent[1]),
                        .remedy = "correct the file or remove the key"});
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
    if (!config::is_adjustment_key(key)) read.unknown_keys.push_back(key);
  return read;
}

}  // namespace tessera::steps
