#include "tessera/kernels/combine_backgrounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "column_clip.hpp"
#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

namespace {

constexpr std::size_t ChunkPixels = 1024;  // a piece of work of one thread; whole lanes
static_assert(ChunkPixels % Lane == 0);
constexpr float NoSample = std::numeric_limits<float>::infinity();

/// What a thread works in, kept from piece to piece.
struct ClipRoom {
  std::vector<float> samples, sorted;  ///< [depth][Lane]
  std::vector<double> column;

  static ClipRoom& of_thread(std::size_t depth) {
    thread_local ClipRoom room;
    room.samples.resize(depth * Lane);
    room.sorted.resize(depth * Lane);
    room.column.resize(depth);
    return room;
  }
};

/// Calls f(begin, end) for pieces of [0, pixels), on all threads.
template <class Function>
void for_each_chunk(char const* label, std::size_t pixels, Function const& f) {
  auto const chunks = static_cast<std::int64_t>((pixels + ChunkPixels - 1) / ChunkPixels);
  Kokkos::parallel_for(label, Kokkos::RangePolicy<compute::HostExecution>(0, chunks), [&](std::int64_t const chunk) {
    auto const begin = static_cast<std::size_t>(chunk) * ChunkPixels;
    f(begin, std::min(begin + ChunkPixels, pixels));
  });
}

bool is_finite(float value) { return std::abs(value) <= std::numeric_limits<float>::max(); }

/// Puts `width` values beside each other; NoSample for what is no finite number and to fill the lane.
void load_lane(float const* values, std::size_t width, float* out) {
  for (std::size_t k = 0; k < width; ++k) out[k] = is_finite(values[k]) ? values[k] : NoSample;
  for (std::size_t k = width; k < Lane; ++k) out[k] = NoSample;
}

ClipLimits clip_lane(ClipRoom& room, SortingNetwork const& network, BackgroundClip const& clip) {
  std::copy(room.samples.begin(), room.samples.end(), room.sorted.begin());
  return find_clip_limits(network, room.sorted.data(), clip, room.column);
}

/// Sums over the samples that are kept of each pixel.
struct LaneSums {
  double value[Lane] = {}, square[Lane] = {}, weight[Lane] = {};
  std::uint32_t count[Lane] = {};
};

/// Pixels `at` to `at + width` of all backgrounds.
LaneSums add_kept(std::span<BackgroundPixels const> backgrounds, std::size_t at, std::size_t width,
                  ClipLimits const& limits, float const* samples) {
  LaneSums sums;
  for (auto const& background : backgrounds) {
    double const weight = background.weight, square = weight * weight;
    float const* const err = background.err.data() + at;
    for (std::size_t k = 0; k < width; ++k) {
      auto const sample = static_cast<double>(samples[k]);
      bool const kept = sample >= limits.low[k] && sample <= limits.high[k];
      sums.value[k] += kept ? weight * sample : 0.0;
      sums.square[k] += kept ? square * static_cast<double>(err[k] * err[k]) : 0.0;
      sums.weight[k] += kept ? weight : 0.0;
      sums.count[k] += kept ? 1u : 0u;
    }
    samples += Lane;
  }
  return sums;
}

void store_lane(LaneSums const& sums, std::size_t at, std::size_t width, CombinedBackground& combined) {
  for (std::size_t k = 0; k < width; ++k) {
    if (sums.count[k] == 0) continue;  // stays 0
    double const weight = sums.weight[k];
    combined.sci[at + k] = static_cast<float>(sums.value[k] / weight);
    combined.err[at + k] = static_cast<float>(std::sqrt(sums.square[k]) / weight);
    combined.variance[at + k] = static_cast<float>(sums.square[k] / (weight * weight));
    combined.count[at + k] = static_cast<std::uint16_t>(sums.count[k]);
  }
}

/// Mean of the values that the clip keeps of each pixel of a lane; 0 where there is none. Values in room.samples.
void average_kept(ClipRoom& room, SortingNetwork const& network, BackgroundClip const& clip, double* mean) {
  auto const limits = clip_lane(room, network, clip);
  double count[Lane] = {};
  std::fill(mean, mean + Lane, 0.0);
  for (std::size_t plane = 0; plane < network.depth(); ++plane)
    for (std::size_t k = 0; k < Lane; ++k) {
      auto const sample = static_cast<double>(room.samples[plane * Lane + k]);
      bool const kept = sample >= limits.low[k] && sample <= limits.high[k];
      mean[k] += kept ? sample : 0.0;
      count[k] += kept ? 1.0 : 0.0;
    }
  for (std::size_t k = 0; k < Lane; ++k) mean[k] = count[k] > 0 ? mean[k] / count[k] : 0.0;
}

}  // namespace

CombinedBackground combine_backgrounds(std::span<BackgroundPixels const> backgrounds, BackgroundClip const& clip) {
  TESSERA_EXPECT(!backgrounds.empty() && backgrounds.size() <= std::numeric_limits<std::uint16_t>::max());
  TESSERA_EXPECT(clip.sigma >= 0);
  auto const pixels = backgrounds.front().sci.size();
  for (auto const& one : backgrounds) {
    TESSERA_EXPECT(one.sci.size() == pixels && one.err.size() == pixels && one.dq.size() == pixels);
    TESSERA_EXPECT(one.masked.empty() || one.masked.size() == pixels);
    TESSERA_EXPECT(one.weight > 0 && std::isfinite(one.weight));
  }
  CombinedBackground combined;
  combined.sci.assign(pixels, 0.0f);
  combined.err.assign(pixels, 0.0f);
  combined.variance.assign(pixels, 0.0f);
  combined.dq.assign(pixels, 0u);
  combined.count.assign(pixels, 0);
  SortingNetwork const network(backgrounds.size());
  for_each_chunk("tessera::combine_backgrounds", pixels, [&](std::size_t begin, std::size_t end) {
    auto& room = ClipRoom::of_thread(backgrounds.size());
    for (std::size_t at = begin; at < end; at += Lane) {
      auto const width = std::min(Lane, end - at);
      for (std::size_t index = 0; index < backgrounds.size(); ++index) {
        auto const& one = backgrounds[index];
        float* const samples = room.samples.data() + index * Lane;
        load_lane(one.sci.data() + at, width, samples);
        for (std::size_t k = 0; k < width; ++k) combined.dq[at + k] |= one.dq[at + k];
        if (!one.masked.empty())
          for (std::size_t k = 0; k < width; ++k) samples[k] = one.masked[at + k] != 0 ? NoSample : samples[k];
      }
      auto const limits = clip_lane(room, network, clip);
      store_lane(add_kept(backgrounds, at, width, limits, room.samples.data()), at, width, combined);
    }
  });
  return combined;
}

void collapse_integrations(std::span<float const> sci, std::span<float const> err, std::span<std::uint32_t const> dq,
                           std::size_t integrations, BackgroundClip const& clip, std::vector<float>& mean,
                           std::vector<float>& mean_err, std::vector<std::uint32_t>& flags) {
  TESSERA_EXPECT(integrations > 0 && sci.size() % integrations == 0);
  TESSERA_EXPECT(err.size() == sci.size() && dq.size() == sci.size() && clip.sigma >= 0);
  auto const pixels = sci.size() / integrations;
  mean.assign(pixels, 0.0f);
  mean_err.assign(pixels, 0.0f);
  flags.assign(pixels, 0u);
  SortingNetwork const network(integrations);
  for_each_chunk("tessera::collapse_integrations", pixels, [&](std::size_t begin, std::size_t end) {
    auto& room = ClipRoom::of_thread(integrations);
    double average[Lane];
    for (std::size_t at = begin; at < end; at += Lane) {
      auto const width = std::min(Lane, end - at);
      for (std::size_t plane = 0; plane < integrations; ++plane) {
        load_lane(sci.data() + plane * pixels + at, width, room.samples.data() + plane * Lane);
        for (std::size_t k = 0; k < width; ++k) flags[at + k] |= dq[plane * pixels + at + k];
      }
      average_kept(room, network, clip, average);
      for (std::size_t k = 0; k < width; ++k) mean[at + k] = static_cast<float>(average[k]);
      for (std::size_t plane = 0; plane < integrations; ++plane) {
        float squares[Lane];
        float const* const values = err.data() + plane * pixels + at;
        for (std::size_t k = 0; k < width; ++k) squares[k] = values[k] * values[k];
        load_lane(squares, width, room.samples.data() + plane * Lane);
      }
      average_kept(room, network, clip, average);
      for (std::size_t k = 0; k < width; ++k) mean_err[at + k] = static_cast<float>(std::sqrt(average[k]));
    }
  });
}

void subtract_background(std::span<float const> background, std::span<std::uint32_t const> flags,
                         model::RowBand& image) {
  auto const count = static_cast<std::size_t>(image.pixel_count());
  TESSERA_EXPECT(image.sci.size() == count && image.dq.size() == count);
  TESSERA_EXPECT(background.size() == count && flags.size() == count);
  for (std::size_t k = 0; k < count; ++k) {
    image.sci[k] -= background[k];
    image.dq[k] |= flags[k];
  }
}

}  // namespace tessera::kernels
