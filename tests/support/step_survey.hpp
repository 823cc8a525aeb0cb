// Small surveys made for the tests of one step: exposures in files, and what the step makes of them.
#pragma once
#include "support/exposure_files.hpp"
#include "support/step_run.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::test {

/// Exposures of target ngc0628 in files of a scratch folder; products of a run lie in a folder of `label`.
class StepSurvey {
 public:
  std::filesystem::path const& folder() const { return scratch_.path(); }
  std::filesystem::path file(std::string const& exposure) const { return folder() / (exposure + "_cal.fits"); }
  std::filesystem::path ledger_file(std::string const& band) const {
    return store::ledger_path(folder() / label / band, order_, step_);
  }
  /// What the last run wrote.
  store::Ledger ledger(std::string const& band) const { return store::Ledger::of({{step_, ledger_file(band)}}); }

  parallel::Communicator world = parallel::Communicator::world();
  std::vector<store::ExposureRecord> records;
  std::string label = "run";

 protected:
  StepSurvey(std::string const& name, std::string step, int order)
      : step_(std::move(step)), order_(order), scratch_(name) {}

  /// Takes up the file of an exposure, already there, on all ranks.
  store::ExposureRecord& take_up(std::string const& band, std::string const& exposure) {
    std::vector<store::InputNote> notes;
    return records.emplace_back(
        store::examine_exposure({"ngc0628", band, file(exposure).string(), "", ""}, notes).value());
  }

  /// Writes an exposure on the root and takes it up on all ranks.
  void add_planes(std::string const& band, std::string const& exposure, std::string const& group, std::int64_t nx,
                  std::int64_t ny, model::Header const& image, std::vector<TestPlane> const& planes,
                  model::Header const& primary) {
    if (world.is_root()) write_exposure(file(exposure), nx, ny, primary, image, planes);
    world.barrier();
    take_up(band, exposure).group_id = group;
  }

  /// One task a band, in order of first appearance.
  template <class ParametersOf>
  std::vector<steps::BandTask> tasks_with(ParametersOf&& parameters_of) const {
    return make_band_tasks(records, step_, order_, folder() / label, parameters_of);
  }

 private:
  std::string step_;
  int order_;
  ScratchFolder scratch_;
};

}  // namespace tessera::test
