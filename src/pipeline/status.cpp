#include "tessera/pipeline/status.hpp"

#include <fmt/format.h>

#include <set>

#include "tessera/pipeline/run_ledger_steps.hpp"
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

/// State of a ledger file. A step after one that is not up to date will see other corrections, and is made again.
std::string status_of(RunRequest const& request, PlannedStep const& planned, BandWork const& work,
                      std::set<std::pair<std::string, std::string>>& changed) {
  auto const file = ledger_file(planned, work);
  if (changed.contains({work.target, work.band.name})) return "to be made after the steps before it";
  auto const ledger = store::Ledger::of(ledger_files(request.steps, work.target, work.band.name, planned.order));
  auto const now = ledger_manifest(request, planned, work, ledger);
  auto const before = store::read_manifest(file);
  bool const is_there = before && std::filesystem::exists(file);
  if (is_there && before->key() == now.key()) return "up to date";
  changed.insert({work.target, work.band.name});
  if (is_there) return "to be made again: " + store::describe_difference(*before, now);
  return std::filesystem::is_directory(std::filesystem::path(file).replace_extension(".journal")) ? "half made"
                                                                                                  : "to be made";
}

/// A catalogue of a mosaic that is to be made again is too; that is said of the mosaic.
std::string status_of(MosaicWork const& work) {
  auto const before = store::read_manifest(work.task.product);
  if (!before || !std::filesystem::exists(work.task.product)) return "to be made";
  auto const now = mosaic_manifest(work);
  return before->key() == now.key() ? "up to date" : "to be made again: " + store::describe_difference(*before, now);
}

}  // namespace

std::string describe_status(RunPlan const& plan) {
  std::string text;
  std::set<std::pair<std::string, std::string>> changed;  // exposures of (target, band), before the mosaics
  std::set<std::pair<std::string, std::string>> moved;    // and after them
  for (auto const& planned : plan.request.steps) {
    if (planned.step->after_mosaics) moved.insert(changed.begin(), changed.end());
    for (auto const& work : planned.bands)
      text += fmt::format("{:<44} {}\n", planned.step->name + " of " + work.target + " " + work.band.name,
                          status_of(plan.request, planned, work, planned.step->after_mosaics ? moved : changed));
  }
  auto const is_changed = [&](steps::MosaicRequest const& mosaic) {
    return changed.contains({mosaic.target, mosaic.band}) ||
           (mosaic.is_aligned && moved.contains({mosaic.target, mosaic.band}));
  };
  for (auto const& mosaic : plan.mosaics)
    text += fmt::format("{:<44} {}\n", steps::i2d_path(mosaic).stem().string(),
                        is_changed(mosaic.request) ? "to be made after the steps before it" : status_of(plan, mosaic));
  for (auto const& work : plan.request.mosaic_steps)
    text += fmt::format("{:<44} {}\n", work.task.product.filename().string(), status_of(work));
  for (auto const& line : plan.request.missing) text += "cannot run: " + line + "\n";
  return text;
}

}  // namespace tessera::pipeline
