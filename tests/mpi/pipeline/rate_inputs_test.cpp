// Count rates of a survey examined by several ranks: all know the same, and the same as one rank alone.
#include "tessera/pipeline/rate_inputs.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/rate_survey.hpp"

namespace tessera::pipeline {
namespace {

using testing::HasSubstr;

/// Everything there is, as text.
std::string text_of(RateInputs const& inputs) {
  std::string text;
  for (auto const& record : inputs.records) {
    auto const bytes = steps::pack_rate(record);
    text.append(bytes.begin(), bytes.end());
  }
  for (std::size_t t = 0; t < inputs.members.size(); ++t)
    for (std::size_t b = 0; b < inputs.members[t].size(); ++b) {
      for (int const member : inputs.members[t][b]) text += fmt::format("{} {} {}\n", t, b, member);
      text += steps::association_json(inputs.records, inputs.associations[t][b], "name");
    }
  for (auto const* notes : {&inputs.notes, &inputs.broken})
    for (auto const& note : *notes) text += fmt::format("{} {} {}\n", note.path, note.left_out, note.text);
  for (auto const& line : inputs.missing) text += line + "\n";
  return text;
}

TEST(FindRateInputs, EveryRankKnowsWhatOneAloneWouldFind) {
  auto const world = parallel::Communicator::world();
  test::RateSurvey files("rate-inputs-ranks", world);
  files.write_miri(5, 4);
  for (int k = 1; k <= 3; ++k)
    files.write(files.archive(fmt::format("jw02107041001_04101_{:05d}_nrcalong", k)),
                {.instrument = "NIRCAM", .filter = "F300M", .pupil = "CLEAR"});
  files.write(files.archive("jw02107041001_06101_00001_mirimage"), {.filter = "F1000W"});
  files.on_root([&] {
    std::filesystem::resize_file(files.archive("jw02107041001_04101_00002_nrcalong"), 9000);
    std::filesystem::remove(files.reference("jwst_nircam_flat_0001.fits"));
    files.write_plane(files.reference("jwst_miri_flat_0001.fits"), 0);
  });
  files.ready();
  auto const survey = files.survey("'F300M', 'F770W', 'F1000W', 'F770W_bgr', 'F335M'",
                                   "[parameters.lv2]\nbgr_observation_types = ['miri']\noff_weighting_days = 0.5\n"
                                   "off_selection = 2\n",
                                   "'ngc0628', 'ic5332'");
  auto const inputs = find_rate_inputs(world, survey, files.selector());
  EXPECT_EQ(inputs.records.size(), 2u + 9 + 1 + 4);
  EXPECT_EQ(inputs.broken.size(), 1u);
  EXPECT_THAT(inputs.missing,
              testing::ElementsAre(HasSubstr("F1000W: no background exposures"), HasSubstr("ic5332: no count rates"),
                                   HasSubstr("jwst_nircam_flat_0001.fits: the flat reference is missing"),
                                   HasSubstr("jwst_miri_flat_0001.fits: the flat reference leaves nothing"),
                                   HasSubstr("no row for these exposures")));
  auto const mine = text_of(inputs);
  for (auto const& other : world.all_gather(mine)) EXPECT_EQ(other, mine);
  EXPECT_EQ(text_of(find_rate_inputs({}, survey, files.selector())), mine);
  files.ready();  // before the folder goes away
}

}  // namespace
}  // namespace tessera::pipeline
