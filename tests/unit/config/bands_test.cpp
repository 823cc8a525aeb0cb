#include "tessera/config/bands.hpp"

#include <gtest/gtest.h>

#include "tessera/core/error.hpp"

using namespace tessera;
using namespace tessera::config;

TEST(ParseBand, ReadsFilterInstrumentAndBackground) {
  Band const band = parse_band("F770W_bgr");
  EXPECT_EQ(band.name, "F770W_bgr");
  EXPECT_EQ(band.science_name(), "F770W");
  EXPECT_EQ(band.instrument, Instrument::Miri);
  EXPECT_EQ(band.channel, Channel::Single);
  EXPECT_TRUE(band.is_background);
  EXPECT_EQ(band.detector_glob, "mirimage");
  EXPECT_DOUBLE_EQ(band.pixel_scale_arcsec, 0.11);
  EXPECT_DOUBLE_EQ(band.fwhm_pixel, 2.445);
  EXPECT_EQ(band.filter_keyword, "F770W");
  EXPECT_EQ(band.pupil_keyword, "");
}

TEST(ParseBand, SplitsNircamIntoShortAndLong) {
  for (auto const* name : {"F070W", "F150W2", "F212N"}) {
    EXPECT_EQ(parse_band(name).channel, Channel::Short) << name;
    EXPECT_DOUBLE_EQ(parse_band(name).pixel_scale_arcsec, 0.031) << name;
  }
  for (auto const* name : {"F250M", "F322W2", "F480M"}) {
    EXPECT_EQ(parse_band(name).channel, Channel::Long) << name;
    EXPECT_DOUBLE_EQ(parse_band(name).pixel_scale_arcsec, 0.063) << name;
  }
}

TEST(ParseBand, KnowsTheWheelsOfNircam) {
  auto const wheels = [](char const* name) {
    Band const band = parse_band(name);
    return band.filter_keyword + "+" + band.pupil_keyword;
  };
  EXPECT_EQ(wheels("F200W"), "F200W+CLEAR");
  EXPECT_EQ(wheels("F162M"), "F150W2+F162M");
  EXPECT_EQ(wheels("F164N"), "F150W2+F164N");
  EXPECT_EQ(wheels("F323N"), "F322W2+F323N");
  EXPECT_EQ(wheels("F405N"), "F444W+F405N");
  EXPECT_EQ(wheels("F466N"), "F444W+F466N");
  EXPECT_EQ(wheels("F470N"), "F444W+F470N");
  EXPECT_EQ(wheels("F460M"), "F460M+CLEAR");
}

TEST(ParseBand, TakesNircamUnlessTheSuffixSaysOtherwise) {
  EXPECT_EQ(parse_band("F200W").instrument, Instrument::Nircam);
  EXPECT_EQ(parse_band("F200W_nircam").instrument, Instrument::Nircam);
  Band const band = parse_band("F200W_niriss_bgr");
  EXPECT_EQ(band.instrument, Instrument::Niriss);
  EXPECT_EQ(band.filter, "F200W");
  EXPECT_EQ(band.science_name(), "F200W_niriss");
  EXPECT_EQ(band.channel_name(), "");
  EXPECT_EQ(parse_band("F158M").instrument, Instrument::Niriss);
}

TEST(ParseBand, NamesTheNearestBandForAWrongOne) {
  try {
    parse_band("F771W", {"config.toml", 4, 9});
    FAIL() << "no exception";
  } catch (ConfigError const& error) {
    EXPECT_EQ(error.problem().where, "config.toml:4:9: bands");
    EXPECT_EQ(error.problem().found, "'F771W'");
    EXPECT_EQ(error.problem().remedy, "did you mean 'F770W'?");
  }
  for (auto const* wrong : {"", "f770w", "F770W_nircam", "F770W_bg", "F770Wbgr", "_bgr"})
    EXPECT_THROW(parse_band(wrong), ConfigError) << wrong;
}

TEST(KnownFilters, AreAllParsedAndHaveAFinderKernel) {
  EXPECT_EQ(known_filters().size(), 29u + 9u);
  for (auto const& filter : known_filters()) EXPECT_GT(parse_band(filter).fwhm_pixel, 0.9) << filter;
}
