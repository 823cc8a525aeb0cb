// mosaic: a folder of frames and no configuration.
#include <cstdio>

#include "commands.hpp"
#include "mosaic_steps.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/pipeline/run.hpp"
#include "tessera/pipeline/run_plan.hpp"

namespace tessera::app {

namespace {

void require_one_for_each(std::vector<std::string> const& planes, MosaicOptions const& options, char const* option) {
  if (!planes.empty() && planes.size() != options.files.size())
    throw ConfigError({"one file for each image is needed", option, fmt::format("{} files", options.files.size()),
                       fmt::format("{}", planes.size()), "give them in the order of the images"});
}

steps::ResampleOptions resample_options(MosaicOptions const& o) {
  steps::ResampleOptions options;
  options.kernel = kernels::parse_drizzle_kernel(o.kernel);
  options.weight_type = kernels::parse_weight_type(o.weight_type);
  options.pixfrac = o.pixfrac;
  options.fillval = steps::parse_fill_value(o.fillval, "--fillval");
  options.grid.pixel_scale_ratio = o.pixel_scale_ratio;
  options.grid.pixel_scale = o.pixel_scale;
  options.grid.rotation = o.rotation;
  if (o.crval.size() == 2) options.grid.crval = sky::SkyPoint{o.crval[0], o.crval[1]};
  if (o.crpix.size() == 2) options.grid.crpix = sky::PixelPoint{o.crpix[0], o.crpix[1]};
  if (o.shape.size() == 2) options.grid.output_shape = {{o.shape[0], o.shape[1]}};
  options.keep_hdf5 = o.keep_hdf5;
  options.quicklook = !o.no_quicklook;
  steps::check_options(options);
  return options;
}

}  // namespace

ExitStatus make_mosaic(parallel::Communicator const& world, MosaicOptions const& o) {
  require_one_for_each(o.weights, o, "--weights");
  require_one_for_each(o.masks, o, "--masks");
  std::vector<store::ExposureSource> sources;
  for (std::size_t k = 0; k < o.files.size(); ++k)
    sources.push_back(
        {"mosaic", "", o.files[k], o.weights.empty() ? "" : o.weights[k], o.masks.empty() ? "" : o.masks[k]});

  pipeline::RunRequest request;
  request.inventory = store::take_inventory(world, sources);
  request.stop_on_error = o.on_error == "stop";
  steps::MosaicRequest mosaic;
  mosaic.target = "mosaic";
  mosaic.folder = o.output.has_parent_path() ? o.output.parent_path() : std::filesystem::path(".");
  mosaic.file_name = o.output.filename().string();
  if (!mosaic.file_name.ends_with(".fits")) mosaic.file_name += ".fits";
  mosaic.product = mosaic.file_name.substr(0, mosaic.file_name.size() - 5);
  mosaic.options = resample_options(o);
  bool any_variance = false;
  for (std::size_t k = 0; k < request.inventory.records.size(); ++k) {
    mosaic.members.push_back(static_cast<int>(k));
    any_variance = any_variance || request.inventory.records[k].planes.has(model::Plane::VarRnoise);
  }
  mosaic.options.enable_err = any_variance;  // plain images bring no variances: ERR would be all NaN
  request.report_folder = mosaic.folder / (mosaic.product + "_report");
  parallel::all_or_none(world, [&] { add_mosaic_steps(o, request.report_folder, request); });
  if (!request.exposures.empty()) mosaic.band = request.exposures.front().band;
  if (!mosaic.members.empty()) request.mosaics.push_back(std::move(mosaic));

  auto plan = pipeline::make_run_plan(world, std::move(request), memory_per_rank(world, o.memory_per_rank, 0));
  if (!o.plan_only) return pipeline::run_plan(world, std::move(plan));
  if (world.is_root()) std::fputs(pipeline::describe(plan).c_str(), stdout);
  return plan.request.missing.empty() && !plan.mosaics.empty() ? ExitStatus::Complete : ExitStatus::Refused;
}

}  // namespace tessera::app
