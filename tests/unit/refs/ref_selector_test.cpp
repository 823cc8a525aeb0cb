#include "tessera/refs/ref_selector.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "small_cache.hpp"
#include "tessera/core/error.hpp"

namespace tessera::refs {

namespace {

using Status = SelectedReference::Status;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ExposureParameters exposure_of(nlohmann::json const& header) {
  ExposureParameters exposure;
  for (auto const& [name, value] : header.items())
    exposure.set(name, value.is_string() ? value.get<std::string>() : value.dump());
  return exposure;
}

/// What an answer is in the words of the vectors; any error is "NOT FOUND".
std::string said(SelectedReference const& reference) {
  switch (reference.status) {
    case Status::Found:
      return reference.file;
    case Status::NotApplicable:
      return "NOT FOUND n/a";
    case Status::Omitted:
      return "omitted";
    case Status::Error:
      return "NOT FOUND";
  }
  return "";
}

TEST(RefSelector, AgreesWithTheVectors) {
  SKIP_WITHOUT_SHARED("data/crds/cache");
  auto const vector = test::read_vector("crds_cases.json");
  RefSelector const selector(CrdsCache(CrdsFolders::below(test::shared_dir() / "data/crds/cache")),
                             vector["context"].get<std::string>());
  int count = 0;
  for (auto const& item : vector["cases"]) {
    SCOPED_TRACE(item["note"].get<std::string>());
    auto const exposure = exposure_of(item["header"]);
    auto const& result = item["result"];
    ++count;
    if (result.contains("__exception__")) {
      // The reference falls over an instrument that is N/A or OMIT; it is N/A for all types (spec 25, 2.8).
      bool const is_unknown = exposure.instrument() == "nirspec";
      EXPECT_EQ(selector.select(exposure, "flat").status, is_unknown ? Status::Error : Status::NotApplicable);
      if (is_unknown)
        EXPECT_THROW(selector.select_all(exposure), InputError);
      else
        EXPECT_TRUE(selector.select_all(exposure).empty());
      continue;
    }
    std::vector<std::string> types;
    if (item["reftypes"].is_array()) types = item["reftypes"].get<std::vector<std::string>>();
    auto const all = selector.select_all(exposure, types);
    std::size_t present = 0;
    for (auto const& reference : all) {
      if (!result.contains(reference.type)) {
        EXPECT_EQ(reference.status, Status::Omitted) << reference.type;
        continue;
      }
      ++present;
      std::string expected = result[reference.type];
      if (expected.starts_with("NOT FOUND") && expected != "NOT FOUND n/a") expected = "NOT FOUND";
      EXPECT_EQ(said(reference), expected) << reference.type << " " << reference.reason;
      if (reference.status == Status::Error) {
        EXPECT_FALSE(reference.reason.empty());
      }
    }
    EXPECT_EQ(present, result.size());
  }
  EXPECT_EQ(count, 79);
}

std::string const FlatRules = test::rmap_text(
    "'META.INSTRUMENT.FILTER',", "('F770W',) : UseAfter({'2020-01-01 00:00:00' : 'jwst_miri_flat_0001.fits'})");

TEST(RefSelector, SaysWhereTheFileLiesAndWhatItIsCalledInHeaders) {
  test::SmallCache cache("refs-where");
  cache.add("flat", FlatRules);
  auto const flat = cache.selector().select(test::miri_exposure(), "FLAT");
  EXPECT_EQ(flat.type, "flat");
  EXPECT_EQ(flat.path, cache.reference("jwst_miri_flat_0001.fits"));
  EXPECT_EQ(flat.keyword_value(), "crds://jwst_miri_flat_0001.fits");
  EXPECT_EQ(flat.mapping, "jwst_miri_flat_0001.rmap");
}

TEST(RefSelector, AnOverrideGoesBeforeTheRules) {
  test::SmallCache cache("refs-override");
  cache.add("flat", FlatRules);
  auto selector = cache.selector();
  selector.set_override("FLAT", "/data/my_flat.fits");
  auto const flat = selector.select(test::miri_exposure(), "flat");
  EXPECT_TRUE(flat.is_override);
  EXPECT_EQ(flat.path, "/data/my_flat.fits");
  EXPECT_EQ(flat.keyword_value(), "/data/my_flat.fits");
  selector.set_override("flat", "N/A");
  EXPECT_EQ(selector.select(test::miri_exposure(), "flat").status, Status::NotApplicable);
  EXPECT_EQ(selector.select(test::miri_exposure(), "flat").keyword_value(), "N/A");
}

TEST(RefSelector, AHalfSyncedCacheIsAnErrorOfTheTypesItConcerns) {
  test::SmallCache cache("refs-half");
  cache.add("flat", FlatRules);
  cache.add("dark", FlatRules);
  std::filesystem::remove(cache.rmap("dark"));
  auto const all = cache.selector().select_all(test::miri_exposure());
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].status, Status::Error);
  EXPECT_THAT(all[0].reason, HasSubstr("not in the CRDS cache"));
  EXPECT_THAT(all[0].reason, HasSubstr("jwst_miri_dark_0001.rmap"));
  EXPECT_EQ(all[1].status, Status::Found);
  std::filesystem::remove(cache.mappings() / "jwst_miri_0001.imap");
  auto const selector = cache.selector();
  EXPECT_THROW(selector.select_all(test::miri_exposure()), InputError);
  EXPECT_THAT(selector.select(test::miri_exposure(), "flat").reason, HasSubstr("jwst_miri_0001.imap"));
}

TEST(RefSelector, AWrongChecksumIsAnErrorUnlessItIsToBeIgnored) {
  test::SmallCache cache("refs-checksum");
  auto text = FlatRules;
  text.replace(text.find("F770W'"), 5, "F770X");
  cache.add("flat", text);
  auto exposure = test::miri_exposure();
  exposure.set("FILTER", "F770X");
  EXPECT_THAT(cache.selector().select(exposure, "flat").reason, HasSubstr("wrong checksum"));
  test::WithEnvironment const ignore("CRDS_IGNORE_MAPPING_CHECKSUM", "true");
  EXPECT_EQ(cache.selector().select(exposure, "flat").status, Status::Found);
}

TEST(RefSelector, BrokenRulesNameTheirLine) {
  test::SmallCache cache("refs-broken");
  cache.add("flat", FlatRules.substr(0, FlatRules.size() - 8));
  EXPECT_THAT(cache.selector().select(test::miri_exposure(), "flat").reason, HasSubstr("jwst_miri_flat_0001.rmap:"));
  test::write_text(cache.rmap("flat"), "");
  EXPECT_THAT(cache.selector().select(test::miri_exposure(), "flat").reason, HasSubstr("an empty file"));
}

TEST(RefSelector, UnknownTypesAndInstrumentsAreAnsweredWithTheNearest) {
  test::SmallCache cache("refs-nearest");
  cache.add("flat", FlatRules);
  auto const selector = cache.selector();
  EXPECT_THAT(selector.select(test::miri_exposure(), "flats").reason, HasSubstr("did you mean 'flat'"));
  auto exposure = test::miri_exposure();
  exposure.set("INSTRUME", "MIRY");
  EXPECT_THAT(selector.select(exposure, "flat").reason, HasSubstr("did you mean 'miri'"));
  EXPECT_THAT(selector.select(ExposureParameters(), "flat").reason, HasSubstr("no instrument"));
}

TEST(RefSelector, RefusesFilesThatTheCacheListsAsBad) {
  test::SmallCache cache("refs-bad");
  cache.add("flat", FlatRules);
  test::write_text(cache.root() / "config/jwst/bad_files.txt", "jwst_miri_x.fits\njwst_miri_flat_0001.fits\n");
  auto selector = cache.selector();
  EXPECT_THAT(selector.select(test::miri_exposure(), "flat").reason, HasSubstr("lists this file as bad"));
  selector.allow_bad_files(true);
  EXPECT_EQ(selector.select(test::miri_exposure(), "flat").status, Status::Found);
}

TEST(RefSelector, ListsTheTypesOfAnInstrument) {
  test::SmallCache cache("refs-types");
  cache.add("flat", FlatRules);
  cache.say("apcorr", "OMIT");
  cache.say("superbias", "N/A");
  auto const selector = cache.selector();
  EXPECT_THAT(selector.types("MIRI"), ElementsAre("apcorr", "flat", "superbias"));
  EXPECT_EQ(selector.select_all(test::miri_exposure()).size(), 2U);
  EXPECT_EQ(selector.select(test::miri_exposure(), "apcorr").status, Status::Omitted);
}

TEST(RefSelector, ManyThreadsGetTheSameAnswer) {
  SKIP_WITHOUT_SHARED("data/crds/cache");
  auto const vector = test::read_vector("crds_cases.json");
  auto const& cases = vector["cases"];
  RefSelector const selector(CrdsCache(CrdsFolders::below(test::shared_dir() / "data/crds/cache")));
  auto const answers = [&] {
    std::string text;
    for (auto const& item : cases) {
      auto const reference = selector.select(exposure_of(item["header"]), "flat");
      text += said(reference) + reference.reason + "\n";
    }
    return text;
  };
  std::vector<std::string> found(4);
  std::vector<std::thread> threads;
  for (auto& text : found) threads.emplace_back([&] { text = answers(); });
  for (auto& thread : threads) thread.join();
  for (auto const& text : found) EXPECT_EQ(text, answers());
}

}  // namespace

}  // namespace tessera::refs
