#include "tessera/pipeline/rate_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "rate_files.hpp"
#include "rate_references.hpp"
#include "tessera/core/error.hpp"
#include "tessera/steps/lv2/examine_rate.hpp"
#include "tessera/steps/lv2/off_field.hpp"

namespace tessera::pipeline {

namespace {

using Json = nlohmann::json;

/// What one rank found out about one file.
struct FileFinding {
  struct ForBand {
    std::size_t target = 0, band = 0;
    steps::RateRecord record;
    RateFindings findings;
  };
  std::vector<ForBand> records;
  std::vector<store::InputNote> notes;
  std::string broken;        ///< "" : not
  std::string of_no_target;  ///< what its TARGPROP says where a band would take it, and no target; "" : not so
};

Json to_json(FileFinding const& finding) {
  Json records = Json::array(), notes = Json::array();
  for (auto const& one : finding.records)
    records.push_back(
        {one.target, one.band, Json::binary(steps::pack_rate(one.record)), one.findings.troubles, one.findings.notes});
  for (auto const& note : finding.notes) notes.push_back({note.path, note.left_out, note.text});
  return {{"records", std::move(records)},
          {"notes", std::move(notes)},
          {"broken", finding.broken},
          {"of_no_target", finding.of_no_target}};
}

FileFinding from_json(Json const& json) {
  FileFinding finding;
  for (auto const& item : json.at("records"))
    finding.records.push_back(
        {item.at(0), item.at(1), steps::unpack_rate(item.at(2).get_binary()), RateFindings{item.at(3), item.at(4)}});
  for (auto const& note : json.at("notes")) finding.notes.push_back({note.at(0), note.at(1), note.at(2)});
  finding.broken = json.at("broken");
  finding.of_no_target = json.at("of_no_target");
  return finding;
}

/// Examines files, each once for all targets and bands that may take it.
class RateExaminer {
 public:
  RateExaminer(config::Survey const& survey, refs::RefSelector const& selector, std::vector<OfferedFile> const& files)
      : survey_(survey), selector_(selector) {
    for (auto const& file : files) by_path_[file.path].push_back(&file);
    for (auto const& [path, offers] : by_path_) paths_.push_back(path);
  }

  std::vector<std::string> const& paths() const { return paths_; }
  std::vector<OfferedFile const*> const& offers(std::string const& path) const { return by_path_.at(path); }

  FileFinding examine(std::string const& path) {
    FileFinding finding;
    try {
      if (auto const rate = steps::examine_rate(path, finding.notes)) give_to_bands(path, *rate, finding);
    } catch (Error const& error) {
      finding.broken = error.what();
    } catch (std::exception const& error) {  // whatever a broken file leads to, it must not end the job
      finding.broken = fmt::format("{}: cannot be examined: {}", path, error.what());
    }
    return finding;
  }

 private:
  config::Survey const& survey_;
  refs::RefSelector const& selector_;
  std::map<std::string, std::vector<OfferedFile const*>> by_path_;
  std::vector<std::string> paths_;
  std::map<std::pair<std::size_t, std::size_t>, config::ResolvedParameters> parameters_;  ///< of lv2

  config::ResolvedParameters const& parameters(std::size_t target, std::size_t band) {
    auto found = parameters_.find({target, band});
    if (found == parameters_.end())
      found =
          parameters_
              .emplace(std::pair{target, band}, survey_.resolve("lv2", survey_.targets[target], &survey_.bands[band]))
              .first;
    return found->second;
  }

  /// A science band takes science and offs, a _bgr band offs.
  bool takes(std::size_t target, std::size_t number, steps::RateRecord const& record) {
    auto const& band = survey_.bands[number];
    if (record.filter != band.filter_keyword) return false;
    if (!band.pupil_keyword.empty() && record.pupil != band.pupil_keyword) return false;
    return !band.is_background || steps::is_off_field({record.path, record.target_name, record.parallel_sequence}, band,
                                                      parameters(target, number));
  }

  void give_to_bands(std::string const& path, steps::ExaminedRate const& rate, FileFinding& finding) {
    bool is_of_no_target = false;
    for (auto const* file : offers(path)) {
      bool const is_named = names_target(rate.record.target_name, survey_.targets[file->target]);
      for (auto const& offer : file->offers) {
        if (!takes(file->target, offer.band, rate.record)) continue;
        if (offer.must_name_target && !is_named) {
          is_of_no_target = true;  // unless another target takes it
          continue;
        }
        FileFinding::ForBand one{file->target, offer.band, rate.record, {}};
        one.record.identity.target = survey_.targets[file->target];
        one.record.identity.band = survey_.bands[offer.band].name;
        one.findings = choose_references(one.record, rate.parameters, parameters(file->target, offer.band), selector_,
                                         survey_.tessera);
        finding.records.push_back(std::move(one));
      }
    }
    if (is_of_no_target && finding.records.empty())
      finding.of_no_target = fmt::format("TARGPROP \"{}\" begins with no target's name", rate.record.target_name);
  }
};

/// All files' findings on all ranks, in the order of the paths.
std::vector<FileFinding> examine_all(parallel::Communicator const& communicator, RateExaminer& examiner) {
  auto const& paths = examiner.paths();
  Json mine = Json::array();
  for (auto k = static_cast<std::size_t>(communicator.rank()); k < paths.size();
       k += static_cast<std::size_t>(communicator.size()))
    mine.push_back({k, to_json(examiner.examine(paths[k]))});
  std::vector<FileFinding> findings(paths.size());
  auto const packed = Json::to_cbor(mine);  // paths and messages may hold bytes that JSON text cannot
  for (auto const& part : communicator.all_gather(std::as_bytes(std::span(packed)))) {
    auto const* first = reinterpret_cast<std::uint8_t const*>(part.data());
    for (auto const& item : Json::from_cbor(first, first + part.size()))
      findings[item.at(0).get<std::size_t>()] = from_json(item.at(1));
  }
  return findings;
}

/// Puts together what all ranks know by now: no communication but in references().
class RateCatalogue {
 public:
  RateCatalogue(config::Survey const& survey, RateExaminer const& examiner, std::vector<FileFinding> findings)
      : survey_(survey), examiner_(examiner) {
    std::vector<std::vector<int>> const none(survey.bands.size());
    inputs_.members.assign(survey.targets.size(), none);
    inputs_.associations.assign(survey.targets.size(), std::vector<steps::BandAssociations>(survey.bands.size()));
    take(std::move(findings));
  }

  RateInputs make(parallel::Communicator const& communicator) {
    for (std::size_t t = 0; t < survey_.targets.size(); ++t) {
      bool has_any = false;
      for (std::size_t b = 0; b < survey_.bands.size(); ++b) {
        if (!inputs_.members[t][b].empty()) make_band(t, b);
        has_any = has_any || !inputs_.members[t][b].empty();
      }
      if (has_any)
        note_empty_bands(t);
      else
        say_empty_target(t);
    }
    for (std::size_t r = 0; r < inputs_.records.size(); ++r)
      for (auto const& text : needed_[r].empty() ? std::vector<std::string>{} : findings_[r].troubles)
        troubles_.add(text, inputs_.records[r].identity.label());
    for (std::size_t r = 0; r < inputs_.records.size(); ++r)
      for (auto const& text : needed_[r].empty() ? std::vector<std::string>{} : findings_[r].notes)
        notes_.add(text, inputs_.records[r].path);
    for (auto const& line : troubles_.lines()) inputs_.missing.push_back(line.said());
    for (auto const& line : notes_.lines())
      inputs_.notes.push_back(
          {line.first_exposure, false,
           line.count == 1 ? line.text : fmt::format("{} (and {} more exposures)", line.text, line.count - 1)});
    for (auto& line : problems_of_references(communicator, inputs_.records, needed_))
      inputs_.missing.push_back(std::move(line));
    return std::move(inputs_);
  }

 private:
  config::Survey const& survey_;
  RateExaminer const& examiner_;
  RateInputs inputs_;
  std::vector<RateFindings> findings_;            ///< of each record
  std::vector<std::vector<std::string>> needed_;  ///< reference types that each record needs
  std::set<std::size_t> has_broken_;              ///< targets
  SharedLines troubles_, notes_;

  /// Catalogue order: target, band, file name.
  void take(std::vector<FileFinding> findings) {
    std::vector<FileFinding::ForBand> all;
    std::vector<std::size_t> of_no_target;
    for (std::size_t k = 0; k < findings.size(); ++k) {
      auto const& path = examiner_.paths()[k];
      for (auto& note : findings[k].notes) inputs_.notes.push_back(std::move(note));
      for (auto& one : findings[k].records) all.push_back(std::move(one));
      if (!findings[k].of_no_target.empty()) of_no_target.push_back(k);
      if (findings[k].broken.empty()) continue;
      inputs_.broken.push_back({path, true, findings[k].broken});
      for (auto const* file : examiner_.offers(path)) has_broken_.insert(file->target);
    }
    if (!of_no_target.empty()) {
      auto const first = of_no_target.front();
      inputs_.notes.push_back({examiner_.paths()[first], true,
                               fmt::format("{}: left out (files of the bands and of no target: {})",
                                           findings[first].of_no_target, of_no_target.size())});
    }
    auto const key = [](FileFinding::ForBand const& one) {
      return std::tie(one.target, one.band, one.record.identity.exposure, one.record.path);
    };
    std::sort(all.begin(), all.end(), [&](auto const& a, auto const& b) { return key(a) < key(b); });
    for (auto& one : all) {
      inputs_.members[one.target][one.band].push_back(static_cast<int>(inputs_.records.size()));
      inputs_.records.push_back(std::move(one.record));
      findings_.push_back(std::move(one.findings));
    }
    needed_.resize(inputs_.records.size());
  }

  void need_all(int record) {
    auto& types = needed_[static_cast<std::size_t>(record)];
    types = {"distortion", "filteroffset", "flat", "photom", "area"};
  }

  void make_band(std::size_t t, std::size_t b) {
    auto const& band = survey_.bands[b];
    auto const& members = inputs_.members[t][b];
    auto& associations = inputs_.associations[t][b];
    auto const folder = survey_.band_dir(survey_.targets[t], band).string();
    refuse_repeated(members);
    try {
      associations = steps::associate(inputs_.records, members, band,
                                      survey_.resolve("lv2", survey_.targets[t], &survey_.bands[b]));
    } catch (Error const& error) {
      inputs_.missing.push_back(fmt::format("{} {}", survey_.targets[t], error.what()));
      for (int const member : members) need_all(member);  // what else is wrong is said at once
      return;
    }
    for (auto& warning : associations.warnings) inputs_.notes.push_back({folder, false, warning});
    if (associations.associations.empty())
      inputs_.notes.push_back(
          {folder, true, fmt::format("no science exposures among {}: nothing is made of this band", members.size())});
    bool const destripes = destripes_rates(survey_, band);
    for (auto const& association : associations.associations) {
      // Destriping measures offs through their flat too, and brings regions and a model of the sources into their
      // frame.
      for (int const off : association.backgrounds)
        if (auto& types = needed_[static_cast<std::size_t>(off)]; destripes && types.empty())
          types = {"distortion", "filteroffset", "flat", "photom"};
      need_all(association.science);
    }
  }

  /// The same exposure from two files would be calibrated twice.
  void refuse_repeated(std::vector<int> const& members) {
    std::map<std::string, std::string> path_of;
    for (int const member : members) {
      auto const& record = inputs_.records[static_cast<std::size_t>(member)];
      auto const [other, is_new] = path_of.emplace(record.identity.label(), record.path);
      if (!is_new)
        inputs_.missing.push_back(
            Problem{"the same exposure is given twice", record.path, "", other->second, "leave one of the two out"}
                .line());
    }
  }

  void note_empty_bands(std::size_t t) {
    for (std::size_t b = 0; b < survey_.bands.size(); ++b)
      if (calibrates(survey_, survey_.bands[b]) && inputs_.members[t][b].empty())
        inputs_.notes.push_back({survey_.band_dir(survey_.targets[t], survey_.bands[b]).string(), true,
                                 "no count rates of this band: nothing is made of it"});
  }

  void say_empty_target(std::size_t t) {
    auto const& target = survey_.targets[t];
    bool const has_work = std::any_of(survey_.bands.begin(), survey_.bands.end(),
                                      [&](auto const& band) { return calibrates(survey_, band); });
    if (!has_work) return;
    if (has_broken_.count(t)) {
      inputs_.notes.push_back({survey_.target_dir(target).string(), true, "no usable count rates are left"});
      return;
    }
    inputs_.missing.push_back(fmt::format(
        "{}: no count rates (_rate.fits) of any of the bands (looked in [tessera] inputs, in the lv1 folders of {} and "
        "in {}): download or make them, or take the target out of the configuration",
        target, survey_.target_dir(target).string(), survey_.local.raw_dir.string()));
  }
};

}  // namespace

bool has_rate_files(parallel::Communicator const& communicator, config::Survey const& survey) {
  return !offer_files(communicator, survey, RateFinder(survey)).empty();
}

RateInputs find_rate_inputs(parallel::Communicator const& communicator, config::Survey const& survey,
                            refs::RefSelector const& selector) {
  auto const files = offer_files(communicator, survey, RateFinder(survey));
  RateExaminer examiner(survey, selector, files);
  auto findings = examine_all(communicator, examiner);
  return RateCatalogue(survey, examiner, std::move(findings)).make(communicator);
}

}  // namespace tessera::pipeline
