#include "level2_bench.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "tessera/kernels/combine_backgrounds.hpp"
#include "tessera/kernels/flat_field.hpp"

namespace tessera::bench {
namespace {

/// Numbers of [0, 1): a linear congruence, for speed.
class Uniform {
 public:
  explicit Uniform(std::uint32_t seed) : state_(seed) {}
  float next() {
    state_ = 1664525u * state_ + 1013904223u;
    return static_cast<float>(state_ >> 8) * 0x1p-24f;
  }

 private:
  std::uint32_t state_;
};

struct Off {
  std::vector<float> sci, err;
  std::vector<std::uint32_t> dq;
};

/// Noise about 1, a fiftieth of the pixels hit by something, a fiftieth without value.
std::vector<Off> make_offs(std::size_t count, std::size_t pixels) {
  std::vector<Off> offs(count);
  for (std::size_t index = 0; index < count; ++index) {
    Uniform random(static_cast<std::uint32_t>(index + 1));
    auto& off = offs[index];
    for (std::size_t k = 0; k < pixels; ++k) {
      float value = 0.8f + 0.1f * (random.next() + random.next() + random.next() + random.next());
      float const kind = random.next();
      if (kind < 0.02f) value += 3;
      if (kind > 0.98f) value = std::numeric_limits<float>::quiet_NaN();
      off.sci.push_back(value);
      off.err.push_back(0.05f);
      off.dq.push_back(kind > 0.98f ? 1u : 0u);
    }
  }
  return offs;
}

void count_pixels(benchmark::State& state, std::size_t pixels) {
  auto const done = static_cast<double>(pixels) * static_cast<double>(state.iterations());
  state.counters["pixels/s"] = benchmark::Counter(done, benchmark::Counter::kIsRate);
}

void combine(benchmark::State& state, std::size_t count, std::size_t pixels) {
  auto const offs = make_offs(count, pixels);
  std::vector<kernels::BackgroundPixels> backgrounds;
  for (auto const& off : offs) backgrounds.push_back({off.sci, off.err, off.dq, {}, 1});
  for (auto _ : state)
    benchmark::DoNotOptimize(kernels::combine_backgrounds(backgrounds, {1.5, std::nullopt}).sci.data());
  count_pixels(state, pixels);
}

void divide(benchmark::State& state) {
  constexpr std::int64_t Side = 2048;
  constexpr auto Pixels = static_cast<std::size_t>(Side * Side);
  auto const offs = make_offs(1, Pixels);
  std::vector<float> const flat(Pixels, 1.01f), flat_err(Pixels, 0.01f);
  std::vector<std::uint32_t> const flat_dq(Pixels, 0);
  model::RowBand image;
  image.nx = Side;
  image.y1 = Side;
  image.sci = offs.front().sci;
  image.var_poisson.assign(Pixels, 0.01f);
  image.var_rnoise = image.var_poisson;
  image.dq.assign(Pixels, 0);
  for (auto _ : state) {
    kernels::flat_field(flat, flat_err, flat_dq, image);
    kernels::convert_unit(image, 1.0);
    benchmark::ClobberMemory();
  }
  count_pixels(state, Pixels);
}

}  // namespace

void register_level2_benchmarks() {
  auto const add = [](char const* name, auto function) {
    benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  constexpr std::size_t Miri = std::size_t{1032} * 1024, Nircam = std::size_t{2048} * 2048;
  add("combine_backgrounds/miri_8", [](benchmark::State& state) { combine(state, 8, Miri); });
  add("combine_backgrounds/miri_40", [](benchmark::State& state) { combine(state, 40, Miri); });
  add("combine_backgrounds/nircam_8", [](benchmark::State& state) { combine(state, 8, Nircam); });
  add("flat_field_and_unit/nircam", divide);
}

}  // namespace tessera::bench
