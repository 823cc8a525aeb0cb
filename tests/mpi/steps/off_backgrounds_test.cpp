// Combined backgrounds on several ranks: official results, the same bytes for ranks and budgets, bad input, sources.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "off_survey.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::steps {
namespace {

using test::OffScene;
using test::OffSurvey;

constexpr std::int64_t SmallBudget = 3 << 20;

struct Product {
  std::vector<float> sci, err, variance;
  std::vector<std::uint32_t> dq, count;
};

Product read_product(OffBackground const& background) {
  Product product;
  auto const file = io::FitsFile::open(background.product);
  auto const pixels = static_cast<std::size_t>(background.window.nx * background.window.ny);
  auto const read = [&](char const* name, auto& values) {
    values.resize(pixels);
    auto const& hdu = file.require(name);
    EXPECT_EQ(hdu.nx(), background.window.nx);
    EXPECT_EQ(hdu.ny(), background.window.ny);
    file.read_rows(hdu, 0, background.window.ny, values.data());
  };
  read("SCI", product.sci);
  read("ERR", product.err);
  read("VAR", product.variance);
  read("DQ", product.dq);
  read("COUNT", product.count);
  return product;
}

std::string bytes_of(std::filesystem::path const& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// Whether nothing but whole products and manifests is there.
bool holds_products_only(std::filesystem::path const& folder) {
  if (!std::filesystem::exists(folder)) return true;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.is_regular_file() && !entry.path().string().ends_with("_combinedbackground.fits") &&
        !entry.path().string().ends_with(".manifest.json"))
      return false;
  return true;
}

template <class T>
std::vector<T> plane_of(nlohmann::json const& rows) {
  std::vector<T> values;
  for (auto const& row : rows)
    for (auto const& value : row) values.push_back(value.is_null() ? static_cast<T>(NAN) : value.get<T>());
  return values;
}

model::DetectorWindow window_of(nlohmann::json const& plane) {
  return {plane["xstart"].get<std::int64_t>(), plane["ystart"].get<std::int64_t>(),
          static_cast<std::int64_t>(plane["data"][0].size()), static_cast<std::int64_t>(plane["data"].size())};
}

TEST(CombineOffBackgrounds, MakesTheOfficialProducts) {
  OffSurvey const survey("off-vectors");
  auto const cases = test::read_vector("bkg_subtract_cases.json");
  std::vector<OffBackground> backgrounds;
  std::vector<nlohmann::json> expected;
  for (auto const& one : cases) {
    if (one["name"] == "rateints_3d") continue;
    auto const name = fmt::format("case{}", expected.size());
    std::vector<OffExposure> offs;
    for (auto const& off : one["backgrounds"])
      offs.push_back(survey.write_planes(fmt::format("{}_{}", name, offs.size()), window_of(off),
                                         plane_of<float>(off["data"]), plane_of<float>(off["err"]),
                                         plane_of<std::uint32_t>(off["dq"])));
    auto& made =
        backgrounds.emplace_back(survey.background(name, window_of(one["science"]), offs, one["sigma"].get<double>()));
    if (!one["maxiters"].is_null()) made.clip.maxiters = one["maxiters"].get<int>();
    expected.push_back(one);
  }
  ASSERT_EQ(expected.size(), 10u);
  auto const outcome = survey.run(backgrounds);
  EXPECT_TRUE(outcome.failures.empty());
  for (std::size_t c = 0; c < expected.size(); ++c) {
    SCOPED_TRACE(expected[c]["name"].get<std::string>());
    auto const product = read_product(backgrounds[c]);
    auto const& combined = expected[c]["combined"];
    auto const sci = plane_of<float>(combined["data"]), err = plane_of<float>(combined["err"]);
    EXPECT_EQ(product.dq, plane_of<std::uint32_t>(combined["dq"]));
    for (std::size_t k = 0; k < sci.size(); ++k) {
      EXPECT_NEAR(product.sci[k], sci[k], 2e-7 * std::abs(sci[k]));
      if (std::isnan(err[k]))
        EXPECT_TRUE(std::isnan(product.err[k]));
      else
        EXPECT_NEAR(product.err[k], err[k], 2e-7 * err[k]);
    }
    auto const image = read_off_background(backgrounds[c].product, backgrounds[c].window);
    EXPECT_EQ(image.dq, product.dq);
    EXPECT_TRUE(store::read_manifest(backgrounds[c].product).has_value());
  }
}

TEST(CombineOffBackgrounds, IsTheKernelOnWholePlanes) {
  OffSurvey const survey("off-kernel");
  OffScene scene;
  scene.count = 7;
  model::DetectorWindow const window{1, 1, scene.nx, scene.ny};
  std::vector<OffExposure> offs;
  for (auto const& sci : test::make_offs(scene).sci) {
    offs.push_back(survey.write_off(fmt::format("off{}", offs.size()), window, sci));
    offs.back().weight = 1 + 0.25 * static_cast<double>(offs.size());
  }
  auto const background = survey.background("kernel", window, offs);
  EXPECT_TRUE(survey.run({background}, SmallBudget).failures.empty());

  struct Planes {
    std::vector<float> sci, err;
    std::vector<std::uint32_t> dq;
  };
  std::vector<Planes> planes(offs.size());
  std::vector<kernels::BackgroundPixels> pixels;
  auto const count = static_cast<std::size_t>(scene.nx * scene.ny);
  for (std::size_t k = 0; k < offs.size(); ++k) {
    auto const file = io::FitsFile::open(offs[k].path);
    planes[k] = {std::vector<float>(count), std::vector<float>(count), std::vector<std::uint32_t>(count)};
    file.read_rows(file.require("SCI"), 0, scene.ny, planes[k].sci.data());
    file.read_rows(file.require("ERR"), 0, scene.ny, planes[k].err.data());
    file.read_rows(file.require("DQ"), 0, scene.ny, planes[k].dq.data());
    pixels.push_back({planes[k].sci, planes[k].err, planes[k].dq, {}, offs[k].weight});
  }
  auto const combined = kernels::combine_backgrounds(pixels, background.clip);
  auto const product = read_product(background);
  EXPECT_EQ(product.sci, combined.sci);
  EXPECT_EQ(product.err, combined.err);
  EXPECT_EQ(product.variance, combined.variance);
  EXPECT_EQ(product.dq, combined.dq);
  EXPECT_EQ(product.count, std::vector<std::uint32_t>(combined.count.begin(), combined.count.end()));
}

TEST(CombineOffBackgrounds, HasTheSameBytesForAnyRanksAndBudget) {
  OffSurvey const survey("off-same-bytes");
  std::vector<OffBackground> backgrounds;
  for (int c = 0; c < 5; ++c) {
    OffScene scene;
    scene.nx = 200 - 16 * c;
    scene.ny = 61 + 33 * c;
    scene.count = 3 + c;
    scene.seed = static_cast<std::uint32_t>(c + 5);
    model::DetectorWindow const window{1, 1, scene.nx, scene.ny};
    std::vector<OffExposure> offs;
    for (auto const& sci : test::make_offs(scene).sci)
      offs.push_back(survey.write_off(fmt::format("off{}_{}", c, offs.size()), window, sci));
    backgrounds.push_back(survey.background(fmt::format("list{}", c), window, offs, 1.5, c % 2 == 0));
  }
  auto const run = [&](std::int64_t budget) {
    EXPECT_TRUE(survey.run(backgrounds, budget).failures.empty());
    std::vector<std::string> all;
    for (auto const& one : backgrounds) {
      all.push_back(bytes_of(one.product));
      EXPECT_GT(all.back().size(), static_cast<std::size_t>(20 * one.window.nx * one.window.ny));
    }
    survey.world.barrier();
    return all;
  };
  auto const large = run(std::int64_t{1} << 30), small = run(SmallBudget);
  EXPECT_EQ(large, small);
  EXPECT_TRUE(holds_products_only(survey.folder() / "products"));
  survey.world.barrier();
  if (survey.world.is_root()) {
    EXPECT_TRUE(OffSurvey::run_on(parallel::Communicator(), backgrounds, 40 << 20).failures.empty());
    for (std::size_t c = 0; c < backgrounds.size(); ++c)
      EXPECT_EQ(bytes_of(backgrounds[c].product), large[c]) << "one rank alone, list " << c;
  }
  survey.world.barrier();
}

TEST(CombineOffBackgrounds, PutsOtherWindowsWhereTheyBelong) {
  OffSurvey const survey("off-windows");
  auto const numbered = [](model::DetectorWindow const& window) {  // by place on the detector
    std::vector<float> values;
    for (std::int64_t y = 0; y < window.ny; ++y)
      for (std::int64_t x = 0; x < window.nx; ++x)
        values.push_back(static_cast<float>((window.y_start + y) * 1000 + window.x_start + x));
    return values;
  };
  model::DetectorWindow const science{11, 21, 40, 30}, inside{21, 31, 10, 5}, beside{100, 21, 40, 30},
      around{1, 1, 80, 60};
  std::vector<OffExposure> parts{survey.write_off("inside", inside, numbered(inside), false),
                                 survey.write_off("beside", beside, numbered(beside), false)};
  std::vector<OffExposure> const whole{survey.write_off("around", around, numbered(around), false)};
  auto const part = survey.background("part", science, parts), all = survey.background("all", science, whole);
  EXPECT_TRUE(survey.run({part, all}).failures.empty());
  auto const product = read_product(part), cut = read_product(all);
  EXPECT_EQ(cut.sci, numbered(science));
  for (std::int64_t y = 0; y < science.ny; ++y)
    for (std::int64_t x = 0; x < science.nx; ++x) {
      auto const k = static_cast<std::size_t>(y * science.nx + x);
      bool const is_there = x >= 10 && x < 20 && y >= 10 && y < 15;
      EXPECT_EQ(product.count[k], is_there ? 1u : 0u);
      EXPECT_EQ(product.sci[k], is_there ? static_cast<float>((21 + y) * 1000 + 11 + x) : 0.0f);
      if (is_there) continue;
      EXPECT_EQ(product.dq[k], 0u);
    }
  EXPECT_THROW(read_off_background(all.product, {11, 22, 40, 30}), InputError);
  EXPECT_THROW(read_off_background(all.product, {11, 21, 40, 31}), InputError);
}

TEST(CombineOffBackgrounds, LosesOnlyTheListOfABrokenOff) {
  OffSurvey const survey("off-broken");
  model::DetectorWindow const window{1, 1, 64, 48};
  std::vector<float> const flat(64 * 48, 3.0f);
  auto const good = survey.write_off("good", window, flat);
  auto const truncated = survey.write_off("truncated", window, flat);
  auto const other_shape = survey.write_off("othershape", {1, 1, 32, 96}, flat);
  auto const without_dq = survey.write_off("withoutdq", window, flat);
  if (survey.world.is_root()) {
    std::filesystem::resize_file(truncated.path, std::filesystem::file_size(truncated.path) / 2);
    test::write_exposure(without_dq.path, 64, 48, test::nircam_primary(), {}, {{"SCI", flat}, {"ERR", flat}});
  }
  survey.world.barrier();
  OffExposure const missing{"missing", survey.folder() / "missing_rate.fits", window, 1};
  auto declared = other_shape;
  declared.window = window;
  auto no_weight = good;
  no_weight.weight = 0;
  std::vector<std::vector<OffExposure>> const lists{
      {good, truncated}, {good, without_dq}, {declared, good}, {missing}, {}, {good, no_weight}};
  std::vector<std::string> const named{"truncated_rate", "withoutdq_rate", "othershape_rate",
                                       "missing_rate",   "empty",          "good"};
  for (bool const mask : {false, true}) {
    std::vector<OffBackground> backgrounds;
    for (auto const& list : lists)
      backgrounds.push_back(
          survey.background(fmt::format("broken{}_{}", backgrounds.size(), mask), window, list, 3, mask));
    backgrounds[4].product = survey.folder() / "products" / "empty_combinedbackground.fits";
    backgrounds.push_back(survey.background(fmt::format("good_{}", mask), window, {good, good, good}, 3, mask));
    auto const outcome = survey.run(backgrounds);
    ASSERT_EQ(outcome.failures.size(), lists.size());
    for (std::size_t c = 0; c < lists.size(); ++c) {
      EXPECT_FALSE(std::filesystem::exists(backgrounds[c].product));
      bool const is_named = std::any_of(outcome.failures.begin(), outcome.failures.end(), [&](auto const& failure) {
        return failure.item.find(backgrounds[c].product.filename().string()) != std::string::npos &&
               failure.message.find(named[c]) != std::string::npos;
      });
      EXPECT_TRUE(is_named) << named[c];
    }
    EXPECT_EQ(read_product(backgrounds.back()).sci[1], 3.0f);
    EXPECT_TRUE(holds_products_only(survey.folder() / "products"));
    survey.world.barrier();
  }
}

TEST(CombineOffBackgrounds, SaysWhereItCannotWrite) {
  OffSurvey const survey("off-no-room");
  model::DetectorWindow const window{1, 1, 64, 48};
  auto const off = survey.write_off("good", window, std::vector<float>(64 * 48, 3.0f));
  auto blocked = survey.background("blocked", window, {off});
  blocked.product = off.path / "blocked_combinedbackground.fits";  // under a file
  auto const fine = survey.background("fine", window, {off});
  auto const outcome = survey.run({blocked, fine});
  ASSERT_EQ(outcome.failures.size(), 1u);
  EXPECT_EQ(outcome.failures[0].status, static_cast<int>(ExitStatus::InputOutput));
  EXPECT_NE(outcome.failures[0].message.find("good_rate.fits"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(fine.product));
}

TEST(CombineOffBackgrounds, StopsWithoutHalfMadeProducts) {
  OffSurvey const survey("off-stop");
  model::DetectorWindow const window{1, 1, 64, 48};
  auto const off = survey.write_off("good", window, std::vector<float>(64 * 48, 3.0f));
  auto const background = survey.background("stopped", window, {off, off, off}, 3, true);
  test::StepRun run({}, survey.world);
  run.control.raise(parallel::StopRequest::FinishItems);
  StepContext context{run.world, run.control, run.budget, run.records, 0, {}, false};
  auto const outcome = combine_off_backgrounds(context, {background});
  EXPECT_TRUE(outcome.stopped);
  EXPECT_TRUE(outcome.failures.empty());
  EXPECT_FALSE(std::filesystem::exists(background.product));
  EXPECT_TRUE(holds_products_only(survey.folder() / "products"));
}

/// Combined less true background, in units of the noise that a mean of all offs has.
struct BackgroundError {
  double clean_rms = 0;                      ///< where no off has a source
  double touched_rms = 0, touched_mean = 0;  ///< where one has
  double filled_rms = 0;
  int filled = 0;
};

BackgroundError find_error(test::MadeOffs const& made, Product const& product, OffScene const& scene) {
  BackgroundError error;
  int touched = 0, clean = 0;
  for (std::size_t k = 0; k < made.truth.size(); ++k) {
    bool const is_filled = (product.dq[k] & dq::FluxEstimated) != 0;
    if (product.count[k] == 0 && !is_filled) continue;
    double const wrong = (static_cast<double>(product.sci[k]) - made.truth[k]) * std::sqrt(scene.count) / scene.noise;
    (is_filled ? error.filled_rms : made.is_touched[k] != 0 ? error.touched_rms : error.clean_rms) += wrong * wrong;
    ++(is_filled ? error.filled : made.is_touched[k] != 0 ? touched : clean);
    if (made.is_touched[k] != 0 && !is_filled) error.touched_mean += wrong;
  }
  error.clean_rms = std::sqrt(error.clean_rms / clean);
  error.touched_rms = std::sqrt(error.touched_rms / touched);
  error.touched_mean /= touched;
  error.filled_rms = std::sqrt(error.filled_rms / error.filled);
  return error;
}

/// Offs whose level drifts by their noise. Without masks a clip at 1.5 sigma throws good values away and one at 3 sigma
/// keeps sources; with them 3 sigma comes close to the mean of offs that have no sources, whose error is 1.
TEST(CombineOffBackgrounds, LeavesOutSourcesOfTheOffs) {
  OffSurvey const survey("off-sources");
  for (int const count : {4, 8}) {
    SCOPED_TRACE(count);
    OffScene scene;
    scene.count = count;
    scene.seed = static_cast<std::uint32_t>(count);
    auto const made = test::make_offs(scene);
    model::DetectorWindow const window{1, 1, scene.nx, scene.ny};
    std::vector<OffExposure> offs;
    for (auto const& sci : made.sci)
      offs.push_back(survey.write_off(fmt::format("off{}_{}", count, offs.size()), window, sci));
    std::vector<OffBackground> const backgrounds{
        survey.background(fmt::format("sources{}_strict", count), window, offs, 1.5),
        survey.background(fmt::format("sources{}_loose", count), window, offs, 3),
        survey.background(fmt::format("sources{}_masked", count), window, offs, 3, true)};
    EXPECT_TRUE(survey.run(backgrounds).failures.empty());
    auto const strict = find_error(made, read_product(backgrounds[0]), scene),
               loose = find_error(made, read_product(backgrounds[1]), scene),
               masked = find_error(made, read_product(backgrounds[2]), scene);
    EXPECT_LT(masked.clean_rms, 1.15);
    EXPECT_LT(masked.touched_rms, 1.35);
    EXPECT_GT(strict.clean_rms, 1.4);
    EXPECT_GT(strict.touched_rms, 1.2 * masked.touched_rms);
    EXPECT_GT(loose.touched_rms, 1.2 * masked.touched_rms);
    EXPECT_LT(masked.touched_mean, 0.4 * loose.touched_mean);
  }
}

TEST(CombineOffBackgrounds, FillsWhatAllOffsHaveSourcesOn) {
  OffSurvey const survey("off-filled");
  OffScene scene;
  scene.count = 2;
  scene.sources_per_pixel = 4e-3;
  auto const made = test::make_offs(scene);
  model::DetectorWindow const window{1, 1, scene.nx, scene.ny};
  std::vector<OffExposure> offs;
  for (auto const& sci : made.sci) offs.push_back(survey.write_off(fmt::format("off{}", offs.size()), window, sci));
  auto const background = survey.background("filled", window, offs, 3, true);
  EXPECT_TRUE(survey.run({background}).failures.empty());
  auto const product = read_product(background);
  auto const error = find_error(made, product, scene);
  EXPECT_GT(error.filled, 20);
  // the structure from pixel to pixel, 2 % of 50, cannot be known there
  EXPECT_LT(error.filled_rms * scene.noise / std::sqrt(2.0), 1.5);
  for (std::size_t k = 0; k < product.dq.size(); ++k) {
    if ((product.dq[k] & dq::FluxEstimated) == 0) continue;
    EXPECT_EQ(product.count[k], 0u);
    EXPECT_GT(product.err[k], 0.5);
  }
}

}  // namespace
}  // namespace tessera::steps
