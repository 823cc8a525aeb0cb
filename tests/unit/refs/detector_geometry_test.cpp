#include "tessera/refs/detector_geometry.hpp"

#include <gtest/gtest.h>

#include "support/distortion_files.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::refs {
namespace {

model::DetectorWindow const Window{1, 1, 20, 10};

model::Header primary_of(std::string const& instrument, std::string const& filter, std::string const& pupil) {
  model::Header header;
  header.set("INSTRUME", std::string_view(instrument));
  header.set("FILTER", std::string_view(filter));
  if (!pupil.empty()) header.set("PUPIL", std::string_view(pupil));
  return header;
}

template <class Call>
std::string complaint_of(Call call) {
  try {
    call();
  } catch (InputError const& error) {
    return error.what();
  }
  return "no InputError";
}

class ReadDetectorGeometry : public ::testing::Test {
 protected:
  test::ScratchFolder folder{"detector_geometry"};
  std::filesystem::path distortion = folder.path() / "distortion.asdf";
  std::filesystem::path offsets = folder.path() / "filteroffset.asdf";

  void SetUp() override {
    test::write_distortion(distortion, *test::plain_distortion(0.1, 9.5, 4.5, -100, 200));
    test::write_filter_offsets(offsets, {{"F150W", "CLEAR", 1.5, -2.5},
                                         {"F150W", "F162M", 0.25, 0.5},
                                         {"F200W", "CLEAR", std::nullopt, std::nullopt},
                                         {"F300M", "CLEAR", 1.0, 1.0},
                                         {"F300M", "CLEAR", 2.0, 2.0}});
  }
};

TEST_F(ReadDetectorGeometry, TakesTheWindowAndTheOffsetOfFilterAndPupil) {
  auto const geometry =
      read_detector_geometry(distortion, offsets, primary_of("NIRCAM", "F150W", "F162M"), {5, 7, 20, 10});
  EXPECT_EQ(geometry.substrt1, 5);
  EXPECT_EQ(geometry.substrt2, 7);
  EXPECT_EQ(geometry.subsize1, 20);
  EXPECT_EQ(geometry.subsize2, 10);
  ASSERT_TRUE(geometry.filter_offset);
  EXPECT_EQ(geometry.filter_offset->x, 0.25);
  EXPECT_EQ(geometry.filter_offset->y, 0.5);
}

TEST_F(ReadDetectorGeometry, ShiftsNothingWithoutAnEntryOrWithoutNumbers) {
  for (auto const& [filter, pupil] : {std::pair{"F090W", "CLEAR"}, {"F150W", "FLAT"}, {"F200W", "CLEAR"}})
    EXPECT_FALSE(read_detector_geometry(distortion, offsets, primary_of("NIRCAM", filter, pupil), Window).filter_offset)
        << filter << " " << pupil;
  EXPECT_FALSE(read_detector_geometry(distortion, "", primary_of("NIRCAM", "F150W", "CLEAR"), Window).filter_offset);
}

TEST_F(ReadDetectorGeometry, RefusesTwoOffsetsThatFitForNircam) {
  auto const text = complaint_of(
      [&] { read_detector_geometry(distortion, offsets, primary_of("NIRCAM", "F300M", "CLEAR"), Window); });
  EXPECT_NE(text.find("several filter offsets"), std::string::npos) << text;
  EXPECT_NE(text.find("F300M"), std::string::npos) << text;
  EXPECT_NE(text.find(offsets.string()), std::string::npos) << text;
}

TEST_F(ReadDetectorGeometry, TakesTheFirstOffsetForMiriAndNeedsTheFile) {
  test::write_filter_offsets(folder.path() / "miri.asdf", {{"F770W", "", -0.5, 3.0}, {"F770W", "", 8.0, 8.0}});
  auto const geometry =
      read_detector_geometry(distortion, folder.path() / "miri.asdf", primary_of("MIRI", "F770W", ""), Window);
  ASSERT_TRUE(geometry.filter_offset);
  EXPECT_EQ(geometry.filter_offset->x, -0.5);
  auto const text =
      complaint_of([&] { read_detector_geometry(distortion, "", primary_of("MIRI", "F770W", ""), Window); });
  EXPECT_NE(text.find("MIRI"), std::string::npos) << text;
}

TEST_F(ReadDetectorGeometry, NamesTheKeywordThatIsMissing) {
  auto const text =
      complaint_of([&] { read_detector_geometry(distortion, offsets, primary_of("NIRCAM", "F150W", ""), Window); });
  EXPECT_NE(text.find("PUPIL"), std::string::npos) << text;
}

TEST_F(ReadDetectorGeometry, ReadsADistortionOnceAndSharesIt) {
  auto const primary = primary_of("NIRCAM", "F150W", "CLEAR");
  auto const first = read_detector_geometry(distortion, offsets, primary, Window);
  std::filesystem::remove(distortion);
  auto const second = read_detector_geometry(distortion, offsets, primary, Window);
  EXPECT_EQ(first.distortion.get(), second.distortion.get());
}

TEST_F(ReadDetectorGeometry, RefusesDistortionsThatCannotBeUsed) {
  auto const primary = primary_of("NIRCAM", "F150W", "CLEAR");
  auto const text_of = [&](std::string const& name) {
    return complaint_of([&] { read_detector_geometry(folder.path() / name, "", primary, Window); });
  };
  test::write_distortion(folder.path() / "no_inverse.asdf",
                         *sky::join(std::make_shared<sky::Scale>(0.1), std::make_shared<sky::Scale>(0.0)));
  EXPECT_NE(text_of("no_inverse.asdf").find("without an inverse"), std::string::npos) << text_of("no_inverse.asdf");
  test::write_distortion(folder.path() / "one.asdf", sky::Shift(3));
  EXPECT_NE(text_of("one.asdf").find("2 inputs and 2 outputs"), std::string::npos) << text_of("one.asdf");
  io::write_file(folder.path() / "empty.asdf", io::write_asdf(io::AsdfValue::mapping({{"meta", "none"}})));
  EXPECT_NE(text_of("empty.asdf").find("without a transform"), std::string::npos) << text_of("empty.asdf");
  io::write_file(folder.path() / "text.asdf", std::string("no reference at all"));
  EXPECT_NE(text_of("text.asdf").find("text.asdf"), std::string::npos) << text_of("text.asdf");
  EXPECT_NE(text_of("absent.asdf").find("absent.asdf"), std::string::npos) << text_of("absent.asdf");
}

model::Header pointing_header() {
  model::Header header;
  header.set("V2_REF", -122.6);
  header.set("V3_REF", -457.7);
  header.set("ROLL_REF", 144.8);
  header.set("RA_REF", 110.87);
  header.set("DEC_REF", -73.45);
  return header;
}

TEST(ReadPointing, TakesTheSixKeywords) {
  auto header = pointing_header();
  EXPECT_FALSE(read_pointing("a_rate.fits", header).va_scale);
  header.set("VA_SCALE", 0.99999);
  auto const pointing = read_pointing("a_rate.fits", header);
  EXPECT_EQ(pointing.v2_ref, -122.6);
  EXPECT_EQ(pointing.v3_ref, -457.7);
  EXPECT_EQ(pointing.roll_ref, 144.8);
  EXPECT_EQ(pointing.ra_ref, 110.87);
  EXPECT_EQ(pointing.dec_ref, -73.45);
  EXPECT_EQ(pointing.va_scale, 0.99999);
}

TEST(ReadPointing, NamesTheFileAndAllThatIsMissing) {
  auto header = pointing_header();
  header.remove("V2_REF");
  header.set_undefined("DEC_REF");
  auto const text = complaint_of([&] { read_pointing("a_rate.fits", header); });
  EXPECT_NE(text.find("a_rate.fits[SCI]"), std::string::npos) << text;
  EXPECT_NE(text.find("V2_REF, DEC_REF"), std::string::npos) << text;
}

TEST(ReadPointing, RefusesAScaleThatIsNotPositive) {
  for (double const scale : {0.0, -1.0}) {
    auto header = pointing_header();
    header.set("VA_SCALE", scale);
    auto const text = complaint_of([&] { read_pointing("a_rate.fits", header); });
    EXPECT_NE(text.find("VA_SCALE"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace tessera::refs
