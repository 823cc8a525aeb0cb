#include "tessera/steps/resample/mosaic_quicklook.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/io/quicklook.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t LargestSide = 1600;

/// Size of the pictures: means of `factor` x `factor` pixels.
struct Reduction {
  std::int64_t factor, nx, ny;
};

/// Rows [begin, end) of the reduced image of a plane: means of the finite pixels of each square, NaN where there is
/// none.
std::vector<float> read_reduced(io::Hdf5File const& file, MosaicPlan const& plan, std::string const& name,
                                Reduction const& reduced, std::int64_t begin, std::int64_t end) {
  std::vector<double> sum(static_cast<std::size_t>((end - begin) * reduced.nx), 0), count(sum.size(), 0);
  std::vector<float> values;
  std::int64_t const last = std::min(end * reduced.factor, plan.grid.ny);
  for (std::int64_t y0 = begin * reduced.factor; y0 < last;) {
    // Never across a row of chunks, so that each is read once.
    std::int64_t const y1 = std::min((y0 / model::BlockSize + 1) * model::BlockSize, last);
    values.resize(static_cast<std::size_t>((y1 - y0) * plan.grid.nx));
    file.read_box(name, {0, y0, plan.grid.nx, y1}, values);
    for (std::int64_t y = y0; y < y1; ++y) {
      float const* const row = values.data() + (y - y0) * plan.grid.nx;
      auto to = static_cast<std::size_t>((y / reduced.factor - begin) * reduced.nx);
      for (std::int64_t x0 = 0; x0 < plan.grid.nx; x0 += reduced.factor, ++to)
        for (std::int64_t x = x0; x < std::min(x0 + reduced.factor, plan.grid.nx); ++x) {
          if (!std::isfinite(row[x])) continue;
          sum[to] += row[x];
          count[to] += 1;
        }
    }
    y0 = y1;
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
  std::int64_t const factor = (std::max(plan.grid.nx, plan.grid.ny) + LargestSide - 1) / LargestSide;
  Reduction const reduced{factor, (plan.grid.nx + factor - 1) / factor, (plan.grid.ny + factor - 1) / factor};
  std::int64_t const begin = reduced.ny * group.rank() / group.size(),
                     end = reduced.ny * (group.rank() + 1) / group.size();
  std::vector<float> science, weight;
  parallel::all_or_none(group, [&] {
    io::Hdf5File const file(unfinished_mosaic_path(plan), io::Hdf5File::Mode::ReadOnly);
    science = read_reduced(file, plan, "SCI", reduced, begin, end);
    weight = read_reduced(file, plan, "WHT", reduced, begin, end);
  });
  science = group.all_gather_values<float>(science);
  weight = group.all_gather_values<float>(weight);

  auto const paths = quicklook_paths(plan);
  auto const picture = [&](char const* name, std::filesystem::path const& path, std::vector<float> const& values,
                           io::QuicklookOptions options) {
    options.title = plan.request.product + " " + name;
    options.largest_side = LargestSide;
    io::write_quicklook(path, values, reduced.nx, reduced.ny, options);
  };
  parallel::all_or_none(group, [&] {
    if (group.is_root()) {
      io::QuicklookOptions options;
      options.unit = unit;
      picture("SCI", paths[0], science, options);
    }
    if (group.rank() == (group.size() > 1 ? 1 : 0)) {
      io::QuicklookOptions options;
      options.stretch = io::QuicklookOptions::Stretch::Linear;
      options.low_percentile = 0;
      options.high_percentile = 100;
      picture("WHT", paths[1], weight, options);
    }
  });
}

}  // namespace tessera::steps
