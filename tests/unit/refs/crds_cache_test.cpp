#include "tessera/refs/crds_cache.hpp"

#include <gmock/gmock.h>

#include "small_cache.hpp"
#include "tessera/core/error.hpp"

namespace tessera::refs {

namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string const Pmap = test::mapping_text("    'parkey' : ('META.INSTRUMENT.NAME',),", "{'MIRI' : 'N/A'}");

/// No variable of the person who runs the tests may change them.
class CrdsCacheTest : public ::testing::Test {
 protected:
  test::ScratchFolder folder_{"refs-cache"};
  test::WithEnvironment path_{"CRDS_PATH", nullptr}, single_{"CRDS_PATH_SINGLE", nullptr},
      map_{"CRDS_MAPPATH", nullptr}, map_single_{"CRDS_MAPPATH_SINGLE", nullptr}, ref_{"CRDS_REFPATH", nullptr},
      ref_single_{"CRDS_REFPATH_SINGLE", nullptr}, cfg_{"CRDS_CFGPATH", nullptr},
      cfg_single_{"CRDS_CFGPATH_SINGLE", nullptr}, context_{"CRDS_CONTEXT", nullptr};

  fs::path root() const { return folder_.path(); }
  void write(fs::path const& path, std::string const& text) { test::write_text(root() / path, text); }
  CrdsCache cache() { return CrdsCache(CrdsFolders::below(root())); }

  std::string problem(std::function<void()> const& call) {
    try {
      call();
    } catch (Error const& error) {
      return error.problem().line();
    }
    return "no error";
  }
};

TEST_F(CrdsCacheTest, FindsTheFoldersOfBothLayouts) {
  write("mappings/jwst/jwst_0001.pmap", Pmap);
  EXPECT_EQ(CrdsFolders::below(root()).references, root() / "references/jwst");
  EXPECT_EQ(CrdsFolders::below(root().string() + "//").mappings, root() / "mappings/jwst");
  fs::remove_all(root() / "mappings");
  write("mappings/jwst_0001.pmap", Pmap);
  EXPECT_EQ(CrdsFolders::below(root()).references, root() / "references");
  EXPECT_EQ(cache().context(), "jwst_0001.pmap");
}

TEST_F(CrdsCacheTest, TheFirstVariableThatIsSetCounts) {
  EXPECT_THAT(problem([] { CrdsFolders::from_environment(); }), HasSubstr("CRDS_PATH"));
  test::WithEnvironment const path("CRDS_PATH", "/a/");
  EXPECT_EQ(CrdsFolders::from_environment().mappings, "/a/mappings/jwst");
  EXPECT_EQ(CrdsFolders::from_environment("/said").mappings, "/said/mappings/jwst");
  test::WithEnvironment const single("CRDS_PATH_SINGLE", "/b");
  EXPECT_EQ(CrdsFolders::from_environment().config, "/b/config");
  test::WithEnvironment const several("CRDS_MAPPATH", "/c");
  EXPECT_EQ(CrdsFolders::from_environment().mappings, "/c/jwst");
  test::WithEnvironment const one("CRDS_MAPPATH_SINGLE", "/d/");
  EXPECT_EQ(CrdsFolders::from_environment().mappings, "/d");
  EXPECT_EQ(CrdsFolders::from_environment().references, "/b/references");
}

TEST_F(CrdsCacheTest, AMissingCacheSaysWhatToDo) {
  EXPECT_THAT(problem([&] { cache(); }), HasSubstr("CRDS_PATH"));
  fs::create_directories(root() / "mappings/jwst");
  EXPECT_THAT(problem([&] { cache().context(); }), HasSubstr("no context"));
}

TEST_F(CrdsCacheTest, TheDefaultContextIsThatOfTheServerOrTheHighest) {
  for (auto const* name : {"jwst_0900.pmap", "jwst_1201.pmap", "jwst_0999.pmap", "jwst_1201.pmap.part", "jwst_x.pmap"})
    write(fs::path("mappings/jwst") / name, Pmap);
  EXPECT_EQ(cache().context(), "jwst_1201.pmap");
  EXPECT_THAT(cache().contexts(), ElementsAre("jwst_0900.pmap", "jwst_0999.pmap", "jwst_1201.pmap"));
  write("config/jwst/server_config", "{'operational_context' : 'jwst_0900.pmap', 'edit_context': 'jwst_1201.pmap'}");
  EXPECT_EQ(cache().context(), "jwst_0900.pmap");
  write("config/jwst/server_config", "{'operational_context' : 'jwst_0900.pmap', 'latest_context': 'jwst_0999.pmap'}");
  for (auto const* said : {"", "latest", "jwst-latest", "jwst-operational"})
    EXPECT_EQ(cache().context(said), "jwst_0999.pmap");
  EXPECT_EQ(cache().context("jwst_1201.pmap"), "jwst_1201.pmap");
  test::WithEnvironment const variable("CRDS_CONTEXT", "jwst_0900.pmap");
  EXPECT_EQ(cache().context(), "jwst_0900.pmap");
  EXPECT_EQ(cache().context("latest"), "jwst_0999.pmap");
}

TEST_F(CrdsCacheTest, AContextThatIsNotThereIsAnsweredWithTheNearest) {
  write("mappings/jwst/jwst_1201.pmap", Pmap);
  EXPECT_THAT(problem([&] { cache().context("jwst_1202.pmap"); }), HasSubstr("did you mean 'jwst_1201.pmap'"));
  EXPECT_THAT(problem([&] { cache().context("jwst_1202.pmap"); }), HasSubstr("crds sync --contexts jwst_1202.pmap"));
  EXPECT_THAT(problem([&] { cache().context("jwst_miri_0001.imap"); }), HasSubstr("only a .pmap"));
  for (auto const* said : {"build", "jwst-build", "2022-01-01", "jwst-versions"})
    EXPECT_THAT(problem([&] { cache().context(said); }), HasSubstr("server")) << said;
  write("config/jwst/server_config", "{'latest_context' : 'jwst_1300.pmap'}");
  EXPECT_THAT(problem([&] { cache().context(); }), HasSubstr("jwst_1300.pmap"));
}

TEST_F(CrdsCacheTest, BrokenConfigurationIsNamed) {
  write("mappings/jwst/jwst_0001.pmap", Pmap);
  write("config/jwst/server_config", "{'latest_context' : ");
  EXPECT_THAT(problem([&] { cache(); }), HasSubstr("server_config:1"));
  write("config/jwst/server_config", "{}");
  write("config/jwst/ref_cache_subdir_mode", "tree\n");
  EXPECT_THAT(problem([&] { cache(); }), HasSubstr("ref_cache_subdir_mode"));
}

TEST_F(CrdsCacheTest, FindsReferencesByInstrumentOrFlat) {
  write("mappings/jwst/jwst_0001.pmap", Pmap);
  auto const references = root() / "references/jwst";
  EXPECT_EQ(cache().reference_path("jwst_miri_flat_0001.fits"), references / "miri/jwst_miri_flat_0001.fits");
  write("references/jwst/nircam/jwst_miri_flat_0001.fits", "moved");
  EXPECT_EQ(cache().reference_path("crds://jwst_miri_flat_0001.fits"), references / "nircam/jwst_miri_flat_0001.fits");
  write("config/jwst/ref_cache_subdir_mode", "flat\n");
  EXPECT_EQ(cache().reference_path("jwst_miri_dark_0001.fits"), references / "jwst_miri_dark_0001.fits");
  EXPECT_EQ(cache().reference_path("./here.fits"), "./here.fits");
}

TEST_F(CrdsCacheTest, AFolderOfManyFilesWithoutATagIsFlat) {
  write("mappings/jwst/jwst_0001.pmap", Pmap);
  for (int k = 0; k < 20; ++k) write(fmt::format("references/jwst/jwst_miri_flat_{:04}.fits", k), "x");
  EXPECT_EQ(cache().reference_path("jwst_miri_dark_0001.fits"),
            root() / "references/jwst/miri/jwst_miri_dark_0001.fits");
  write("references/jwst/jwst_miri_flat_0020.fits", "x");
  EXPECT_EQ(cache().reference_path("jwst_miri_dark_0001.fits"), root() / "references/jwst/jwst_miri_dark_0001.fits");
}

TEST_F(CrdsCacheTest, StatesChecksumsAsTheSharedMappingsDo) {
  SKIP_WITHOUT_SHARED("data/crds/cache");
  EXPECT_EQ(sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  int count = 0;
  CrdsCache const shared(CrdsFolders::below(test::shared_dir() / "data/crds/cache"));
  for (auto const& item : fs::directory_iterator(shared.folders().mappings)) {
    EXPECT_NO_THROW(shared.mapping(item.path().filename().string()));  // each states its own
    ++count;
  }
  EXPECT_EQ(count, 15);
}

}  // namespace

}  // namespace tessera::refs
