#include "cross_survey.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "../exposure_outline.hpp"
#include "tessera/core/log.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

namespace {

/// Further from the middle of its band, or with pixels so much larger or smaller, an exposure has a wild WCS.
constexpr double FurthestDegrees = 5, LargestScaleRatio = 16;
constexpr std::int64_t Margin = 8;  // edges bow between the corners

struct Place {
  sky::CommonGridMember outline;
  sky::CorrectionPlane plane;
};

Place place_of(store::ExposureRecord const& record, store::Ledger const& before) {
  store::ExposureReader const reader(record, before);
  return {exposure_outline(reader), sky::correction_plane(*reader.wcs(), {0.5 * static_cast<double>(record.nx - 1),
                                                                          0.5 * static_cast<double>(record.ny - 1)})};
}

/// Middle value of each component of the directions; robust against a few that are elsewhere.
sky::Vector3 median_direction(std::vector<sky::Vector3> const& all) {
  auto const middle = [&](auto const& component) {
    std::vector<double> values;
    for (auto const& one : all) values.push_back(component(one));
    auto const at = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  };
  return {middle([](auto const& v) { return v.x; }), middle([](auto const& v) { return v.y; }),
          middle([](auto const& v) { return v.z; })};
}

void lose_wild_ones(CrossSurvey& survey, int task) {
  std::vector<sky::Vector3> directions;
  std::vector<double> scales;
  for (auto const& exposure : survey.exposures) {
    if (exposure.task != task || exposure.failed) continue;
    directions.push_back(sky::to_vector(exposure.outline.reference));
    scales.push_back(exposure.outline.scale_deg);
  }
  if (directions.empty()) return;
  auto const centre = median_direction(directions);
  std::nth_element(scales.begin(), scales.begin() + static_cast<std::ptrdiff_t>(scales.size() / 2), scales.end());
  double const scale = scales[scales.size() / 2];
  for (std::size_t e = 0; e < survey.exposures.size(); ++e) {
    auto& exposure = survey.exposures[e];
    if (exposure.task != task || exposure.failed) continue;
    double const distance = sky::separation(centre, sky::to_vector(exposure.outline.reference)) * sky::DegreesPerRadian;
    double const ratio = std::max(exposure.outline.scale_deg / scale, scale / exposure.outline.scale_deg);
    if (distance <= FurthestDegrees && ratio <= LargestScaleRatio) continue;
    exposure.failed = true;
    if (!survey.context.world.is_root()) continue;  // all ranks see the same: one says it
    InputError const error({"an exposure far from the others of its band", survey.record(static_cast<int>(e)).path,
                            fmt::format("within {} degrees of them, and pixels of their size", FurthestDegrees),
                            fmt::format("{:.4g} degrees away, pixels {:.3g} times as large or small", distance, ratio),
                            "correct the WCS of this file, or leave it out"});
    survey.failures.push_back(
        {survey.record(static_cast<int>(e)).identity.label(), error.what(), static_cast<int>(error.status()), 0});
  }
}

model::PixelBox reach_of(CrossExposure const& exposure, model::SkyGrid const& grid, sky::Wcs const& wcs) {
  model::PixelBox reach{grid.nx, grid.ny, 0, 0};
  for (auto const& corner : exposure.outline.corners) {
    auto const at = wcs.sky_to_pixel(corner);
    auto const x = static_cast<std::int64_t>(std::floor(at.x)), y = static_cast<std::int64_t>(std::floor(at.y));
    reach = {std::min(reach.x0, x - Margin), std::min(reach.y0, y - Margin), std::max(reach.x1, x + Margin),
             std::max(reach.y1, y + Margin)};
  }
  return model::intersect(reach, {0, 0, grid.nx, grid.ny});
}

std::string stack_name(model::ExposureIdentity const& identity) {
  auto name = config::parse_exposure_name(identity.exposure);
  if (!name) return identity.label();
  if (identity.half == model::Half::Imager) name->detector += 's';
  if (identity.half == model::Half::Lyot) name->detector += 'l';
  return name->dither_group();
}

void lay_out(CrossSurvey& survey, int task) {
  lose_wild_ones(survey, task);
  std::vector<sky::CommonGridMember> outlines;
  for (auto const& exposure : survey.exposures)
    if (exposure.task == task && !exposure.failed) outlines.push_back(exposure.outline);
  if (outlines.empty()) return;
  auto const& grid = survey.grids[static_cast<std::size_t>(task)] = sky::make_common_grid(outlines, false);
  auto const wcs = sky::make_grid_wcs(grid);
  std::map<std::string, std::size_t> number;
  for (std::size_t e = 0; e < survey.exposures.size(); ++e) {
    auto const& exposure = survey.exposures[e];
    if (exposure.task != task || exposure.failed) continue;
    auto const name = stack_name(survey.record(static_cast<int>(e)).identity);
    auto const [place, is_new] = number.emplace(name, survey.stacks.size());
    if (is_new) survey.stacks.push_back({task, name, {}, {}});
    auto& stack = survey.stacks[place->second];
    auto const reach = reach_of(exposure, grid, *wcs);
    if (stack.members.empty())
      stack.reach = reach;
    else
      stack.reach = {std::min(stack.reach.x0, reach.x0), std::min(stack.reach.y0, reach.y0),
                     std::max(stack.reach.x1, reach.x1), std::max(stack.reach.y1, reach.y1)};
    stack.members.push_back(static_cast<int>(e));
  }
}

void take_up_journals(CrossSurvey& survey) {
  auto const& world = survey.context.world;
  std::vector<std::string> found(survey.journals.size());
  // One rank looks: on a network file system the others may see an older folder.
  parallel::all_or_none(world, [&] {
    if (!world.is_root()) return;
    for (std::size_t t = 0; t < survey.journals.size(); ++t) {
      survey.journals[t].read();
      found[t] = survey.journals[t].listing();
    }
  });
  for (std::size_t t = 0; t < survey.journals.size(); ++t) survey.journals[t].take_listing(world.broadcast(found[t]));
}

}  // namespace

void CrossSurvey::lose(int exposure, Error const& error) {
  if (error.status() == ExitStatus::InternalError) throw error;  // a bug is no failure of an exposure
  auto& lost = exposures[static_cast<std::size_t>(exposure)];
  if (lost.failed) return;
  lost.failed = true;
  failures.push_back(
      {record(exposure).identity.label(), error.what(), static_cast<int>(error.status()), context.world.rank()});
  if (context.stop_on_error) context.control.raise(parallel::StopRequest::Failure);
}

void CrossSurvey::share_lost() {
  std::vector<std::int32_t> mine;
  for (std::size_t e = 0; e < exposures.size(); ++e)
    if (exposures[e].failed) mine.push_back(static_cast<std::int32_t>(e));
  for (auto const exposure : context.world.all_gather_values<std::int32_t>(mine))
    exposures[static_cast<std::size_t>(exposure)].failed = true;
}

CrossSurvey make_cross_survey(StepContext& context, std::vector<BandTask const*> const& tasks,
                              std::vector<GetWcsAdjustOptions> const& options, bool& stopped) {
  CrossSurvey survey{context, tasks, options, {}, {}, {}, {}, {}, {}};
  survey.grids.resize(tasks.size());
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    survey.journals.emplace_back(tasks[t]->scratch / "stacks.journal", tasks[t]->key, context.world.rank());
    for (int const record : tasks[t]->members) {
      auto& exposure = survey.exposures.emplace_back();
      exposure.task = static_cast<int>(t);
      exposure.record = record;
    }
  }
  take_up_journals(survey);
  std::vector<NumberedValue<Place>> mine;
  auto const ranks = static_cast<std::size_t>(context.world.size());
  for (auto e = static_cast<std::size_t>(context.world.rank()); e < survey.exposures.size(); e += ranks) {
    if (survey.stop_wanted()) break;
    auto const& exposure = survey.exposures[e];
    try {
      mine.push_back({static_cast<std::int64_t>(e), place_of(survey.record(static_cast<int>(e)),
                                                             tasks[static_cast<std::size_t>(exposure.task)]->before)});
    } catch (Error const& error) {
      survey.lose(static_cast<int>(e), error);
    }
  }
  for (auto const& sent : context.world.all_gather_values<NumberedValue<Place>>(mine)) {
    auto& exposure = survey.exposures[static_cast<std::size_t>(sent.number)];
    exposure.outline = sent.value.outline;
    exposure.plane = sent.value.plane;
  }
  survey.share_lost();
  stopped = context.control.agree() >= parallel::StopRequest::FinishItems;
  if (!stopped)
    for (int task = 0; task < static_cast<int>(tasks.size()); ++task) lay_out(survey, task);
  return survey;
}

}  // namespace tessera::steps
