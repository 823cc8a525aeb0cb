// Tables and picture of an alignment.
#include "../../../src/steps/alignment_tables.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "support/test_files.hpp"

namespace tessera::steps {
namespace {

using exchange::AlignStatus;

exchange::Alignment make_alignment(std::vector<exchange::AlignImage>& images) {
  for (auto const& [name, group, visit] :
       {std::array{"a1", "one", "visit1"}, {"a2", "one", "visit1"}, {"b", "two", "visit1"}, {"c", "three", "visit2"}}) {
    auto& image = images.emplace_back();
    image.name = name;
    image.group = group;
    image.visit = visit;
  }
  exchange::Alignment alignment;
  alignment.groups.resize(3);
  alignment.groups[0].group = "one";
  alignment.groups[0].status = AlignStatus::Reference;
  alignment.groups[0].sources = 7;
  auto& moved = alignment.groups[1];
  moved.group = "two";
  moved.status = AlignStatus::Success;
  double const angle = 0.001;
  moved.matrix = {{{std::cos(angle), std::sin(angle)}, {-std::sin(angle), std::cos(angle)}}};
  moved.shift = {0.25, -0.125};
  moved.matches = 3;
  moved.residuals = {{0.003f, 0.004f}, {-0.003f, 0.004f}, {0.0f, -0.009f}};
  alignment.groups[2].group = "three";
  alignment.groups[2].status = AlignStatus::TooFewMatches;
  alignment.groups[2].reason = "2 matches, \"3\" needed";
  return alignment;
}

TEST(GroupTable, HasARowAGroup) {
  std::vector<exchange::AlignImage> images;
  auto const alignment = make_alignment(images);
  std::istringstream lines(group_table(alignment, images));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[1].substr(0, 25), "one,visit1,2,REFERENCE,,,");
  EXPECT_EQ(rows[2].find("two,visit1,1,SUCCESS,0.250000,-0.125000,0.0572958,1.000000000,0,3,"), 0u) << rows[2];
  EXPECT_NE(rows[2].find(",0.006608,"), std::string::npos) << rows[2];  // root of (25 + 25 + 81) / 3 mas^2
  EXPECT_NE(rows[3].find("\"2 matches, \"\"3\"\" needed\""), std::string::npos) << rows[3];
  for (std::size_t k = 0; k < 3; ++k)  // the reason of the last one holds a comma
    EXPECT_EQ(std::count(rows[k].begin(), rows[k].end(), ','), 18) << rows[k];
}

TEST(ResidualHistograms, CountEveryResidualOnceAnAxis) {
  std::vector<exchange::AlignImage> images;
  auto const alignment = make_alignment(images);
  std::istringstream lines(residual_histograms(alignment, images));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "visit,axis,low,high,count");
  int total = 0, rows = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(line.substr(0, 7), "visit1,");
    total += std::stoi(line.substr(line.rfind(',') + 1));
    ++rows;
  }
  EXPECT_EQ(rows, 80);
  EXPECT_EQ(total, 6);
}

TEST(DrawResiduals, MakesAPictureWhereThereAreAny) {
  test::ScratchFolder const scratch("residuals");
  std::vector<exchange::AlignImage> images;
  auto alignment = make_alignment(images);
  draw_residuals(scratch.path() / "a.png", alignment, "ngc0628 F300M");
  EXPECT_GT(std::filesystem::file_size(scratch.path() / "a.png"), 100u);
  alignment.groups[1].residuals.clear();
  draw_residuals(scratch.path() / "b.png", alignment, "ngc0628 F300M");
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "b.png"));
}

}  // namespace
}  // namespace tessera::steps
