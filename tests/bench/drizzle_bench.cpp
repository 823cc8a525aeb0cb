// How fast the drizzle kernels are, beside the memory bandwidth of the machine.
//
// tessera_bench_kernels --dump=FILE writes SCI, WHT and the three variances of one frame (float32, the whole grid) for
// reference_drizzle.py --compare, instead of timing. Threads: OMP_NUM_THREADS.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <limits>
#include <string_view>

#include "benchmark_frame.hpp"
#include "level2_bench.hpp"
#include "star_bench.hpp"
#include "tessera/compute/session.hpp"
#include "tessera/compute/views.hpp"

namespace tessera::bench {
namespace {

constexpr double FramePixels = static_cast<double>(FrameSize * FrameSize);

Frame const& frame() {
  static Frame const one;
  return one;
}

/// One frame onto all blocks. Bytes: what must move at least, the planes read once and the sums read and written once.
void drizzle_frame(benchmark::State& state, kernels::DrizzleKernel kernel, bool variances, double pixfrac) {
  kernels::DrizzleOptions options;
  options.kernel = kernel;
  options.pixfrac = pixfrac;
  options.variances = variances;
  Blocks const blocks(options);
  int number = 0;
  kernels::drizzle_onto_blocks(frame().input(number++), blocks.pointers);  // memory is touched for the first time here
  for (auto _ : state) {
    // Each repetition adds the same frame as a further exposure; context planes grow by one every 32.
    kernels::drizzle_onto_blocks(frame().input(number++), blocks.pointers);
  }
  double const planes = variances ? 5 : 2, sums = variances ? 6 : 2;
  double const bytes = FramePixels * (planes * 4 + 2 * sums * 8);
  auto const runs = static_cast<double>(state.iterations());
  state.counters["pixels/s"] = benchmark::Counter(FramePixels * runs, benchmark::Counter::kIsRate);
  state.counters["ns/pixel"] =
      benchmark::Counter(FramePixels * runs * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes * runs));
}

void evaluate_map(benchmark::State& state) {
  std::vector<double> X(FrameSize), Y(FrameSize);
  for (auto _ : state)
    for (std::int64_t y = 0; y < FrameSize; ++y) {
      frame().map.evaluate_row(y, 0, FrameSize, X.data(), Y.data());
      benchmark::DoNotOptimize(X.data());
      benchmark::ClobberMemory();
    }
  auto const runs = static_cast<double>(state.iterations());
  state.counters["pixels/s"] = benchmark::Counter(FramePixels * runs, benchmark::Counter::kIsRate);
  state.counters["ns/pixel"] =
      benchmark::Counter(FramePixels * runs * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

constexpr std::size_t StreamCount = std::size_t{1} << 25;  // 256 MiB an array: larger than the caches that matter

using StreamPolicy = Kokkos::RangePolicy<compute::HostExecution>;

/// a = b + s c on all threads, counted as STREAM counts: 24 bytes an element.
void stream_triad(benchmark::State& state) {
  auto const a = compute::allocate_array<double>("tessera::stream_a", StreamCount);
  auto const b = compute::allocate_array<double>("tessera::stream_b", StreamCount);
  auto const c = compute::allocate_array<double>("tessera::stream_c", StreamCount);
  Kokkos::parallel_for("tessera::stream_first_touch", StreamPolicy(0, StreamCount), [=](std::size_t k) {
    a(k) = 0;
    b(k) = 1;
    c(k) = 2;
  });
  for (auto _ : state) {
    Kokkos::parallel_for("tessera::stream_triad", StreamPolicy(0, StreamCount),
                         [=](std::size_t k) { a(k) = b(k) + 3.0 * c(k); });
    Kokkos::fence("tessera::stream_triad");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(24 * StreamCount));
}

/// a = b, 16 bytes an element.
void stream_copy(benchmark::State& state) {
  auto const a = compute::allocate_array<double>("tessera::stream_a", StreamCount);
  auto const b = compute::allocate_array<double>("tessera::stream_b", StreamCount);
  Kokkos::parallel_for("tessera::stream_first_touch", StreamPolicy(0, StreamCount), [=](std::size_t k) {
    a(k) = 0;
    b(k) = 1;
  });
  for (auto _ : state) {
    Kokkos::parallel_for("tessera::stream_copy", StreamPolicy(0, StreamCount), [=](std::size_t k) { a(k) = b(k); });
    Kokkos::fence("tessera::stream_copy");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * static_cast<std::int64_t>(16 * StreamCount));
}

void register_all() {
  using kernels::DrizzleKernel;
  struct Named {
    char const* name;
    DrizzleKernel kernel;
    double pixfrac;
  };
  for (auto const& [name, kernel, pixfrac] :
       {Named{"square", DrizzleKernel::Square, 1.0}, Named{"square_pixfrac_0.8", DrizzleKernel::Square, 0.8},
        Named{"turbo", DrizzleKernel::Turbo, 1.0}, Named{"point", DrizzleKernel::Point, 1.0},
        Named{"gaussian", DrizzleKernel::Gaussian, 1.0}, Named{"lanczos2", DrizzleKernel::Lanczos2, 1.0},
        Named{"lanczos3", DrizzleKernel::Lanczos3, 1.0}})
    for (bool const variances : {false, true}) {
      auto const label = std::string("drizzle/") + name + (variances ? "/all_planes" : "/sci_wht_con");
      benchmark::RegisterBenchmark(label.c_str(),
                                   [=](benchmark::State& state) { drizzle_frame(state, kernel, variances, pixfrac); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  benchmark::RegisterBenchmark("evaluate_map", evaluate_map)->Unit(benchmark::kMillisecond)->UseRealTime();
  benchmark::RegisterBenchmark("stream_triad", stream_triad)->Unit(benchmark::kMillisecond)->UseRealTime();
  benchmark::RegisterBenchmark("stream_copy", stream_copy)->Unit(benchmark::kMillisecond)->UseRealTime();
}

/// The planes of the whole grid, one after the other.
int dump(char const* path) {
  kernels::DrizzleOptions options;
  Blocks const blocks(options);
  kernels::drizzle_onto_blocks(frame().input(0), blocks.pointers);
  std::vector<float> planes[5];
  for (auto& plane : planes) plane.resize(GridSize * GridSize);
  for (auto const* block : blocks.pointers) {
    auto const done = block->finish(std::numeric_limits<float>::quiet_NaN());
    std::vector<float> const* const from[5] = {&done.sci, &done.wht, &done.var_rnoise, &done.var_flat,
                                               &done.var_poisson};
    for (int plane = 0; plane < 5; ++plane)
      for (std::int64_t y = 0; y < done.box.height(); ++y)
        for (std::int64_t x = 0; x < done.box.width(); ++x)
          planes[plane][static_cast<std::size_t>((done.box.y0 + y) * GridSize + done.box.x0 + x)] =
              (*from[plane])[static_cast<std::size_t>(y * done.box.width() + x)];
  }
  std::FILE* const file = std::fopen(path, "wb");
  bool good = file != nullptr;
  for (auto const& plane : planes)
    good = good && std::fwrite(plane.data(), sizeof(float), plane.size(), file) == plane.size();
  if (file) good = std::fclose(file) == 0 && good;
  if (!good) std::fprintf(stderr, "%s: cannot be written\n", path);
  return good ? 0 : 1;
}

}  // namespace
}  // namespace tessera::bench

int main(int argc, char** argv) {
  tessera::compute::Session const session;
  for (int k = 1; k < argc; ++k)
    if (std::string_view(argv[k]).starts_with("--dump=")) return tessera::bench::dump(argv[k] + 7);
  tessera::bench::register_all();
  tessera::bench::register_star_benchmarks();
  tessera::bench::register_level2_benchmarks();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
