#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "tessera/core/log.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/pipeline/calibration.hpp"

namespace tessera::pipeline {

namespace {

using steps::CalibrationItem;

bool is_up_to_date(std::filesystem::path const& product, store::Manifest const& manifest) {
  auto const before = store::read_manifest(product);
  return before && std::filesystem::exists(product) && before->key() == manifest.key();
}

/// A small text file whole; "" where there is none.
std::string text_of(std::filesystem::path const& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// For each of `count` things whether it is up to date; each rank looks at its share. Collective.
template <class IsDone>
std::vector<std::uint8_t> find_done(parallel::Communicator const& world, std::size_t count, IsDone const& is_done) {
  auto const ranks = static_cast<std::size_t>(world.size()), rank = static_cast<std::size_t>(world.rank());
  std::vector<std::int64_t> done(count, 0);
  parallel::all_or_none(world, [&] {
    for (std::size_t k = rank; k < count; k += ranks) done[k] = is_done(k);
  });
  world.sum_in_place(done);
  return {done.begin(), done.end()};
}

std::vector<std::uint8_t> find_done(parallel::Communicator const& world, std::vector<CalibrationItem> const& items) {
  return find_done(world, items.size(),
                   [&](std::size_t k) { return is_up_to_date(items[k].product, items[k].manifest); });
}

/// A calibration on its way.
class Calibrating {
 public:
  Calibrating(steps::StepContext& context, CalibrationPlan const& plan) : context_(context), plan_(plan) {}

  CalibrationRun run() {
    write_associations();
    auto const lost_offs = make_items("single_tile_destripe of offs", plan_.offs, {});
    std::set<std::filesystem::path> lost_backgrounds;
    if (!run_.stopped) lost_backgrounds = combine(lost_offs);
    std::set<std::filesystem::path> lost;
    if (!run_.stopped) lost = make_items("lv2", plan_.exposures, lost_backgrounds);
    if (!run_.stopped) join_tables();
    if (!run_.stopped) list_products(lost);
    return std::move(run_);
  }

 private:
  steps::StepContext& context_;
  CalibrationPlan const& plan_;
  CalibrationRun run_;

  /// For people, and for whoever wants to run the official step on the same lists.
  void write_associations() {
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      for (auto const& [path, text] : plan_.associations) {
        std::filesystem::create_directories(std::filesystem::path(path).parent_path());
        io::write_file(path, text);
      }
    });
  }

  /// One table of the stripes of each band, from those of the exposures.
  void join_tables() {
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      std::map<std::filesystem::path, std::string> tables;
      for (auto const& item : plan_.exposures) {
        auto const& folder = plan_.bands[static_cast<std::size_t>(item.band)].destripe_folder;
        auto const& record = plan_.records[static_cast<std::size_t>(item.record)];
        auto const path = folder / "tables" / (record.identity.exposure + ".csv");
        auto const text = text_of(path);
        if (text.empty()) continue;
        auto& table = tables[folder / "stripes.csv"];
        table += table.empty() ? text : text.substr(text.find('\n') + 1);
      }
      for (auto const& [path, text] : tables)
        if (text_of(path) != text) io::write_file(path, text);
    });
  }

  void add(std::vector<parallel::Failure> const& failures, bool stopped) {
    run_.failures.insert(run_.failures.end(), failures.begin(), failures.end());
    run_.stopped = context_.world.max(std::int64_t{stopped || (!failures.empty() && context_.stop_on_error)}) > 0;
  }

  void fail(std::string const& item, std::string const& message) {
    run_.failures.push_back({item, message, static_cast<int>(ExitStatus::Incomplete), 0});
  }

  /// Makes items that are not up to date; those whose background is lost cannot be made. Returns the products that are
  /// not there in the end: known from what failed, not from a second look at a file system that may be late.
  std::set<std::filesystem::path> make_items(std::string const& label, std::vector<CalibrationItem> const& items,
                                             std::set<std::filesystem::path> const& lost_backgrounds) {
    auto const begin = std::chrono::steady_clock::now();
    auto const done = find_done(context_.world, items);
    std::vector<CalibrationItem> to_do;
    std::set<std::filesystem::path> lost;
    for (std::size_t k = 0; k < items.size(); ++k) {
      if (done[k]) continue;
      auto const& record = plan_.records[static_cast<std::size_t>(items[k].record)];
      if (!lost_backgrounds.contains(items[k].background)) {
        to_do.push_back(items[k]);
        continue;
      }
      lost.insert(items[k].product);
      fail(record.identity.label(), "its background could not be made: " + items[k].background.string());
    }
    if (!items.empty())
      log::info("{}: {} exposures to make, {} up to date", label, to_do.size(),
                std::count(done.begin(), done.end(), std::uint8_t{1}));
    if (to_do.empty()) return lost;
    auto const result = steps::calibrate_exposures(context_, label, plan_.records, plan_.bands, to_do);
    double const wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    run_.timing.push_back(gather_timing(context_.world, label, wall_s, result.outcome.counts));
    for (auto const& [stage, seconds] : result.seconds_of) {
      steps::StepCounts counts;
      counts.busy_s = seconds;
      auto row = gather_timing(context_.world, label + ": " + stage, context_.world.max(seconds), counts);
      if (row.busy_max_s > 0) run_.timing.push_back(std::move(row));
    }
    add(result.outcome.failures, result.outcome.stopped);
    std::set<std::string> failed;
    for (auto const& failure : result.outcome.failures) failed.insert(failure.item);
    for (auto const& item : to_do)
      if (failed.contains(plan_.records[static_cast<std::size_t>(item.record)].identity.label()))
        lost.insert(item.product);
    return lost;
  }

  /// Combines what is not up to date. A background with an off that is lost is lost too: what lies under the off's name
  /// is of another time.
  std::set<std::filesystem::path> combine(std::set<std::filesystem::path> const& lost_offs) {
    std::set<std::filesystem::path> lost;
    auto const begin = std::chrono::steady_clock::now();
    auto const& all = plan_.backgrounds;
    auto const done = find_done(context_.world, all.size(),
                                [&](std::size_t k) { return is_up_to_date(all[k].product, all[k].manifest); });
    std::vector<steps::OffBackground> to_do;
    for (std::size_t k = 0; k < all.size(); ++k) {
      if (done[k]) continue;
      auto const& offs = all[k].offs;
      auto const off =
          std::find_if(offs.begin(), offs.end(), [&](auto const& one) { return lost_offs.contains(one.path); });
      if (off == offs.end()) {
        to_do.push_back(all[k]);
        continue;
      }
      lost.insert(all[k].product);
      fail(all[k].product.filename().string(), "an off could not be destriped: " + off->label);
    }
    if (to_do.empty()) return lost;
    log::info("combine backgrounds: {} of {} lists of offs", to_do.size(), all.size());
    auto const outcome = steps::combine_off_backgrounds(context_, to_do);
    double const wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    run_.timing.push_back(gather_timing(context_.world, "combine backgrounds", wall_s, outcome.counts));
    add(outcome.failures, outcome.stopped);
    for (auto const& background : to_do)
      for (auto const& failure : outcome.failures)
        if (failure.item.ends_with(background.product.filename().string())) lost.insert(background.product);
    return lost;
  }

  void list_products(std::set<std::filesystem::path> const& lost) {
    for (auto const& item : plan_.exposures) {
      if (lost.contains(item.product)) continue;
      auto const& band = plan_.bands[static_cast<std::size_t>(item.band)];
      run_.products[{band.target, band.band}].push_back(item.product.string());
      ++run_.made;
    }
  }
};

/// State of one product.
std::string status_of(std::filesystem::path const& product, store::Manifest const& manifest) {
  auto const before = store::read_manifest(product);
  if (!before || !std::filesystem::exists(product)) return "to be made";
  if (before->key() == manifest.key()) return "up to date";
  return "to be made again: " + store::describe_difference(*before, manifest);
}

}  // namespace

CalibratedFiles finished_products(parallel::Communicator const& communicator, CalibrationPlan const& plan) {
  CalibratedFiles files;
  auto const done = find_done(communicator, plan.exposures);
  for (std::size_t k = 0; k < done.size(); ++k) {
    if (!done[k]) continue;
    auto const& band = plan.bands[static_cast<std::size_t>(plan.exposures[k].band)];
    files[{band.target, band.band}].push_back(plan.exposures[k].product.string());
  }
  return files;
}

CalibrationRun run_calibration(steps::StepContext& context, CalibrationPlan const& plan) {
  return Calibrating(context, plan).run();
}

std::string describe_status(CalibrationPlan const& plan) {
  std::string text;
  for (auto const& background : plan.backgrounds)
    text += fmt::format("{:<44} {}\n", background.product.filename().string(),
                        status_of(background.product, background.manifest));
  for (std::size_t b = 0; b < plan.bands.size(); ++b) {
    std::map<std::string, int> count;
    for (auto const& item : plan.exposures)
      if (item.band == static_cast<int>(b)) ++count[status_of(item.product, item.manifest)];
    for (auto const& [status, exposures] : count)
      text += fmt::format("{:<44} {}: {} exposure{}\n", "lv2 of " + plan.bands[b].target + " " + plan.bands[b].band,
                          status, exposures, exposures == 1 ? "" : "s");
  }
  for (auto const& line : plan.missing) text += "cannot run: " + line + "\n";
  return text;
}

}  // namespace tessera::pipeline
