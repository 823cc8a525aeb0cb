// Count rates, a CRDS cache and a configuration in one folder, written by a test.
#pragma once
#include <fmt/format.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/distortion_files.hpp"
#include "support/rate_files.hpp"
#include "support/test_files.hpp"
#include "tessera/config/survey.hpp"
#include "tessera/parallel/communicator.hpp"
#include "tessera/refs/ref_selector.hpp"
#include "unit/refs/reference_files.hpp"
#include "unit/refs/small_cache.hpp"

namespace tessera::test {

/// What tells one exposure from another.
struct RateFacts {
  std::string instrument = "MIRI", filter = "F770W", pupil = "", subarray = "FULL", readpatt = "FASTR1";
  std::string target_name = "NGC-0628", sequence = "1", observation = "041", visit = "001";
  double middle = 59800;            ///< MJD
  std::string date = "2022-08-10";  ///< that references are chosen by
};

/// Files are written by the first rank alone; `ready` before they are read.
class RateSurvey {
 public:
  explicit RateSurvey(std::string const& name, parallel::Communicator communicator = {})
      : communicator_(std::move(communicator)), folder_(name) {
    on_root([&] {
      std::filesystem::create_directories(raw());
      write_cache();
    });
  }

  std::filesystem::path const& root() const { return folder_.path(); }
  std::filesystem::path raw() const { return root() / "raw"; }
  std::filesystem::path cache() const { return root() / "crds"; }
  std::filesystem::path reference(std::string const& file) const {
    return cache() / "references/jwst" / (file.find("nircam") == std::string::npos ? "miri" : "nircam") / file;
  }
  std::filesystem::path rmap(std::string const& instrument, std::string const& type) const {
    return cache() / "mappings/jwst" / fmt::format("jwst_{}_{}_0001.rmap", instrument, type);
  }

  /// Where the archive's layout has an exposure.
  std::filesystem::path archive(std::string const& exposure, std::string const& target = "ngc0628") const {
    return raw() / target / "mastDownload" / "JWST" / exposure / (exposure + "_rate.fits");
  }

  void write(std::filesystem::path const& path, RateFacts const& facts = {}) const {
    on_root([&] {
      RateFile file;
      bool const is_miri = facts.instrument == "MIRI";
      auto& primary = file.primary;
      primary.set("INSTRUME", facts.instrument);
      primary.set("DETECTOR", is_miri ? "MIRIMAGE" : "NRCALONG");
      primary.set("EXP_TYPE", is_miri ? "MIR_IMAGE" : "NRC_IMAGE");
      primary.set("FILTER", facts.filter);
      primary.remove("PUPIL");
      if (!facts.pupil.empty()) primary.set("PUPIL", facts.pupil);
      primary.set("SUBARRAY", facts.subarray);
      primary.set("READPATT", facts.readpatt);
      primary.set("TARGPROP", facts.target_name);
      primary.set("SEQ_ID", facts.sequence);
      primary.set("PROGRAM", "02107");
      primary.set("OBSERVTN", facts.observation);
      primary.set("VISIT", facts.visit);
      primary.set("DATE-OBS", facts.date);
      primary.set("TIME-OBS", "12:00:00.000");
      primary.set("EXPSTART", facts.middle - 0.001);
      primary.set("EXPMID", facts.middle);
      primary.set("HMIDTIME", facts.middle);
      primary.set("DURATION", 88.8);
      file.write(path);
    });
  }

  /// Science and offs of NGC 628 in F770W in the archive's layout: jw02107041001_0210s_0000e_mirimage with s = 1 for
  /// science and 2 for offs, a tenth of a day apart.
  void write_miri(int science, int offs) const {
    for (int k = 0; k < science; ++k)
      write(archive(fmt::format("jw02107041001_02101_{:05d}_mirimage", k + 1)), {.middle = 59800 + 0.1 * k});
    for (int k = 0; k < offs; ++k)
      write(archive(fmt::format("jw02107041001_02201_{:05d}_mirimage", k + 1)),
            {.sequence = "2", .middle = 59800.5 + 0.1 * k});
  }

  /// The rules of one type: for each detector a file, "N/A", or (not named) no rule.
  void set_rules(std::string const& instrument, std::string const& type,
                 std::map<std::string, std::string> const& file_of_detector) const {
    on_root([&] {
      std::string rules;
      for (auto const& [detector, file] : file_of_detector)
        rules += file == "N/A"
                     ? fmt::format("    ('{}',) : 'N/A',\n", detector)
                     : fmt::format("    ('{}',) : UseAfter({{'2020-01-01 00:00:00' : '{}'}}),\n", detector, file);
      write_text(rmap(instrument, type), rmap_text("'META.INSTRUMENT.DETECTOR',", rules));
    });
  }

  /// A flat or an area of one value, of `ny` rows of the detector from `y_start` (1-based).
  void write_plane(std::filesystem::path const& path, float value, int y_start = 1,
                   std::int64_t ny = RateHeight) const {
    on_root([&] {
      ReferenceFile file;
      set_window(file.primary, 1, y_start, RateWidth, static_cast<int>(ny));
      file.add_plane("SCI", RateWidth, ny, std::vector<float>(static_cast<std::size_t>(RateWidth * ny), value))
          .write(path);
    });
  }

  /// Waits until all is written.
  void ready() const { communicator_.barrier(); }
  void on_root(std::function<void()> const& work) const {
    if (communicator_.is_root()) work();
  }

  refs::RefSelector selector() const { return refs::RefSelector(refs::CrdsCache(refs::CrdsFolders::below(cache()))); }

  config::Survey survey(std::string const& bands, std::string const& rest = "",
                        std::string const& targets = "'ngc0628'", std::string const& steps = "'lv2', 'lv3'") const {
    return config::parse_survey(
        {"targets = [" + targets + "]\nversion = 'v1'\nbands = [" + bands + "]\nsteps = [" + steps + "]\n" + rest,
         "raw_dir = '" + raw().string() + "'\nreprocess_dir = '" + (root() / "work").string() +
             "'\nalignment_dir = '/align'\n"});
  }

 private:
  parallel::Communicator communicator_;
  ScratchFolder folder_;

  void write_cache() const {
    auto const folder = cache() / "mappings/jwst";
    write_text(folder / "jwst_0001.pmap",
               mapping_text("    'parkey' : ('META.INSTRUMENT.NAME',),",
                            "{'MIRI' : 'jwst_miri_0001.imap', 'NIRCAM' : 'jwst_nircam_0001.imap'}"));
    for (std::string const instrument : {"miri", "nircam"}) {
      std::string rules = "{";
      std::string const detector = instrument == "miri" ? "MIRIMAGE" : "NRCALONG";
      for (std::string const type : {"distortion", "filteroffset", "flat", "photom", "area"}) {
        auto const extension = type == "distortion" || type == "filteroffset" ? "asdf" : "fits";
        auto const file = fmt::format("jwst_{}_{}_0001.{}", instrument, type, extension);
        rules += fmt::format("'{0}' : 'jwst_{1}_{0}_0001.rmap', ", type, instrument);
        set_rules(instrument, type, {{detector, file}});
        write_reference(type, reference(file), instrument == "miri");
      }
      write_text(folder / ("jwst_" + instrument + "_0001.imap"),
                 mapping_text("    'parkey' : ('REFTYPE',),", rules + "}"));
    }
  }

  void write_reference(std::string const& type, std::filesystem::path const& path, bool is_miri) const {
    std::filesystem::create_directories(path.parent_path());
    if (type == "distortion") {
      write_distortion(path, *plain_distortion(0.11, 12, 8, -450, -370));
    } else if (type == "filteroffset") {
      write_filter_offsets(path, {{is_miri ? "F770W" : "F300M", is_miri ? "" : "CLEAR", 0.5, -0.25}});
    } else if (type == "photom") {
      std::vector<io::TableColumn> columns{
          {"filter", "", "", std::vector<std::string>{is_miri ? "F770W" : "F300M"}, ""},
          {is_miri ? "subarray" : "pupil", "", "", std::vector<std::string>{is_miri ? "GENERIC" : "CLEAR"}, ""},
          {"photmjsr", "", "", std::vector<double>{0.5}, ""},
          {"uncertainty", "", "", std::vector<double>{0.01}, ""}};
      ReferenceFile().add_table("PHOTOM", columns).write(path);
    } else {
      write_plane(path, 1);
    }
  }
};

}  // namespace tessera::test
