// single_tile_destripe on several ranks: what comes out of the ledger, the same bits, bad input.
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "support/step_survey.hpp"
#include "support/vector_noise.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/steps/single_tile_destripe/single_tile_destripe_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {
namespace {

constexpr std::int64_t Side = 256;
constexpr double Noise = 0.1, Stripes = 0.1;
/// Error of a row median, and what a filter takes off white stripes in 248 rows.
constexpr double MostLeft = 0.35 * Stripes;

using Settings = std::map<std::string, config::Value>;

struct TileFrame {
  std::string instrument = "NIRCAM", subarray = "FULL";
  bool along_y = false, all_flagged = false;
};

class TileSurvey : public test::StepSurvey {
 public:
  explicit TileSurvey(std::string const& name) : StepSurvey(name, "single_tile_destripe", 2) {}

  /// Four amplifiers across the stripes, each with its own; the same in the truth whatever the instrument has.
  void add(TileFrame const& frame = {}, std::string const& band = "F300M") {
    test::VectorNoise random(static_cast<std::uint32_t>(records.size()) + 11);
    bool const is_miri = frame.instrument == "MIRI";
    auto& stripes = truth.emplace_back();
    for (int a = 0; a < 4; ++a) stripes.push_back(random.deviates(Side));
    if (is_miri || frame.subarray != "FULL") stripes.assign(4, stripes.front());
    std::vector<float> sci;
    std::vector<std::uint32_t> dq;
    for (std::size_t y = 0; y < Side; ++y)
      for (std::size_t x = 0; x < Side; ++x) {
        auto const along = frame.along_y ? x : y, across = frame.along_y ? y : x;
        bool const is_hot = (7 * x + 13 * y) % 997 == 0;
        sci.push_back(static_cast<float>(1 + Stripes * stripes[across / 64][along] + Noise * random.deviate() +
                                         (is_hot ? 100 : 0)));
        dq.push_back(is_hot || frame.all_flagged ? 1 : 0);
      }
    sci[40 * Side + 50] = NAN;
    sci[41 * Side + 50] = 0;
    auto primary = test::nircam_primary(band);
    primary.set("INSTRUME", frame.instrument);
    primary.set("SUBARRAY", frame.subarray);
    primary.set("FASTAXIS", frame.along_y ? 2 : 1);
    primary.set("SLOWAXIS", frame.along_y ? 1 : 2);
    model::Header image;
    test::set_tan(image, Side, Side, 30, 10);
    add_planes(band, fmt::format("jw{:02d}_nrcalong", records.size()), "group", Side, Side, image,
               {{"SCI", sci}, {"ERR", std::vector<float>(sci.size(), static_cast<float>(Noise))}, {"DQ", {}, dq}},
               primary);
  }

  std::vector<BandTask> tasks(Settings const& settings) const {
    return tasks_with([&](BandTask const&) {
      config::ResolvedParameters parameters;
      parameters.step = "single_tile_destripe";
      for (auto const& declared : config::find_step(parameters.step)->table.parameters) {
        auto const set = settings.find(declared.key);
        parameters.by_key[declared.key] = {set == settings.end() ? declared.default_value : set->second,
                                           set == settings.end(), declared.type, declared.support};
      }
      return parameters;
    });
  }

  StepOutcome run(Settings const& settings, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30) {
    parallel::ControlChannel control(communicator);
    parallel::MemoryBudget budget(budget_bytes);
    StepContext context{communicator, control, budget, records, 0, {}, false};
    auto outcome = run_single_tile_destripe(context, tasks(settings));
    EXPECT_EQ(budget.reserved(), 0);
    return outcome;
  }
  StepOutcome run(Settings const& settings = {}) {
    auto outcome = run(settings, world);
    world.barrier();
    return outcome;
  }

  std::vector<model::LedgerEntry> entries(std::size_t k) const {
    return ledger(records[k].identity.band).entries(records[k].identity);
  }
  model::StripeCorrection stripes(std::size_t k, std::size_t entry) const {
    return std::get<model::StripeCorrection>(entries(k).at(entry).correction);
  }

  std::vector<float> pixels(std::size_t k, bool with_ledger) const {
    store::ExposureReader const reader(records[k], with_ledger ? ledger(records[k].identity.band) : store::Ledger());
    model::RowBand band;
    reader.read_rows(0, Side, {model::Plane::Sci}, band);
    return band.sci;
  }

  /// rms of the stripes that are left in the pixels that are corrected, less their mean.
  double left(std::size_t k, bool along_y = false, std::size_t border = 4, std::size_t first_column = 0) const {
    auto const before = pixels(k, false), after = pixels(k, true);
    std::vector<double> all;
    for (std::size_t y = border; y < Side - border; ++y)
      for (std::size_t x = std::max(border, first_column); x < Side - border; ++x) {
        auto const at = y * Side + x;
        if (!std::isfinite(before[at]) || before[at] == 0) continue;
        double const stripe = Stripes * truth[k][(along_y ? y : x) / 64][along_y ? x : y];
        all.push_back(stripe + static_cast<double>(after[at]) - static_cast<double>(before[at]));
      }
    double mean = 0, squares = 0;
    for (double const value : all) mean += value / static_cast<double>(all.size());
    for (double const value : all) squares += (value - mean) * (value - mean);
    return std::sqrt(squares / static_cast<double>(all.size()));
  }

  std::vector<std::vector<std::vector<double>>> truth;  ///< [exposure][amplifier][row], of rms 1
};

Settings const phangs{{"filter_diffuse", true},
                      {"dilate_size", std::int64_t{7}},
                      {"filter_scales", config::Value(config::Value::List{3, 7, 15, 31, 63, 127, 255, 511})}};

TEST(RunSingleTileDestripe, LeavesWhatAMedianCannotSee) {
  TileSurvey survey("single-tile");
  for (int k = 0; k < 3; ++k) survey.add();
  EXPECT_TRUE(survey.run(phangs).failures.empty());
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_LT(survey.left(k), MostLeft);
    EXPECT_EQ(survey.entries(k).size(), 2u);
  }
  EXPECT_EQ(survey.stripes(0, 0).bounds, (std::vector<std::int64_t>{4, 64, 128, 192, 252}));
  EXPECT_EQ(survey.stripes(0, 1).direction, model::StripeCorrection::Direction::Columns);
  auto const before = survey.pixels(0, false), after = survey.pixels(0, true);
  EXPECT_TRUE(std::isnan(after[40 * Side + 50]));
  EXPECT_EQ(after[41 * Side + 50], 0);
  for (std::size_t k = 0; k < 4 * Side; ++k) EXPECT_EQ(after[k], before[k]) << "reference pixels";
}

TEST(RunSingleTileDestripe, FollowsTheFastAxis) {
  TileSurvey survey("single-tile-niriss");
  TileFrame frame;
  frame.instrument = "NIRISS";
  frame.along_y = true;
  survey.add(frame);
  EXPECT_TRUE(survey.run(phangs).failures.empty());
  EXPECT_LT(survey.left(0, true), MostLeft);
  EXPECT_EQ(survey.stripes(0, 0).direction, model::StripeCorrection::Direction::Columns);
  EXPECT_EQ(survey.stripes(0, 0).bounds.size(), 5u) << "four horizontal amplifiers";
  EXPECT_EQ(survey.stripes(0, 1).direction, model::StripeCorrection::Direction::Rows);
}

TEST(RunSingleTileDestripe, HasNoAmplifiersInSubarraysAndMiri) {
  TileSurvey survey("single-tile-whole");
  TileFrame subarray;
  subarray.subarray = "SUB256";
  survey.add(subarray);
  TileFrame miri;
  miri.instrument = "MIRI";
  survey.add(miri, "F770W");
  EXPECT_TRUE(survey.run(phangs).failures.empty());
  for (std::size_t k = 0; k < 2; ++k) {
    EXPECT_EQ(survey.stripes(k, 0).bounds, (std::vector<std::int64_t>{0, Side}));
    EXPECT_LT(survey.left(k, false, 0), MostLeft);
  }
}

TEST(RunSingleTileDestripe, KeepsTheLevelsOfAmplifiersApart) {
  TileSurvey survey("single-tile-levels");
  survey.add();
  EXPECT_TRUE(survey.run({{"vertical_subtraction", false}}).failures.empty());
  for (auto const& entry : survey.entries(0))
    EXPECT_EQ(std::get<model::StripeCorrection>(entry.correction).direction, model::StripeCorrection::Direction::Rows);
}

TEST(RunSingleTileDestripe, WritesATableAndAPicture) {
  TileSurvey survey("single-tile-products");
  survey.add();
  survey.add();
  survey.run(phangs);
  auto const products = survey.tasks(phangs).front().products;
  EXPECT_TRUE(std::filesystem::exists(products / "plots" / "jw00_nrcalong_single_tile_destripe.png"));
  EXPECT_FALSE(std::filesystem::exists(products / "plots" / "jw01_nrcalong_single_tile_destripe.png"));
  std::ifstream table(products / "stripes.csv");
  std::string line;
  std::getline(table, line);
  EXPECT_EQ(line, "exposure,half,amplifiers,rms_rows,rms_columns,lowest_level,highest_level");
  std::getline(table, line);
  ASSERT_TRUE(line.starts_with("jw00_nrcalong,whole,4,")) << line;
  EXPECT_NEAR(std::stod(line.substr(22)), Stripes, 0.2 * Stripes);
}

TEST(RunSingleTileDestripe, KeepsItsModels) {
  TileSurvey survey("single-tile-models");
  survey.add();
  auto settings = phangs;
  settings["save_model"] = true;
  EXPECT_TRUE(survey.run(settings).failures.empty());
  auto const file = io::FitsFile::open(survey.tasks(settings).front().products / "jw00_nrcalong_stripes.fits");
  std::vector<float> model(Side * Side);
  file.read_rows(file.require("MODEL"), 0, Side, model.data());
  auto const before = survey.pixels(0, false), after = survey.pixels(0, true);
  for (std::size_t k = 0; k < model.size(); ++k) {
    if (!std::isfinite(before[k]) || before[k] == 0) continue;
    ASSERT_NEAR(before[k] - after[k], model[k], 1e-5) << k;
  }
}

/// What is found along a row that a person's regions leave a quarter of the columns of.
TEST(RunSingleTileDestripe, DoesNotMeasureInRegions) {
  TileSurvey survey("single-tile-regions");
  survey.add();
  auto const path = std::filesystem::path(survey.records[0].path).parent_path() / "mask.reg";
  if (survey.world.is_root()) std::ofstream(path) << "image\nbox(33,129,64,300,0)\n";  // the first amplifier
  survey.world.barrier();
  auto settings = phangs;
  settings["region_mask"] = path.string();
  EXPECT_TRUE(survey.run(settings).failures.empty());
  double common = 0, own = 0;
  auto const rows = survey.stripes(0, 0).profile;
  for (std::size_t y = 4; y < Side - 4; ++y) {
    own += static_cast<double>(rows[0][y]) * survey.truth[0][0][y];
    common += static_cast<double>(rows[0][y]) * (survey.truth[0][1][y] + survey.truth[0][2][y] + survey.truth[0][3][y]);
  }
  EXPECT_GT(common, 10 * std::abs(own)) << "stripes of the other amplifiers stand in";
  survey.label = "broken";
  if (survey.world.is_root()) std::ofstream(path) << "image\nbox(33,129)\n";
  survey.world.barrier();
  auto const broken = survey.run(settings);
  ASSERT_EQ(broken.failures.size(), 1u);
  EXPECT_NE(broken.failures[0].message.find("mask.reg, line 2"), std::string::npos) << broken.failures[0].message;
}

/// Bytes of the profiles of all entries.
std::string bits_of(TileSurvey const& survey) {
  std::string bits;
  for (std::size_t k = 0; k < survey.records.size(); ++k)
    for (auto const& entry : survey.entries(k))
      for (auto const& profile : std::get<model::StripeCorrection>(entry.correction).profile)
        bits.append(reinterpret_cast<char const*>(profile.data()), profile.size() * sizeof(float));
  return bits;
}

TEST(RunSingleTileDestripe, HasTheSameBitsForAnyRanks) {
  TileSurvey survey("single-tile-bits");
  for (int k = 0; k < 4; ++k) survey.add();
  survey.add({}, "F335M");
  survey.label = "all";
  survey.run(phangs);
  auto const all = bits_of(survey);
  EXPECT_EQ(all.size(), 5u * (4 * Side + Side) * sizeof(float));
  survey.label = "one";
  if (survey.world.is_root()) {
    EXPECT_TRUE(survey.run(phangs, {}).failures.empty());
  }
  survey.world.barrier();
  EXPECT_EQ(bits_of(survey), all);
}

TEST(RunSingleTileDestripe, ReportsWhatIsBrokenAndDoesTheRest) {
  TileSurvey survey("single-tile-broken");
  survey.add();
  TileFrame flagged;
  flagged.all_flagged = true;
  survey.add(flagged);
  survey.add();
  survey.world.barrier();  // all have taken it up
  if (survey.world.is_root()) std::filesystem::resize_file(survey.records[2].path, 9000);
  survey.world.barrier();
  auto const outcome = survey.run(phangs);
  ASSERT_EQ(outcome.failures.size(), 2u);
  std::string all;
  for (auto const& failure : outcome.failures) all += failure.item + ": " + failure.message + "\n";
  EXPECT_NE(all.find("no pixel can be used"), std::string::npos) << all;
  EXPECT_NE(all.find(survey.records[2].identity.label()), std::string::npos) << all;
  EXPECT_EQ(survey.entries(0).size(), 2u);
  EXPECT_TRUE(survey.entries(1).empty());
}

TEST(RunSingleTileDestripe, RefusesWhatItDoesNotHave) {
  TileSurvey survey("single-tile-refuse");
  survey.add();
  auto const pca = survey.run({{"destriping_method", "pca"}});
  ASSERT_EQ(pca.failures.size(), 1u);
  EXPECT_NE(pca.failures[0].message.find("before lv2"), std::string::npos) << pca.failures[0].message;
  auto const wisps = survey.run({{"wisp_template", "wisps.fits"}});
  ASSERT_EQ(wisps.failures.size(), 1u);
  EXPECT_NE(wisps.failures[0].message.find("before lv2"), std::string::npos) << wisps.failures[0].message;
  auto const scales = survey.run({{"filter_scales", config::Value(config::Value::List{3, -7})}});
  ASSERT_EQ(scales.failures.size(), 1u);
  auto const memory = survey.run(phangs, survey.world, std::int64_t{1} << 20);
  ASSERT_EQ(memory.failures.size(), 1u);
  EXPECT_NE(memory.failures[0].message.find("memory"), std::string::npos) << memory.failures[0].message;
}

TEST(RunSingleTileDestripe, GoesOnAfterAStop) {
  TileSurvey survey("single-tile-stop");
  survey.add();
  survey.add();
  {
    parallel::ControlChannel control(survey.world);
    parallel::MemoryBudget budget(std::int64_t{1} << 30);
    StepContext context{survey.world, control, budget, survey.records, 0, {}, false};
    control.raise(parallel::StopRequest::FinishItems);
    EXPECT_TRUE(run_single_tile_destripe(context, survey.tasks(phangs)).stopped);
    survey.world.barrier();
  }
  EXPECT_FALSE(std::filesystem::exists(survey.ledger_file("F300M")));
  EXPECT_FALSE(survey.run(phangs).stopped);
  EXPECT_EQ(survey.entries(1).size(), 2u);
}

}  // namespace
}  // namespace tessera::steps
