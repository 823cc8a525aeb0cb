#include "save_medians.hpp"

#include <algorithm>

#include "median_file.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::steps {

namespace {

model::Header make_header(StepContext const& context, OutlierPlan const& plan) {
  model::Header header;
  header.set("BUNIT", plan.record(context, 0).unit);
  if (!plan.options.resample_data) return header;
  auto const& grid = plan.sky.grid;
  header.set("WCSAXES", 2);
  header.set("CTYPE1", "RA---TAN");
  header.set("CTYPE2", "DEC--TAN");
  header.set("CUNIT1", "deg");
  header.set("CUNIT2", "deg");
  header.set("CRPIX1", grid.crpix.x + 1);
  header.set("CRPIX2", grid.crpix.y + 1);
  header.set("CRVAL1", grid.crval.ra);
  header.set("CRVAL2", grid.crval.dec);
  header.set("CDELT1", grid.cdelt[0]);
  header.set("CDELT2", grid.cdelt[1]);
  header.set("PC1_1", grid.pc[0][0]);
  header.set("PC1_2", grid.pc[0][1]);
  header.set("PC2_1", grid.pc[1][0]);
  header.set("PC2_2", grid.pc[1][1]);
  header.set("RADESYS", "ICRS");
  return header;
}

}  // namespace

std::filesystem::path write_median_fits(parallel::Communicator const& world, StepContext const& context,
                                        OutlierPlan const& plan) {
  auto const& task = *plan.task;
  auto const path = task.products / fmt::format("{}_{}_median.fits", task.target, task.band);
  parallel::all_or_none(world, [&] {
    if (world.is_root()) std::filesystem::create_directories(task.products);
  });
  auto const& grid = plan.sky.grid;
  std::vector<io::HduPlan> hdus(2);
  hdus[1].extname = "SCI";
  hdus[1].bitpix = -32;
  hdus[1].axes = {grid.nx, grid.ny};
  hdus[1].header = make_header(context, plan);
  io::ParallelFitsFile fits(world, path, hdus);
  std::exception_ptr failure;
  try {
    MedianReader medians(plan);
    std::vector<float> values;
    std::vector<std::byte> bytes;
    for (std::int64_t strip = world.rank(); strip * model::BlockSize < grid.ny; strip += world.size()) {
      std::int64_t const y0 = strip * model::BlockSize;
      medians.read({0, y0, grid.nx, std::min<std::int64_t>(y0 + model::BlockSize, grid.ny)}, values);
      bytes.resize(values.size() * 4);
      io::to_big_endian(std::span<float const>(values), bytes.data());
      fits.write(1, y0 * grid.nx * 4, bytes);
    }
  } catch (...) {
    failure = std::current_exception();
  }
  parallel::all_or_none(world, [&] {
    if (failure) std::rethrow_exception(failure);
  });
  fits.finish();
  return path;
}

}  // namespace tessera::steps
