// astrometric_align on several ranks: mosaics that are wrong in a known way, and exposures that must follow them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "star_mosaics.hpp"
#include "support/step_survey.hpp"
#include "tessera/io/source_table.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/steps/astrometric_align/astrometric_align_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;
using Settings = std::map<std::string, config::Value>;
using Table = config::Value::Table;

constexpr double Arcsec = 3600 * sky::DegreesPerRadian;

/// What is wrong with the WCS of a mosaic and of its exposures.
struct PointingError {
  double east = 0, north = 0, roll = 0;  ///< arcsec, degrees
};

/// A mosaic whose stars have true positions on the sky, and exposures of the same field.
class AlignSurvey : public test::StepSurvey {
 public:
  explicit AlignSurvey(std::string const& name) : StepSurvey(name, "astrometric_align", 9) {
    if (world.is_root()) std::filesystem::create_directories(folder() / "alignment");
    world.barrier();
  }

  static model::Header header(std::int64_t nx, std::int64_t ny, double scale, double angle, PointingError const& error,
                              double away_arcsec = 0) {
    model::Header made;
    test::set_tan(made, nx, ny, 30 + (error.east + away_arcsec) / 3600 / std::cos(10 * sky::RadiansPerDegree),
                  10 + error.north / 3600, scale, angle + error.roll);
    made.set("BUNIT", "MJy/sr");
    return made;
  }

  /// A band of which mosaic and two exposures are off by `error`. With an image the mosaic has its pixels.
  void add_band(std::string const& band, double scale, PointingError const& error, std::vector<TrueStar> const& stars,
                StarImage const* image = nullptr, bool lists_stars = true) {
    auto const number = static_cast<int>(mosaics_.size());
    Mosaic mosaic;
    mosaic.truth = header(Nx, Ny, scale, Angle, {});
    mosaic.wrong = header(Nx, Ny, scale, Angle, error);
    mosaics_[band] = mosaic;
    if (world.is_root()) {
      std::vector<float> const blank(static_cast<std::size_t>(Nx * Ny), 1.0f);
      test::write_exposure(mosaic_path(band), Nx, Ny, {}, mosaic.wrong, {{"SCI", image ? image->sci : blank}});
      if (lists_stars) write_stars(band, stars);
    }
    for (int k = 0; k < 2; ++k) {
      auto const exposure = fmt::format("jw02107041001_0{}101_{:05d}_nrcalong", number + 2, k + 1);
      auto primary = test::nircam_primary(band);
      primary.set("EXPSTART", 60110.5);  // 2023.45
      add_planes(band, exposure, exposure, 80, 70, header(80, 70, scale, 35.0 * k, error, 8.0 * k - 4),
                 {{"SCI", std::vector<float>(80 * 70, 1.0f)}}, primary);
    }
  }

  void write_stars(std::string const& band, std::vector<TrueStar> const& stars) const {
    std::vector<double> x, y, flux;
    for (auto const& star : stars) {
      x.push_back(star.x);
      y.push_back(star.y);
      flux.push_back(star.flux);
    }
    io::SourceTable table;
    table.columns = {{"xcentroid", "pix", "", x, ""}, {"ycentroid", "pix", "", y, ""}, {"flux", "", "", flux, ""}};
    io::write_table(star_table(band), table);
  }

  /// True positions of stars of a band as a catalogue of the user's.
  void write_catalogue(std::string const& name, std::string const& band, std::vector<TrueStar> const& stars,
                       double add_ra = 0) const {
    if (!world.is_root()) return;
    auto const wcs = true_wcs(band);
    std::vector<double> ra, dec, x;
    for (auto const& star : stars) {
      auto const sky = wcs->pixel_to_sky({star.x, star.y});
      ra.push_back(sky.ra + add_ra);
      dec.push_back(sky.dec);
      x.push_back(star.x + 100);
    }
    io::SourceTable table;
    table.columns = {{"ra", "deg", "", ra, ""},
                     {"dec", "deg", "", dec, ""},
                     {"xcentroid", "", "", x, ""},
                     {"ycentroid", "", "", x, ""}};
    io::write_table(catalogue_path(name), table);
  }

  std::vector<BandTask> tasks(Settings const& settings, std::vector<std::string> const& order) const {
    auto all = tasks_with([&](BandTask const&) {
      return parameters_of_step("astrometric_align", "tweakreg_parameters", "align_iteration", settings);
    });
    std::vector<BandTask> sorted;
    for (auto const& band : order)
      for (auto& task : all) {
        if (task.band != band) continue;
        task.mosaic = mosaic_path(band);
        task.star_table = star_table(band);
        task.alignment_dir = folder() / "alignment";
        sorted.push_back(task);
      }
    return sorted;
  }

  StepOutcome run(Settings const& settings, std::vector<std::string> const& order,
                  parallel::Communicator const& communicator, std::int64_t budget_bytes = std::int64_t{1} << 30,
                  bool stop_on_error = false) {
    test::StepRun one(records, communicator, budget_bytes);
    one.stop_on_error = stop_on_error;
    communicator.barrier();
    auto outcome = one.run(run_astrometric_align, tasks(settings, order));
    communicator.barrier();
    return outcome;
  }
  StepOutcome run(Settings const& settings, std::vector<std::string> const& order) {
    return run(settings, order, world);
  }

  /// Largest distance, arcsec, between where the corrected exposures of a band see their pixels and where these are.
  double largest_error(std::string const& band) const {
    auto const corrections = ledger(band);
    auto const wrong = sky::make_fits_wcs(mosaics_.at(band).wrong, Nx, Ny), truth = true_wcs(band);
    double largest = 0;
    for (auto const& record : records) {
      if (record.identity.band != band) continue;
      store::ExposureReader const before(record, {}), after(record, corrections);
      for (auto const& pixel : {model::PixelPoint{0, 0}, {79, 0}, {40, 35}, {79, 69}}) {
        auto const in_mosaic = wrong->sky_to_pixel(before.wcs()->pixel_to_sky(pixel));
        largest = std::max(largest, sky::separation(sky::to_vector(truth->pixel_to_sky(in_mosaic)),
                                                    sky::to_vector(after.wcs()->pixel_to_sky(pixel))) *
                                        Arcsec);
      }
    }
    return largest;
  }
  std::size_t entries_of(std::string const& band) const {
    std::size_t count = 0;
    for (auto const& record : records)
      if (record.identity.band == band) count += ledger(band).entries(record.identity).size();
    return count;
  }

  sky::WcsPointer true_wcs(std::string const& band) const {
    return sky::make_fits_wcs(mosaics_.at(band).truth, Nx, Ny);
  }
  std::filesystem::path mosaic_path(std::string const& band) const { return folder() / (band + "_i2d.fits"); }
  std::filesystem::path star_table(std::string const& band) const { return folder() / (band + "_astro_cat.fits"); }
  std::filesystem::path catalogue_path(std::string const& name) const { return folder() / "alignment" / name; }
  std::filesystem::path align_table(std::string const& band) const {
    return folder() / (band + "_i2d_align_table.fits");
  }
  nlohmann::json solution(std::string const& band) const {
    return nlohmann::json::parse(file_bytes(folder() / (band + "_i2d_align.json")));
  }

  static constexpr std::int64_t Nx = 600, Ny = 500;
  static constexpr double Angle = 20;

 private:
  struct Mosaic {
    model::Header truth, wrong;
  };
  std::map<std::string, Mosaic> mosaics_;
};

Settings with_catalogue(Settings more = {}) {
  more["catalogs"] = config::Value(Table{{"NGC0628", "stars.fits"}});
  more["tweakreg_parameters.searchrad"] = 20.0;
  more["tweakreg_parameters.tolerance"] = 2.0;
  more["tweakreg_parameters.separation"] = 1.0;
  more["tweakreg_parameters.fitgeom"] = "rshift";
  return more;
}

config::Value mapping(std::vector<std::pair<std::string, std::string>> const& pairs) {
  Table table;
  for (auto const& [band, reference] : pairs) table.push_back({band, reference});
  return config::Value(table);
}

PointingError const Error{0.31, -0.22, 0.012}, OtherError{-0.4, 0.15, -0.008};

TEST(RunAstrometricAlign, CarriesTheSolutionOfTheMosaicToItsExposures) {
  AlignSurvey survey("align");
  auto const stars = scattered_stars(600, 500, 40, 1, 1);
  survey.add_band("F300M", 0.063, Error, stars);
  survey.write_catalogue("stars.fits", "F300M", stars);
  auto const outcome = survey.run(with_catalogue(), {"F300M"});
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  EXPECT_EQ(survey.entries_of("F300M"), 2u);
  EXPECT_LT(survey.largest_error("F300M"), 1e-6);  // the stars are exact
  EXPECT_TRUE(store::read_manifest(survey.ledger_file("F300M")).has_value());

  auto const solution = survey.solution("F300M");
  EXPECT_EQ(solution["status"], "SUCCESS");
  EXPECT_EQ(solution["mode"], "catalogue");
  EXPECT_EQ(solution["reference"], "stars.fits");
  EXPECT_EQ(solution["matches"], stars.size());
  EXPECT_LT(solution["rmse_arcsec"].get<double>(), 1e-6);
  EXPECT_NEAR(solution["epoch"].get<double>(), 2023.452, 0.001);
  // The mosaic lies north of where it should: towards lower y it must go, turned by the angle of the mosaic.
  double const east = solution["plane"]["shift_arcsec"][0], north = solution["plane"]["shift_arcsec"][1];
  EXPECT_NEAR(east, -Error.east, 1e-3);
  EXPECT_NEAR(north, -Error.north, 1e-3);
  EXPECT_NEAR(std::hypot(solution["shift"][0].get<double>(), solution["shift"][1].get<double>()),
              std::hypot(east, north) / 0.063, 1e-6);

  auto const table = io::read_table(survey.align_table("F300M"));
  ASSERT_EQ(table.rows(), stars.size());
  for (char const* name : {"xcentroid_ref", "ycentroid_ref", "ra_ref", "dec_ref", "xcentroid_jwst", "ycentroid_jwst",
                           "ra_jwst_uncorr", "dec_jwst_uncorr", "ra_jwst_corr", "dec_jwst_corr"})
    ASSERT_NE(table.find(name), nullptr) << name;
  auto const x = table.numbers("xcentroid_jwst", "t"), x_ref = table.numbers("xcentroid_ref", "t"),
             ra_ref = table.numbers("ra_ref", "t"), ra = table.numbers("ra_jwst_corr", "t"),
             before = table.numbers("ra_jwst_uncorr", "t");
  for (std::size_t k = 0; k < x.size(); ++k) {
    EXPECT_NEAR(x_ref[k], x[k] + 100, 1e-9);
    EXPECT_NEAR(ra[k], ra_ref[k], 1e-9);
    EXPECT_GT(std::abs(before[k] - ra_ref[k]), 1e-5);
  }
  auto const products = survey.folder() / "run" / "F300M" / "astrometric_align";
  for (char const* name :
       {"astrometric_align.csv", "astrometric_align_residuals.csv", "astrometric_align_residuals.png"})
    EXPECT_TRUE(std::filesystem::exists(products / name)) << name;
}

TEST(RunAstrometricAlign, MappedBandsFollowInAnyOrder) {
  AlignSurvey survey("align-mapped");
  auto const stars = scattered_stars(600, 500, 40, 1, 2);
  survey.add_band("F2100W", 0.11, Error, stars);
  survey.add_band("F770W", 0.11, Error, stars);
  survey.add_band("F1000W", 0.063, Error, stars);
  survey.write_catalogue("stars.fits", "F1000W", stars);
  auto const settings = with_catalogue({{"align_mapping", mapping({{"F770W", "F1000W"}, {"F2100W", "F770W"}})}});
  for (std::vector<std::string> const& order :
       {std::vector<std::string>{"F2100W", "F770W", "F1000W"}, {"F1000W", "F2100W", "F770W"}}) {
    survey.label = order.front();
    auto const outcome = survey.run(settings, order);
    ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
    for (char const* band : {"F2100W", "F770W", "F1000W"}) {
      EXPECT_EQ(survey.entries_of(band), 2u) << band;
      EXPECT_LT(survey.largest_error(band), 1e-5) << band;
    }
    EXPECT_EQ(survey.solution("F2100W")["mode"], "mapped");
    EXPECT_EQ(survey.solution("F2100W")["reference"], "F770W");
    EXPECT_FALSE(std::filesystem::exists(survey.align_table("F2100W")));
  }
}

TEST(RunAstrometricAlign, ABandIsMatchedToTheAlignedStarsOfAnother) {
  AlignSurvey survey("align-stars");
  auto const stars = scattered_stars(600, 500, 40, 1, 3);
  survey.add_band("F300M", 0.063, Error, stars);
  survey.add_band("F1000W", 0.063, OtherError, stars);
  survey.write_catalogue("stars.fits", "F300M", stars);
  auto const outcome =
      survey.run(with_catalogue({{"ref_long_filter", mapping({{"F1000W", "F300M"}})}}), {"F1000W", "F300M"});
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  EXPECT_EQ(survey.solution("F1000W")["mode"], "band_stars");
  EXPECT_LT(survey.largest_error("F1000W"), 1e-6);
  EXPECT_EQ(io::read_table(survey.align_table("F1000W")).rows(), stars.size());
}

TEST(RunAstrometricAlign, ACorrelationFindsTheShiftOfABandWithoutStars) {
  AlignSurvey survey("align-correlated");
  auto const stars = scattered_stars(600, 500, 40, 1, 4);
  // The same emission in both: a mosaic sees it at the pixels that its true WCS gives.
  StarImage first(600, 500, 0.2, 0.02, 5), second(600, 500, 0.5, 0.02, 6);
  for (auto const& blob : scattered_stars(600, 500, 30, 60, 7)) {
    first.add(blob, 7);
    second.add(blob, 7);
  }
  survey.add_band("F300M", 0.063, {0.1, 0.05, 0}, stars, &first);
  survey.add_band("F770W", 0.063, {-0.2, 0.25, 0}, {}, &second, false);
  survey.write_catalogue("stars.fits", "F300M", stars);
  auto const settings =
      with_catalogue({{"align_mapping", mapping({{"F770W", "F300M"}})}, {"align_mapping_mode", "cross_corr"}});
  auto const outcome = survey.run(settings, {"F770W", "F300M"});
  ASSERT_TRUE(outcome.failures.empty()) << outcome.failures.front().message;
  EXPECT_EQ(survey.solution("F770W")["mode"], "cross_corr");
  ASSERT_EQ(survey.solution("F770W")["status"], "SUCCESS") << survey.solution("F770W").dump(1);
  EXPECT_EQ(survey.solution("F770W")["matrix"], nlohmann::json({{1.0, 0.0}, {0.0, 1.0}}));
  EXPECT_LT(survey.largest_error("F770W"), 0.05 * 0.063);
  // Less memory says so, rather than comparing less of the images.
  survey.label = "little";
  auto const little = survey.run(settings, {"F770W", "F300M"}, survey.world, std::int64_t{12} << 20);
  ASSERT_EQ(little.failures.size(), 1u);
  EXPECT_THAT(little.failures.front().message, HasSubstr("comparing mosaics of two bands"));
}

TEST(RunAstrometricAlign, TheBytesDoNotDependOnTheRanks) {
  AlignSurvey survey("align-bytes");
  auto stars = scattered_stars(600, 500, 40, 1, 8);
  survey.add_band("F300M", 0.063, Error, stars);
  survey.add_band("F335M", 0.063, OtherError, stars);
  survey.add_band("F770W", 0.11, Error, stars);
  stars.resize(80);
  survey.write_catalogue("stars.fits", "F300M", stars);
  auto const settings = with_catalogue({{"align_mapping", mapping({{"F770W", "F300M"}})}});
  std::vector<std::string> const bands{"F770W", "F335M", "F300M"};
  survey.label = "together";
  ASSERT_TRUE(survey.run(settings, bands).failures.empty());
  std::map<std::string, std::string> together;
  auto const collect = [&](std::map<std::string, std::string>& bytes) {
    for (auto const& band : bands) {
      bytes[band + " ledger"] = file_bytes(survey.ledger_file(band));
      bytes[band + " solution"] = survey.solution(band).dump();
      if (band != "F770W") bytes[band + " table"] = file_bytes(survey.align_table(band));
      bytes[band + " csv"] =
          file_bytes(survey.folder() / survey.label / band / "astrometric_align" / "astrometric_align.csv");
    }
  };
  collect(together);
  survey.world.barrier();
  if (survey.world.is_root()) {
    survey.label = "alone";
    ASSERT_TRUE(survey.run(settings, bands, {}).failures.empty());
    std::map<std::string, std::string> alone;
    collect(alone);
    for (auto const& [name, bytes] : together) {
      EXPECT_FALSE(bytes.empty()) << name;
      EXPECT_EQ(bytes, alone[name]) << name;
    }
  }
  survey.world.barrier();
}

TEST(RunAstrometricAlign, WithoutACatalogueTheWcsStays) {
  AlignSurvey survey("align-none");
  auto const stars = scattered_stars(600, 500, 40, 1, 9);
  survey.add_band("F300M", 0.063, Error, stars);
  struct Case {
    char const* label;
    Settings settings;
    char const* reason;
  };
  auto const catalogue = [](char const* target, char const* file) {
    auto settings = with_catalogue();
    settings["catalogs"] = config::Value(Table{{target, file}});
    return settings;
  };
  if (survey.world.is_root()) {
    std::ofstream(survey.catalogue_path("columns.csv")) << "alpha,delta\n30,10\n";
    std::ofstream(survey.catalogue_path("text.fits")) << "this is no table\n1\n";
    std::ofstream(survey.catalogue_path("nan.csv")) << "ra,dec\nnan,10\n30,nan\n";
    io::SourceTable pixels;
    pixels.columns = {{"ra", "pix", "", std::vector<double>{1}, ""}, {"dec", "pix", "", std::vector<double>{1}, ""}};
    io::write_table(survey.catalogue_path("units.ecsv"), pixels);
  }
  survey.write_catalogue("elsewhere.fits", "F300M", stars, 5.0);
  survey.write_catalogue("three.fits", "F300M", scattered_stars(600, 500, 150, 1, 77));
  survey.world.barrier();
  for (auto const& [label, settings, reason] :
       {Case{"not_listed", catalogue("ngc1365", "stars.fits"), "not in catalogs"},
        Case{"absent", catalogue("ngc0628", "absent.fits"), "absent.fits is not there"},
        Case{"columns", catalogue("ngc0628", "columns.csv"), "column is missing"},
        Case{"text", catalogue("ngc0628", "text.fits"), "text.fits"},
        Case{"nan", catalogue("ngc0628", "nan.csv"), "no usable row"},
        Case{"units", catalogue("ngc0628", "units.ecsv"), "'pix'"},
        Case{"elsewhere", catalogue("ngc0628", "elsewhere.fits"), "lies on the mosaic"},
        Case{"few", catalogue("ngc0628", "three.fits"), "found"}}) {
    survey.label = label;
    auto const outcome = survey.run(settings, {"F300M"});
    EXPECT_TRUE(outcome.failures.empty()) << label;
    EXPECT_EQ(survey.entries_of("F300M"), 0u) << label;
    EXPECT_TRUE(store::read_manifest(survey.ledger_file("F300M")).has_value()) << label;
    auto const solution = survey.solution("F300M");
    EXPECT_FALSE(solution["aligned"].get<bool>()) << label;
    EXPECT_THAT(solution["reason"].get<std::string>(), HasSubstr(reason)) << label;
    EXPECT_EQ(solution["shift"], nlohmann::json({0.0, 0.0})) << label;
    EXPECT_FALSE(std::filesystem::exists(survey.align_table("F300M"))) << label;
  }
}

TEST(RunAstrometricAlign, BadBandsAreReportedAndTheOthersDone) {
  AlignSurvey survey("align-bad");
  auto const stars = scattered_stars(600, 500, 40, 1, 10);
  survey.add_band("F300M", 0.063, Error, stars);
  survey.add_band("F335M", 0.063, Error, stars, nullptr, false);  // no list of stars
  survey.add_band("F360M", 0.063, Error, {});                     // an empty one
  survey.add_band("F430M", 0.063, Error, stars);
  survey.add_band("F770W", 0.11, Error, stars);
  survey.add_band("F1000W", 0.11, Error, stars);
  survey.add_band("F2100W", 0.11, Error, stars);
  survey.write_catalogue("stars.fits", "F300M", stars);
  if (survey.world.is_root()) std::ofstream(survey.mosaic_path("F430M")) << "broken";
  survey.world.barrier();
  auto const settings = with_catalogue({{"align_mapping", mapping({{"F770W", "F1130W"},       // not of this run
                                                                   {"F1000W", "F430M"},       // broken
                                                                   {"F2100W", "F335M"}})}});  // not aligned
  auto const outcome = survey.run(settings, {"F2100W", "F1000W", "F770W", "F430M", "F360M", "F335M", "F300M"});
  ASSERT_EQ(outcome.failures.size(), 3u);
  std::map<std::string, std::string> failures;
  for (auto const& failure : outcome.failures) failures[failure.item] = failure.message;
  EXPECT_THAT(failures["ngc0628 F770W"], testing::AllOf(HasSubstr("F1130W"), HasSubstr("align_mapping")));
  EXPECT_THAT(failures["ngc0628 F430M"], HasSubstr("is no FITS file"));
  EXPECT_THAT(failures["ngc0628 F1000W"], HasSubstr("F430M"));
  for (char const* band : {"F770W", "F430M", "F1000W"})
    EXPECT_FALSE(std::filesystem::exists(survey.ledger_file(band))) << band;
  EXPECT_LT(survey.largest_error("F300M"), 1e-6);
  EXPECT_EQ(survey.entries_of("F335M") + survey.entries_of("F360M") + survey.entries_of("F2100W"), 0u);
  EXPECT_THAT(survey.solution("F335M")["reason"].get<std::string>(), HasSubstr("astrometric_catalog"));
  EXPECT_THAT(survey.solution("F360M")["reason"].get<std::string>(), HasSubstr("lists no stars"));
  EXPECT_THAT(survey.solution("F2100W")["reason"].get<std::string>(), HasSubstr("F335M itself was not aligned"));
}

TEST(RunAstrometricAlign, AFailureThatStopsTheRunIsReported) {
  AlignSurvey survey("align-stopped");
  auto const stars = scattered_stars(600, 500, 40, 1, 10);
  survey.add_band("F300M", 0.063, Error, stars);
  survey.add_band("F770W", 0.11, Error, stars);
  survey.write_catalogue("stars.fits", "F300M", stars);
  if (survey.world.is_root()) std::ofstream(survey.mosaic_path("F300M")) << "broken";
  survey.world.barrier();
  auto const settings = with_catalogue({{"align_mapping", mapping({{"F770W", "F300M"}})}});
  auto const outcome = survey.run(settings, {"F300M", "F770W"}, survey.world, std::int64_t{1} << 30, true);
  EXPECT_TRUE(outcome.stopped);
  ASSERT_EQ(outcome.failures.size(), 1u);  // without it the run would look as if it could be taken up for ever
  EXPECT_EQ(outcome.failures.front().item, "ngc0628 F300M");
  EXPECT_NE(outcome.failures.front().status, 0);
}

TEST(RunAstrometricAlign, ATableOfAnEarlierRunDoesNotStay) {
  AlignSurvey survey("align-again");
  auto const stars = scattered_stars(600, 500, 40, 1, 11);
  survey.add_band("F300M", 0.063, Error, stars);
  survey.write_catalogue("stars.fits", "F300M", stars);
  survey.run(with_catalogue(), {"F300M"});
  EXPECT_TRUE(std::filesystem::exists(survey.align_table("F300M")));
  survey.world.barrier();
  survey.label = "again";
  survey.run({}, {"F300M"});
  EXPECT_FALSE(std::filesystem::exists(survey.align_table("F300M")));
  EXPECT_EQ(survey.entries_of("F300M"), 0u);
}

}  // namespace
}  // namespace tessera::steps
