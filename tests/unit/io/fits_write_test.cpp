#include "tessera/io/fits_write.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "fits_bytes.hpp"
#include "support/test_files.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::io {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

class WriteFits : public testing::Test {
 protected:
  tessera::test::ScratchFolder folder_{"write-fits"};
  std::filesystem::path path_ = folder_.path() / "file.fits";

  std::vector<std::string> keywords(Hdu const& hdu) {
    std::vector<std::string> names;
    for (auto const& card : hdu.header.cards()) names.push_back(card.keyword());
    return names;
  }
  /// The ones-complement sum the standard defines, word by word.
  static std::uint32_t plain_sum(std::string const& bytes, std::int64_t first, std::int64_t count) {
    std::uint64_t sum = 0;
    for (auto i = first; i < first + count; i += 4) {
      std::uint64_t word = 0;
      for (int k = 0; k < 4; ++k) word = word << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i + k)]);
      sum += word;
      if (sum > 0xffffffffu) sum = (sum & 0xffffffffu) + 1;
    }
    return static_cast<std::uint32_t>(sum);
  }
  static std::int64_t padded_size(std::int64_t bytes) { return (bytes + 2879) / 2880 * 2880; }
};

std::vector<std::byte> floats(std::vector<float> const& values) {
  std::vector<std::byte> bytes(4 * values.size());
  to_big_endian(values, bytes.data());
  return bytes;
}

std::vector<std::byte> bytes_of(std::string const& text) {
  auto const bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

/// A file with everything in it: primary without data, float image, flags, table.
std::vector<HduPlan> example_plans() {
  std::vector<HduPlan> plans(4);
  plans[0].header.set("TELESCOP", "JWST", "telescope");
  plans[0].header.set("LONGTEXT", std::string(150, 'x'));
  plans[0].header.add_history("made by a test");
  plans[1] = {.extname = "SCI", .bitpix = -32, .axes = {3, 2}, .table_columns = {}, .header = {}};
  plans[1].header.set("BUNIT", "MJy/sr");
  plans[2] = {
      .extname = "DQ", .bitpix = 32, .unsigned_integers = true, .axes = {3, 2}, .table_columns = {}, .header = {}};
  plans[3] = {.extname = "ASDF", .bitpix = 8, .axes = {7, 1}, .binary_table = true, .table_columns = {}, .header = {}};
  model::Header columns;
  columns.set("TTYPE1", "ASDF_METADATA");
  columns.set("TFORM1", "7B");
  plans[3].table_columns = columns.cards();
  return plans;
}

std::vector<std::vector<std::byte>> example_data() {
  std::vector<std::uint32_t> const flags{0, 1, 513, 0x7fffffffu, 0x80000000u, 0xffffffffu};
  std::vector<std::byte> flag_bytes(24);
  to_big_endian_unsigned(flags, flag_bytes.data());
  return {
      {}, floats({1, -2.5f, std::numeric_limits<float>::quiet_NaN(), 0, 1e30f, 0.1f}), flag_bytes, bytes_of("#ASDF 1")};
}

TEST_F(WriteFits, StoresBigEndianBytes) {
  std::vector<std::int32_t> const numbers{1, -2};
  std::vector<std::byte> bytes(8);
  to_big_endian(numbers, bytes.data());
  EXPECT_EQ(std::string(reinterpret_cast<char*>(bytes.data()), 8), words(4, {1, -2}));
  std::vector<std::uint32_t> const flags{0, 0xffffffffu};
  to_big_endian_unsigned(flags, bytes.data());
  EXPECT_EQ(std::string(reinterpret_cast<char*>(bytes.data()), 8), words(4, {INT32_MIN, INT32_MAX}));
  EXPECT_EQ(floats({1.0f})[0], std::byte{0x3f});
}

TEST_F(WriteFits, PutsStructureFirstAndReadsBack) {
  write_fits(path_, example_plans(), example_data());
  auto const file = FitsFile::open(path_);
  ASSERT_EQ(file.hdus().size(), 4u);
  EXPECT_THAT(keywords(file.hdus()[0]), ElementsAre("SIMPLE", "BITPIX", "NAXIS", "EXTEND", "TELESCOP", "LONGTEXT",
                                                    "CONTINUE", "CONTINUE", "HISTORY", "CHECKSUM", "DATASUM"));
  EXPECT_THAT(keywords(file.hdus()[2]),
              ElementsAre("XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "BSCALE", "BZERO",
                          "EXTNAME", "EXTVER", "CHECKSUM", "DATASUM"));
  EXPECT_THAT(keywords(file.hdus()[3]),
              ElementsAre("XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "PCOUNT", "GCOUNT", "TFIELDS", "TTYPE1",
                          "TFORM1", "EXTNAME", "EXTVER", "CHECKSUM", "DATASUM"));
  EXPECT_EQ(file.hdus()[0].header.text("LONGTEXT"), std::string(150, 'x'));
  EXPECT_EQ(file.require("SCI").header.text("BUNIT"), "MJy/sr");
  std::vector<float> values(6);
  file.read_rows(file.require("SCI"), 0, 2, values.data());
  EXPECT_EQ(values[1], -2.5f);
  EXPECT_EQ(values[5], 0.1f);
  std::vector<std::uint32_t> flags(6);
  file.read_rows(file.require("DQ"), 0, 2, flags.data());
  EXPECT_THAT(flags, ElementsAre(0u, 1u, 513u, 0x7fffffffu, 0x80000000u, 0xffffffffu));
  EXPECT_EQ(file.read_data(file.require("ASDF")), bytes_of("#ASDF 1"));
  EXPECT_EQ(std::filesystem::file_size(path_) % 2880, 0u);
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".part"));
}

TEST_F(WriteFits, LeavesOutTheStructureOfTheSource) {
  std::vector<HduPlan> plans(1);
  plans[0].bitpix = -32;
  plans[0].axes = {2, 1};
  for (char const* keyword :
       {"BITPIX", "NAXIS7", "BSCALE", "BZERO", "ZIMAGE", "ZTILE1", "TFORM3", "CHECKSUM", "EXTVER"})
    plans[0].header.set(keyword, 99);
  plans[0].header.set("NAXISTXT", "kept");
  plans[0].header.append(model::Card{"SHORTCRD= 'caf\xe9'"});
  write_fits(path_, plans, {floats({1, 2})});
  auto const file = FitsFile::open(path_);
  EXPECT_THAT(keywords(file.hdus()[0]), ElementsAre("SIMPLE", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "NAXISTXT",
                                                    "SHORTCRD", "CHECKSUM", "DATASUM"));
  EXPECT_EQ(file.hdus()[0].header.text("SHORTCRD"), "caf?");
  EXPECT_EQ(file.hdus()[0].bitpix, -32);
}

TEST_F(WriteFits, CountsVersionsOfOneName) {
  std::vector<HduPlan> plans(4);
  plans[1].extname = plans[2].extname = plans[3].extname = "SCI";
  plans[3].header.set("EXTVER", 7);
  write_fits(path_, plans, std::vector<std::vector<std::byte>>(4));
  auto const file = FitsFile::open(path_);
  EXPECT_EQ(file.hdus()[1].extver, 1);
  EXPECT_EQ(file.hdus()[2].extver, 2);
  EXPECT_EQ(file.hdus()[3].extver, 7);
}

TEST_F(WriteFits, MakesEveryHduSumToAllOnes) {
  write_fits(path_, example_plans(), example_data());
  auto const bytes = read_bytes(path_);
  auto const file = FitsFile::open(path_);
  for (auto const& hdu : file.hdus()) {
    auto const data_size = padded_size(hdu.data_bytes);
    EXPECT_EQ(hdu.header.text("DATASUM"), std::to_string(plain_sum(bytes, hdu.data_offset, data_size))) << hdu.extname;
    EXPECT_EQ(plain_sum(bytes, hdu.header_offset, hdu.data_offset - hdu.header_offset + data_size), 0xffffffffu)
        << hdu.extname;
    EXPECT_EQ(hdu.header.text("CHECKSUM")
                  ->find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
              std::string::npos);
  }
}

TEST_F(WriteFits, SatisfiesFitsverify) {
  if (std::system("command -v fitsverify > /dev/null") != 0) GTEST_SKIP() << "needs the program fitsverify";
  auto plans = example_plans();
  plans[0].header.remove(
      "LONGTEXT");  // it would warn of CONTINUE without LONGSTRN, which the standard made superfluous
  write_fits(path_, plans, example_data());
  auto const report = folder_.path() / "report";
  std::system(("fitsverify " + path_.string() + " > " + report.string()).c_str());
  EXPECT_THAT(read_bytes(report), HasSubstr("Verification found 0 warning(s) and 0 error(s)"));
}

TEST_F(WriteFits, GivesTheSameBytesEveryTime) {
  write_fits(path_, example_plans(), example_data());
  auto const first = read_bytes(path_);
  write_fits(path_, example_plans(), example_data());
  EXPECT_EQ(read_bytes(path_), first);
}

TEST_F(WriteFits, RefusesWritesOutsideTheData) {
  HduPlan plan;
  plan.bitpix = -32;
  plan.axes = {2, 2};
  ParallelFitsFile file(parallel::Communicator(), path_, {plan});
  std::vector<std::byte> const bytes(8);
  EXPECT_THROW(file.write(0, 12, bytes), ContractViolation);
  EXPECT_THROW(file.write(0, 2, bytes), ContractViolation);
  EXPECT_THROW(file.write(1, 0, bytes), ContractViolation);
}

TEST_F(WriteFits, RemovesAFileThatWasNotFinished) {
  write_file(path_, "old");
  {
    HduPlan plan;
    plan.axes = {10};
    ParallelFitsFile const file(parallel::Communicator(), path_, {plan});
    EXPECT_TRUE(std::filesystem::exists(path_.string() + ".part"));
  }
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".part"));
  EXPECT_EQ(read_bytes(path_), "old");
}

TEST_F(WriteFits, SaysThatTheFolderIsMissing) {
  try {
    write_file(folder_.path() / "absent" / "file.txt", "text");
    FAIL();
  } catch (IoError const& error) {
    EXPECT_THAT(error.problem().where, HasSubstr("file.txt"));
    EXPECT_THAT(error.problem().remedy, HasSubstr("absent"));
  }
  EXPECT_THROW(write_fits(folder_.path() / "absent" / "x.fits", example_plans(), example_data()), IoError);
}

/// A file system of 1 MB, where mounting is allowed.
class SmallDisk {
 public:
  explicit SmallDisk(std::filesystem::path const& folder) : folder_(folder) {
    std::filesystem::create_directories(folder);
    mounted_ = ::mount("tessera-test", folder.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount(folder_.c_str());
  }
  SmallDisk(SmallDisk const&) = delete;
  SmallDisk& operator=(SmallDisk const&) = delete;
  bool mounted() const { return mounted_; }

 private:
  std::filesystem::path folder_;
  bool mounted_ = false;
};

TEST_F(WriteFits, SaysAtOnceThatTheDiskIsFullAndLeavesNothing) {
  auto const small = folder_.path() / "small";
  SmallDisk const disk(small);
  if (!disk.mounted()) GTEST_SKIP() << "needs the right to mount a small tmpfs";
  write_file(small / "old.txt", "old");
  HduPlan plan;
  plan.axes = {2000000};
  try {
    ParallelFitsFile const file(parallel::Communicator(), small / "file.fits", {plan});
    FAIL();
  } catch (IoError const& error) {
    EXPECT_THAT(error.problem().found, HasSubstr("No space left"));
    EXPECT_THAT(error.problem().remedy, HasSubstr("free some space"));
  }
  EXPECT_THROW(write_file(small / "old.txt", std::string(2000000, 'x')), IoError);
  EXPECT_EQ(read_bytes(small / "old.txt"), "old");
  std::vector<std::string> left;
  for (auto const& entry : std::filesystem::directory_iterator(small)) left.push_back(entry.path().filename());
  EXPECT_THAT(left, ElementsAre("old.txt"));
}

TEST_F(WriteFits, ReportsTheFileSizeLimit) {
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = before;
  limit.rlim_cur = 100000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::string message;
  try {
    write_file(path_, std::string(200000, 'x'));
  } catch (IoError const& error) {
    message = error.problem().remedy;
  }
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(message, HasSubstr("file size limit"));
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".part"));
}

}  // namespace
}  // namespace tessera::io
