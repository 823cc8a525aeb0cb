#include "solve_stage.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "tessera/core/log.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

/// What is sent to all ranks of an image.
struct SentCorrection {
  kernels::GridPlane plane;
  std::int32_t component = -1;
};

/// Warnings of one kind of a stage: the first few in full, then how many more there were.
class Warnings {
 public:
  explicit Warnings(char const* more) : more_(more) {}
  ~Warnings() {
    if (count_ > Shown) log::warn("level_match: {} {}", count_ - Shown, more_);
  }
  Warnings(Warnings const&) = delete;
  Warnings& operator=(Warnings const&) = delete;
  void add(std::string const& text) {
    if (++count_ <= Shown) log::warn("level_match: {}", text);
  }

 private:
  static constexpr int Shown = 20;
  char const* more_;
  int count_ = 0;
};

/// Whether an image of the set has lost all its exposures.
bool is_lost(MatchPool const& pool, MatchImage const& image) {
  return std::all_of(image.members.begin(), image.members.end(),
                     [&](int member) { return pool.exposures[static_cast<std::size_t>(member)].failed; });
}

/// One set on rank 0.
class SetSolver {
 public:
  SetSolver(MatchPool const& pool, StageWork const& work, int set, std::vector<PairResult> const& results,
            std::size_t begin, std::size_t end)
      : pool_(pool), work_(work), number_(set), set_(work.sets[static_cast<std::size_t>(set)]) {
    for (auto k = begin; k < end; ++k) {
      auto const& pair = work.pairs[k];
      auto result = results[k];
      result.measurement.first = pair.first;
      result.measurement.second = pair.second;
      bool const failed = !result.measured || has_failed(pair.first) || has_failed(pair.second);
      if (failed) result.measurement.n_pix = 0;
      results_.push_back(result);
      failed_.push_back(failed);
      pairs_.push_back(result.measurement);
    }
    options_ = pool.options[static_cast<std::size_t>(set_.task)].graph;
    options_.with_slope = pool.options[static_cast<std::size_t>(set_.task)].slope(work.stage);
  }

  exchange::LevelSolution const& solve() {
    int const images = static_cast<int>(set_.images.size());
    selection_ = exchange::select_pairs(pairs_, images, options_);
    solution_ = exchange::solve_levels(pairs_, selection_, images, options_, set_.gauge);
    return solution_;
  }

  void add_rows(TaskTables& tables) const {
    auto const& layout = work_.layouts[static_cast<std::size_t>(number_)];
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      auto const first = static_cast<std::size_t>(pairs_[k].first), second = static_cast<std::size_t>(pairs_[k].second);
      PairRow row;
      row.stage = work_.stage;
      row.set = set_.name;
      row.first = set_.images[first].name;
      row.second = set_.images[second].name;
      row.result = results_[k];
      row.verdict = selection_.verdict[k];
      row.failed = failed_[k];
      row.weight = selection_.weight[k];
      row.residual = residual(k);
      row.centre_1 = layout.centre[first];
      row.centre_2 = layout.centre[second];
      tables.pairs.push_back(std::move(row));
    }
    if (set_.images.size() < 2) return;
    for (std::size_t k = 0; k < set_.images.size(); ++k)
      tables.nodes.push_back({work_.stage, set_.name, set_.images[k].name, layout.centre[k], solution_.component[k]});
  }

  void warn(Warnings& apart, Warnings& groups, Warnings& bridges) const {
    auto const& layout = work_.layouts[static_cast<std::size_t>(number_)];
    if (set_.images.size() < 2) return;
    auto const where = fmt::format("{}, {} of {}", pool_.tasks[static_cast<std::size_t>(set_.task)].label(),
                                   stage_name(work_.stage), set_.name);
    for (std::size_t k = 0; k < set_.images.size(); ++k) {
      if (solution_.component[k] >= 0 || is_lost(pool_, set_.images[k])) continue;
      apart.add(fmt::format("{}: {} keeps its level: {}", where, set_.images[k].name, reason(k, layout)));
    }
    auto const count = solution_.reference.size();
    if (count > 1)
      groups.add(
          fmt::format("{}: the images fall into {} groups that do not overlap each other; levels are matched "
                      "within each, not between them",
                      where, count));
    for (std::size_t k = 0; k < pairs_.size(); ++k)
      if (selection_.verdict[k] == exchange::PairVerdict::Reconnecting)
        bridges.add(
            fmt::format("{}: only the overlap of {} and {} ({} pixels), which the cuts reject, joins its two "
                        "sides: it is used",
                        where, set_.images[static_cast<std::size_t>(pairs_[k].first)].name,
                        set_.images[static_cast<std::size_t>(pairs_[k].second)].name, pairs_[k].n_pix));
  }

 private:
  bool has_failed(int image) const { return is_lost(pool_, set_.images[static_cast<std::size_t>(image)]); }

  double residual(std::size_t k) const {
    auto const reference =
        sky::grid_reference_pixel(work_.layouts[static_cast<std::size_t>(number_)].grid_of(pairs_[k].first));
    double const dx = results_[k].middle.x - reference.x, dy = results_[k].middle.y - reference.y;
    auto const at = [&](int image) {
      auto const& plane = solution_.correction[static_cast<std::size_t>(image)];
      return options_.with_slope ? plane.at(dx, dy) : plane.level;
    };
    return pairs_[k].delta - at(pairs_[k].first) + at(pairs_[k].second);
  }

  /// Why an image is in no used pair.
  std::string reason(std::size_t image, SetLayout const& layout) const {
    auto const island = layout.island[image];
    if (std::count(layout.island.begin(), layout.island.end(), island) == 1) {
      double nearest = std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < layout.centre.size(); ++k)
        if (k != image)
          nearest = std::min(nearest,
                             sky::separation(sky::to_vector(layout.centre[image]), sky::to_vector(layout.centre[k])));
      return fmt::format("its nearest neighbour is {:.4g} degrees away{}", nearest * sky::DegreesPerRadian,
                         work_.stage == MatchStage::Dithers ? "; is its WCS right?" : "");
    }
    std::vector<std::string> verdicts;
    bool has_pixels = false;
    for (std::size_t k = 0; k < pairs_.size(); ++k) {
      if (static_cast<std::size_t>(pairs_[k].first) != image && static_cast<std::size_t>(pairs_[k].second) != image)
        continue;
      auto const text = fmt::format("{} ({} pixels)", exchange::verdict_text(selection_.verdict[k]), pairs_[k].n_pix);
      has_pixels = has_pixels || pairs_[k].n_pix > 0;
      if (verdicts.size() < 3) verdicts.push_back(text);
    }
    if (verdicts.empty()) return "it overlaps no other";
    if (!has_pixels) return "it has no usable pixel in common with another (flagged, not finite, or without an error)";
    return fmt::format("no pair with it can be used: {}", fmt::join(verdicts, ", "));
  }

  MatchPool const& pool_;
  StageWork const& work_;
  int number_;
  MatchSet const& set_;
  std::vector<PairResult> results_;
  std::vector<bool> failed_;
  std::vector<exchange::PairMeasurement> pairs_;
  exchange::LevelGraphOptions options_;
  exchange::PairSelection selection_;
  exchange::LevelSolution solution_;
};

/// Corrections of all images of all sets, set by set; on rank 0.
std::vector<SentCorrection> solve_sets(MatchPool const& pool, StageWork const& work, StageMeasurements const& found,
                                       std::vector<TaskTables>& tables) {
  std::vector<SentCorrection> all;
  Warnings apart("more images keep their level"), groups("more sets fall into groups"),
      bridges("more overlaps are used to keep groups together"), empty("more dither groups have no local median");
  std::size_t begin = 0;
  for (std::size_t s = 0; s < work.sets.size(); ++s) {
    auto end = begin;
    while (end < work.pairs.size() && work.pairs[end].set == static_cast<int>(s)) ++end;
    SetSolver solver(pool, work, static_cast<int>(s), found.pairs, begin, end);
    auto const& solution = solver.solve();
    for (std::size_t k = 0; k < solution.correction.size(); ++k)
      all.push_back({solution.correction[k], solution.component[k]});
    solver.add_rows(tables[static_cast<std::size_t>(work.sets[s].task)]);
    solver.warn(apart, groups, bridges);
    if (!std::isfinite(found.local[s]))
      empty.add(fmt::format("{}, {}: no pixel to take a local median from: all bad or masked",
                            pool.tasks[static_cast<std::size_t>(work.sets[s].task)].label(), work.sets[s].name));
    begin = end;
  }
  return all;
}

}  // namespace

void solve_stage(MatchPool& pool, StageWork const& work, StageMeasurements const& found,
                 std::vector<TaskTables>& tables) {
  std::vector<SentCorrection> corrections;
  parallel::all_or_none(pool.context.world, [&] {
    if (pool.context.world.is_root()) corrections = solve_sets(pool, work, found, tables);
  });
  auto const bytes = std::as_bytes(std::span(corrections));
  auto const sent = pool.context.world.broadcast(std::vector<std::byte>(bytes.begin(), bytes.end()));
  corrections.resize(sent.size() / sizeof(SentCorrection));
  std::copy(sent.begin(), sent.end(), std::as_writable_bytes(std::span(corrections)).begin());

  std::size_t next = 0;
  for (std::size_t s = 0; s < work.sets.size(); ++s) {
    auto const& set = work.sets[s];
    bool const with_slope = pool.options[static_cast<std::size_t>(set.task)].slope(work.stage);
    double const local = std::isfinite(found.local[s]) ? found.local[s] : 0;
    std::vector<int> grid_of_island(work.layouts[s].grids.size(), -1), component;
    for (std::size_t k = 0; k < set.images.size(); ++k, ++next) {
      component.push_back(corrections[next].component);
      StageCorrection correction;
      correction.stage = work.stage;
      correction.plane = corrections[next].plane;
      correction.local = local;
      correction.with_slope = with_slope && corrections[next].component >= 0;
      if (correction.with_slope) {
        auto const island = static_cast<std::size_t>(work.layouts[s].island[k]);
        if (grid_of_island[island] < 0) {
          grid_of_island[island] = static_cast<int>(pool.grids.size());
          pool.grids.push_back(work.layouts[s].grids[island]);
        }
        correction.grid = grid_of_island[island];
      }
      for (int const member : set.images[k].members)
        pool.exposures[static_cast<std::size_t>(member)].corrections.push_back(correction);
    }
    join_images(pool, set, component);
  }
}

}  // namespace tessera::steps
