#include "cross_correlate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>

#include "cross_survey.hpp"
#include "overlap_tree.hpp"
#include "stack_image.hpp"
#include "tessera/exchange/alignment.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"

namespace tessera::steps {

namespace {

/// A larger overlap is cut to a square of so many pixels about the middle of what is in common.
constexpr std::int64_t LargestSide = 4096;

/// What two stacks have in common. Plain bytes: journaled and sent as it is.
struct Overlap {
  std::int64_t pixels = 0;
  std::int64_t middle_x = 0, middle_y = 0;  ///< of the grid
};

class Fingerprint {
 public:
  void add(std::string const& text) { hash_.update(std::as_bytes(std::span(text))); }
  void add(double value) { hash_.update(std::as_bytes(std::span(&value, 1))); }
  std::string text() { return hash_.hex().substr(0, 16); }

 private:
  io::Sha256 hash_;
};

class CrossCorrelation {
 public:
  CrossCorrelation(StepContext& context, std::vector<BandTask const*> const& tasks,
                   std::vector<GetWcsAdjustOptions> const& options, CrossOutcome& outcome)
      : outcome_(outcome), survey_(make_cross_survey(context, tasks, options, outcome.stopped)) {}

  void run() {
    outcome_.bands.resize(survey_.tasks.size());
    bool const complete = !outcome_.stopped && make_stacks() && count_overlaps() && measure_shifts();
    outcome_.stopped = !complete;
    if (complete) solve();
    outcome_.failures = std::move(survey_.failures);
    outcome_.counts = survey_.counts;
  }

 private:
  struct Pair {
    int task = 0;
    int first = 0, second = 0;  ///< of CrossSurvey::stacks
    Overlap overlap;
    std::optional<kernels::ImageShift> shift;
  };

  std::size_t task_of(int stack) const {
    return static_cast<std::size_t>(survey_.stacks[static_cast<std::size_t>(stack)].task);
  }
  model::SkyGrid const& grid_of(int stack) const { return survey_.grids[task_of(stack)]; }
  StackPlace const& place_of(int stack) const { return places_[static_cast<std::size_t>(stack)]; }

  /// A name that says all the stack depends on beyond the key of its task.
  std::string stack_item(int stack) const {
    Fingerprint fingerprint;
    auto const& grid = grid_of(stack);
    for (double const value : {static_cast<double>(grid.nx), static_cast<double>(grid.ny), grid.crpix.x, grid.crpix.y,
                               grid.crval.ra, grid.crval.dec, grid.cdelt[0], grid.cdelt[1]})
      fingerprint.add(value);
    for (int const member : survey_.stacks[static_cast<std::size_t>(stack)].members)
      fingerprint.add(survey_.record(member).identity.label());
    return fmt::format("stack {} {}", survey_.stacks[static_cast<std::size_t>(stack)].name, fingerprint.text());
  }

  /// Whether all its exposures are in a stack: without one that failed it is not what its name says.
  bool is_whole(int stack) const {
    auto const& members = survey_.stacks[static_cast<std::size_t>(stack)].members;
    return std::none_of(members.begin(), members.end(),
                        [&](int member) { return survey_.exposures[static_cast<std::size_t>(member)].failed; });
  }

  /// Empty: nothing that a later run could take up.
  std::string pair_item(char const* kind, Pair const& pair) const {
    if (!is_whole(pair.first) || !is_whole(pair.second)) return "";
    return fmt::format("{} {} | {}", kind, items_[static_cast<std::size_t>(pair.first)],
                       items_[static_cast<std::size_t>(pair.second)]);
  }

  std::filesystem::path path_of(int stack) const {
    auto const& item = items_[static_cast<std::size_t>(stack)];
    return survey_.tasks[task_of(stack)]->scratch / "stacks" /
           fmt::format("{:06d}_{}.h5", stack, item.substr(item.rfind(' ') + 1));
  }

  template <class T>
  bool load(std::size_t task, std::string const& item, T& value) const {
    auto const& journal = survey_.journals[task];
    if (!journal.has(item)) return false;
    auto const bytes = journal.load(item);
    if (bytes.size() != sizeof(T)) return false;
    std::copy(bytes.begin(), bytes.end(), std::as_writable_bytes(std::span(&value, 1)).begin());
    return true;
  }

  template <class T>
  void keep(Pair const& pair, std::string const& item, T const& value) {
    if (!item.empty())
      survey_.journals[static_cast<std::size_t>(pair.task)].append(item, std::as_bytes(std::span(&value, 1)));
  }

  /// Runs `work(item)`, of those not `done`, on the ranks by `costs`, with memory for the largest. What was found goes
  /// to all ranks by `take`. False: a stop request. Collective.
  template <class T, class Work, class Take>
  bool pool(std::string const& label, std::vector<double> const& costs, std::vector<char> const& done,
            std::int64_t bytes, Work const& work, Take const& take) {
    auto const& world = survey_.context.world;
    std::unique_ptr<parallel::MemoryBudget::Reservation> memory;
    parallel::all_or_none(world, [&] {
      memory = std::make_unique<parallel::MemoryBudget::Reservation>(survey_.context.budget, "get_wcs_adjust, " + label,
                                                                     bytes);
    });
    auto const owner = parallel::divide_balanced(costs, world.size());
    std::vector<NumberedValue<T>> mine;
    std::exception_ptr broken;  // scratch cannot be written: all ranks must hear of it, and none wait
    auto const todo = static_cast<std::int64_t>(std::count(done.begin(), done.end(), 0));
    if (todo > 0) {
      parallel::Progress progress(world, "get_wcs_adjust: " + label, todo);
      for (std::size_t k = 0; k < costs.size() && !broken; ++k) {
        if (done[k] || owner[k] != world.rank()) continue;
        if (survey_.stop_wanted()) break;
        auto const begin = std::chrono::steady_clock::now();
        try {
          mine.push_back({static_cast<std::int64_t>(k), work(k)});
        } catch (...) {
          broken = std::current_exception();
        }
        ++survey_.counts.items;
        survey_.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        progress.advance();
      }
      progress.finish();
    }
    parallel::all_or_none(world, [&] {
      if (broken) std::rethrow_exception(broken);
    });
    for (auto const& sent : world.template all_gather_values<NumberedValue<T>>(mine))
      take(static_cast<std::size_t>(sent.number), sent.value);
    survey_.share_lost();
    return survey_.context.control.agree() < parallel::StopRequest::FinishItems;
  }

  /// Values of the journals, as rank 0 finds them. Collective.
  template <class T, class TaskOf, class IsWhole>
  std::vector<char> take_up(std::vector<std::string> const& items, std::vector<T>& values, TaskOf const& task_of_item,
                            IsWhole const& is_whole) {
    std::string there(items.size(), 'n');
    for (std::size_t k = 0; k < items.size() && survey_.context.world.is_root(); ++k)
      if (load(task_of_item(k), items[k], values[k]) && is_whole(k)) there[k] = 'y';
    there = survey_.context.world.broadcast(there);
    std::vector<char> done(items.size(), 0);
    for (std::size_t k = 0; k < items.size(); ++k)
      done[k] = there[k] == 'y' && load(task_of_item(k), items[k], values[k]);
    return done;
  }

  bool make_stacks() {
    auto const count = survey_.stacks.size();
    std::vector<double> costs;
    std::int64_t working = 0, cutout = 0, most = 0;
    for (std::size_t s = 0; s < count; ++s) {
      auto const& stack = survey_.stacks[s];
      items_.push_back(stack_item(static_cast<int>(s)));
      double pixels = 0;
      for (int const member : stack.members)
        pixels += static_cast<double>(survey_.record(member).nx * survey_.record(member).ny);
      costs.push_back(pixels);
      working = std::max(working, stack_working_bytes(survey_, stack));
      cutout = std::max(cutout, stack_cutout_bytes(survey_, stack));
      most = std::max(most, static_cast<std::int64_t>(stack.members.size()));
    }
    places_.resize(count);
    auto const done = take_up<StackPlace>(
        items_, places_, [&](std::size_t s) { return task_of(static_cast<int>(s)); },
        [&](std::size_t s) { return places_[s].box.empty() || std::filesystem::exists(path_of(static_cast<int>(s))); });
    std::int64_t const least = 2 * cutout;
    // The same on all ranks, so that they agree whether it fits; the stacks do not depend on it.
    auto const free =
        static_cast<std::int64_t>(survey_.context.world.min(static_cast<double>(survey_.free_bytes() - working)));
    auto const kept = std::clamp(free, least, std::max(least, most * cutout));
    return pool<StackPlace>(
        "stacks", costs, done, working + kept,
        [&](std::size_t s) {
          auto const& stack = survey_.stacks[s];
          auto const failures = survey_.failures.size();
          auto const place = make_stack(survey_, stack, path_of(static_cast<int>(s)), kept);
          // What was made without an exposure that failed is not what its name says.
          if (survey_.failures.size() == failures)
            survey_.journals[static_cast<std::size_t>(stack.task)].append(items_[s],
                                                                          std::as_bytes(std::span(&place, 1)));
          return place;
        },
        [&](std::size_t s, StackPlace const& place) { places_[s] = place; });
  }

  bool count_overlaps() {
    std::vector<std::string> items;
    std::vector<double> costs;
    std::int64_t bytes = 0;
    for (int i = 0; i < static_cast<int>(survey_.stacks.size()); ++i)
      for (int j = i + 1; j < static_cast<int>(survey_.stacks.size()); ++j) {
        if (task_of(i) != task_of(j)) continue;
        auto const both = model::intersect(place_of(i).box, place_of(j).box);
        if (both.empty()) continue;
        pairs_.push_back({static_cast<int>(task_of(i)), i, j, {}, std::nullopt});
        items.push_back(pair_item("overlap", pairs_.back()));
        costs.push_back(static_cast<double>(both.width() * both.height()));
        bytes = std::max(bytes, 8 * both.width() * std::min(both.height(), rows_at_a_time(both.width())));
      }
    std::vector<Overlap> found(pairs_.size());
    auto const done = take_up<Overlap>(
        items, found, [&](std::size_t p) { return static_cast<std::size_t>(pairs_[p].task); },
        [](std::size_t) { return true; });
    bool const complete = pool<Overlap>(
        "overlaps", costs, done, bytes,
        [&](std::size_t p) {
          auto const overlap = count_overlap(pairs_[p]);
          keep(pairs_[p], items[p], overlap);
          return overlap;
        },
        [&](std::size_t p, Overlap const& overlap) { found[p] = overlap; });
    for (std::size_t p = 0; p < pairs_.size(); ++p) pairs_[p].overlap = found[p];
    std::erase_if(pairs_, [](Pair const& pair) { return pair.overlap.pixels == 0; });
    return complete;
  }

  Overlap count_overlap(Pair const& pair) {
    auto const both = model::intersect(place_of(pair.first).box, place_of(pair.second).box);
    Overlap overlap;
    auto const rows = rows_at_a_time(both.width());
    for (auto y0 = both.y0; y0 < both.y1; y0 += rows) {
      model::PixelBox const strip{both.x0, y0, both.x1, std::min(y0 + rows, both.y1)};
      auto const a = read_stack(path_of(pair.first), place_of(pair.first), strip, survey_.counts);
      auto const b = read_stack(path_of(pair.second), place_of(pair.second), strip, survey_.counts);
      for (auto y = strip.y0; y < strip.y1; ++y)
        for (auto x = strip.x0; x < strip.x1; ++x) {
          auto const k = static_cast<std::size_t>((y - strip.y0) * strip.width() + x - strip.x0);
          if (!std::isfinite(a[k]) || !std::isfinite(b[k])) continue;
          ++overlap.pixels;
          overlap.middle_x += x;
          overlap.middle_y += y;
        }
    }
    if (overlap.pixels > 0) {
      overlap.middle_x /= overlap.pixels;
      overlap.middle_y /= overlap.pixels;
    }
    return overlap;
  }

  /// What is compared of a pair.
  model::PixelBox part_of(Pair const& pair) const {
    auto const both = model::intersect(place_of(pair.first).box, place_of(pair.second).box);
    auto const x = pair.overlap.middle_x, y = pair.overlap.middle_y;
    return model::intersect(both, {x - LargestSide / 2, y - LargestSide / 2, x + LargestSide / 2, y + LargestSide / 2});
  }

  kernels::ImageShift measure(Pair const& pair) {
    auto const part = part_of(pair);
    auto const first = read_stack(path_of(pair.first), place_of(pair.first), part, survey_.counts);
    auto const second = read_stack(path_of(pair.second), place_of(pair.second), part, survey_.counts);
    kernels::ImageShiftOptions options;
    options.search =
        survey_.options[static_cast<std::size_t>(pair.task)].searchrad / 3600 / std::abs(grid_of(pair.first).cdelt[0]);
    return kernels::measure_image_shift(first.data(), second.data(), part.height(), part.width(), options);
  }

  std::vector<OverlapPair> overlap_pairs() const {
    std::vector<OverlapPair> all;
    for (auto const& pair : pairs_)
      all.push_back({pair.first, pair.second, pair.overlap.pixels,
                     !pair.shift || pair.shift->verdict == kernels::ImageShiftVerdict::Found});
    return all;
  }

  /// Measures the pairs of the tree, and those of the tree without the pairs that gave nothing, until all gave a shift.
  bool measure_shifts() {
    for (;;) {
      tree_ = grow_tree(static_cast<int>(survey_.stacks.size()), overlap_pairs());
      std::vector<int> todo;
      for (auto const& edge : tree_.edges)
        if (!pairs_[static_cast<std::size_t>(edge.pair)].shift) todo.push_back(edge.pair);
      if (todo.empty()) return true;
      std::sort(todo.begin(), todo.end());
      if (!measure_pairs(todo)) return false;
    }
  }

  bool measure_pairs(std::vector<int> const& numbers) {
    auto const pair_at = [&](std::size_t k) -> Pair& { return pairs_[static_cast<std::size_t>(numbers[k])]; };
    std::vector<std::string> items;
    std::vector<double> costs;
    std::int64_t bytes = 0;
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      auto const part = part_of(pair_at(k));
      auto const pixels = part.width() * part.height();
      items.push_back(pair_item("shift", pair_at(k)));
      costs.push_back(static_cast<double>(pixels));
      bytes = std::max(bytes, 8 * pixels + kernels::image_shift_bytes(part.height(), part.width()));
    }
    std::vector<kernels::ImageShift> found(numbers.size());
    auto const done = take_up<kernels::ImageShift>(
        items, found, [&](std::size_t k) { return static_cast<std::size_t>(pair_at(k).task); },
        [](std::size_t) { return true; });
    bool const complete = pool<kernels::ImageShift>(
        "shifts", costs, done, bytes,
        [&](std::size_t k) {
          auto const shift = measure(pair_at(k));
          keep(pair_at(k), items[k], shift);
          return shift;
        },
        [&](std::size_t k, kernels::ImageShift const& shift) { found[k] = shift; });
    if (complete)
      for (std::size_t k = 0; k < numbers.size(); ++k) pair_at(k).shift = found[k];
    return complete;
  }

  /// An offset on the grid as arcsec east and north.
  std::array<double, 2> on_sky(model::SkyGrid const& grid, std::array<double, 2> const& pixels) const {
    std::array<double, 2> sky{};
    for (std::size_t row = 0; row < 2; ++row)
      sky[row] = 3600 * grid.cdelt[row] * (grid.pc[row][0] * pixels[0] + grid.pc[row][1] * pixels[1]);
    return sky;
  }

  /// Follows the tree from the references. What lies at p in a reference lies at p + offset in the image: its positions
  /// have to be moved back.
  void solve() {
    std::vector<StackShift> shifts(survey_.stacks.size());
    for (std::size_t s = 0; s < shifts.size(); ++s) {
      shifts[s].stack = survey_.stacks[s].name;
      if (places_[s].box.empty()) shifts[s].status = StackStatus::NoData;
    }
    for (auto const& pair : pairs_) {
      if (!pair.shift || pair.shift->verdict == kernels::ImageShiftVerdict::Found) continue;
      for (int const stack : {pair.first, pair.second}) {
        auto& shift = shifts[static_cast<std::size_t>(stack)];
        if (shift.status == StackStatus::NotMeasured) continue;
        shift.status = StackStatus::NotMeasured;
        shift.match = *pair.shift;
        shift.pixels = pair.overlap.pixels;
        shift.reference = survey_.stacks[static_cast<std::size_t>(stack == pair.first ? pair.second : pair.first)].name;
      }
    }
    for (int const reference : tree_.references) {
      auto& shift = shifts[static_cast<std::size_t>(reference)];
      shift = StackShift{};
      shift.stack = survey_.stacks[static_cast<std::size_t>(reference)].name;
      shift.status = StackStatus::Reference;
      ++outcome_.bands[task_of(reference)].groups;
    }
    for (auto const& edge : tree_.edges) {
      auto const& pair = pairs_[static_cast<std::size_t>(edge.pair)];
      auto const& grid = grid_of(edge.image);
      auto& shift = shifts[static_cast<std::size_t>(edge.image)];
      auto const& reference = shifts[static_cast<std::size_t>(edge.reference)];
      shift.status = StackStatus::Matched;
      shift.reference = reference.stack;
      shift.pixels = pair.overlap.pixels;
      shift.match = *pair.shift;
      double const sign = edge.image == pair.second ? -1 : 1;
      shift.measured = on_sky(grid, {sign * pair.shift->x, sign * pair.shift->y});
      for (std::size_t k = 0; k < 2; ++k) {
        shift.shift[k] = reference.shift[k] + shift.measured[k];
        double const error = 3600 * std::abs(grid.cdelt[k]) * pair.shift->error[k];
        shift.error[k] = std::hypot(reference.error[k], error);
      }
    }
    for (std::size_t s = 0; s < shifts.size(); ++s) {
      auto& band = outcome_.bands[static_cast<std::size_t>(survey_.stacks[s].task)];
      add_exposures(s, shifts[s], band.exposures);
      band.stacks.push_back(std::move(shifts[s]));
    }
  }

  void add_exposures(std::size_t stack, StackShift const& shift, std::vector<MeasuredExposure>& exposures) const {
    if (shift.status != StackStatus::Reference && shift.status != StackStatus::Matched) return;
    sky::CorrectionPlane plane_of_grid;
    plane_of_grid.tangent = survey_.grids[static_cast<std::size_t>(survey_.stacks[stack].task)].crval;
    for (int const member : survey_.stacks[stack].members) {
      auto const& exposure = survey_.exposures[static_cast<std::size_t>(member)];
      if (exposure.failed) continue;
      MeasuredExposure measured{survey_.record(member).identity.exposure, exposure.plane, std::nullopt};
      exchange::AlignImage image;
      image.plane = exposure.plane;
      if (shift.status == StackStatus::Matched)
        measured.correction =
            exchange::carry_to_image(kernels::Matrix2{{{1, 0}, {0, 1}}}, shift.shift, plane_of_grid, image);
      exposures.push_back(std::move(measured));
    }
  }

  CrossOutcome& outcome_;
  CrossSurvey survey_;
  std::vector<std::string> items_;  ///< [stack] name in the journal
  std::vector<StackPlace> places_;  ///< [stack]
  std::vector<Pair> pairs_;         ///< with pixels in common
  OverlapTree tree_;
};

char const* status_name(StackStatus status) {
  switch (status) {
    case StackStatus::NoData:
    case StackStatus::NoOverlap:
    case StackStatus::NotMeasured:
      return "FAILED";
    case StackStatus::Reference:
      return "REFERENCE";
    case StackStatus::Matched:
      return "SUCCESS";
  }
  return "";
}

}  // namespace

CrossOutcome cross_correlate(StepContext& context, std::vector<BandTask const*> const& tasks,
                             std::vector<GetWcsAdjustOptions> const& options) {
  CrossOutcome outcome;
  if (!tasks.empty()) CrossCorrelation(context, tasks, options, outcome).run();
  return outcome;
}

std::string reason_of(StackShift const& stack) {
  if (stack.status == StackStatus::NoData) return "no data in any of its exposures";
  if (stack.status == StackStatus::NoOverlap) return "no overlap with any other stack";
  if (stack.status != StackStatus::NotMeasured) return "";
  switch (stack.match.verdict) {
    case kernels::ImageShiftVerdict::TooFewPixels:
      return "too few pixels in common with any other stack";
    case kernels::ImageShiftVerdict::Insignificant:
      return "no peak in the correlation with any other stack";
    case kernels::ImageShiftVerdict::Ambiguous:
      return "parts of the overlap do not agree on a shift";
    case kernels::ImageShiftVerdict::TooLarge:
      return "shifted further than searchrad";
    case kernels::ImageShiftVerdict::Found:
      break;
  }
  return "";
}

std::string stack_table(CrossBand const& band) {
  std::string text =
      "stack,status,reference,pixels,shift_x,shift_y,error_x,error_y,measured_x,measured_y,guess_x_pixels,"
      "guess_y_pixels,pieces,pieces_agreeing,rms_before,rms_after,reason\n";
  for (auto const& stack : band.stacks)
    text += fmt::format("{},{},{},{},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.6f},{:.3f},{:.3f},{},{},{:.6g},{:.6g},{}\n",
                        stack.stack, status_name(stack.status), stack.reference, stack.pixels, stack.shift[0],
                        stack.shift[1], stack.error[0], stack.error[1], stack.measured[0], stack.measured[1],
                        stack.match.guess[0], stack.match.guess[1], stack.match.pieces, stack.match.agreeing,
                        stack.match.rms_before, stack.match.rms_after, reason_of(stack));
  return text;
}

}  // namespace tessera::steps
