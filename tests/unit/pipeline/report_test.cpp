// The whole page, of runs that are made up.
#include "tessera/pipeline/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <sstream>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/quicklook.hpp"
#include "tessera/pipeline/ledger_steps.hpp"
#include "tessera/steps/resample/mosaic_quicklook.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::pipeline {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

std::size_t count(std::string const& text, std::string const& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

class Report : public testing::Test {
 protected:
  Report() { plan_.request.report_folder = folder_.path() / "v1"; }

  /// A mosaic that is there; with its pictures where `picture` is a file.
  void add_mosaic(std::string const& target, std::string const& band, bool is_aligned, fs::path const& picture = {}) {
    steps::MosaicPlan mosaic;
    mosaic.request.target = target;
    mosaic.request.band = band;
    mosaic.request.folder = plan_.request.report_folder / target / band / "lv3";
    mosaic.request.product = target + "_" + band;
    mosaic.request.is_aligned = is_aligned;
    if (is_aligned) mosaic.request.file_name = mosaic.request.product + "_i2d_align.fits";
    mosaic.grid.nx = 400;
    mosaic.grid.ny = 300;
    fs::create_directories(mosaic.request.folder);
    std::ofstream(steps::i2d_path(mosaic)) << "a mosaic";
    if (!picture.empty())
      for (auto const& name : steps::quicklook_paths(mosaic)) fs::create_symlink(picture, name);
    plan_.mosaics.push_back(std::move(mosaic));
  }
  /// level_match of a (target, band), with so many pairs in each of three stages.
  void add_levels(std::string const& target, std::string const& band, int pairs) {
    auto const steps = ledger_steps();
    auto const step =
        std::find_if(steps.begin(), steps.end(), [](auto const& each) { return each.name == "level_match"; });
    if (plan_.request.steps.empty()) plan_.request.steps.push_back({&*step, 1, {}});
    BandWork work;
    work.target = target;
    work.band.name = band;
    work.target_dir = plan_.request.report_folder / target;
    work.products = work.target_dir / band / "level_match";
    fs::create_directories(work.products / "plots");
    std::ofstream table(work.products / "level_match_pairs.csv");
    table << "stage,set,i,j,n_pix,delta,rms,used,verdict,weight,residual,slope_x,slope_y,level\n";
    for (auto const* stage : {"dithers", "combine_nircam_short", "mosaic_tiles"}) {
      auto const stem = (work.products / "plots" / ("level_match_" + std::string(stage))).string();
      std::ofstream nodes(stem + "_nodes.tsv"), edges(stem + "_edges.tsv");
      nodes << "# image\teast\tnorth\tgroup\n";
      edges << "# east 1\tnorth 1\teast 2 - east 1\tnorth 2 - north 1\t|left|\tused\tbefore\terror\tleft\n";
      for (int k = 0; k < pairs; ++k) {
        nodes << "image\t" << 3.1 * k << "\t" << (k * 7919) % 101 << "\t0\n";
        edges << 3.1 * k << "\t" << (k * 7919) % 101 << "\t3.1\t5\t0.001\t1\t0.1\t0.01\t0.001\n";
        table << stage << ",s,a,b,1000," << 0.1 * k << ",0.1,1,used,1,0.001,,,\n";
      }
    }
    plan_.request.steps.front().bands.push_back(std::move(work));
  }
  std::string write(std::vector<parallel::Failure> const& failures = {}, ExitStatus status = ExitStatus::Complete,
                    std::vector<StepTiming> const& timing = {}) {
    auto const path = plan_.request.report_folder / "report" / "index.html";
    fs::create_directories(path.parent_path());
    write_report(path, plan_, timing, failures, status);
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  test::ScratchFolder folder_{"report"};
  RunPlan plan_;
};

TEST_F(Report, OfARunOfNothingIsAPage) {
  auto const page = write();
  EXPECT_THAT(page, testing::StartsWith("<!DOCTYPE html>"));
  EXPECT_THAT(page, testing::EndsWith("</html>\n"));
  EXPECT_THAT(page, HasSubstr("complete"));
}

TEST_F(Report, ListsWhatFailedUnderItsTargetToo) {
  add_mosaic("ngc1", "F300M", false);
  add_mosaic("ngc12", "F300M", false);
  plan_.request.warnings = {"be careful"};
  auto const page =
      write({{"ngc12/F300M/jw1", "no stars", 3, 0}, {"ngc12 F300M", "worse", 3, 0}}, ExitStatus::Incomplete);
  EXPECT_THAT(page, HasSubstr("be careful"));
  auto const first = page.find("<h2>ngc1</h2>"), second = page.find("<h2>ngc12</h2>");
  ASSERT_LT(first, second);
  EXPECT_EQ(count(page.substr(0, first), "no stars"), 1u);
  EXPECT_EQ(count(page.substr(first, second - first), "no stars"), 0u);
  EXPECT_EQ(count(page.substr(second), "no stars"), 1u);
  EXPECT_EQ(count(page.substr(second), "worse"), 1u);
}

TEST_F(Report, SaysOfEachListedStepWhetherItRan) {
  plan_.request.configuration_json =
      R"({"targets": ["ngc1"], "bands": ["F300M", "F1000W"], "steps": ["lv1", "level_match.nircam", "lv3"]})";
  add_mosaic("ngc1", "F300M", false);
  add_levels("ngc1", "F300M", 3);
  auto const row = [](std::string const& page, std::string const& name) {
    auto const at = page.find("<th scope=\"row\">" + name + "</th>", page.find("<h3>What ran</h3>"));
    return at == std::string::npos ? std::string("absent") : page.substr(at, page.find("</tr>", at) - at);
  };
  auto page = write();
  EXPECT_EQ(count(row(page, "lv1"), "not built yet"), 2u);
  EXPECT_THAT(row(page, "level_match.nircam"), HasSubstr("not done"));
  EXPECT_THAT(row(page, "level_match.nircam"), HasSubstr("<td>&ndash;</td>"));
  EXPECT_THAT(row(page, "lv3: resample"), HasSubstr("1 mosaic<"));
  EXPECT_THAT(row(page, "lv3: resample"), HasSubstr("left out"));
  auto& work = plan_.request.steps.front().bands.front();
  work.members = {0, 1, 2};
  auto const ledger = ledger_file(plan_.request.steps.front(), work);
  fs::create_directories(ledger.parent_path());
  std::ofstream(ledger) << "corrections";
  page = write();
  EXPECT_THAT(row(page, "level_match.nircam"), HasSubstr("3 exposures"));
  // Steps on count rates leave files, or only the time they took.
  plan_.request.configuration_json = R"({"targets": ["ngc1"], "bands": ["F300M"], "steps": ["lv2"]})";
  EXPECT_THAT(row(write({}, ExitStatus::Complete, {{.step = "lv2", .items = 4}}), "lv2"), HasSubstr("ran"));
  auto const folder = plan_.request.report_folder / "ngc1" / "F300M" / "lv2";
  fs::create_directories(folder);
  std::ofstream(folder / "jw1_cal.fits") << "x";
  EXPECT_THAT(row(write(), "lv2"), HasSubstr("1 exposure<"));
}

TEST_F(Report, MeasuresTheLevelsOfPairs) {
  add_mosaic("ngc1", "F300M", false);
  add_levels("ngc1", "F300M", 3);
  // Differences 0, 0.1 and 0.2: rms sqrt(0.05 / 3); 0.001 left of each.
  EXPECT_THAT(write(), HasSubstr("<td>dithers</td><td>3 of 3</td><td>0.1291</td><td>0.001</td><td>0.001</td>"));
}

TEST_F(Report, SurvivesConfigurationsThatAreNone) {
  for (auto const* text : {"{", "[]", R"({"steps": 3, "targets": [1], "bands": {}})", "\"\xff\""}) {
    plan_.request.configuration_json = text;
    EXPECT_THAT(write(), testing::EndsWith("</html>\n")) << text;
  }
}

TEST_F(Report, OfNineteenTargetsInEightBandsStaysBelow20MB) {
  // Noise is the worst that a picture can be.
  std::mt19937 random(1);
  std::vector<float> values(400 * 300);
  for (auto& value : values) value = static_cast<float>(random() % 10000);
  auto const picture = folder_.path() / "noise.png";
  io::write_quicklook(picture, values, 400, 300, {});
  for (int t = 0; t < 19; ++t)
    for (int b = 0; b < 8; ++b) {
      auto const target = "ngc" + std::to_string(t), band = "F" + std::to_string(b) + "00W";
      add_mosaic(target, band, false, picture);
      add_mosaic(target, band, true, picture);
      add_levels(target, band, 300);
    }
  auto const page = write();
  EXPECT_LT(page.size(), 20000000u);
  EXPECT_EQ(count(page, "<img "), 2u * 2 * 19 * 8) << "every mosaic is shown";
  EXPECT_GT(count(page, "aria-label=\"Level graph"), 100u);
  EXPECT_THAT(page, HasSubstr("Some drawings are left out"));
}

TEST_F(Report, ThatCannotBeWrittenIsAnError) {
  std::ofstream(folder_.path() / "file") << "x";
  EXPECT_THROW(write_report(folder_.path() / "file" / "index.html", plan_, {}, {}, ExitStatus::Complete), IoError);
}

}  // namespace
}  // namespace tessera::pipeline
