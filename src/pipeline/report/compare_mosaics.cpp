#include "compare_mosaics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "tessera/io/fits_file.hpp"

namespace tessera::pipeline {

namespace {

constexpr std::int64_t MostPixels = std::int64_t{1} << 21;

/// Rows of an image, evenly spaced.
std::vector<std::int64_t> rows_to_read(io::Hdu const& image) {
  auto const count = std::clamp<std::int64_t>(MostPixels / std::max<std::int64_t>(1, image.nx()), 1,
                                              std::max<std::int64_t>(1, image.ny()));
  std::vector<std::int64_t> rows;
  for (std::int64_t k = 0; k < count && k < image.ny(); ++k) rows.push_back((2 * k + 1) * image.ny() / (2 * count));
  return rows;
}

std::optional<double> median_of(std::vector<float>& values) {
  if (values.empty()) return std::nullopt;
  auto const half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), half, values.end());
  if (values.size() % 2 == 1) return *half;
  return (static_cast<double>(*half) + static_cast<double>(*std::max_element(values.begin(), half))) / 2;
}

/// Whether pixels of both lie at the same places: the same size and WCS, to a millionth of a pixel.
bool have_same_grid(io::Hdu const& a, io::Hdu const& b) {
  if (a.nx() != b.nx() || a.ny() != b.ny()) return false;
  struct Keyword {
    char const* name;
    double tolerance;
  };
  double const scale = std::abs(a.header.real("CDELT1").value_or(1));
  std::array const keywords{Keyword{"CRPIX1", 1e-6},          Keyword{"CRPIX2", 1e-6},
                            Keyword{"CRVAL1", 1e-6 * scale},  Keyword{"CRVAL2", 1e-6 * scale},
                            Keyword{"CDELT1", 1e-10 * scale}, Keyword{"CDELT2", 1e-10 * scale},
                            Keyword{"PC1_1", 1e-10},          Keyword{"PC1_2", 1e-10},
                            Keyword{"PC2_1", 1e-10},          Keyword{"PC2_2", 1e-10}};
  for (auto const& keyword : keywords) {
    auto const first = a.header.real(keyword.name), second = b.header.real(keyword.name);
    if (first.has_value() != second.has_value()) return false;
    if (first && std::abs(*first - *second) > keyword.tolerance) return false;
  }
  return a.header.text("CTYPE1") == b.header.text("CTYPE1");
}

void take_finite(std::vector<float> const& row, std::vector<float>& values) {
  std::copy_if(row.begin(), row.end(), std::back_inserter(values), [](float value) { return std::isfinite(value); });
}

}  // namespace

MosaicComparison compare_mosaics(std::filesystem::path const& mosaic, std::filesystem::path const& previous) {
  auto const now = io::FitsFile::open(mosaic), before = io::FitsFile::open(previous);
  auto const &image = now.require("SCI"), &other = before.require("SCI");
  MosaicComparison comparison{image.nx(), image.ny(), other.nx(), other.ny(), 0, {}, {}, false, 0, {}, {}};
  comparison.same_grid = have_same_grid(image, other);

  std::vector<float> row(static_cast<std::size_t>(image.nx())), previous_row(static_cast<std::size_t>(other.nx()));
  std::vector<float> values, previous_values, differences;
  double squares = 0;
  for (auto const y : rows_to_read(image)) {
    now.read_rows(image, y, y + 1, row.data());
    take_finite(row, values);
    ++comparison.rows;
    if (!comparison.same_grid) continue;
    before.read_rows(other, y, y + 1, previous_row.data());
    take_finite(previous_row, previous_values);
    for (std::size_t x = 0; x < row.size(); ++x) {
      if (!std::isfinite(row[x]) || !std::isfinite(previous_row[x])) continue;
      double const difference = static_cast<double>(row[x]) - static_cast<double>(previous_row[x]);
      squares += difference * difference;
      differences.push_back(static_cast<float>(difference));
    }
  }
  if (!comparison.same_grid)
    for (auto const y : rows_to_read(other)) {
      before.read_rows(other, y, y + 1, previous_row.data());
      take_finite(previous_row, previous_values);
    }
  comparison.median = median_of(values);
  comparison.previous_median = median_of(previous_values);
  comparison.pixels_in_both = static_cast<std::int64_t>(differences.size());
  if (!differences.empty()) comparison.rms_difference = std::sqrt(squares / static_cast<double>(differences.size()));
  comparison.median_difference = median_of(differences);
  return comparison;
}

}  // namespace tessera::pipeline
