#include "tessera/steps/resample/mosaic_quicklook.hpp"

#include <cmath>
#include <limits>

#include "tessera/io/quicklook.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t LargestSide = 1600;

/// Mean of the finite pixels of each factor x factor square; NaN where there is none.
std::vector<float> read_reduced(io::Hdf5File const& file, MosaicPlan const& plan, std::string const& name, std::int64_t factor,
                                std::int64_t nx, std::int64_t ny) {
  std::vector<double> sum(static_cast<std::size_t>(nx * ny), 0), count(sum.size(), 0);
  std::vector<float> values;
  for (std::int64_t strip = 0; strip < plan.grid.blocks().rows(); ++strip) {
    std::int64_t const y0 = strip * model::BlockSize, y1 = std::min<std::int64_t>(y0 + model::BlockSize, plan.grid.ny);
    values.resize(static_cast<std::size_t>((y1 - y0) * plan.grid.nx));
    file.read_box(name, {0, y0, plan.grid.nx, y1}, values);
    for (std::int64_t y = y0; y < y1; ++y)
      for (std::int64_t x = 0; x < plan.grid.nx; ++x) {
        float const value = values[static_cast<std::size_t>((y - y0) * plan.grid.nx + x)];
        if (!std::isfinite(value)) continue;
        auto const to = static_cast<std::size_t>((y / factor) * nx + x / factor);
        sum[to] += value;
        count[to] += 1;
      }
  }
  std::vector<float> mean(sum.size());
  for (std::size_t k = 0; k < sum.size(); ++k)
    mean[k] = count[k] > 0 ? static_cast<float>(sum[k] / count[k]) : std::numeric_limits<float>::quiet_NaN();
  return mean;
}

}  // namespace

std::vector<std::filesystem::path> quicklook_paths(MosaicPlan const& plan) {
  auto const stem = i2d_path(plan).replace_extension().string();
  return {stem + "_sci.png", stem + "_wht.png"};
}

void write_mosaic_quicklooks(parallel::Communicator const& group, MosaicPlan const& plan, std::string const& unit) {
  int const weight_rank = group.size() > 1 ? 1 : 0;
  if (group.rank() != 0 && group.rank() != weight_rank) return;
  io::Hdf5File const file(unfinished_mosaic_path(plan), io::Hdf5File::Mode::ReadOnly);
  std::int64_t const factor = (std::max(plan.grid.nx, plan.grid.ny) + LargestSide - 1) / LargestSide;
  std::int64_t const nx = (plan.grid.nx + factor - 1) / factor, ny = (plan.grid.ny + factor - 1) / factor;
  auto const paths = quicklook_paths(plan);
  auto const picture = [&](char const* name, std::filesystem::path const& path, io::QuicklookOptions options) {
    options.title = plan.request.product + " " + name;
    options.largest_side = LargestSide;
    io::write_quicklook(path, read_reduced(file, plan, name, factor, nx, ny), nx,
                        ny, options);
  };
  io::QuicklookOptions science;
  science.unit = unit;
  if (group.is_root()) picture("SCI", paths[0], science);
  io::QuicklookOptions weight;
  weight.stretch = io::QuicklookOptions::Stretch::Linear;
  weight.low_percentile = 0;
  weight.high_percentile = 100;
  if (group.rank() == weight_rank) picture("WHT", paths[1], weight);
}

}  // namespace tessera::steps
