#include "psf_centroids.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <memory>

#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/exchange/effective_psf.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/parallel/pool.hpp"
#include "tessera/parallel/progress.hpp"
#include "tessera/store/item_journal.hpp"

namespace tessera::steps {

namespace {

using parallel::StopRequest;

constexpr std::size_t StampsOfPsf = 600;      ///< about: those of all exposures together
constexpr std::size_t StampsOfExposure = 60;  ///< at most

std::filesystem::path journal_folder(BandTask const& task) { return task.scratch / "star_psfs"; }

/// What shares a PSF: a detector; of plain images, which say nothing of their instrument, each by itself.
std::string psf_name(store::ExposureRecord const& record) {
  bool const has_detector = record.kind != store::ExposureKind::PlainImage && !record.detector.empty();
  return has_detector ? record.detector : record.identity.label();
}

/// The band says how wide stars are in an exposure of JWST; `kernel_fwhm` [pixels] where it is a plain image.
exchange::PsfSize size_of(store::ExposureRecord const& record, BandTask const& task, double kernel_fwhm) {
  if (record.kind == store::ExposureKind::PlainImage) return exchange::psf_size(kernel_fwhm);
  auto const& band = task.band_facts;
  double const scale = record.native_scale_deg * 3600;
  bool const is_known = band.fwhm_pixel > 0 && band.pixel_scale_arcsec > 0 && scale > 0;
  return exchange::psf_size(is_known ? band.fwhm_pixel * band.pixel_scale_arcsec / scale : 0);
}

/// Exposures of one task that share a PSF.
struct PsfGroup {
  std::size_t task = 0;
  std::string name;
  std::vector<store::ExposureRecord const*> members;  ///< in catalogue order
  exchange::PsfSize size;                             ///< of the first: one for all
  std::string item;  ///< of the journal: says which members gave stamps; empty until that is known
};

std::string stars_item(store::ExposureRecord const& record) { return "stars " + record.identity.label(); }

class PsfMaker {
 public:
  PsfMaker(StepContext& context, std::vector<BandTask> const& tasks, std::vector<PsfWanted> const& wanted,
           ListStars find)
      : context_(context), tasks_(tasks), find_(std::move(find)) {
    for (std::size_t t = 0; t < tasks.size(); ++t) {
      journals_.emplace_back(journal_folder(tasks[t]), tasks[t].key, context.world.rank());
      if (!wanted[t].is_wanted) continue;
      std::map<std::string, std::size_t> group_of;
      for (int const member : tasks[t].members) {
        auto const& record = context.records[static_cast<std::size_t>(member)];
        auto const name = psf_name(record);
        auto const [place, is_new] = group_of.try_emplace(name, groups_.size());
        if (is_new) groups_.push_back({t, name, {}, size_of(record, tasks[t], wanted[t].kernel_fwhm), ""});
        groups_[place->second].members.push_back(&record);
      }
    }
    take_up_journals();
  }

  /// False: a stop request came.
  bool prepare(StepCounts& counts) {
    if (!cut_stamps(counts)) return false;
    name_psfs();
    return measure(counts);
  }

  /// What the PSFs of each task are made of.
  std::vector<std::string> variants() const {
    std::vector<std::string> of_task(tasks_.size());
    for (auto const& group : groups_) of_task[group.task] += ", " + group.item;
    return of_task;
  }

  std::vector<model::Star> list(store::ExposureReader const& reader, BandTask const& task) {
    auto const t = static_cast<std::size_t>(&task - tasks_.data());
    TESSERA_EXPECT(t < tasks_.size());
    auto const& record = reader.record();
    auto const* group = group_of(t, record);
    if (!group) return find_(reader, task);
    if (auto const lost = lost_.find(lost_name(t, record)); lost != lost_.end())
      throw Error(static_cast<ExitStatus>(lost->second.status), {lost->second.message});
    auto stars = exchange::unpack_stamps(journals_[t].load(stars_item(record))).stars;
    auto const& measured = load_psf(t, group->item);
    if (measured.psf.is_empty()) return stars;
    auto const counted = exchange::fit_centres(reader, stars, group->size, measured);
    log::debug("{}: {} centres fitted, {} as found", record.identity.label(), counted.fitted, counted.kept);
    return stars;
  }

 private:
  /// One rank looks: on a network file system the others may see an older folder.
  void take_up_journals() {
    std::vector<std::string> found(tasks_.size());
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      for (std::size_t t = 0; t < tasks_.size(); ++t) {
        journals_[t].read();
        found[t] = journals_[t].listing();
      }
    });
    for (std::size_t t = 0; t < tasks_.size(); ++t) journals_[t].take_listing(context_.world.broadcast(found[t]));
  }

  /// Every rank learns what the others have put on disk.
  void share_journals() {
    for (auto& journal : journals_)
      for (auto const& listing : context_.world.all_gather(journal.own_listing())) journal.add_listing(listing);
  }

  /// Null: its task wants none.
  PsfGroup const* group_of(std::size_t task, store::ExposureRecord const& record) const {
    auto const name = psf_name(record);
    for (auto const& group : groups_)
      if (group.task == task && group.name == name) return &group;
    return nullptr;
  }

  static std::string lost_name(std::size_t task, store::ExposureRecord const& record) {
    return fmt::format("{} {}", task, record.identity.label());
  }

  /// A PSF made without an exposure that failed is not that of the next run, which may have it.
  void name_psfs() {
    for (auto& group : groups_) {
      std::string labels;
      for (auto const* record : group.members)
        if (journals_[group.task].has(stars_item(*record))) labels += record->identity.label() + "\n";
      group.item = fmt::format("psf {} of {}", group.name, io::sha256(labels).substr(0, 16));
    }
  }

  /// Runs `work(k)` for this rank's share of `costs`. False: a stop request.
  template <class Work>
  bool for_my_items(char const* label, std::vector<double> const& costs, StepCounts& counts, Work work) {
    if (costs.empty()) return true;  // on all ranks alike
    auto const rank_of = parallel::divide_balanced(costs, context_.world.size());
    parallel::Progress progress(context_.world, tasks_.front().step + label, static_cast<std::int64_t>(costs.size()));
    for (std::size_t k = 0; k < costs.size(); ++k) {
      if (rank_of[k] != context_.world.rank()) continue;
      if (context_.control.poll() >= StopRequest::FinishItems) break;
      auto const begin = std::chrono::steady_clock::now();
      work(k);
      counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      progress.advance();
    }
    progress.finish();
    return context_.control.agree() < StopRequest::FinishItems;
  }

  bool cut_stamps(StepCounts& counts) {
    struct Item {
      PsfGroup const* group;
      store::ExposureRecord const* record;
    };
    std::vector<Item> items;
    std::vector<double> costs;
    for (auto const& group : groups_)
      for (auto const* record : group.members) {
        if (journals_[group.task].has(stars_item(*record))) continue;
        items.push_back({&group, record});
        costs.push_back(static_cast<double>(record->nx * record->ny));
      }
    std::vector<parallel::Failure> lost;
    bool const complete = for_my_items(": stars", costs, counts, [&](std::size_t k) {
      auto const& [group, record] = items[k];
      try {
        journals_[group->task].append(stars_item(*record), stamps_with_one_more_try(*group, *record, counts));
      } catch (Error const& error) {
        if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of an exposure
        // Said by whoever lists the stars.
        lost.push_back(
            {lost_name(group->task, *record), error.what(), static_cast<int>(error.status()), context_.world.rank()});
      }
    });
    for (auto const& failure : parallel::agree_on_failures(context_.world, lost)) lost_[failure.item] = failure;
    if (complete) share_journals();
    return complete;
  }

  std::vector<std::byte> stamps_with_one_more_try(PsfGroup const& group, store::ExposureRecord const& record,
                                                  StepCounts& counts) {
    auto const attempt = [&] {
      store::ExposureReader const reader(record, tasks_[group.task].before);
      exchange::StampList list;
      list.stars = find_(reader, tasks_[group.task]);
      auto const share = (StampsOfPsf + group.members.size() - 1) / group.members.size();
      bool const is_alone = group.members.size() == 1;
      list.stamps = exchange::cut_psf_stamps(reader, list.stars, group.size,
                                             is_alone ? StampsOfPsf : std::min(share, StampsOfExposure));
      counts.bytes_read += reader.bytes_read();
      return exchange::pack_stamps(list);
    };
    try {
      return attempt();
    } catch (IoError const& error) {
      log::warn("{}: {}; trying once more", record.path, error.what());
      return attempt();
    }
  }

  bool measure(StepCounts& counts) {
    std::vector<PsfGroup const*> missing;
    std::vector<double> costs;
    for (auto const& group : groups_) {
      if (journals_[group.task].has(group.item)) continue;
      missing.push_back(&group);
      costs.push_back(static_cast<double>(group.size.stamp_side() * group.size.stamp_side()));
    }
    std::exception_ptr failure;
    bool const complete = for_my_items(": PSFs", costs, counts, [&](std::size_t k) {
      auto const& group = *missing[k];
      try {
        journals_[group.task].append(group.item, exchange::pack_psf(measure_group(group)));
      } catch (Error const&) {
        if (!failure) failure = std::current_exception();
      }
    });
    // Unlike an exposure, a journal that cannot be read or written is nothing to go on without.
    parallel::all_or_none(context_.world, [&] {
      if (failure) std::rethrow_exception(failure);
    });
    if (!complete) return false;
    share_journals();
    report();
    return true;
  }

  exchange::MeasuredPsf measure_group(PsfGroup const& group) {
    auto const& journal = journals_[group.task];
    auto const side = static_cast<std::int64_t>(group.size.stamp_side());
    auto const most = static_cast<std::int64_t>(std::max(StampsOfPsf, group.members.size()) + group.members.size());
    parallel::MemoryBudget::Reservation const memory(
        context_.budget, "stamps of stars",
        most * (2 * 4 * side * side + static_cast<std::int64_t>(sizeof(model::Star))));
    std::vector<exchange::StarStamp> stamps;
    for (auto const* record : group.members) {
      auto const item = stars_item(*record);
      if (!journal.has(item)) continue;  // it could not be read
      for (auto& stamp : exchange::unpack_stamps(journal.load(item)).stamps) stamps.push_back(std::move(stamp));
    }
    return exchange::measure_psf(stamps, group.size);
  }

  void report() {
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      for (auto const& group : groups_) {
        if (!journals_[group.task].has(group.item)) continue;
        auto const measured = exchange::unpack_psf(journals_[group.task].load(group.item));
        auto const& task = tasks_[group.task];
        if (measured.psf.is_empty())
          log::warn("{} {} {}: no PSF can be measured ({}): centres of the finder", task.step, task.label(), group.name,
                    measured.account);
        else
          log::info("{} {} {}: {}", task.step, task.label(), group.name, measured.account);
      }
    });
  }

  /// Keeps the PSFs of one task: exposures come task by task.
  exchange::MeasuredPsf const& load_psf(std::size_t task, std::string const& item) {
    if (task != cached_task_) cached_.clear();
    cached_task_ = task;
    auto const [place, is_new] = cached_.try_emplace(item);
    if (is_new) place->second = exchange::unpack_psf(journals_[task].load(item));
    return place->second;
  }

  StepContext& context_;
  std::vector<BandTask> const& tasks_;
  ListStars find_;
  std::vector<store::ItemJournal> journals_;
  std::vector<PsfGroup> groups_;                   ///< of all tasks, in catalogue order of their first members
  std::map<std::string, parallel::Failure> lost_;  ///< exposures without stamps, by lost_name; on all ranks
  std::size_t cached_task_ = 0;
  std::map<std::string, exchange::MeasuredPsf> cached_;
};

}  // namespace

PsfCentroids centre_by_psf(StepContext& context, std::vector<BandTask> const& tasks,
                           std::vector<PsfWanted> const& wanted, ListStars const& find, StepCounts& counts) {
  TESSERA_EXPECT(wanted.size() == tasks.size());
  PsfCentroids centroids;
  centroids.list = find;
  if (std::none_of(wanted.begin(), wanted.end(), [](PsfWanted const& each) { return each.is_wanted; }))
    return centroids;
  auto const maker = std::make_shared<PsfMaker>(context, tasks, wanted, find);
  centroids.stopped = !maker->prepare(counts);
  centroids.variants = maker->variants();
  centroids.list = [maker](store::ExposureReader const& reader, BandTask const& task) {
    return maker->list(reader, task);
  };
  return centroids;
}

}  // namespace tessera::steps
