// export: exposures after any step as FITS files.
#include <algorithm>
#include <deque>

#include "commands.hpp"
#include "tessera/core/log.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/parallel/control.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/run_survey.hpp"
#include "tessera/store/export_exposure.hpp"

namespace tessera::app {

namespace {

bool is_wanted(std::vector<std::string> const& names, std::string const& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

/// A name on the command line that no exposure has is a mistake, not an empty answer.
void require_known(std::vector<std::string> const& asked, std::vector<std::string> known, char const* option) {
  for (auto const& name : asked)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw ConfigError({"no exposure of that name", option, "", name, suggest_name(name, known)});
}

/// Number of the last step to apply: of `after`, 0 for "none", all for "". A step that does not run is a mistake.
int last_order(std::string const& after, pipeline::RunRequest const& request) {
  if (after.empty()) return pipeline::AllSteps - 1;
  if (after == "none") return 0;
  std::vector<std::string> names;
  for (auto const& planned : request.steps) {
    if (planned.step->name == after) return planned.order;
    names.push_back(planned.step->name);
  }
  throw ConfigError({"no step of that name corrects exposures in this configuration", "--after", "", after,
                     names.empty() ? "no listed step does: leave --after out" : suggest_name(after, names)});
}

/// An exposure to write and the ledger to apply to it.
struct Wanted {
  store::ExposureRecord const* record = nullptr;
  store::Ledger const* ledger = nullptr;
  sky::SipFitOptions sip;
};

/// How FITS keywords approximate the WCS: as tweakreg's parameters of the band say (spec 30, 1.1).
sky::SipFitOptions sip_options(config::Survey const& survey, std::string const& target, std::string const& band) {
  auto const found = std::find_if(survey.bands.begin(), survey.bands.end(),
                                  [&](config::Band const& each) { return each.name == band; });
  auto const parameters = survey.resolve("lv3", target, found == survey.bands.end() ? nullptr : &*found);
  std::string const prefix = "jwst_parameters.tweakreg.sip_";
  sky::SipFitOptions options;
  options.max_pix_error = parameters.real(prefix + "max_pix_error");
  options.max_inv_pix_error = parameters.optional_real(prefix + "max_inv_pix_error");
  auto const degree = parameters.optional_integer(prefix + "degree");
  if (degree) options.degree = static_cast<int>(*degree);
  auto const inverse = parameters.optional_integer(prefix + "inv_degree");
  if (inverse) options.inv_degree = static_cast<int>(*inverse);
  options.npoints = static_cast<int>(std::min<std::int64_t>(parameters.integer(prefix + "npoints"), 1000));
  return options;
}

constexpr char const* TweakBack = "astrometric_align";

/// pjpipe's tweakback refits SIP in a way of its own (spec 40, 1.14).
sky::SipFitOptions tweakback_sip(sky::SipFitOptions options) {
  options.max_pix_error = 0.01;
  options.degree = 6;
  options.npoints = 32;
  return options;
}

/// End of the names of exposures after a step.
std::string suffix_after(std::string const& step) {
  if (step == TweakBack) return "crf_tweakback";
  return step == "outlier_detection" ? "crf" : "cal";
}

std::filesystem::path output_path(ExportOptions const& options, config::Survey const& survey,
                                  model::ExposureIdentity const& identity, std::vector<std::string> const& steps) {
  std::string const last = steps.empty() ? "cal" : steps.back();
  auto const name = store::exported_name(identity, suffix_after(last));
  if (options.layout == "flat") return options.output / identity.target / identity.band / name;
  // pjpipe's tree: a folder for the step, beside the ledger of the band; the official steps are those of lv3.
  bool const in_lv3 = last == "tweakreg" || last == "skymatch" || last == "outlier_detection" || last == TweakBack;
  std::string const step = in_lv3 ? "lv3" : last;
  auto const root = options.output.empty() ? survey.local.reprocess_dir / survey.version : options.output;
  return root / identity.target / identity.band / step / name;
}

}  // namespace

ExitStatus export_exposures(parallel::Communicator const& world, ExportOptions const& options) {
  if (options.layout == "flat" && options.output.empty())
    throw ConfigError(
        {"a folder is needed", "--output", "", "", "give -o FOLDER, or --layout pjpipe for the survey's own tree"});
  auto const survey = load_survey_on_all(world, options.survey);
  auto const request = pipeline::request_for_calibrated(world, survey);
  auto const& records = request.inventory.records;

  std::vector<std::string> targets, bands, exposures;
  for (auto const& record : records) {
    targets.push_back(record.identity.target);
    bands.push_back(record.identity.band);
    exposures.push_back(record.identity.exposure);
  }
  require_known(options.targets, targets, "--target");
  require_known(options.bands, bands, "--band");
  require_known(options.exposures, exposures, "--exposure");

  int const order = last_order(options.after, request);
  std::deque<store::Ledger> ledgers;
  std::vector<Wanted> wanted;
  std::vector<double> costs;
  for (auto const& band : request.exposures) {
    if (!is_wanted(options.targets, band.target) || !is_wanted(options.bands, band.band)) continue;
    ledgers.push_back(pipeline::open_ledger(world, request, band.target, band.band, order + 1));
    auto sip = sip_options(survey, band.target, band.band);
    if (auto const& steps = ledgers.back().steps(); !steps.empty() && steps.back() == TweakBack)
      sip = tweakback_sip(sip);
    for (int const member : pipeline::members_after(request.steps, band, order)) {
      auto const& record = records[static_cast<std::size_t>(member)];
      if (!is_wanted(options.exposures, record.identity.exposure)) continue;
      wanted.push_back({&record, &ledgers.back(), sip});
      costs.push_back(static_cast<double>(record.file_bytes));
    }
  }
  if (wanted.empty())
    throw InputError({"nothing to export", options.survey.config.string(), "calibrated exposures",
                      request.missing.empty() ? "none" : request.missing.front(),
                      "check raw_dir and [tessera] inputs"});

  auto const owner = parallel::divide_balanced(costs, world.size());
  std::vector<parallel::Failure> failures;
  parallel::ControlChannel control(world);
  parallel::Progress progress(world, "export", static_cast<std::int64_t>(wanted.size()));
  bool stopped = false;
  for (std::size_t k = 0; k < wanted.size() && !stopped; ++k) {
    if (owner[k] != world.rank()) continue;
    auto const& identity = wanted[k].record->identity;
    try {
      store::ExposureReader const reader(*wanted[k].record, *wanted[k].ledger);
      auto const path = output_path(options, survey, identity, wanted[k].ledger->steps());
      std::error_code ignored;
      if (std::filesystem::equivalent(path, wanted[k].record->path, ignored))
        throw InputError(
            {"the export would overwrite its input", path.string(), "", "", "choose another folder with -o"});
      store::export_exposure(reader, path, wanted[k].sip);
    } catch (Error const& error) {
      failures.push_back({identity.label(), error.what(), static_cast<int>(error.status()), world.rank()});
    }
    progress.advance();
    stopped = control.poll() != parallel::StopRequest::None;
  }
  progress.finish();
  auto const all = parallel::agree_on_failures(world, failures);
  stopped = world.max(std::int64_t{stopped}) > 0;
  if (world.is_root())
    for (auto const& failure : all) log::error("{}: {}", failure.item, failure.message);
  if (!all.empty()) return ExitStatus::Incomplete;
  return stopped ? ExitStatus::Resumable : ExitStatus::Complete;
}

}  // namespace tessera::app
