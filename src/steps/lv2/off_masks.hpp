// Sources in exposures of an empty field: what one of them has and the others have not. Ours.
#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "off_reader.hpp"

namespace tessera::steps {

/// Bytes a pixel of the science window while sources are looked for.
std::int64_t find_sources_bytes();

/// Clipped median of the pixels that can be used, NaN where there is none. Adds to `bytes_read`.
double measure_off_level(OffExposure const& off, model::DetectorWindow const& science, std::int64_t& bytes_read);

struct OffSources {
  std::vector<std::uint8_t> mask;  ///< [ny][nx], 1 on sources
  double level = 0;                ///< of the off less the median: clipped, without sources
};

/// Sources of an off less its `level` against `median`, the median [ny][nx] of all of them less theirs.
OffSources find_off_sources(OffExposure const& off, model::DetectorWindow const& science, double level,
                            std::vector<float> const& median, std::int64_t& bytes_read);

/// A plane of floats or of bytes as a file for this run alone, and rows of it.
void write_passing_plane(std::filesystem::path const& path, std::int64_t nx, std::int64_t ny,
                         std::vector<float> const& values);
void write_passing_mask(std::filesystem::path const& path, std::int64_t nx, std::int64_t ny,
                        std::vector<std::uint8_t> const& mask);
std::vector<float> read_passing_plane(std::filesystem::path const& path);
/// Rows y0 <= y < y1 into `out`, which has room for them.
void read_passing_mask(std::filesystem::path const& path, std::int64_t y0, std::int64_t y1, std::uint8_t* out);

}  // namespace tessera::steps
