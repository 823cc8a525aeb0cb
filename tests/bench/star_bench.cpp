#include "star_bench.hpp"

#include <benchmark/benchmark.h>

#include <cmath>
#include <span>

#include "support/vector_noise.hpp"
#include "tessera/kernels/background_mesh.hpp"
#include "tessera/kernels/constrained_diffusion.hpp"
#include "tessera/kernels/find_stars.hpp"

namespace tessera::bench {
namespace {

constexpr std::int64_t Side = 2048;
constexpr double Pixels = static_cast<double>(Side * Side);

/// A full frame: noise of 1, and 4000 stars of 2.5 pixels FWHM of up to 200.
std::vector<float> make_star_frame() {
  test::VectorNoise random(1);
  std::vector<float> frame(static_cast<std::size_t>(Side * Side));
  for (auto& value : frame) value = static_cast<float>(random.deviate());
  for (int star = 0; star < 4000; ++star) {
    auto const x = 8 + static_cast<std::int64_t>(random.uniform() * (Side - 16)),
               y = 8 + static_cast<std::int64_t>(random.uniform() * (Side - 16));
    double const amplitude = 200 * random.uniform();
    for (std::int64_t dy = -6; dy <= 6; ++dy)
      for (std::int64_t dx = -6; dx <= 6; ++dx)
        frame[static_cast<std::size_t>((y + dy) * Side + x + dx)] +=
            static_cast<float>(amplitude * std::exp(-static_cast<double>(dx * dx + dy * dy) / 2.25));
  }
  return frame;
}

std::vector<float> const& star_frame() {
  static std::vector<float> const one = make_star_frame();
  return one;
}

void count_pixels(benchmark::State& state, double pixels) {
  auto const runs = static_cast<double>(state.iterations());
  state.counters["pixels/s"] = benchmark::Counter(pixels * runs, benchmark::Counter::kIsRate);
  state.counters["ns/pixel"] =
      benchmark::Counter(pixels * runs * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void measure_mesh(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(kernels::measure_background(star_frame().data(), nullptr, Side, Side, {}).median_rms());
  count_pixels(state, Pixels);
}

void evaluate_mesh(benchmark::State& state) {
  auto const mesh = kernels::measure_background(star_frame().data(), nullptr, Side, Side, {});
  std::vector<float> background(star_frame().size()), rms(background.size());
  for (auto _ : state) {
    mesh.rows(0, Side, nullptr, background.data(), rms.data());
    benchmark::ClobberMemory();
  }
  count_pixels(state, Pixels);
}

void find(benchmark::State& state, kernels::StarFinder finder, double fwhm) {
  kernels::StarFinderOptions options;
  options.finder = finder;
  options.threshold = 10;
  options.fwhm = fwhm;
  if (finder == kernels::StarFinder::Dao) options.roundlo = -1, options.roundhi = 1, options.sharplo = 0.2;
  std::size_t stars = 0;
  for (auto _ : state) stars = kernels::find_stars(star_frame().data(), nullptr, Side, Side, options).size();
  state.counters["stars"] = static_cast<double>(stars);
  count_pixels(state, Pixels);
}

/// Three scales of a row band of 1024 rows and what it needs around it.
void diffuse(benchmark::State& state) {
  auto const plan = kernels::plan_diffusion(Side, Side, 3);
  for (auto _ : state)
    benchmark::DoNotOptimize(
        kernels::compact_part({star_frame().data(), nullptr, Side, Side, 0, Side}, 512, 1536, plan).data());
  count_pixels(state, Pixels / 2);
}

}  // namespace

void register_star_benchmarks() {
  using kernels::StarFinder;
  auto const add = [](char const* name, auto function) {
    benchmark::RegisterBenchmark(name, function)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  add("background_mesh/measure", measure_mesh);
  add("background_mesh/rows", evaluate_mesh);
  add("find_stars/iraf", [](benchmark::State& state) { find(state, StarFinder::Iraf, 2.5); });
  add("find_stars/dao", [](benchmark::State& state) { find(state, StarFinder::Dao, 2.5); });
  add("find_stars/dao_fwhm_8", [](benchmark::State& state) { find(state, StarFinder::Dao, 8); });
  add("compact_part/three_scales", diffuse);
}

}  // namespace tessera::bench
