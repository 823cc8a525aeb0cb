#include "median_cut.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "tessera/core/contract.hpp"

namespace tessera::io {

namespace {

using Channels = std::array<std::uint8_t, 3>;

constexpr int Bits = 5;

Channels channels(Colour const& colour) { return {colour.red, colour.green, colour.blue}; }

std::size_t cell_of(Channels const& value) {
  std::size_t cell = 0;
  for (auto const channel : value) cell = cell << Bits | static_cast<std::size_t>(channel >> (8 - Bits));
  return cell;
}

/// Pixels of nearly the same colour.
struct Cell {
  std::size_t number = 0;
  std::int64_t count = 0;
  std::array<std::int64_t, 3> sum{};

  int level(std::size_t channel) const {
    return static_cast<int>(number >> (Bits * (2 - channel))) & ((1 << Bits) - 1);
  }
};

/// Cells first <= k < last of the list.
struct Box {
  std::size_t first = 0, last = 0;
  std::int64_t count = 0;
};

std::vector<Cell> cells_of(std::span<Colour const> pixels) {
  std::vector<Cell> all(std::size_t{1} << (3 * Bits));
  for (auto const& pixel : pixels) {
    auto const value = channels(pixel);
    auto& cell = all[cell_of(value)];
    ++cell.count;
    for (std::size_t k = 0; k < 3; ++k) cell.sum[k] += value[k];
  }
  std::vector<Cell> used;
  for (std::size_t number = 0; number < all.size(); ++number)
    if (all[number].count > 0) {
      used.push_back(all[number]);
      used.back().number = number;
    }
  return used;
}

/// Sorts the cells of a box along its longest side and finds where half of its pixels lie on either side.
std::size_t cut(std::vector<Cell>& cells, Box const& box) {
  auto const begin = cells.begin() + static_cast<std::ptrdiff_t>(box.first),
             end = cells.begin() + static_cast<std::ptrdiff_t>(box.last);
  std::size_t longest = 0;
  int length = -1;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    auto const [low, high] = std::minmax_element(
        begin, end, [&](Cell const& a, Cell const& b) { return a.level(channel) < b.level(channel); });
    if (high->level(channel) - low->level(channel) > length) {
      length = high->level(channel) - low->level(channel);
      longest = channel;
    }
  }
  std::sort(begin, end, [&](Cell const& a, Cell const& b) {
    return std::pair(a.level(longest), a.number) < std::pair(b.level(longest), b.number);
  });
  std::int64_t below = 0;
  std::size_t middle = box.first;
  while (middle + 1 < box.last && 2 * (below + cells[middle].count) <= box.count) below += cells[middle++].count;
  return std::max(middle, box.first + 1);
}

Colour mean_colour(std::vector<Cell> const& cells, Box const& box) {
  std::array<std::int64_t, 3> sum{};
  for (auto k = box.first; k < box.last; ++k)
    for (std::size_t channel = 0; channel < 3; ++channel) sum[channel] += cells[k].sum[channel];
  auto const mean = [&](std::size_t channel) {
    return static_cast<std::uint8_t>((sum[channel] + box.count / 2) / box.count);
  };
  return {mean(0), mean(1), mean(2)};
}

}  // namespace

IndexedPicture reduce_colours(std::span<Colour const> pixels, int colours) {
  TESSERA_EXPECT(colours >= 2 && colours <= 256);
  auto cells = cells_of(pixels);
  std::vector<Box> boxes;
  if (!cells.empty()) boxes.push_back({0, cells.size(), static_cast<std::int64_t>(pixels.size())});
  while (boxes.size() < static_cast<std::size_t>(colours)) {
    auto const can_be_cut = [](Box const& box) { return box.last - box.first > 1; };
    auto const largest = std::max_element(boxes.begin(), boxes.end(), [&](Box const& a, Box const& b) {
      return (can_be_cut(a) ? a.count : 0) < (can_be_cut(b) ? b.count : 0);
    });
    if (largest == boxes.end() || !can_be_cut(*largest)) break;
    Box upper = *largest;
    upper.first = cut(cells, *largest);
    upper.count = 0;
    for (auto k = upper.first; k < upper.last; ++k) upper.count += cells[k].count;
    largest->last = upper.first;
    largest->count -= upper.count;
    boxes.push_back(upper);
  }

  IndexedPicture picture;
  std::vector<std::uint8_t> box_of(std::size_t{1} << (3 * Bits));
  for (auto const& box : boxes) {
    for (auto k = box.first; k < box.last; ++k)
      box_of[cells[k].number] = static_cast<std::uint8_t>(picture.palette.size());
    picture.palette.push_back(mean_colour(cells, box));
  }
  picture.pixels.reserve(pixels.size());
  for (auto const& pixel : pixels) picture.pixels.push_back(box_of[cell_of(channels(pixel))]);
  return picture;
}

}  // namespace tessera::io
