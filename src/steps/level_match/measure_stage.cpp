#include "measure_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <exception>
#include <memory>

#include "corrected_exposure.hpp"
#include "cutout_cache.hpp"
#include "hold_memory.hpp"
#include "stage_items.hpp"
#include "tessera/core/error.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"
#include "tile_pool.hpp"

namespace tessera::steps {

namespace {

constexpr std::int64_t CutoutBytesAPixel = 8;

/// A pair or a local median: something that one rank does.
struct Item {
  enum class Kind { Local, Pair } kind = Kind::Pair;
  int number = 0;  ///< of the pair, or of the set
};

/// Values of all ranks by number, on rank 0.
template <class T>
void gather(parallel::Communicator const& world, std::vector<Numbered<T>> const& mine, std::vector<T>& all) {
  for (auto const& part : world.gather(std::as_bytes(std::span(mine)))) {
    std::vector<Numbered<T>> values(part.size() / sizeof(Numbered<T>));
    std::copy(part.begin(), part.end(), std::as_writable_bytes(std::span(values)).begin());
    for (auto const& value : values) all[static_cast<std::size_t>(value.number)] = value.value;
  }
}

class StageMeasurer {
 public:
  StageMeasurer(MatchPool& pool, StageWork const& work) : pool_(pool), work_(work), lost_(pool), cutouts_(0) {
    if (work_.stage != MatchStage::Dithers) tiles_ = std::make_unique<TilePool>(pool, work.stage, work.sets);
  }

  StageMeasurements measure() {
    StageMeasurements found;
    auto const begin = std::chrono::steady_clock::now();
    found.stopped = tiles_ && tiles_->make(work_, lost_);
    if (!found.stopped) measure_items(found);
    pool_.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return found;
  }

 private:
  MatchSet const& set_of(CandidatePair const& pair) const { return work_.sets[static_cast<std::size_t>(pair.set)]; }
  LevelMatchOptions const& options_of(MatchSet const& set) const {
    return pool_.options[static_cast<std::size_t>(set.task)];
  }
  store::ItemJournal& journal_of(MatchSet const& set) const {
    return pool_.builders[static_cast<std::size_t>(set.task)]->journal();
  }
  /// All items of the stage in an order that keeps those of the same exposures together, and what they cost.
  void list_items() {
    std::size_t pair = 0;
    for (std::size_t s = 0; s < work_.sets.size(); ++s) {
      auto const& set = work_.sets[s];
      auto const& layout = work_.layouts[s];
      double exposure_pixels = 0;
      for (auto const& image : set.images)
        exposure_pixels = std::max(exposure_pixels, static_cast<double>(pool_.record(image.members.front()).nx) *
                                                        static_cast<double>(pool_.record(image.members.front()).ny));
      if (work_.stage == MatchStage::Dithers && options_of(set).do_local_subtraction) {
        items_.push_back({Item::Kind::Local, static_cast<int>(s)});
        costs_.push_back(journal_of(set).has(local_item(pool_, set)) ? 0 : 4 * exposure_pixels);
      }
      // Reading and reprojecting is shared among the pairs of an exposure.
      double const reading =
          work_.stage == MatchStage::Dithers
              ? 6 * exposure_pixels / std::max<double>(1, static_cast<double>(layout.island.size()) - 1)
              : 0;
      for (; pair < work_.pairs.size() && work_.pairs[pair].set == static_cast<int>(s); ++pair) {
        bool const done = journal_of(set).has(pair_item(pool_, work_, work_.pairs[pair]));
        items_.push_back({Item::Kind::Pair, static_cast<int>(pair)});
        costs_.push_back(done ? 0 : reading + work_.pairs[pair].shared_pixels);
      }
    }
  }

  /// Memory for the items of a run: two cutouts and a pair at least, and as many more cutouts as there is room for.
  HeldMemory reserve_for(parallel::ItemRange const& run) {
    std::int64_t exposure = 0, pair = 0, tiles = 0, cutout = 0, all_cutouts = 0;
    for (auto k = run.begin; k < run.end; ++k) {
      if (items_[k].kind == Item::Kind::Local) {
        auto const& set = work_.sets[static_cast<std::size_t>(items_[k].number)];
        for (auto const& image : set.images)
          exposure = std::max(exposure, exposure_working_bytes(pool_.record(image.members.front())));
        continue;
      }
      auto const& candidate = work_.pairs[static_cast<std::size_t>(items_[k].number)];
      auto const& set = set_of(candidate);
      pair = std::max(pair, static_cast<std::int64_t>(candidate.shared_pixels) *
                                kernels::PairPixels<float>::bytes_per_pixel(options_of(set).slope(work_.stage)));
      tiles = std::max(tiles, tile_pair_bytes(static_cast<std::int64_t>(candidate.shared_pixels)));
      if (tiles_) continue;
      for (int const image : {candidate.first, candidate.second}) {
        int const member = set.images[static_cast<std::size_t>(image)].members.front();
        exposure = std::max(exposure, exposure_working_bytes(pool_.record(member)));
        auto const bytes =
            CutoutBytesAPixel *
            work_.layouts[static_cast<std::size_t>(candidate.set)].pixels[static_cast<std::size_t>(image)];
        cutout = std::max(cutout, bytes);
        all_cutouts += bytes;
      }
    }
    // An exposure is gone before its pair is measured; meanwhile two cutouts are in use, or one and one in the making.
    std::int64_t const least = tiles_ ? tiles + pair : 2 * cutout + std::max(exposure + cutout, pair);
    auto memory = hold_memory(pool_, fmt::format("pairs of {}", stage_name(work_.stage)), least, least + all_cutouts);
    cutouts_ = CutoutCache(2 * cutout + memory.bytes - least);
    return memory;
  }

  std::shared_ptr<MatchCutout const> cutout_of(int exposure, model::SkyGrid const& grid,
                                               LevelMatchOptions const& options) {
    return cutouts_.get(exposure, [&] {
      MatchCutout cutout;
      {
        auto const loaded = load_for_matching(pool_, exposure, true);
        cutout.image = exchange::reproject_exposure(loaded, grid, options.reprojection);
      }
      cutout.extent = kernels::find_data_extent(cutout.view());
      return cutout;
    });
  }

  /// Cutout of an image of the dithers, or nothing where its exposure fails.
  std::shared_ptr<MatchCutout const> try_cutout(MatchSet const& set, int image, model::SkyGrid const& grid) {
    int const member = set.images[static_cast<std::size_t>(image)].members.front();
    if (lost_.has(member)) return nullptr;
    try {
      return cutout_of(member, grid, options_of(set));
    } catch (Error const& error) {
      lost_.add(member, error);
      return nullptr;
    }
  }

  PairResult measure_pair(CandidatePair const& pair) {
    auto const& set = set_of(pair);
    auto const& options = options_of(set);
    auto const& grid = work_.layouts[static_cast<std::size_t>(pair.set)].grid_of(pair.first);
    PairResult result;
    result.measurement.first = pair.first;
    result.measurement.second = pair.second;
    kernels::PairPixels<float> pixels({options.slope(work_.stage), options.sigma, sky::grid_reference_pixel(grid)});
    kernels::DataExtent extent_1, extent_2;
    if (!tiles_) {
      auto const first = try_cutout(set, pair.first, grid);
      auto const second = first ? try_cutout(set, pair.second, grid) : nullptr;
      if (!first || !second) return result;
      pixels.add(first->view(), second->view());
      extent_1 = first->extent;
      extent_2 = second->extent;
    } else {
      tiles_->add_pair(pair, pixels);
      extent_1 = tiles_->place(pair.set, pair.first).extent;
      extent_2 = tiles_->place(pair.set, pair.second).extent;
    }
    auto const found = pixels.measure();
    auto& measurement = result.measurement;
    result.measured = true;
    measurement.n_pix = found.n_pix;
    measurement.delta = -found.median;  // level of the first minus level of the second
    measurement.rms = found.rms;
    measurement.is_long = kernels::passes_linear_test(found.extent, extent_1, extent_2, options.min_linear_frac);
    measurement.has_plane = found.has_plane;
    measurement.plane = {-found.plane.slope_x, -found.plane.slope_y, -found.plane.level};
    result.middle = {static_cast<double>(found.extent.x_low + found.extent.x_high) / 2,
                     static_cast<double>(found.extent.y_low + found.extent.y_high) / 2};
    return result;
  }

  /// Local median of a dither group: of its first exposure that has pixels to take it from; NaN: of none.
  double measure_local(MatchSet const& set) {
    for (auto const& image : set.images) {
      int const member = image.members.front();
      if (lost_.has(member)) continue;
      try {
        double const median = measure_local_median(pool_, member);
        if (std::isfinite(median)) return median;
      } catch (Error const& error) {
        lost_.add(member, error);
      }
    }
    return std::numeric_limits<double>::quiet_NaN();
  }

  void measure_items(StageMeasurements& found) {
    auto const& world = pool_.context.world;
    list_items();
    auto const runs = parallel::divide_in_runs(costs_, world.size());
    auto const run = runs[static_cast<std::size_t>(world.rank())];
    auto const memory = reserve_for(run);
    std::vector<Numbered<PairResult>> pairs;
    std::vector<Numbered<double>> locals;
    bool stopped = false;
    std::exception_ptr broken;  // the journal cannot be written: all ranks must hear of it, and none wait
    {
      parallel::Progress progress(world, fmt::format("level_match: {}", stage_name(work_.stage)),
                                  static_cast<std::int64_t>(items_.size()));
      for (auto k = run.begin; k < run.end; ++k) {
        if (broken || (stopped = pool_.stop_wanted())) break;
        try {
          if (items_[k].kind == Item::Kind::Local)
            locals.push_back({items_[k].number, do_local(work_.sets[static_cast<std::size_t>(items_[k].number)])});
          else
            pairs.push_back({items_[k].number, do_pair(work_.pairs[static_cast<std::size_t>(items_[k].number)])});
        } catch (...) {
          broken = std::current_exception();
        }
        progress.advance();
      }
      cutouts_.clear();
      progress.finish();
    }
    parallel::all_or_none(world, [&] {
      if (broken) std::rethrow_exception(broken);
    });
    lost_.share();
    found.stopped = world.max(std::int64_t{stopped}) > 0;
    if (world.is_root()) found.pairs.resize(work_.pairs.size());
    gather(world, pairs, found.pairs);
    found.local.assign(work_.sets.size(), 0);
    for (auto const& local : world.all_gather_values<Numbered<double>>(locals))
      found.local[static_cast<std::size_t>(local.number)] = local.value;
  }

  double do_local(MatchSet const& set) {
    double local = 0;
    if (load_value(journal_of(set), local_item(pool_, set), local)) return local;
    auto const before = pool_.failures.size();
    local = measure_local(set);
    ++pool_.counts.items;
    if (pool_.failures.size() == before) append_value(journal_of(set), local_item(pool_, set), local);
    return local;
  }

  /// Whether no exposure of the two images has failed.
  bool is_whole(CandidatePair const& pair) const {
    auto const& images = set_of(pair).images;
    for (int const image : {pair.first, pair.second})
      for (int const member : images[static_cast<std::size_t>(image)].members)
        if (pool_.exposures[static_cast<std::size_t>(member)].failed || lost_.has(member)) return false;
    return true;
  }

  PairResult do_pair(CandidatePair const& pair) {
    auto const item = pair_item(pool_, work_, pair);
    PairResult result;
    if (load_value(journal_of(set_of(pair)), item, result)) {
      result.measurement.first = pair.first;
      result.measurement.second = pair.second;
      return result;
    }
    result = measure_pair(pair);
    ++pool_.counts.items;
    // The name says all members: what was measured without one that failed is not that.
    if (result.measured && is_whole(pair)) append_value(journal_of(set_of(pair)), item, result);
    return result;
  }

  MatchPool& pool_;
  StageWork const& work_;
  LostExposures lost_;
  CutoutCache cutouts_;
  std::unique_ptr<TilePool> tiles_;  ///< of the later stages
  std::vector<Item> items_;
  std::vector<double> costs_;
};

}  // namespace

StageWork plan_stage(MatchPool const& pool, MatchStage stage) {
  StageWork work;
  work.stage = stage;
  work.sets = make_match_sets(pool, stage);
  for (std::size_t s = 0; s < work.sets.size(); ++s) {
    work.layouts.push_back(lay_out_set(pool, work.sets[s], static_cast<int>(s)));
    auto const& candidates = work.layouts.back().candidates;
    work.pairs.insert(work.pairs.end(), candidates.begin(), candidates.end());
  }
  return work;
}

StageMeasurements measure_stage(MatchPool& pool, StageWork const& work) { return StageMeasurer(pool, work).measure(); }

}  // namespace tessera::steps
