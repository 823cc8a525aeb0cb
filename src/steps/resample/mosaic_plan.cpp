#include "tessera/steps/resample/mosaic_plan.hpp"

#include "tessera/io/checksum.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t BlockPixels = std::int64_t{model::BlockSize} * model::BlockSize;

}  // namespace

std::int64_t MosaicPlan::bytes_hdf5() const {
  int const images = 2 + (request.options.enable_err ? 4 : 0);
  return grid.blocks().count() * BlockPixels * 4 * images + context_planes * BlockPixels * 4;
}

std::int64_t MosaicPlan::bytes_fits() const {
  int const images = 2 + (request.options.enable_err ? 1 + (request.options.report_var ? 3 : 0) : 0);
  return grid.nx * grid.ny * 4 * (images + (writes_dense_context() ? dense_context_planes() : 0)) +
         (std::int64_t{1} << 20);
}

bool MosaicPlan::writes_dense_context() const {
  return request.options.enable_ctx &&
         grid.nx * grid.ny * 4 * dense_context_planes() <= request.options.dense_context_limit;
}

std::vector<model::SkyPolygon> corrected_footprints(parallel::Communicator const& communicator,
                                                    MosaicRequest const& request,
                                                    std::vector<store::ExposureRecord> const& records,
                                                    store::Ledger const& ledger) {
  return exchange::corrected_footprints(communicator, request.members, records, ledger);
}

model::SkyGrid plan_grid(std::vector<MosaicRequest const*> const& requests,
                         std::vector<std::vector<model::SkyPolygon>> const& footprints,
                         std::vector<store::ExposureRecord> const& records) {
  std::vector<model::SkyPolygon> all;
  for (auto const& part : footprints) all.insert(all.end(), part.begin(), part.end());
  auto const& first = records[static_cast<std::size_t>(requests.front()->members.front())];
  return exchange::make_sky_grid(all, first, requests.front()->options.grid);
}

MosaicPlan plan_mosaic(MosaicRequest request, model::SkyGrid const& grid,
                       std::vector<model::SkyPolygon> const& footprints,
                       std::vector<store::ExposureRecord> const& records, std::string const& ledger_hash) {
  auto const drizzle = request.options.drizzle(grid.pixel_scale_ratio);
  MosaicPlan plan{
      exchange::plan_sky(request.members, grid, footprints, records, drizzle), std::move(request), {}, 0, {}, {}};
  plan.context_offset.resize(plan.block_members.size());
  for (std::size_t block = 0; block < plan.block_members.size(); ++block) {
    plan.context_offset[block] = plan.context_planes;
    auto const count = static_cast<std::int64_t>(plan.block_members[block].size());
    if (plan.request.options.enable_ctx) plan.context_planes += (count + 31) / 32;
  }

  store::Manifest manifest;
  manifest.step = "resample";
  manifest.algorithm = ResampleAlgorithm;
  manifest.parameters = pixel_parameters(plan.request.options);
  manifest.inputs = manifest_inputs(plan, records, ledger_hash);
  plan.key = manifest.key();
  plan.ledger_hash = ledger_hash;
  return plan;
}

std::vector<std::pair<std::string, std::string>> manifest_inputs(MosaicPlan const& plan,
                                                                 std::vector<store::ExposureRecord> const& records,
                                                                 std::string const& ledger_hash) {
  auto const& g = plan.grid;
  std::vector<std::pair<std::string, std::string>> inputs;
  inputs.emplace_back(
      "grid", io::sha256(fmt::format("{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", g.nx, g.ny, g.crpix.x,
                                     g.crpix.y, g.crval.ra, g.crval.dec, g.cdelt[0], g.cdelt[1], g.pc[0][0], g.pc[0][1],
                                     g.pc[1][0], g.pc[1][1], g.pixel_scale_ratio, g.bounding_box[0][0],
                                     g.bounding_box[0][1], g.bounding_box[1][0], g.bounding_box[1][1])));
  inputs.emplace_back("dense context", plan.writes_dense_context() ? "written" : "left out");
  if (!ledger_hash.empty()) inputs.emplace_back("ledger", ledger_hash);
  for (int const member : plan.request.members) {
    auto const& record = records[static_cast<std::size_t>(member)];
    inputs.emplace_back(record.identity.label(), record.header_hash);
  }
  return inputs;
}

}  // namespace tessera::steps
