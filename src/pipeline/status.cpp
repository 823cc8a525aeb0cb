#include "tessera/pipeline/status.hpp"

#include <fmt/format.h>

#include "tessera/steps/resample/mosaic_file.hpp"
#include "tessera/steps/resample/write_i2d.hpp"
#include "tessera/store/manifest.hpp"

namespace tessera::pipeline {

namespace {

std::string status_of(RunPlan const& plan, steps::MosaicPlan const& mosaic) {
  auto const product = steps::i2d_path(mosaic);
  auto const before = store::read_manifest(product);
  if (before && std::filesystem::exists(product)) {
    if (before->key() == mosaic.key) return "up to date";
    store::Manifest now;
    now.step = "resample";
    now.algorithm = steps::ResampleAlgorithm;
    now.parameters = steps::pixel_parameters(mosaic.request.options);
    now.inputs = steps::manifest_inputs(mosaic, plan.request.inventory.records, mosaic.ledger_hash);
    return "to be made again: " + store::describe_difference(*before, now);
  }
  auto const finished = steps::MosaicJournal(mosaic, 0).finished_blocks();
  if (!finished.empty()) return fmt::format("half made: {} of {} blocks", finished.size(), mosaic.order.size());
  return "to be made";
}

}  // namespace

std::string describe_status(RunPlan const& plan) {
  std::string text;
  for (auto const& mosaic : plan.mosaics)
    text += fmt::format("{:<44} {}\n", mosaic.request.product, status_of(plan, mosaic));
  for (auto const& line : plan.request.missing) text += "cannot run: " + line + "\n";
  return text;
}

}  // namespace tessera::pipeline
