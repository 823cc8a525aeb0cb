#include "off_masks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/core/dq.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/kernels/segmentation.hpp"
#include "tessera/kernels/sigma_clip.hpp"
#include "tessera/kernels/source_mask.hpp"

namespace tessera::steps {

namespace {

/// Found best against simulated offs (docs/steps/lv2.md): the differences are smoothed by more than the width of a
/// star, so that faint galaxies count too, and what is found grows by 4 pixels on each side for the wings.
constexpr double DetectionFwhm = 4;
constexpr kernels::SourceMaskOptions Detection{.nsigma = 3, .npixels = 5, .dilate = 9, .maxiters = 10};
constexpr double LevelSigma = 3;
constexpr int LevelRounds = 10;

/// SCI of the whole window, NaN where it cannot be used.
std::vector<float> read_usable(OffExposure const& off, model::DetectorWindow const& science, std::int64_t& bytes_read) {
  OffReader reader(off, science);
  auto const pixels = static_cast<std::size_t>(science.nx * science.ny);
  std::vector<float> sci(pixels);
  std::vector<std::uint32_t> flags(pixels);
  reader.read_sci(0, science.ny, sci.data());
  reader.read_dq(0, science.ny, flags.data());
  bytes_read += reader.bytes_read();
  for (std::size_t k = 0; k < pixels; ++k)
    if ((flags[k] & dq::DoNotUse) != 0) sci[k] = std::numeric_limits<float>::quiet_NaN();
  return sci;
}

void write_passing(std::filesystem::path const& path, int bitpix, std::int64_t nx, std::int64_t ny,
                   std::vector<std::byte> bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::vector<io::HduPlan> plans(1);
  plans.front().bitpix = bitpix;
  plans.front().axes = {nx, ny};
  std::vector<std::vector<std::byte>> data;
  data.push_back(std::move(bytes));
  io::write_fits(path, plans, data);
}

}  // namespace

// SCI twice, flags and the clip's copy, the median, smoothed, mask and its copy, runs
std::int64_t find_sources_bytes() { return 32; }

double measure_off_level(OffExposure const& off, model::DetectorWindow const& science, std::int64_t& bytes_read) {
  auto sci = read_usable(off, science, bytes_read);
  return kernels::sigma_clip(sci, LevelSigma, LevelRounds).median;
}

OffSources find_off_sources(OffExposure const& off, model::DetectorWindow const& science, double level,
                            std::vector<float> const& median, std::int64_t& bytes_read) {
  OffSources found;
  auto difference = read_usable(off, science, bytes_read);
  if (!std::isfinite(level)) {  // it has no pixel here
    found.mask.assign(difference.size(), 0);
    return found;
  }
  for (std::size_t k = 0; k < difference.size(); ++k)
    difference[k] = static_cast<float>(static_cast<double>(difference[k]) - level - static_cast<double>(median[k]));
  {
    auto values = difference;
    auto const clipped = kernels::sigma_clip(values, LevelSigma, LevelRounds);
    if (std::isfinite(clipped.median)) found.level = clipped.median;
  }
  for (auto& value : difference) value = static_cast<float>(static_cast<double>(value) - found.level);
  auto smoothed = kernels::smooth_for_detection(difference.data(), nullptr, science.nx, science.ny, DetectionFwhm);
  for (std::size_t k = 0; k < smoothed.size(); ++k)
    if (!std::isfinite(difference[k])) smoothed[k] = std::numeric_limits<float>::quiet_NaN();
  found.mask = kernels::make_source_mask(smoothed.data(), nullptr, science.nx, science.ny, Detection);
  return found;
}

void write_passing_plane(std::filesystem::path const& path, std::int64_t nx, std::int64_t ny,
                         std::vector<float> const& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(float));
  io::to_big_endian(std::span<float const>(values), bytes.data());
  write_passing(path, -32, nx, ny, std::move(bytes));
}

void write_passing_mask(std::filesystem::path const& path, std::int64_t nx, std::int64_t ny,
                        std::vector<std::uint8_t> const& mask) {
  auto const bytes = std::as_bytes(std::span<std::uint8_t const>(mask));
  write_passing(path, 8, nx, ny, {bytes.begin(), bytes.end()});
}

std::vector<float> read_passing_plane(std::filesystem::path const& path) {
  auto const file = io::FitsFile::open(path);
  auto const& hdu = file.hdus().front();
  std::vector<float> values(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
  file.read_rows(hdu, 0, hdu.ny(), values.data());
  return values;
}

void read_passing_mask(std::filesystem::path const& path, std::int64_t y0, std::int64_t y1, std::uint8_t* out) {
  auto const file = io::FitsFile::open(path);
  auto const& hdu = file.hdus().front();
  std::vector<std::uint32_t> row(static_cast<std::size_t>(hdu.nx()));
  for (auto y = y0; y < y1; ++y) {
    file.read_rows(hdu, y, y + 1, row.data());
    out = std::transform(row.begin(), row.end(), out,
                         [](std::uint32_t value) { return static_cast<std::uint8_t>(value); });
  }
}

}  // namespace tessera::steps
