// lyot_mask, lyot_separate and apply_wcs_adjust on several ranks: the bytes of one rank, and what the masks hold.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "support/exposure_files.hpp"
#include "support/step_run.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/steps/apply_wcs_adjust/apply_wcs_adjust_step.hpp"
#include "tessera/steps/lyot_mask/lyot_mask_step.hpp"
#include "tessera/steps/lyot_separate/lyot_separate_step.hpp"
#include "tessera/store/coronagraph.hpp"
#include "tessera/store/exposure_reader.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {
namespace {

constexpr std::int64_t Nx = store::MiriColumns, Ny = store::MiriRows;
constexpr int Count = 5;

model::Header miri_primary() {
  auto header = test::nircam_primary("F1000W", "");
  header.set("INSTRUME", "MIRI");
  header.set("DETECTOR", "MIRIMAGE");
  header.set("EXP_TYPE", "MIR_IMAGE");
  return header;
}

std::filesystem::path path_of(std::filesystem::path const& folder, int k) {
  return folder / fmt::format("jw0210704{}001_02101_0000{}_mirimage_cal.fits", k / 2, k + 1);
}

/// Five dithers, turned a little; one is far away, one is a subarray. A tenth of the pixels is bad.
void write_files(std::filesystem::path const& folder) {
  std::mt19937 random(2);
  for (int k = 0; k < Count; ++k) {
    std::int64_t const ny = k == 4 ? 512 : Ny;
    auto const count = static_cast<std::size_t>(Nx * ny);
    std::vector<std::uint32_t> flags(count, 0);
    for (auto& flag : flags) flag = random() % 10 == 0 ? dq::NonScience : random() % 7 == 0 ? dq::JumpDet : 0;
    model::Header image;
    test::set_tan(image, Nx, ny, 30 + (k == 3 ? 1.0 : 0.004 * k), 10 - 0.003 * k, 0.11, 3.0 * k);
    test::write_exposure(path_of(folder, k), Nx, ny, miri_primary(), image,
                         {{"SCI", std::vector<float>(count, 1)}, {"DQ", {}, flags}});
  }
}

class LyotSteps : public testing::Test {
 protected:
  LyotSteps() {
    if (world_.is_root()) write_files(scratch_.path());
    world_.barrier();
    std::vector<store::InputNote> notes;
    for (int k = 0; k < Count; ++k)
      records_.push_back(
          store::examine_exposure({"galaxy", "F1000W", path_of(scratch_.path(), k).string(), "", ""}, notes).value());
    world_.barrier();  // all have looked at the files before a test breaks one
  }

  /// Runs a step on all ranks and, in another folder, on each alone (the first rank's counts); gives both hashes.
  template <class Prepare>
  void expect_bytes_of_one_rank(char const* name, StepOutcome (*step)(StepContext&, std::vector<BandTask> const&),
                                std::vector<store::ExposureRecord> const& records, Prepare&& prepare) {
    test::StepRun together(records, world_);
    task_ = together.task(name, scratch_.path() / "together", "F1000W");
    prepare(task_);
    if (world_.is_root()) {
      std::filesystem::create_directories(task_.ledger_file.parent_path());
      std::ofstream(task_.adjustments) << "[wcs_adjust]\njw02107040001.shift = [0.1, 0.2]\n"
                                          "jw02107041001_miri.shift = [-0.3, 0.4]\n";
    }
    world_.barrier();
    EXPECT_TRUE(together.run(step, {task_}).failures.empty());
    world_.barrier();
    if (world_.is_root()) {
      test::StepRun alone(records);
      auto task = alone.task(name, scratch_.path() / "alone", "F1000W");
      prepare(task);
      std::filesystem::create_directories(task.ledger_file.parent_path());
      std::filesystem::copy_file(task_.adjustments, task.adjustments,
                                 std::filesystem::copy_options::overwrite_existing);
      EXPECT_TRUE(alone.run(step, {task}).failures.empty());
      EXPECT_EQ(io::sha256_of_file(task_.ledger_file), io::sha256_of_file(task.ledger_file));
    }
    world_.barrier();
  }

  static void set_method(BandTask& task, char const* method) {
    task.parameters.by_key["method"] = {config::Value(std::string(method)), false, config::ParameterType::Text,
                                        config::Support::Built};
  }
  std::vector<model::LedgerEntry> entries_of(int k) const {
    return test::ledger_of(task_).entries(records_[static_cast<std::size_t>(k)].identity);
  }

  parallel::Communicator world_ = parallel::Communicator::world();
  test::ScratchFolder scratch_{"lyot-steps"};
  std::vector<store::ExposureRecord> records_;
  BandTask task_;
};

TEST_F(LyotSteps, MaskFlagsTheBoxOfFullImages) {
  expect_bytes_of_one_rank("lyot_mask", run_lyot_mask, records_, [](BandTask& task) { set_method(task, "mask"); });
  for (int k = 0; k < Count; ++k) {
    auto const entries = entries_of(k);
    ASSERT_EQ(entries.size(), k == 4 ? 0u : 1u);
    if (k == 4) continue;
    EXPECT_EQ(std::get<model::RegionFlag>(entries[0].correction).bits, 513u);
    EXPECT_EQ(entries[0].region, (model::PixelBox{0, 735, 290, 1024}));
  }
}

TEST_F(LyotSteps, MaskOverlapFlagsWhatTheImagerOfAnotherExposureSaw) {
  expect_bytes_of_one_rank("lyot_mask", run_lyot_mask, records_,
                           [](BandTask& task) { set_method(task, "mask_overlap"); });
  EXPECT_TRUE(entries_of(3).empty()) << "nobody else looked there";
  EXPECT_TRUE(entries_of(4).empty()) << "a subarray has no coronagraph";
  if (!world_.is_root()) return;
  // every pixel through the headers' own WCS, every other exposure
  std::vector<sky::WcsPointer> wcs;
  std::vector<std::vector<std::uint32_t>> dq(Count);
  for (int k = 0; k < Count; ++k) {
    auto const file = io::FitsFile::open(path_of(scratch_.path(), k));
    auto const& hdu = file.require("DQ");
    wcs.push_back(sky::make_fits_wcs(file.require("SCI").header, hdu.nx(), hdu.ny()));
    dq[static_cast<std::size_t>(k)].resize(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
    file.read_rows(hdu, 0, hdu.ny(), dq[static_cast<std::size_t>(k)].data());
  }
  for (int k = 0; k < 3; ++k) {
    auto const entries = entries_of(k);
    ASSERT_EQ(entries.size(), 1u);
    auto const& flags = std::get<model::FlagCorrection>(entries[0].correction);
    EXPECT_EQ(flags.bits, 513u);
    std::size_t differing = 0, flagged = 0, bit = 0;
    for (std::int64_t y = 735; y < 1024; ++y)
      for (std::int64_t x = 0; x < 290; ++x, ++bit) {
        auto const sky = wcs[static_cast<std::size_t>(k)]->pixel_to_sky(
            sky::PixelPoint{static_cast<double>(x), static_cast<double>(y)});
        bool seen = false;
        for (std::size_t other = 0; other < Count; ++other) {
          if (static_cast<int>(other) == k) continue;
          std::int64_t const ny = other == 4 ? 512 : Ny;
          auto const p = wcs[other]->sky_to_pixel(sky);
          if (!(p.x >= -0.5 && p.x < Nx - 0.5 && p.y >= -0.5 && p.y < static_cast<double>(ny) - 0.5)) continue;
          auto const i = static_cast<std::int64_t>(std::floor(p.x + 0.5)),
                     j = static_cast<std::int64_t>(std::floor(p.y + 0.5));
          bool const is_corner = other != 4 && j >= 735 && i < 290;
          seen = seen || (!is_corner && !(dq[other][static_cast<std::size_t>(j * Nx + i)] & 513));
        }
        bool const said = (flags.mask.at(bit / 8) >> (bit % 8)) & 1;
        differing += said != seen;
        flagged += said;
      }
    EXPECT_GT(flagged, 1000u) << k;
    EXPECT_LE(differing, 2u) << k << ": positions on the edge of two pixels alone";
  }
}

TEST_F(LyotSteps, SeparateFlagsEachHalfWhereTheOtherIs) {
  std::vector<store::ExposureRecord> halves;
  for (auto const& record : records_)
    for (auto const half : {model::Half::Imager, model::Half::Lyot}) {
      if (half == model::Half::Lyot && !store::has_coronagraph(record)) continue;
      halves.push_back(record);
      halves.back().identity.half = half;
    }
  expect_bytes_of_one_rank("lyot_separate", run_lyot_separate, halves, [](BandTask&) {});
  auto const ledger = test::ledger_of(task_);
  for (auto const& half : halves) {
    auto const entries = ledger.entries(half.identity);
    if (half.ny != Ny) {
      EXPECT_TRUE(entries.empty());
    } else {
      EXPECT_EQ(entries.size(), half.identity.half == model::Half::Imager ? 1u : 2u);
    }
  }
}

TEST_F(LyotSteps, AStopLeavesNoFileAndTheNextRunGoesOn) {
  {
    test::StepRun stopped(records_, world_);
    task_ = stopped.task("lyot_mask", scratch_.path() / "stopped", "F1000W");
    set_method(task_, "mask_overlap");
    stopped.control.raise(parallel::StopRequest::FinishItems);
    auto const outcome = stopped.run(run_lyot_mask, {task_});
    EXPECT_TRUE(outcome.stopped);
    world_.barrier();
    EXPECT_FALSE(std::filesystem::exists(task_.ledger_file));
    stopped.control.agree();
  }
  test::StepRun again(records_, world_);
  EXPECT_FALSE(again.run(run_lyot_mask, {task_}).stopped);
  world_.barrier();
  auto const resumed = io::sha256_of_file(task_.ledger_file);
  world_.barrier();
  test::StepRun fresh(records_, world_);
  auto task = fresh.task("lyot_mask", scratch_.path() / "fresh", "F1000W");
  set_method(task, "mask_overlap");
  EXPECT_FALSE(fresh.run(run_lyot_mask, {task}).stopped);
  world_.barrier();
  EXPECT_EQ(io::sha256_of_file(task.ledger_file), resumed);
  world_.barrier();
}

TEST_F(LyotSteps, AnExposureLostOnTheWayFailsAloneAndTheOthersAreCommitted) {
  if (world_.is_root()) std::filesystem::remove(path_of(scratch_.path(), 1));
  world_.barrier();
  test::StepRun survey(records_, world_);
  task_ = survey.task("lyot_mask", scratch_.path() / "lost", "F1000W");
  set_method(task_, "mask_overlap");
  auto const outcome = survey.run(run_lyot_mask, {task_});
  world_.barrier();
  // exposures 0 and 2 need the lost one as well; 3 is alone, 4 has no coronagraph
  EXPECT_EQ(outcome.failures.size(), 3u);
  EXPECT_TRUE(std::filesystem::exists(task_.ledger_file));
  EXPECT_FALSE(std::filesystem::exists(store::manifest_path(task_.ledger_file))) << "the next run tries again";
  world_.barrier();
}

TEST_F(LyotSteps, WcsAdjustGivesTheBytesOfOneRank) {
  expect_bytes_of_one_rank("apply_wcs_adjust", run_apply_wcs_adjust, records_, [](BandTask&) {});
  EXPECT_EQ(entries_of(0).size(), 1u);
  EXPECT_EQ(entries_of(2).size(), 1u);
  EXPECT_EQ(entries_of(4).size(), 0u);
}

}  // namespace
}  // namespace tessera::steps
