#include "tessera/steps/resample/write_i2d.hpp"

#include <algorithm>

#include "tessera/core/contract.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/steps/resample/mosaic_file.hpp"

namespace tessera::steps {

namespace {

/// Image extensions of the product in their official order, by the name they have in FITS and HDF5.
std::vector<std::string> image_extensions(ResampleOptions const& options) {
  std::vector<std::string> names{"SCI"};
  if (options.enable_err) names.push_back("ERR");
  if (options.enable_ctx) names.push_back("CON");
  names.push_back("WHT");
  if (options.enable_err && options.report_var)
    for (char const* name : {"VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"}) names.push_back(name);
  return names;
}

std::vector<io::HduPlan> plan_hdus(MosaicPlan const& plan, I2dMetadata const& metadata) {
  std::vector<io::HduPlan> hdus;
  io::HduPlan primary;
  primary.header = metadata.primary;
  hdus.push_back(primary);
  for (auto const& name : image_extensions(plan.request.options)) {
    if (name == "CON" && !plan.writes_dense_context()) continue;
    io::HduPlan hdu;
    hdu.extname = name;
    hdu.bitpix = name == "CON" ? 32 : -32;
    hdu.axes = {plan.grid.nx, plan.grid.ny};
    if (name == "CON") hdu.axes.push_back(plan.dense_context_planes());
    if (name == "SCI") hdu.header = metadata.sci;
    if (name == "ERR")
      hdu.header.set("BUNIT", metadata.sci.text("BUNIT").value_or("MJy/sr"), "physical units of the array values");
    hdus.push_back(hdu);
  }
  if (!metadata.table_columns.empty()) {
    io::HduPlan table;
    table.extname = "HDRTAB";
    table.binary_table = true;
    table.axes = {metadata.table_row_bytes, metadata.table_bytes / metadata.table_row_bytes};
    table.table_columns = metadata.table_columns;
    hdus.push_back(table);
  }
  hdus.push_back(io::plan_asdf_hdu(metadata.asdf_bytes));
  return hdus;
}

/// One strip of 256 rows of one plane: the unit of work, 4 MB or more for mosaics wider than 4096 pixels.
struct Strip {
  std::size_t hdu;
  std::string name;
  int plane;         ///< of CON
  std::int64_t row;  ///< strip number
};

}  // namespace

std::filesystem::path i2d_path(MosaicPlan const& plan) {
  auto const& request = plan.request;
  return request.folder / (request.file_name.empty() ? request.product + "_i2d.fits" : request.file_name);
}

std::int64_t write_i2d(parallel::Communicator const& group, MosaicPlan const& plan, I2dMetadata const& metadata) {
  auto const hdus = plan_hdus(plan, metadata);
  std::vector<Strip> strips;
  for (std::size_t k = 1; k < hdus.size(); ++k) {
    if (hdus[k].binary_table) continue;
    int const planes = hdus[k].axes.size() > 2 ? static_cast<int>(hdus[k].axes[2]) : 1;
    for (int plane = 0; plane < planes; ++plane)
      for (std::int64_t row = 0; row < plan.grid.blocks().rows(); ++row)
        strips.push_back({k, hdus[k].extname, plane, row});
  }

  std::int64_t written = 0;
  io::ParallelFitsFile fits(group, i2d_path(plan), hdus);
  std::exception_ptr failure;
  try {
    io::Hdf5File const mosaic(unfinished_mosaic_path(plan), io::Hdf5File::Mode::ReadOnly);
    std::vector<float> values;
    std::vector<std::byte> bytes;
    auto const runs = static_cast<std::size_t>(group.size());
    for (std::size_t k = static_cast<std::size_t>(group.rank()); k < strips.size(); k += runs) {
      auto const& strip = strips[k];
      std::int64_t const y0 = strip.row * model::BlockSize;
      model::PixelBox const box{0, y0, plan.grid.nx, std::min<std::int64_t>(y0 + model::BlockSize, plan.grid.ny)};
      auto const count = static_cast<std::size_t>(box.width() * box.height());
      bytes.resize(count * 4);
      if (strip.name == "CON") {
        auto const context = read_dense_context(mosaic, plan, strip.row, strip.plane);
        io::to_big_endian(std::span(reinterpret_cast<std::int32_t const*>(context.data()), count), bytes.data());
      } else {
        values.resize(count);
        mosaic.read_box(strip.name, box, values);
        io::to_big_endian(std::span<float const>(values), bytes.data());
      }
      fits.write(strip.hdu, (strip.plane * plan.grid.ny + y0) * plan.grid.nx * 4, bytes);
      written += static_cast<std::int64_t>(bytes.size());
    }
    if (group.is_root()) {
      // Whole tables from their first byte: the padding completes the last word of an odd size for the checksum.
      for (std::size_t k = 1; k < hdus.size(); ++k) {
        if (hdus[k].extname == "HDRTAB") fits.write(k, 0, metadata.table);
        if (hdus[k].extname == "ASDF") fits.write(k, 0, metadata.asdf);
      }
    }
  } catch (...) {
    failure = std::current_exception();
  }
  parallel::all_or_none(group, [&] {
    if (failure) std::rethrow_exception(failure);
  });
  fits.finish();
  return written;
}

}  // namespace tessera::steps
