// What the headers of a _rate file say, and records as bytes.
#include "tessera/steps/lv2/examine_rate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/rate_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::steps {
namespace {

using testing::HasSubstr;

class ExamineRate : public testing::Test {
 protected:
  std::filesystem::path path() const { return folder_.path() / "jw00001001001_02101_00001_nrca1_rate.fits"; }
  ExaminedRate examine(test::RateFile const& file) {
    file.write(path());
    return examine_rate(path().string(), notes_).value();
  }
  std::string refusal(test::RateFile const& file) {
    file.write(path());
    try {
      examine_rate(path().string(), notes_);
    } catch (InputError const& error) {
      return error.what();
    }
    return "";
  }

  test::ScratchFolder folder_{"examine-rate"};
  std::vector<store::InputNote> notes_;
};

TEST_F(ExamineRate, ReadsWhatLevel2Asks) {
  test::RateFile file;
  file.primary.set("SUBARRAY", "sub160");
  file.primary.set("READPATT", "rapid");
  file.primary.set("PROGRAM", "00001");
  file.primary.set("OBSERVTN", "007");
  file.primary.set("VISIT", "002");
  file.primary.set("OBSLABEL", "Field 1");
  file.primary.set("TARGPROP", "M33-Off");
  file.primary.set("SEQ_ID", "2");
  file.primary.set("SUBSTRT1", 100);
  file.primary.set("EXPSTART", 59000.25);
  file.primary.set("DURATION", 12.5);
  file.primary.set("EXPMID", 59000.5);
  file.primary.set("BMIDTIME", 59000.625);
  auto const found = examine(file);
  auto const& record = found.record;
  EXPECT_EQ(record.identity.exposure, "jw00001001001_02101_00001_nrca1");
  EXPECT_EQ(record.window, (model::DetectorWindow{100, 1, test::RateWidth, test::RateHeight}));
  EXPECT_EQ(record.instrument, "NIRCAM");
  EXPECT_EQ(record.detector, "NRCA1");
  EXPECT_EQ(record.filter, "F150W");
  EXPECT_EQ(record.pupil, "CLEAR");
  EXPECT_EQ(record.subarray, "SUB160");
  EXPECT_EQ(record.readpatt, "RAPID");
  EXPECT_EQ(record.program + record.observation + record.visit, "00001007002");
  EXPECT_EQ(record.observation_label, "Field 1");
  EXPECT_EQ(record.target_name, "M33-Off");
  EXPECT_EQ(record.parallel_sequence, "2");
  EXPECT_EQ(record.start, 59000.25);
  EXPECT_EQ(record.duration, 12.5);
  EXPECT_EQ(record.helio_mid, 59000.625);
  EXPECT_EQ(static_cast<std::uintmax_t>(record.file_bytes), std::filesystem::file_size(path()));
  EXPECT_EQ(found.parameters.value("META.INSTRUMENT.FILTER"), "F150W");
  file.primary.set("HMIDTIME", 59000.75);
  EXPECT_EQ(examine(file).record.helio_mid, 59000.75);
}

TEST_F(ExamineRate, TheHashIsThatOfThisFile) {
  test::RateFile file;
  auto const first = examine(file).record.header_hash;
  auto const again = examine_rate(path().string(), notes_)->record.header_hash;
  EXPECT_EQ(first, again);
  file.primary.set("PROGRAM", "00002");
  EXPECT_NE(examine(file).record.header_hash, first);
}

TEST_F(ExamineRate, OtherKindsOfExposuresAreLeftOut) {
  test::RateFile file;
  file.primary.set("EXP_TYPE", "NRC_WFSS");
  file.write(path());
  EXPECT_FALSE(examine_rate(path().string(), notes_));
  ASSERT_EQ(notes_.size(), 1u);
  EXPECT_TRUE(notes_[0].left_out);
  EXPECT_THAT(notes_[0].text, HasSubstr("NRC_WFSS"));
}

TEST_F(ExamineRate, RefusesWhatIsNoRate) {
  test::RateFile calibrated, planes, small, detector;
  calibrated.sci.set("BUNIT", "MJy/sr");
  EXPECT_THAT(refusal(calibrated), HasSubstr("not a count rate"));
  planes.planes.erase(planes.planes.begin() + 2);
  EXPECT_THAT(refusal(planes), HasSubstr("DQ"));
  small.primary.set("SUBSIZE1", 32);
  EXPECT_THAT(refusal(small), HasSubstr("not as large as its subarray"));
  detector.primary.remove("DETECTOR");
  EXPECT_THAT(refusal(detector), HasSubstr("DETECTOR is missing"));
  EXPECT_THROW(examine_rate((folder_.path() / "none_rate.fits").string(), notes_), InputError);
  test::RateFile().write(path());
  std::filesystem::resize_file(path(), std::filesystem::file_size(path()) - 2880);
  EXPECT_THROW(examine_rate(path().string(), notes_), InputError);
}

TEST_F(ExamineRate, RecordsComeBackFromBytesAsTheyWere) {
  auto record = examine({}).record;
  record.identity.target =
      "ngc\xff"
      "0628";  // bytes that are no UTF-8
  record.identity.band = "F150W";
  record.start = 59000 + 1.0 / 3;
  record.options.bkg_clip.sigma = 1.5;
  record.options.overrides = {{"flat", "/my/flat.fits"}};
  record.references = {{"flat", "/my/flat.fits"}, {"area", "N/A"}};
  record.reference_keywords = {{"flat", "/my/flat.fits"}};
  auto const back = unpack_rate(pack_rate(record));
  EXPECT_EQ(back.identity, record.identity);
  EXPECT_EQ(back.path, record.path);
  EXPECT_EQ(back.window, record.window);
  EXPECT_EQ(back.start, record.start);
  EXPECT_EQ(back.helio_mid, record.helio_mid);
  EXPECT_EQ(back.header_hash, record.header_hash);
  EXPECT_EQ(back.file_bytes, record.file_bytes);
  EXPECT_EQ(back.options.json(), record.options.json());
  EXPECT_EQ(back.references, record.references);
  EXPECT_EQ(back.reference_keywords, record.reference_keywords);
  EXPECT_EQ(pack_rate(back), pack_rate(record));
}

}  // namespace
}  // namespace tessera::steps
