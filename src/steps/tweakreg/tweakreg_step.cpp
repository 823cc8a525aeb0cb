#include "tessera/steps/tweakreg/tweakreg_step.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "../align_images.hpp"
#include "../psf_centroids.hpp"
#include "../star_lists.hpp"
#include "align_task.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/steps/ledger_builder.hpp"

namespace tessera::steps {

namespace {

/// What the aligner tells all ranks of one exposure.
struct Told {
  std::int64_t task = 0, member = 0;  ///< member: index of the record
  std::int64_t wcs_version = 0, is_corrected = 0;
  model::WcsCorrection correction;
};
static_assert(std::is_trivially_copyable_v<Told>);

/// The step on one rank.
class Tweakreg {
 public:
  Tweakreg(StepContext& context, std::vector<BandTask> const& tasks) : context_(context), tasks_(tasks) {
    for (auto const& task : tasks) {
      options_.push_back(tweakreg_options(task.parameters, task.band_facts));
      custom_.push_back(read_custom_catalogues(context, task, options_.back().stars));
      builders_.push_back(std::make_unique<LedgerBuilder>(context, task));
    }
  }

  StepOutcome run() {
    auto const index_of = [&](BandTask const& task) { return static_cast<std::size_t>(&task - tasks_.data()); };
    auto const find = [&](store::ExposureReader const& reader, BandTask const& task) {
      auto const t = index_of(task);
      return list_stars(context_, options_[t].stars, custom_[t], reader);
    };
    std::vector<PsfWanted> wanted;
    for (auto const& options : options_) wanted.push_back({options.stars.epsf, options.stars.finder.finder.fwhm});
    auto const centroids = centre_by_psf(context_, tasks_, wanted, find, outcome_.counts);
    outcome_.stopped = centroids.stopped;
    if (outcome_.stopped) return outcome_;
    auto const list = [&](store::ExposureReader const& reader, BandTask const& task) {
      auto const t = index_of(task);
      auto stars = centroids.list(reader, task);
      save_stars(stars, task, options_[t].stars, custom_[t], reader.record());
      return stars;
    };
    auto collected = collect_align_images(
        context_, tasks_, list,
        [&](store::ExposureRecord const& record, BandTask const& task) {
          return options_[index_of(task)].grouping.group_of(record);
        },
        outcome_.counts, centroids.variants);
    outcome_.failures = collected.failures;
    outcome_.stopped = collected.stopped;
    if (outcome_.stopped) return outcome_;
    commit(align(std::move(collected)));
    return outcome_;
  }

 private:
  /// This rank's tasks, one after the other; the answer of all ranks, in the order of the tasks.
  std::vector<Told> align(CollectedImages collected) {
    std::vector<Told> mine;
    std::string notes;
    parallel::all_or_none(context_.world, [&] {
      for (std::size_t t = 0; t < tasks_.size(); ++t) {
        if (aligner_of(t, context_.world.size()) != context_.world.rank()) continue;
        auto const aligned = align_task(tasks_[t], options_[t], std::move(collected.images[t]), context_.records);
        for (auto const& note : aligned.notes)
          notes += fmt::format("{:06d}{}{}\n", t, note.is_warning ? 'w' : 'i', one_line(note.text));
        for (std::size_t k = 0; k < aligned.corrections.size(); ++k) {
          auto const& correction = aligned.corrections[k];
          mine.push_back({static_cast<std::int64_t>(t), collected.members[t][k], collected.wcs_versions[t][k],
                          correction.has_value(), correction.value_or(model::WcsCorrection{})});
        }
      }
    });
    tell(notes);
    return context_.world.all_gather_values<Told>(mine);
  }

  static std::string one_line(std::string text) {
    std::replace(text.begin(), text.end(), '\n', ' ');
    return text;
  }

  /// The root writes the notes of all tasks in their order.
  void tell(std::string const& notes) const {
    std::vector<std::string> lines;
    for (auto const& part : context_.world.all_gather(notes))
      for (std::size_t begin = 0; begin < part.size();) {
        auto const end = part.find('\n', begin);
        lines.push_back(part.substr(begin, end - begin));
        begin = end + 1;
      }
    if (!context_.world.is_root()) return;
    constexpr std::size_t Mark = 6;
    std::stable_sort(lines.begin(), lines.end(),
                     [](std::string const& a, std::string const& b) { return a.compare(0, Mark, b, 0, Mark) < 0; });
    for (auto const& line : lines) {
      auto const text = line.substr(Mark + 1);
      if (line[Mark] == 'w')
        log::warn("{}", text);
      else
        log::info("{}", text);
    }
  }

  /// Entries are journaled by all ranks, an exposure each in turn.
  void commit(std::vector<Told> const& all) {
    // What a group is corrected by depends on which other exposures there were.
    std::vector<std::string> present(tasks_.size());
    for (auto const& told : all) present[static_cast<std::size_t>(told.task)] += fmt::format(" {}", told.member);
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      builders_[t]->set_variant(" of " + io::sha256(present[t]).substr(0, 16));
    parallel::all_or_none(context_.world, [&] {
      for (std::size_t k = 0; k < all.size(); ++k) {
        auto const& told = all[k];
        auto const& identity = context_.records[static_cast<std::size_t>(told.member)].identity;
        auto& builder = *builders_[static_cast<std::size_t>(told.task)];
        if (k % static_cast<std::size_t>(context_.world.size()) != static_cast<std::size_t>(context_.world.rank()) ||
            builder.has(identity))
          continue;
        std::vector<model::LedgerEntry> entries(told.is_corrected ? 1 : 0);
        for (auto& entry : entries) {
          entry.correction = told.correction;
          entry.wcs_version = static_cast<int>(told.wcs_version);
        }
        builder.add(identity, std::move(entries));
      }
    });
    for (auto& builder : builders_) builder->commit();
  }

  StepContext& context_;
  std::vector<BandTask> const& tasks_;
  std::vector<TweakregStepOptions> options_;
  std::vector<std::optional<CustomCatalogues>> custom_;
  std::vector<std::unique_ptr<LedgerBuilder>> builders_;
  StepOutcome outcome_;
};

}  // namespace

StepOutcome run_tweakreg(StepContext& context, std::vector<BandTask> const& tasks) {
  return Tweakreg(context, tasks).run();
}

}  // namespace tessera::steps
