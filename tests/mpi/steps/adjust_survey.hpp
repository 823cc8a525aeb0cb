// Small surveys with visit errors, for the tests of get_wcs_adjust.
#pragma once
#include "star_survey.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/config/toml_file.hpp"
#include "tessera/config/wcs_adjust_file.hpp"
#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_step.hpp"

namespace tessera::steps {

/// Star fields in several visits, and get_wcs_adjust run on them.
class AdjustSurvey : public StarSurvey {
 public:
  using StarSurvey::StarSurvey;

  /// Dithers of a visit with one error for all of them.
  void add_visit(std::string const& band, int visit, StarField const& field, Pointing const& pointing, int dithers = 2,
                 std::string const& detector = "nrcalong") {
    auto primary = test::nircam_primary(band);
    bool const is_miri = detector == "mirimage";
    if (is_miri) {
      primary.set("INSTRUME", "MIRI");
      primary.set("EXP_TYPE", "MIR_IMAGE");
    }
    std::string upper = detector;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
    primary.set("DETECTOR", upper);
    for (int dither = 1; dither <= dithers; ++dither) {
      auto one = pointing;
      one.east += 0.83 * (dither - 1);
      one.north -= 0.57 * (dither - 1);
      auto const group = fmt::format("jw02107041{:03d}_{}2101_{:05d}", visit, is_miri ? 1 : 0, dither);
      add(band, group + "_" + detector, group, field, one, false, primary);
    }
  }

  /// One task a band, in the order of their first exposures; `text` is the table [get_wcs_adjust].
  std::vector<BandTask> adjust_tasks(std::string const& text) const {
    config::Survey survey;
    survey.parameters = config::parse_toml("[get_wcs_adjust]\n" + text, "config.toml");
    auto const target_dir = folder() / label;
    auto made = test::make_band_tasks(records, "get_wcs_adjust", 1, target_dir, [&](BandTask const& task) {
      return survey.resolve("get_wcs_adjust", task.target, &task.band_facts);
    });
    for (auto& task : made) {
      task.ledger_file = target_dir / "get_wcs_adjust" / (task.band + "_wcs_adjust.toml");
      task.adjustments = target_file();
      task.alignment_dir = folder();
    }
    return made;
  }

  StepOutcome adjust(std::string const& text, parallel::Communicator const& communicator, bool stop = false) {
    test::StepRun one(records, communicator);
    if (stop) one.control.raise(parallel::StopRequest::FinishItems);
    auto outcome = one.run(run_get_wcs_adjust, adjust_tasks(text));
    EXPECT_EQ(one.budget.reserved(), 0);
    return outcome;
  }
  StepOutcome adjust(std::string const& text) {
    auto outcome = adjust(text, world);
    world.barrier();
    return outcome;
  }

  std::filesystem::path target_file() const { return folder() / label / "ngc0628_wcs_adjust.toml"; }
  config::WcsAdjustments adjustments() const { return config::read_wcs_adjust(target_file()); }
  std::string band_text(std::string const& band) const {
    return read(folder() / label / "get_wcs_adjust" / (band + "_wcs_adjust.toml"));
  }
  std::string product(std::string const& band, std::string const& name) const {
    return read(folder() / label / band / "get_wcs_adjust" / name);
  }
  static std::string read(std::filesystem::path const& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
};

/// Parameters that suit these fields: few stars, nothing but stars.
inline std::string adjust_text(std::string const& bands, std::string const& more = "") {
  return "bands = [" + bands + "]\ngroup_dithers = ['nircam', 'miri']\n" + more +
         "\n[get_wcs_adjust.tweakreg_parameters]\nminobj = 5\nbkg_boxsize = 110\nroundhi = 0.5\nkernel_fwhm = 2.5\n"
         "searchrad = 2\nseparation = 0.6\ntolerance = 0.3\nuse2dhist = true\nfitgeometry = 'shift'\n"
         "expand_refcat = true\nbrightest = 200\nabs_minobj = 5\nabs_separation = 0.6\nabs_tolerance = "
         "0.3\nabs_fitgeometry = 'shift'\n";
}

}  // namespace tessera::steps
