#include "tessera/steps/lv2/off_backgrounds.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "background_file.hpp"
#include "combine_rows.hpp"
#include "off_masks.hpp"
#include "row_pool.hpp"
#include "tessera/core/error.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

/// One off of one combination.
struct OffItem {
  std::size_t background, off;
};

/// The level of one off, on its way to all ranks.
struct OffLevel {
  std::int64_t background, off;
  double level;
};

std::int64_t pixels_of(OffBackground const& background) { return background.window.nx * background.window.ny; }

/// One off alone has nothing to be compared with.
bool is_masked(OffBackground const& background) { return background.mask_sources && background.offs.size() > 1; }

std::filesystem::path passing_file(OffBackground const& background, std::string const& what) {
  return background.scratch / fmt::format("{}_{}.fits", background.product.stem().string(), what);
}
std::filesystem::path median_file(OffBackground const& background) { return passing_file(background, "median"); }
std::filesystem::path mask_file(OffBackground const& background, std::size_t off) {
  return passing_file(background, fmt::format("mask{}", off));
}

class BackgroundRun {
 public:
  BackgroundRun(StepContext& context, std::vector<OffBackground> const& backgrounds)
      : context_(context),
        backgrounds_(backgrounds),
        failed_(backgrounds.size(), 0),
        levels_(backgrounds.size()),
        progress_(context.world, "combine backgrounds", count_items()) {
    for (std::size_t c = 0; c < backgrounds.size(); ++c)
      if (is_masked(backgrounds[c]))
        levels_[c].assign(backgrounds[c].offs.size(), std::numeric_limits<double>::quiet_NaN());
  }

  StepOutcome make_all() {
    refuse_what_cannot_be();
    parallel::all_or_none(context_.world, [&] { hold_memory(); });
    if (std::any_of(backgrounds_.begin(), backgrounds_.end(), is_masked)) find_sources();
    combine();
    progress_.finish();
    held_.reset();
    remove_passing_files();
    return close();
  }

 private:
  std::int64_t count_items() const {
    std::size_t items = 0;
    for (auto const& one : backgrounds_) items += is_masked(one) ? 2 + 2 * one.offs.size() : 1;
    return static_cast<std::int64_t>(items);
  }

  /// Lists that no rank need open a file for. The same on all ranks, reported by one.
  void refuse_what_cannot_be() {
    for (std::size_t c = 0; c < backgrounds_.size(); ++c) {
      auto const& one = backgrounds_[c];
      auto const has_no_weight = [](OffExposure const& off) { return !(off.weight > 0 && std::isfinite(off.weight)); };
      auto const weightless = std::find_if(one.offs.begin(), one.offs.end(), has_no_weight);
      if (one.offs.empty())
        refuse(c, {.what = "no background exposures",
                   .where = one.product.string(),
                   .remedy = "look at bgr_check_type and bgr_background_name, or take the instrument out of "
                             "bgr_observation_types"});
      else if (one.window.nx <= 0 || one.window.ny <= 0)
        refuse(c, {.what = "an empty detector window", .where = one.product.string()});
      else if (weightless != one.offs.end())
        refuse(c, {.what = "a background exposure without weight",
                   .where = weightless->path.string(),
                   .expected = "a weight above 0",
                   .found = fmt::format("{}", weightless->weight),
                   .remedy = "give a longer off_weighting_days, or select fewer offs (off_selection)"});
    }
  }
  void refuse(std::size_t background, Problem problem) {
    failed_[background] = 1;
    if (context_.world.is_root()) note(background, InputError(std::move(problem)));
  }

  /// Images that are put together and written; the bands that are read take what is left.
  void hold_memory() {
    std::int64_t bytes = 0;
    for (auto const& one : backgrounds_) {
      auto const product = 4 * combined_plane::Planes * pixels_of(one);
      bytes = std::max(bytes, RowPool::bytes_held(context_.world, product));
      if (!is_masked(one)) continue;
      std::int64_t largest = 0;
      for (auto const& off : one.offs) largest = std::max(largest, off.window.nx * off.window.ny);
      bytes = std::max(bytes, find_sources_bytes() * std::max(largest, pixels_of(one)));
    }
    held_ = std::make_unique<parallel::MemoryBudget::Reservation>(context_.budget, "combined backgrounds", bytes);
  }

  void find_sources() {
    share_levels([&](OffItem const& item, OffBackground const& background) {
      return measure_off_level(background.offs[item.off], background.window, outcome_.counts.bytes_read);
    });
    agree();
    make_medians();
    agree();
    share_levels([&](OffItem const& item, OffBackground const& background) {
      auto const median = read_passing_plane(median_file(background));
      double const level = levels_[item.background][item.off];
      auto const found =
          find_off_sources(background.offs[item.off], background.window, level, median, outcome_.counts.bytes_read);
      write_passing_mask(mask_file(background, item.off), background.window.nx, background.window.ny, found.mask);
      return level + found.level;
    });
    agree();
  }

  /// Gives every off of the lists that are masked to a rank, and what `measure` says of its level to all.
  template <class Measure>
  void share_levels(Measure measure) {
    std::vector<OffItem> items;
    std::vector<double> costs;
    for (std::size_t c = 0; c < backgrounds_.size(); ++c)
      for (std::size_t k = 0; k < levels_[c].size(); ++k) {
        items.push_back({c, k});
        costs.push_back(static_cast<double>(pixels_of(backgrounds_[c])));
      }
    auto const rank_of = parallel::divide_balanced(costs, context_.world.size());
    std::vector<OffLevel> mine;
    for (std::size_t k = 0; k < items.size(); ++k) {
      if (rank_of[k] != context_.world.rank()) continue;
      auto const& item = items[k];
      attempt(item.background, [&] {
        mine.push_back({static_cast<std::int64_t>(item.background), static_cast<std::int64_t>(item.off),
                        measure(item, backgrounds_[item.background])});
        return true;
      });
      progress_.advance();
    }
    for (auto const& one : context_.world.all_gather_values<OffLevel>(mine))
      levels_[static_cast<std::size_t>(one.background)][static_cast<std::size_t>(one.off)] = one.level;
  }

  void make_medians() {
    std::vector<std::size_t> masked;
    for (std::size_t c = 0; c < backgrounds_.size(); ++c)
      if (is_masked(backgrounds_[c])) masked.push_back(c);
    pool_of(masked, 1).run(
        [&](std::size_t image, ImageRows& rows) {
          auto const c = masked[image];
          return make_rows(c, rows, [&](GoOn const& go_on) {
            return median_rows(context_.budget, backgrounds_[c], levels_[c], rows, outcome_.counts.bytes_read, go_on);
          });
        },
        [&](std::size_t image, ImageRows& whole) {
          auto const c = masked[image];
          attempt(c, [&] {
            auto const plane = whole.plane<float>(0);
            write_passing_plane(median_file(backgrounds_[c]), whole.nx, whole.y1, {plane.begin(), plane.end()});
            return true;
          });
        });
  }

  void combine() {
    std::vector<std::size_t> all;
    for (std::size_t c = 0; c < backgrounds_.size(); ++c)
      if (failed_[c] == 0) all.push_back(c);
    pool_of(all, combined_plane::Planes)
        .run(
            [&](std::size_t image, ImageRows& rows) {
              auto const c = all[image];
              OffMasks known{levels_[c], {}};
              for (std::size_t k = 0; k < levels_[c].size(); ++k) known.masks.push_back(mask_file(backgrounds_[c], k));
              return make_rows(c, rows, [&](GoOn const& go_on) {
                return combine_rows(context_.budget, backgrounds_[c], known, rows, outcome_.counts.bytes_read, go_on);
              });
            },
            [&](std::size_t image, ImageRows& whole) {
              auto const c = all[image];
              attempt(c, [&] {
                fill_masked_pixels(whole);
                outcome_.counts.bytes_written += write_off_background(backgrounds_[c], whole);
                return true;
              });
            });
    agree();
  }

  RowPool pool_of(std::vector<std::size_t> const& which, int planes) const {
    std::vector<PooledImage> images;
    for (auto const c : which) {
      auto const& one = backgrounds_[c];
      images.push_back(
          {one.window.nx, one.window.ny, static_cast<double>(one.window.nx) * static_cast<double>(one.offs.size())});
    }
    return {context_.world, std::move(images), planes};
  }

  template <class Make>
  bool make_rows(std::size_t background, ImageRows const& rows, Make make) {
    bool const made = attempt(background, [&] {
      return make([&] {
        stopped_ = stopped_ || context_.control.poll() >= parallel::StopRequest::FinishItems;
        return !stopped_;
      });
    });
    if (rows.y0 == 0) progress_.advance();  // an image is counted once, whoever has its other rows
    return made;
  }

  /// What went wrong with a combination ends that combination alone. False: not done.
  template <class Work>
  bool attempt(std::size_t background, Work work) {
    stopped_ = stopped_ || context_.control.poll() >= parallel::StopRequest::FinishItems;
    if (stopped_ || failed_[background] != 0) return false;
    auto const begin = std::chrono::steady_clock::now();
    bool done = false;
    try {
      done = work();
      if (done) ++outcome_.counts.items;
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of a background
      note(background, error);
    } catch (std::filesystem::filesystem_error const& error) {
      note(background,
           IoError(
               {.what = "a file operation failed", .where = error.path1().string(), .found = error.code().message()}));
    }
    outcome_.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return done;
  }

  void note(std::size_t background, Error const& error) {
    auto const& one = backgrounds_[background];
    failed_[background] = 1;
    failures_.push_back({fmt::format("{} {} {}", one.target, one.band, one.product.filename().string()), error.what(),
                         static_cast<int>(error.status()), context_.world.rank()});
    if (context_.stop_on_error) context_.control.raise(parallel::StopRequest::Failure);
  }

  /// What failed or stopped on one rank has on all.
  void agree() {
    context_.world.sum_in_place(failed_);
    stopped_ = context_.world.max(std::int64_t{stopped_}) > 0;
  }

  void remove_passing_files() const {
    context_.world.barrier();
    std::error_code ignored;
    for (std::size_t c = 0; c < backgrounds_.size(); ++c) {
      if (levels_[c].empty() ||
          c % static_cast<std::size_t>(context_.world.size()) != static_cast<std::size_t>(context_.world.rank()))
        continue;
      std::filesystem::remove(median_file(backgrounds_[c]), ignored);
      for (std::size_t k = 0; k < levels_[c].size(); ++k)
        std::filesystem::remove(mask_file(backgrounds_[c], k), ignored);
    }
  }

  /// Several ranks may have met the same broken file: once is enough.
  StepOutcome close() {
    std::set<std::string> known;
    for (auto& failure : parallel::agree_on_failures(context_.world, failures_))
      if (known.insert(failure.item).second) outcome_.failures.push_back(std::move(failure));
    outcome_.stopped = stopped_;
    return std::move(outcome_);
  }

  StepContext& context_;
  std::vector<OffBackground> const& backgrounds_;
  std::vector<std::int64_t> failed_;         ///< by background, not 0 where it is: agreed at the end of each part
  std::vector<std::vector<double>> levels_;  ///< of the offs, by background; none where sources are not masked
  parallel::Progress progress_;
  std::unique_ptr<parallel::MemoryBudget::Reservation> held_;
  StepOutcome outcome_;
  std::vector<parallel::Failure> failures_;
  bool stopped_ = false;
};

}  // namespace

StepOutcome combine_off_backgrounds(StepContext& context, std::vector<OffBackground> const& backgrounds) {
  if (backgrounds.empty()) return {};
  return BackgroundRun(context, backgrounds).make_all();
}

}  // namespace tessera::steps
