#include "rate_references.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/refs/check_reference.hpp"
#include "tessera/refs/detector_geometry.hpp"
#include "tessera/refs/image_references.hpp"
#include "tessera/refs/parameter_reference.hpp"
#include "tessera/refs/photom_reference.hpp"
#include "tessera/refs/step_references.hpp"
#include "tessera/steps/lv2/lv2_options.hpp"

namespace tessera::pipeline {

namespace {

using Status = refs::SelectedReference::Status;
std::string const NotApplicable = "N/A";

bool is_skipped(std::string const& step, steps::Lv2Options const& options) {
  if (step == "bkg_subtract") return options.skip_bkg_subtract;
  if (step == "assign_wcs") return options.skip_assign_wcs;
  if (step == "flat_field") return options.skip_flat_field;
  return options.skip_photom;
}

/// What comes of an exposure without a reference of a type, "" where that is usual.
std::string consequence(std::string const& type) {
  if (type == "flat") return "flat_field is skipped";
  if (type == "photom") return "photom is skipped, and the exposures stay in DN/s";
  return "";
}

void choose(steps::RateRecord& record, refs::StepReferences const& step, std::string const& type,
            refs::SelectedReference const& reference, RateFindings& findings) {
  for (auto const& warning : reference.warnings) findings.notes.push_back(fmt::format("{}: {}", type, warning));
  if (reference.status == Status::Error) {
    findings.troubles.push_back(fmt::format("{}: {}", type, reference.reason));
    return;
  }
  record.reference_keywords[type] = reference.keyword_value();
  record.references[type] = reference.is_found() ? reference.path.string() : NotApplicable;
  if (reference.is_found()) return;
  if (refs::is_needed(step, type, record.instrument == "MIRI" ? "miri" : "nircam"))
    findings.troubles.push_back(
        fmt::format("{} is N/A for these exposures, and {} cannot do without (set "
                    "jwst_parameters.{}.override_{}, or choose another context)",
                    type, step.step, step.step, type));
  else if (auto const result = consequence(type); !result.empty())
    findings.notes.push_back(fmt::format("no {} reference for these exposures: {}", type, result));
}

/// One thing to look at, once for all exposures that need it.
struct Check {
  enum class Kind { File, Photom, Geometry, Flat, Area } kind = Kind::File;
  std::string type;
  std::size_t first = 0;  ///< record
  int count = 0;
};

using CheckKey = std::vector<std::string>;

CheckKey key_of_window(std::string const& type, std::string const& path, model::DetectorWindow const& window) {
  return {type, path, fmt::format("{} {} {} {}", window.x_start, window.y_start, window.nx, window.ny)};
}

/// Checks by key; `order` is catalogue order.
class Checks {
 public:
  void add(CheckKey const& key, Check::Kind kind, std::string const& type, std::size_t record) {
    auto const [found, is_new] = number_.emplace(key, all_.size());
    if (is_new) all_.push_back({kind, type, record, 0});
    ++all_[found->second].count;
  }
  std::vector<Check> const& all() const { return all_; }

  /// The problem of each, "" for none, the same on all ranks. `look` is called on one rank for each.
  template <class Look>
  std::vector<std::string> agree(parallel::Communicator const& communicator, Look const& look) const {
    // One text a rank: a line a check, which a line break may not be part of.
    std::string mine;
    auto const size = static_cast<std::size_t>(communicator.size());
    for (auto k = static_cast<std::size_t>(communicator.rank()); k < all_.size(); k += size) {
      auto said = look(all_[k]);
      std::replace(said.begin(), said.end(), '\n', ' ');
      mine += said + "\n";
    }
    std::vector<std::string> problems(all_.size());
    auto const parts = communicator.all_gather(mine);
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
      std::size_t at = 0;
      for (auto k = rank; k < all_.size(); k += size) {
        auto const end = parts[rank].find('\n', at);
        problems[k] = parts[rank].substr(at, end - at);
        at = end + 1;
      }
    }
    return problems;
  }

 private:
  std::map<CheckKey, std::size_t> number_;
  std::vector<Check> all_;
};

std::string state_of(std::string const& type, std::string const& path) {
  auto const state = refs::check_reference(path);
  using Kind = refs::ReferenceState::Kind;
  if (state.kind == Kind::Present) return "";
  return Problem{
      .what = fmt::format("the {} reference is {}", type, state.kind == Kind::Missing ? "missing" : "broken"),
      .where = path,
      .found = state.reason,
      .remedy = "`tessera crds check --missing` lists what is to be fetched for the survey"}
      .line();
}

std::string photom_problem(steps::RateRecord const& record) {
  auto const& path = record.references.at("photom");
  auto const primary = io::read_headers(record.path).front().header;
  auto const conversion = refs::read_photom(path, primary, record.options.apply_time_correction);
  if (conversion.photmjsr) return "";
  return Problem{.what = "the photom reference has no row for these exposures",
                 .where = path,
                 .expected = conversion.row,
                 .remedy = "set override_photom, or skip photom"}
      .line();
}

std::string geometry_problem(steps::RateRecord const& record) {
  auto const offset = record.references.at("filteroffset");
  refs::read_detector_geometry(record.references.at("distortion"), offset == NotApplicable ? "" : offset,
                               io::read_headers(record.path).front().header, record.window);
  return "";
}

std::string flat_problem(steps::RateRecord const& record) {
  auto const& path = record.references.at("flat");
  auto const flat = refs::read_flat(path, record.window);
  if (!flat || flat->usable_fraction > 0) return "";  // none: flat_field is skipped where the flat is too small
  return Problem{.what = "the flat reference leaves nothing of these exposures",
                 .where = path,
                 .expected = "pixels that are neither 0 nor NaN nor flagged",
                 .found = "none in the window of the exposures",
                 .remedy = "set jwst_parameters.flat_field.override_flat, or skip flat_field"}
      .line();
}

std::string area_problem(steps::RateRecord const& record) {
  refs::read_area(record.references.at("area"), record.window);
  return "";
}

std::string look_at(Check const& check, steps::RateRecord const& record) {
  try {
    switch (check.kind) {
      case Check::Kind::File:
        return state_of(check.type, record.references.at(check.type));
      case Check::Kind::Photom:
        return photom_problem(record);
      case Check::Kind::Geometry:
        return geometry_problem(record);
      case Check::Kind::Flat:
        return flat_problem(record);
      case Check::Kind::Area:
        return area_problem(record);
    }
  } catch (std::exception const& error) {  // Error, or whatever a broken file leads to
    return error.what();
  }
  return "";
}

}  // namespace

RateFindings choose_references(steps::RateRecord& record, refs::ExposureParameters const& exposure,
                               config::ResolvedParameters const& lv2, refs::RefSelector const& selector,
                               config::TesseraSettings const& settings) {
  RateFindings findings;
  auto const from_crds = refs::collect_step_parameters(
      selector, exposure, "image2", settings.parameter_references && refs::parameter_references_enabled());
  findings.notes = from_crds.notes;
  try {
    record.options = steps::lv2_options(lv2, from_crds, record.identity.band, settings.compat_pjpipe_121);
  } catch (Error const& error) {
    findings.troubles.push_back(error.what());
    return findings;
  }
  auto own = selector;
  for (auto const& [type, path] : record.options.overrides) own.set_override(type, path);
  for (auto const& step : refs::pipeline_references("image2")) {
    if (is_skipped(step.step, record.options)) continue;
    for (auto const& type : step.types) choose(record, step, type, own.select(exposure, type), findings);
  }
  return findings;
}

std::vector<std::string> problems_of_references(parallel::Communicator const& communicator,
                                                std::vector<steps::RateRecord> const& records,
                                                std::vector<std::vector<std::string>> const& types_of) {
  Checks files;
  for (std::size_t r = 0; r < records.size(); ++r)
    for (auto const& type : types_of[r])
      if (auto const found = records[r].references.find(type);
          found != records[r].references.end() && found->second != NotApplicable)
        files.add({type, found->second}, Check::Kind::File, type, r);
  auto problems = files.agree(communicator, [&](Check const& check) { return look_at(check, records[check.first]); });
  std::vector<std::string> said;
  std::set<std::string> unusable;
  auto const say = [&](Checks const& checks, std::vector<std::string> const& texts) {
    SharedLines lines;
    for (std::size_t k = 0; k < texts.size(); ++k)
      if (auto const& check = checks.all()[k]; !texts[k].empty())
        lines.add(texts[k], records[check.first].identity.label(), check.count);
    for (auto const& line : lines.lines()) said.push_back(line.said());
  };
  say(files, problems);
  for (std::size_t k = 0; k < problems.size(); ++k)
    if (!problems[k].empty()) unusable.insert(records[files.all()[k].first].references.at(files.all()[k].type));

  // What is in the files that are there.
  Checks contents;
  for (std::size_t r = 0; r < records.size(); ++r) {
    auto const& record = records[r];
    auto const usable = [&](char const* type) -> std::string {
      if (std::find(types_of[r].begin(), types_of[r].end(), type) == types_of[r].end()) return "";
      auto const found = record.references.find(type);
      return found == record.references.end() || unusable.count(found->second) ? "" : found->second;
    };
    if (auto const path = usable("photom"); !path.empty() && path != NotApplicable)
      contents.add({"photom", path, record.detector, record.filter, record.pupil, record.subarray}, Check::Kind::Photom,
                   "photom", r);
    if (auto const path = usable("flat"); !path.empty() && path != NotApplicable)
      contents.add(key_of_window("flat", path, record.window), Check::Kind::Flat, "flat", r);
    // Without photom there is no area plane.
    auto const photom = record.references.find("photom");
    bool const has_photom = photom != record.references.end() && photom->second != NotApplicable;
    if (auto const path = usable("area"); has_photom && !path.empty() && path != NotApplicable)
      contents.add(key_of_window("area", path, record.window), Check::Kind::Area, "area", r);
    auto const distortion = usable("distortion"), offset = usable("filteroffset");
    bool const is_whole = !distortion.empty() && distortion != NotApplicable && !offset.empty() &&
                          !(offset == NotApplicable && record.instrument == "MIRI");  // said already
    if (is_whole)
      contents.add({"distortion", distortion, offset, record.filter, record.pupil}, Check::Kind::Geometry, "distortion",
                   r);
  }
  say(contents, contents.agree(communicator, [&](Check const& check) { return look_at(check, records[check.first]); }));
  return said;
}

void SharedLines::add(std::string const& text, std::string const& exposure, int count) {
  auto const [found, is_new] = number_.emplace(text, lines_.size());
  if (is_new) lines_.push_back({text, exposure, 0});
  lines_[found->second].count += count;
}

std::string SharedLines::Line::said() const {
  return count == 1 ? fmt::format("{} ({})", text, first_exposure)
                    : fmt::format("{} ({} and {} more)", text, first_exposure, count - 1);
}

}  // namespace tessera::pipeline
