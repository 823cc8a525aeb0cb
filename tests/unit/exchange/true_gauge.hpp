// Errors of a global alignment of a random survey: solution less truth, both in the same gauge.
#pragma once
#include <map>
#include <numeric>

#include "random_survey.hpp"
#include "tessera/exchange/global_alignment.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::exchange::test_survey {

struct GroupError {
  std::string group;
  bool is_solved = false;
  double x = 0, y = 0;  ///< arcsec
  double roll = 0;      ///< degrees
  std::array<double, 3> sigma{0, 0, 0};
  int matches = 0;
};

/// Islands of groups: what used pairs join; -1 stands for the datum, which is place `groups`.
inline std::vector<int> islands_of(GlobalAlignment const& result) {
  std::vector<int> island(result.groups.size() + 1);
  std::iota(island.begin(), island.end(), 0);
  auto const place = [&](int group) { return group < 0 ? result.groups.size() : static_cast<std::size_t>(group); };
  for (auto const& pair : result.pairs) {
    if (pair.verdict != AlignStatus::Success) continue;
    int const a = island[place(pair.first)], b = island[place(pair.second)];
    for (auto& member : island)
      if (member == a) member = b;
  }
  return island;
}

/// Turns and moves the true corrections of an island together until their means with the weights of the result are
/// zero.
inline void apply_true_gauge(RandomSurvey const& survey, GlobalAlignment const& result,
                             std::vector<std::size_t> const& members, std::vector<TrueMove>& truth) {
  auto const middle = sky::tangent_axes(survey.planes[members.front()].tangent);
  double total = 0, roll = 0;
  for (auto const g : members) {
    total += result.gauge_weight[g];
    roll += result.gauge_weight[g] * truth[g].roll;
  }
  roll /= total;
  std::array<double, 2> mean{0, 0};
  std::vector<std::array<double, 4>> turns;
  for (auto const g : members) {
    auto const axes = sky::tangent_axes(survey.planes[g].tangent);
    double const towards = sky::dot(middle.centre, axes.centre) / Arcsec;
    double const x0 = sky::dot(middle.centre, axes.east) / towards, y0 = sky::dot(middle.centre, axes.north) / towards;
    auto& move = truth[g];
    double const x = move.x - x0, y = move.y - y0, c = std::cos(roll), s = std::sin(roll);
    move = {x0 + c * x + s * y, y0 - s * x + c * y, move.roll - roll};
    turns.push_back({sky::dot(middle.east, axes.east), sky::dot(middle.east, axes.north),
                     sky::dot(middle.north, axes.east), sky::dot(middle.north, axes.north)});
    auto const& t = turns.back();
    mean[0] += result.gauge_weight[g] * (t[0] * move.x + t[1] * move.y) / total;
    mean[1] += result.gauge_weight[g] * (t[2] * move.x + t[3] * move.y) / total;
  }
  for (std::size_t k = 0; k < members.size(); ++k) {
    truth[members[k]].x -= turns[k][0] * mean[0] + turns[k][2] * mean[1];
    truth[members[k]].y -= turns[k][1] * mean[0] + turns[k][3] * mean[1];
  }
}

inline std::vector<GroupError> errors_of(RandomSurvey const& survey, GlobalAlignment const& result) {
  auto truth = survey.truth;
  auto const island = islands_of(result);
  std::map<int, std::vector<std::size_t>> members;
  for (std::size_t g = 0; g < result.groups.size(); ++g)
    if (result.gauge_weight[g] > 0) members[island[g]].push_back(g);
  for (auto const& [number, list] : members) apply_true_gauge(survey, result, list, truth);
  std::vector<GroupError> errors;
  for (std::size_t g = 0; g < result.groups.size(); ++g) {
    auto const& fit = result.groups[g];
    GroupError error;
    error.group = fit.group;
    error.is_solved = fit.status == AlignStatus::Success;
    error.matches = fit.matches;
    error.sigma = fit.error;
    if (error.is_solved) {
      error.x = fit.shift[0] - truth[g].x;
      error.y = fit.shift[1] - truth[g].y;
      error.roll = (std::atan2(fit.matrix[1][0], fit.matrix[0][0]) - truth[g].roll) * 180 / std::numbers::pi;
    }
    errors.push_back(error);
  }
  return errors;
}

}  // namespace tessera::exchange::test_survey
