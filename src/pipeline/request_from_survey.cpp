#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "step_preflight.hpp"
#include "tessera/config/product_names.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/pipeline/run_plan.hpp"
#include "tessera/pipeline/survey_inputs.hpp"

namespace tessera::pipeline {

namespace {

std::string const Prefix = "jwst_parameters.resample.";

/// Two numbers, or nothing where the parameter is not set. ConfigError for anything else.
std::optional<std::array<double, 2>> pair_of_numbers(config::ResolvedParameters const& p, std::string const& key) {
  if (!p.is_set(key)) return std::nullopt;
  auto const& value = p.value(key);
  bool const is_pair =
      value.is_list() && value.list().size() == 2 && value.list()[0].is_number() && value.list()[1].is_number();
  if (!is_pair)
    throw ConfigError({"two numbers are needed", "parameters.lv3." + key, "[x, y]",
                       value.is_list() ? fmt::format("{} values", value.list().size()) : value.describe(), ""});
  return std::array{value.list()[0].number(), value.list()[1].number()};
}

steps::ResampleOptions resample_options(config::Survey const& survey, config::ResolvedParameters const& p) {
  auto const key = [](char const* name) { return Prefix + name; };
  steps::ResampleOptions options;
  options.kernel = kernels::parse_drizzle_kernel(p.text(key("kernel")));
  options.pixfrac = p.real(key("pixfrac"));
  options.fillval = steps::parse_fill_value(p.text(key("fillval")), "parameters.lv3." + key("fillval"));
  options.weight_type = kernels::parse_weight_type(p.text(key("weight_type")));
  options.blendheaders = p.boolean(key("blendheaders"));
  options.enable_ctx = p.boolean(key("enable_ctx"));
  options.enable_err = p.boolean(key("enable_err"));
  options.report_var = p.boolean(key("report_var"));
  options.grid.pixel_scale_ratio = p.real(key("pixel_scale_ratio"));
  options.grid.pixel_scale = p.optional_real(key("pixel_scale"));
  options.grid.rotation = p.optional_real(key("rotation"));
  if (auto const v = pair_of_numbers(p, key("crpix"))) options.grid.crpix = sky::PixelPoint{(*v)[0], (*v)[1]};
  if (auto const v = pair_of_numbers(p, key("crval"))) options.grid.crval = sky::SkyPoint{(*v)[0], (*v)[1]};
  if (auto const v = pair_of_numbers(p, key("output_shape")))
    options.grid.output_shape = {{static_cast<std::int64_t>((*v)[0]), static_cast<std::int64_t>((*v)[1])}};
  options.keep_hdf5 = survey.tessera.keep_hdf5;
  options.quicklook = survey.tessera.quicklook;
  if (survey.tessera.dense_context_limit_byte > 0)
    options.dense_context_limit = survey.tessera.dense_context_limit_byte;
  steps::check_options(options);
  return options;
}

/// Number of the first step after the mosaics that corrects exposures of (target, band); AllSteps where there is none.
int first_after_mosaics(RunRequest const& request, std::string const& target, std::string const& band) {
  for (auto const& planned : request.steps)
    for (auto const& work : planned.bands)
      if (planned.step->after_mosaics && work.target == target && work.band.name == band) return planned.order;
  return AllSteps;
}

/// lv3's mosaic, and the one that is drizzled again from aligned exposures where the configuration aligns them.
void add_mosaics(RunRequest& request, steps::MosaicRequest mosaic) {
  mosaic.before_step = first_after_mosaics(request, mosaic.target, mosaic.band);
  request.mosaics.push_back(mosaic);
  if (mosaic.before_step == AllSteps) return;
  mosaic.before_step = AllSteps;
  mosaic.is_aligned = true;
  mosaic.file_name = mosaic.product + "_i2d_align.fits";
  request.mosaics.push_back(std::move(mosaic));
}

/// The same exposure from two files would be corrected twice. (Where a mosaic is made, its plan says so.)
void refuse_repeated(std::vector<int> const& members, RunRequest& request) {
  std::map<std::string, std::string> path_of;
  for (int const member : members) {
    auto const& record = request.inventory.records[static_cast<std::size_t>(member)];
    auto const [other, is_new] = path_of.emplace(record.identity.label(), record.path);
    if (!is_new)
      request.missing.push_back(
          Problem{"the same exposure is given twice", record.path, "", other->second, "leave one of the two out"}
              .line());
  }
}

}  // namespace

bool works_on_calibrated(config::Survey const& survey) {
  return std::any_of(survey.steps.begin(), survey.steps.end(),
                     [](auto const& entry) { return takes_calibrated(entry) || takes_mosaics(entry.step); });
}

RunRequest request_from_survey(parallel::Communicator const& communicator, config::Survey const& survey,
                               std::optional<CalibratedFiles> const& calibrated) {
  return request_from_inputs(
      survey, works_on_calibrated(survey) ? find_survey_inputs(communicator, survey, calibrated) : SurveyInputs{});
}

RunRequest request_from_inputs(config::Survey const& survey, SurveyInputs inputs) {
  RunRequest request;
  for (auto const& warning : survey.warnings) request.warnings.push_back(warning.line());
  for (auto const& problem : survey.not_built) {
    if (survey.tessera.skip_unbuilt)
      request.warnings.push_back(problem.line());
    else
      request.missing.push_back(problem.line());
  }
  if (survey.tessera.compat_pjpipe_121)
    request.warnings.push_back(
        "[tessera] compat changes level 2 (as pipeline 1.13.4) and the noise of astrometric_catalog: the other steps "
        "follow the corrected behaviour (docs/steps)");
  request.shared_grid = survey.tessera.shared_grid;
  request.stop_on_error = survey.tessera.on_error == config::OnError::Stop;
  request.report_folder = survey.local.reprocess_dir / survey.version;
  request.configuration_json = survey.json();
  if (!survey.tessera.previous_version.empty()) {
    request.previous_products = survey.local.reprocess_dir / survey.tessera.previous_version;
    if (!std::filesystem::is_directory(request.previous_products))
      request.warnings.push_back(
          fmt::format("{}: there is no such version to compare with", request.previous_products.string()));
  }
  if (!works_on_calibrated(survey)) {
    request.missing.push_back(
        "steps: none of the steps built so far is listed (`tessera steps` lists them): nothing to do");
    return request;
  }

  request.inventory = std::move(inputs.inventory);
  auto planned = plan_steps(survey, request.inventory, inputs.members);
  request.steps = std::move(planned.steps);
  request.exposures = std::move(planned.exposures);
  request.mosaic_steps = plan_mosaic_steps(survey);
  for (auto const& work : request.mosaic_steps)
    if (auto problem = problem_before(work.task); !problem.empty()) request.missing.push_back(std::move(problem));
  for (auto& line : planned.missing) request.missing.push_back(std::move(line));
  for (std::size_t t = 0; t < survey.targets.size(); ++t)
    for (std::size_t b = 0; b < survey.bands.size(); ++b) {
      auto const& band = survey.bands[b];
      bool const runs = std::any_of(survey.steps.begin(), survey.steps.end(),
                                    [&](auto const& entry) { return takes_calibrated(entry) && entry.runs_on(band); });
      if (!runs) continue;
      bool const makes_mosaic = std::any_of(survey.steps.begin(), survey.steps.end(), [&](auto const& entry) {
        return entry.step == "lv3" && entry.runs_on(band);
      });
      auto const& members = planned.members[t][b];
      // Broken ones may have been this band's: the others are made.
      if (members.empty() && (inputs.are_made_here || !request.inventory.broken.empty())) {
        request.warnings.push_back(
            fmt::format("{} {}: no usable exposure is left: no mosaic", survey.targets[t], band.name));
        continue;
      }
      if (members.empty()) {
        request.missing.push_back(fmt::format(
            "{} {}: no calibrated exposures (looked in [tessera] inputs, in the step folders of {} and in {}): "
            "download or calibrate them, or take the band out of the configuration",
            survey.targets[t], band.name, survey.band_dir(survey.targets[t], band).string(),
            survey.local.raw_dir.string()));
        continue;
      }
      if (!makes_mosaic) {
        refuse_repeated(inputs.members[t][b], request);
        continue;
      }
      steps::MosaicRequest mosaic;
      mosaic.target = survey.targets[t];
      mosaic.band = band.name;
      mosaic.folder = survey.band_dir(survey.targets[t], band) / "lv3";
      mosaic.product = config::mosaic_name(survey.targets[t], band);
      mosaic.members = members;
      auto const parameters = survey.resolve("lv3", survey.targets[t], &band);
      if (parameters.boolean(Prefix + "skip")) {
        request.warnings.push_back(
            fmt::format("{} {}: resample is skipped, as configured: no mosaic", survey.targets[t], band.name));
        continue;
      }
      mosaic.options = resample_options(survey, parameters);
      add_mosaics(request, std::move(mosaic));
    }
  return request;
}

}  // namespace tessera::pipeline
