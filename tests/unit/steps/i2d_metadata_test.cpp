// Blended headers and HDRTAB of a mosaic of three exposures (spec 30, 4.10), expected values by hand.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>

#include "../../../src/steps/astrometric_align/mosaic_solution.hpp"
#include "support/small_mosaic.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {
namespace {

model::Header primary_of(int k) {
  auto header = test::nircam_primary();
  header.set("DETECTOR", k == 1 ? "NRCBLONG" : "NRCALONG");
  header.set("MODULE", k == 1 ? "B" : "A");
  header.set("DATE-OBS", std::string("2023-07-2") + std::to_string(5 - k));
  header.set("DATE-BEG", std::string("2023-07-2") + std::to_string(5 - k) + "T01:00:00");
  header.set("DATE-END", std::string("2023-07-2") + std::to_string(k + 3) + "T02:00:00");
  header.set("EXPSTART", 60000.5 - k);
  header.set("EXPMID", 60000.0 + k * k);
  header.set("EXPEND", 60001.0 + k);
  header.set("TITLE", "title " + std::to_string(k));
  header.set("NGROUPS", 10 + k);
  header.set("EFFEXPTM", 100.0 + k);
  header.set("DURATION", 110.0 + k);
  header.set("TMEASURE", 90.0);
  // The first two are detectors of one exposure: they are one group.
  header.set("PROGRAM", "02107");
  header.set("OBSERVTN", "041");
  header.set("VISIT", "001");
  header.set("VISITGRP", "02");
  header.set("SEQ_ID", "1");
  header.set("ACT_ID", "05");
  header.set("EXPOSURE", k < 2 ? "1" : "2");
  if (k == 2) header.set("CROWDFLD", true);
  return header;
}

class I2dMetadataOfThree : public testing::Test {
 protected:
  I2dMetadataOfThree() {
    for (int k = 0; k < 3; ++k) {
      auto const path = scratch_.path() / fmt::format("e{}_cal.fits", k);
      model::Header image;
      test::set_tan(image, 20, 20, 30 + 0.0001 * k, 10);
      image.set("BUNIT", "MJy/sr");
      image.set("PHOTMJSR", 0.5);
      image.set("RA_REF", 30 + 0.0001 * k);
      image.set("DEC_REF", 10.0);
      image.set("ROLL_REF", 12.0);
      image.set("V3I_YANG", 1.0);
      image.set("VPARITY", -1);
      image.set("A_ORDER", 3);
      test::write_exposure(path, 20, 20, primary_of(k), image, {{"SCI", std::vector<float>(400, 1)}});
      std::vector<store::InputNote> notes;
      records_.push_back(store::examine_exposure({"target", "band", path.string(), "", ""}, notes).value());
    }
    plan_ = plan_of(request_all(records_, scratch_.path()), records_);
    metadata_ = make_i2d_metadata(parallel::Communicator(), plan_, records_);
  }

  /// Bytes of one cell of HDRTAB.
  std::string cell(std::string const& name, std::size_t row) const {
    model::Header const columns(metadata_.table_columns);
    std::size_t offset = static_cast<std::size_t>(metadata_.table_row_bytes) * row;
    for (int k = 1; columns.has(fmt::format("TTYPE{}", k)); ++k) {
      auto const form = columns.text(fmt::format("TFORM{}", k)).value();
      std::size_t const width = form.back() == 'A'   ? static_cast<std::size_t>(std::stoi(form))
                                : form.back() == 'L' ? 1
                                : form.back() == 'J' ? 4
                                                     : 8;
      if (columns.text(fmt::format("TTYPE{}", k)) == name)
        return {reinterpret_cast<char const*>(metadata_.table.data()) + offset, width};
      offset += width;
    }
    return "no such column";
  }
  double real_cell(std::string const& name, std::size_t row) const {
    std::uint64_t bits = 0;
    for (char const byte : cell(name, row)) bits = bits << 8 | static_cast<unsigned char>(byte);
    return std::bit_cast<double>(bits);
  }

  test::ScratchFolder scratch_{"i2d-metadata"};
  std::vector<store::ExposureRecord> records_;
  MosaicPlan plan_;
  I2dMetadata metadata_;
};

TEST_F(I2dMetadataOfThree, BlendsByTheOfficialRules) {
  auto const& primary = metadata_.primary;
  EXPECT_EQ(primary.text("DATE-OBS"), "2023-07-23");
  EXPECT_EQ(primary.text("DATE-BEG"), "2023-07-23T01:00:00");
  EXPECT_EQ(primary.text("DATE-END"), "2023-07-25T02:00:00");
  EXPECT_EQ(primary.real("EXPSTART"), 59998.5);
  EXPECT_EQ(primary.real("EXPEND"), 60003.0);
  EXPECT_NEAR(primary.real("EXPMID").value(), 60000 + 5.0 / 3, 1e-9);
  EXPECT_EQ(primary.text("DETECTOR"), "MULTIPLE");
  EXPECT_EQ(primary.text("MODULE"), "MULTIPLE");
  EXPECT_EQ(primary.text("FILTER"), "F300M");
  EXPECT_EQ(primary.text("TITLE"), "title 0") << "other keywords are the first's";
  EXPECT_EQ(primary.integer("NGROUPS"), 10);
}

TEST_F(I2dMetadataOfThree, SumsExposureTimesOverGroups) {
  EXPECT_EQ(metadata_.primary.integer("NDRIZ"), 2);
  EXPECT_EQ(metadata_.primary.real("EFFEXPTM"), 100.0 + 102.0);
  EXPECT_EQ(metadata_.primary.real("DURATION"), 110.0 + 112.0);
  EXPECT_EQ(metadata_.primary.real("TMEASURE"), 180.0);
  EXPECT_EQ(metadata_.sci.real("XPOSURE"), 202.0);
  EXPECT_EQ(metadata_.sci.real("TELAPSE"), 222.0);
}

TEST_F(I2dMetadataOfThree, KeepsNoGeometryOfOneDetector) {
  for (char const* keyword : {"RA_REF", "DEC_REF", "ROLL_REF", "V3I_YANG", "VPARITY", "A_ORDER", "CD1_1", "CD2_2"})
    EXPECT_FALSE(metadata_.sci.has(keyword)) << keyword;
  EXPECT_EQ(metadata_.sci.text("BUNIT"), "MJy/sr");
  EXPECT_EQ(metadata_.sci.real("PHOTMJSR"), 0.5);
  EXPECT_EQ(metadata_.sci.text("CTYPE1"), "RA---TAN");
  EXPECT_EQ(metadata_.sci.real("CRPIX1"), plan_.grid.crpix.x + 1);
  EXPECT_EQ(metadata_.sci.real("CDELT1"), plan_.grid.cdelt[0]);
  EXPECT_NEAR(metadata_.sci.real("PIXAR_A2").value(), 0.01, 1e-8);
  EXPECT_NEAR(metadata_.sci.real("PIXAR_SR").value(), std::pow(0.1 / 3600 * 3.14159265358979 / 180, 2), 1e-19);
  EXPECT_EQ(metadata_.primary.real("PIXFRAC"), 1.0);
  EXPECT_EQ(metadata_.primary.text("RESWHT"), "ivm");
  EXPECT_EQ(metadata_.primary.text("S_RESAMP"), "COMPLETE");
}

TEST_F(I2dMetadataOfThree, TheHeaderTableHoldsEveryInputBigEndian) {
  ASSERT_EQ(static_cast<std::int64_t>(metadata_.table.size()), 3 * metadata_.table_row_bytes);
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(cell("TITLE", row), "title " + std::to_string(row));
    EXPECT_EQ(cell("NGROUPS", row), std::string("\0\0\0", 3) + static_cast<char>(10 + row));
    EXPECT_EQ(real_cell("EXPMID", row), 60000.0 + static_cast<double>(row * row));
    EXPECT_EQ(cell("CROWDFLD", row), row == 2 ? "T" : std::string(1, '\0')) << "no value is a zero byte";
  }
  EXPECT_EQ(cell("DETECTOR", 0), "NRCALONG");
  EXPECT_EQ(cell("DETECTOR", 1), "NRCBLONG");
}

TEST_F(I2dMetadataOfThree, SaysWhatTheStepsOfTheLedgerDid) {
  EXPECT_FALSE(metadata_.primary.has("S_SKYMAT"));
  EXPECT_FALSE(metadata_.primary.has("BKGMETH"));
  // Two exposures with a level; the last was skipped.
  std::vector<model::LedgerEntry> entries(2);
  for (std::size_t k = 0; k < 2; ++k) {
    entries[k].identity = records_[k].identity;
    entries[k].step = "skymatch";
    entries[k].correction = model::SkyCorrection{0.25 + 0.5 * static_cast<double>(k), false, "match"};
  }
  auto const path = scratch_.path() / "05_skymatch.h5";
  store::write_ledger(path, "skymatch", 5, entries);
  metadata_ = make_i2d_metadata(parallel::Communicator(), plan_, records_, store::Ledger::of({{"skymatch", path}}));
  EXPECT_EQ(metadata_.primary.text("S_SKYMAT"), "COMPLETE");
  EXPECT_EQ(metadata_.primary.text("BKGMETH"), "match");
  EXPECT_FALSE(metadata_.primary.has("BKGLEVEL")) << "no longer that of one exposure";
  EXPECT_FALSE(metadata_.primary.has("BKGSUB"));
  EXPECT_FALSE(metadata_.primary.has("S_OUTLIR"));
  EXPECT_EQ(real_cell("BKGLEVEL", 0), 0.25);
  EXPECT_EQ(real_cell("BKGLEVEL", 1), 0.75);
  EXPECT_TRUE(std::isnan(real_cell("BKGLEVEL", 2)));
  EXPECT_EQ(cell("BKGSUB", 1), "F");
  EXPECT_EQ(cell("S_SKYMAT", 0), "COMPLETE");
  EXPECT_EQ(cell("S_SKYMAT", 2), std::string("SKIPPED\0", 8));
}

TEST_F(I2dMetadataOfThree, SaysHowTheMosaicWasAligned) {
  MosaicSolution solution;
  solution.status = exchange::AlignStatus::Success;
  solution.pixel_move = {{{{1, 0.25}, {-0.25, 1}}}, {1.5, -2.5}};
  io::write_file(align_json_path(plan_.request.folder / (plan_.request.product + "_i2d.fits")), to_json(solution));
  auto const meta_of = [this](store::Ledger const& ledger) {
    auto const metadata = make_i2d_metadata(parallel::Communicator(), plan_, records_, ledger);
    auto const document = io::AsdfDocument::parse(metadata.asdf, "asdf");
    auto const* found = document.tree().find("meta")->find("abs_astro_alignment");
    return found ? *found : io::AsdfValue();
  };
  EXPECT_TRUE(meta_of({}).is_null()) << "the step did not run";
  auto const path = scratch_.path() / "09_astrometric_align.h5";
  store::write_ledger(path, "astrometric_align", 9, {});
  auto const aligned = meta_of(store::Ledger::of({{"astrometric_align", path}}));
  ASSERT_FALSE(aligned.is_null());
  EXPECT_EQ(aligned.find("shift")->sequence_items()->at(1).real(), -2.5);
  EXPECT_EQ(aligned.find("matrix")->sequence_items()->at(1).sequence_items()->at(0).real(), -0.25);
}

TEST_F(I2dMetadataOfThree, ASingleInputHasNoHeaderTable) {
  auto request = request_all(records_, scratch_.path());
  request.members = {1};
  auto const metadata = make_i2d_metadata(parallel::Communicator(), plan_of(request, records_), records_);
  EXPECT_TRUE(metadata.table.empty());
  EXPECT_EQ(metadata.primary.text("DETECTOR"), "NRCBLONG");
  EXPECT_EQ(metadata.primary.integer("NDRIZ"), 1);
}

}  // namespace
}  // namespace tessera::steps
