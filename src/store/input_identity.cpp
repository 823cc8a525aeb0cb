#include "tessera/store/input_identity.hpp"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <span>
#include <string_view>

#include "tessera/io/checksum.hpp"

namespace tessera::store {

namespace {

/// Time of last change of a file, nanoseconds.
long long stamp(std::string const& path) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::filesystem::last_write_time(path).time_since_epoch())
      .count();
}

}  // namespace

std::string exposure_name(std::string const& path) {
  std::string name = std::filesystem::path(path).filename().string();
  for (char const* ending : {".gz", ".fz", ".fits", ".fit"})
    if (name.ends_with(ending)) name.resize(name.size() - std::string_view(ending).size());
  for (char const* suffix : {"_cal", "_crf", "_rate", "_i2d"})
    if (name.ends_with(suffix)) {
      name.resize(name.size() - std::string_view(suffix).size());
      break;
    }
  return name;
}

std::string header_hash(std::vector<io::Hdu> const& hdus, std::string const& path,
                        std::vector<Companion> const& companions) {
  io::Sha256 hash;
  for (auto const& hdu : hdus)
    for (auto const& card : hdu.header.cards()) hash.update(std::as_bytes(std::span(card.text)));
  auto text = fmt::format("{} {}", static_cast<std::int64_t>(std::filesystem::file_size(path)), stamp(path));
  for (auto const& companion : companions)
    text += fmt::format(" {} {} {}", companion.path, companion.hdu, stamp(companion.path));
  hash.update(std::as_bytes(std::span(text)));
  return hash.hex();
}

}  // namespace tessera::store
