#include "tessera/steps/get_wcs_adjust/get_wcs_adjust_step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "adjustment_files.hpp"
#include "align_jobs.hpp"
#include "cross_correlate.hpp"
#include "list_adjust_stars.hpp"
#include "run_align_job.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/log.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/source_table.hpp"

namespace tessera::steps {

namespace {

static_assert(std::is_trivially_copyable_v<model::Star> && std::is_trivially_copyable_v<model::SkyPoint>);

/// What is written of a band, as root has it in the end.
struct BandFile {
  config::WcsAdjustments adjustments;
  std::string problem;
  std::vector<std::string> warnings, notes;
  std::vector<model::SkyPoint> catalogue;  ///< of the target, as the job of the band had it; may be empty
};

/// Values as a field of a message, and back.
template <class T>
std::string pack(std::vector<T> const& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}
template <class T>
std::vector<T> unpack(std::string const& bytes) {
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

/// Fields one after the other, each with its length in front: for what ranks tell each other.
class Message {
 public:
  Message() = default;
  explicit Message(std::string text) : text_(std::move(text)) {}
  void add(std::string const& field) { text_ += fmt::format("{:012d}", field.size()) + field; }
  bool at_end() const { return place_ >= text_.size(); }
  std::string next() {
    constexpr std::size_t Digits = 12;
    auto const size = static_cast<std::size_t>(std::stoull(text_.substr(place_, Digits)));
    place_ += Digits + size;
    return text_.substr(place_ - size, size);
  }
  std::string const& text() const { return text_; }

 private:
  std::string text_;
  std::size_t place_ = 0;
};

/// The step on one rank.
class GetWcsAdjust {
 public:
  GetWcsAdjust(StepContext& context, std::vector<BandTask> const& tasks)
      : context_(context), tasks_(tasks), files_(tasks.size()), stars_(tasks.size()) {
    for (auto const& task : tasks) read_options(task);
  }

  StepOutcome run() {
    if (align_stars() && correlate()) {
      write_files();
    } else {
      outcome_.stopped = true;
    }
    outcome_.failures = parallel::agree_on_failures(context_.world, failures_);
    return outcome_;
  }

 private:
  /// What the parameters say; a band whose parameters do not go together has a problem.
  void read_options(BandTask const& task) {
    auto& options = options_.emplace_back();
    auto& tweakreg = tweakreg_.emplace_back();
    auto& problem = problems_.emplace_back();
    try {
      options = get_wcs_adjust_options(task.parameters, task.band_facts);
      tweakreg = tweakreg_of(task.parameters, task.band_facts, options);
    } catch (ConfigError const& error) {
      problem = error.what();
    }
  }

  /// Star lists of all bands, then level by level each job after those it is matched to. False: a stop request.
  /// Collective.
  bool align_stars() {
    std::vector<BandToAlign> bands;
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      bands.push_back({tasks_[t].target, tasks_[t].band, tasks_[t].band_facts.instrument, options_[t]});
    auto plan = plan_jobs(bands, problems_);
    problems_ = plan.problems;
    if (plan.jobs.empty()) return true;
    auto listed = list_adjust_stars(context_, tasks_, options_, tweakreg_, plan, outcome_.counts);
    note_lost(listed.failures);
    if (listed.stopped) return false;
    for (int level = 0; level < plan.levels; ++level) {
      if (context_.control.agree() >= parallel::StopRequest::FinishItems) return false;
      run_level(plan, listed, level);
    }
    return true;
  }

  void run_level(JobPlan const& plan, ListedStars& listed, int level) {
    Message mine, stars;
    parallel::all_or_none(context_.world, [&] {
      for (std::size_t j = 0; j < plan.jobs.size(); ++j) {
        auto const& job = plan.jobs[j];
        if (job.level != level || aligner_of_job(j, context_.world.size()) != context_.world.rank()) continue;
        run_job(plan, job, listed.jobs[j], mine, stars);
      }
    });
    for (auto const& text : context_.world.gather(std::as_bytes(std::span(mine.text())))) {
      Message message({reinterpret_cast<char const*>(text.data()), text.size()});
      while (!message.at_end()) take_band(message);
    }
    // Only bands that others are matched to send their stars.
    for (auto const& text : context_.world.all_gather(stars.text())) {
      Message message(text);
      while (!message.at_end()) {
        auto const task = static_cast<std::size_t>(std::stoull(message.next()));
        stars_[task] = unpack<model::Star>(message.next());
      }
    }
  }

  void run_job(JobPlan const& plan, AlignJob const& job, std::vector<BandImages> const& bands, Message& message,
               Message& stars) {
    std::vector<model::Star> reference;
    for (auto const task : job.references) reference.insert(reference.end(), stars_[task].begin(), stars_[task].end());
    std::vector<bool> wants_stars;
    for (auto const task : job.tasks) wants_stars.push_back(plan.is_reference(task));
    auto const results = run_align_job(bands, reference, !job.references.empty(), wants_stars, context_.records);
    for (std::size_t b = 0; b < results.size(); ++b) {
      auto const task = job.tasks[b];
      auto file = band_file(task, results[b].exposures);
      file.problem = results[b].problem;
      file.warnings.insert(file.warnings.begin(), results[b].warnings.begin(), results[b].warnings.end());
      file.notes = results[b].notes;
      file.catalogue = results[b].catalogue;
      add_band(task, file, message);
      if (!wants_stars[b]) continue;
      stars.add(fmt::format("{}", task));
      stars.add(pack(results[b].stars));
    }
  }

  static void add_band(std::size_t task, BandFile const& file, Message& message) {
    message.add(fmt::format("{}", task));
    message.add(config::format_wcs_adjust(file.adjustments));
    message.add(file.problem);
    message.add(pack(file.catalogue));
    for (auto const* list : {&file.warnings, &file.notes}) {
      message.add(fmt::format("{}", list->size()));
      for (auto const& line : *list) message.add(line);
    }
  }
  void take_band(Message& message) {
    auto& file = files_[static_cast<std::size_t>(std::stoull(message.next()))];
    file.adjustments = config::parse_wcs_adjust(message.next(), "get_wcs_adjust");
    file.problem = message.next();
    file.catalogue = unpack<model::SkyPoint>(message.next());
    for (auto* list : {&file.warnings, &file.notes})
      for (auto count = std::stoull(message.next()); count > 0; --count) list->push_back(message.next());
  }

  /// The keys of a band, and what is to be said of exposures without one.
  BandFile band_file(std::size_t task, std::vector<MeasuredExposure> const& exposures) const {
    BandFile file;
    std::vector<std::string> nameless;
    auto const& options = options_[task];
    file.adjustments = band_adjustments(
        exposures, {tasks_[task].band_facts.instrument, options.group_dithers, options.degroup_nircam_modules},
        nameless);
    if (!nameless.empty())
      file.warnings.push_back(fmt::format("{} exposures have no key, since their names are not those of JWST: {}{}",
                                          nameless.size(), nameless.front(), nameless.size() > 1 ? ", ..." : ""));
    return file;
  }

  /// Bands without stars. False: a stop request. Collective.
  bool correlate() {
    std::vector<BandTask const*> tasks;
    std::vector<GetWcsAdjustOptions> options;
    std::vector<std::size_t> number;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      if (options_[t].method != AdjustMethod::CrossCorrelation || !problems_[t].empty()) continue;
      tasks.push_back(&tasks_[t]);
      options.push_back(options_[t]);
      number.push_back(t);
    }
    auto outcome = cross_correlate(context_, tasks, options);
    note_lost(parallel::agree_on_failures(context_.world, outcome.failures));
    outcome_.counts.items += outcome.counts.items;
    outcome_.counts.bytes_read += outcome.counts.bytes_read;
    outcome_.counts.bytes_written += outcome.counts.bytes_written;
    outcome_.counts.busy_s += outcome.counts.busy_s;
    if (outcome.stopped) return false;
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      for (std::size_t k = 0; k < number.size(); ++k) {
        auto const& band = outcome.bands[k];
        auto const& folder = tasks[k]->products;
        std::filesystem::create_directories(folder);
        io::write_file(folder / "get_wcs_adjust_stacks.csv", stack_table(band));
        // What is read back of the file is what the other methods send: the same digits.
        Message message;
        auto file = band_file(number[k], band.exposures);
        describe(band, file);
        add_band(number[k], file, message);
        take_band(message);
      }
    });
    return true;
  }

  static void describe(CrossBand const& band, BandFile& file) {
    std::size_t matched = 0;
    double largest = 0;
    for (auto const& stack : band.stacks) {
      if (auto const reason = reason_of(stack); !reason.empty())
        file.warnings.push_back(fmt::format("{} is not aligned: {}", stack.stack, reason));
      if (stack.status != StackStatus::Matched) continue;
      ++matched;
      largest = std::max(largest, std::hypot(stack.shift[0], stack.shift[1]));
    }
    if (band.groups > 1)
      file.warnings.push_back(
          fmt::format("the stacks are {} groups that do not overlap: each has a reference of its own", band.groups));
    file.notes.push_back(fmt::format("{} of {} stacks matched to {} reference{}, shifts up to {:.4f} arcsec", matched,
                                     band.stacks.size(), band.groups, band.groups == 1 ? "" : "s", largest));
  }

  /// Exposures that could not be used: failures of the step, known on all ranks. Their bands are tried again.
  void note_lost(std::vector<parallel::Failure> const& failures) {
    for (auto const& failure : failures) {
      lost_.insert(failure.item);
      if (context_.world.is_root()) failures_.push_back(failure);
    }
  }

  bool is_whole(BandTask const& task) const {
    return std::none_of(task.members.begin(), task.members.end(), [&](int member) {
      return lost_.contains(context_.records[static_cast<std::size_t>(member)].identity.label());
    });
  }

  void write_files() {
    parallel::all_or_none(context_.world, [&] {
      if (!context_.world.is_root()) return;
      // Old manifests go first and new ones come last: none ever stands beside a file, of the band or of the target,
      // that is not of its run.
      for (auto const& task : tasks_) std::filesystem::remove(store::manifest_path(task.ledger_file));
      std::vector<std::string> targets;
      for (std::size_t t = 0; t < tasks_.size(); ++t) {
        write_band(t);
        if (std::find(targets.begin(), targets.end(), tasks_[t].target) == targets.end())
          targets.push_back(tasks_[t].target);
      }
      for (auto const& target : targets) write_target(target);
      for (std::size_t t = 0; t < tasks_.size(); ++t) write_band_manifest(t);
      for (auto const& task : tasks_) {
        std::error_code ignored;
        std::filesystem::remove_all(task.scratch, ignored);
      }
    });
  }

  void write_band(std::size_t t) {
    auto const& task = tasks_[t];
    auto& file = files_[t];
    auto const label = task.step + " " + task.label();
    if (file.problem.empty()) file.problem = problems_[t];
    for (auto const& warning : file.warnings) log::warn("{}: {}", label, warning);
    for (auto const& note : file.notes) log::info("{}: {}", label, note);
    if (!file.problem.empty()) {
      file.adjustments = {};
      failures_.push_back({task.label(), file.problem, static_cast<int>(ExitStatus::Incomplete), 0});
    }
    std::filesystem::create_directories(task.ledger_file.parent_path());
    io::write_file(task.ledger_file, config::format_wcs_adjust(file.adjustments));
  }

  /// Where something failed there is no manifest: the next run tries again.
  void write_band_manifest(std::size_t t) const {
    auto const& task = tasks_[t];
    if (!files_[t].problem.empty() || !is_whole(task)) return;
    auto manifest = task.manifest;
    manifest.product = task.ledger_file.filename().string();
    manifest.program = "tessera " + build_facts().version + " (" + build_facts().commit + ")";
    store::write_manifest(task.ledger_file, manifest);
  }

  /// The catalogue of a target as its first job used it, as pjpipe keeps it.
  static void write_catalogue(BandTask const& task, std::vector<model::SkyPoint> const& positions) {
    std::vector<double> ra, dec;
    for (auto const& position : positions) {
      ra.push_back(position.ra);
      dec.push_back(position.dec);
    }
    io::SourceTable table;
    table.columns.push_back({"RA", "deg", "", std::move(ra), ""});
    table.columns.push_back({"DEC", "deg", "", std::move(dec), ""});
    std::filesystem::create_directories(task.adjustments.parent_path());
    io::write_table(task.adjustments.parent_path() / (task.target + "_ref_catalog.fits"), table);
  }

  void write_target(std::string const& target) {
    std::vector<config::WcsAdjustments> bands;
    store::Manifest manifest;
    manifest.step = "get_wcs_adjust";
    manifest.algorithm = GetWcsAdjustAlgorithm;
    std::filesystem::path path;
    bool has_catalogue = false;
    for (std::size_t t = 0; t < tasks_.size(); ++t) {
      if (tasks_[t].target != target) continue;
      if (!has_catalogue && !files_[t].catalogue.empty()) write_catalogue(tasks_[t], files_[t].catalogue);
      has_catalogue = has_catalogue || !files_[t].catalogue.empty();
      path = tasks_[t].adjustments;
      bands.push_back(files_[t].adjustments);
      manifest.inputs.emplace_back(tasks_[t].band, io::sha256(config::format_wcs_adjust(files_[t].adjustments)));
    }
    auto const merged = merge_adjustments(bands);
    auto const backup = write_target_file(path, merged, manifest);
    if (!backup.empty())
      log::warn("get_wcs_adjust {}: {} was not as tessera wrote it: it is now {}", target, path.string(),
                backup.filename().string());
    if (merged.by_key.empty())
      log::warn("get_wcs_adjust {}: no visit has a shift: {} has no keys", target, path.string());
  }

  StepContext& context_;
  std::vector<BandTask> const& tasks_;
  std::vector<GetWcsAdjustOptions> options_;
  std::vector<TweakregStepOptions> tweakreg_;
  std::vector<std::string> problems_;            ///< [task] why it cannot be done
  std::vector<BandFile> files_;                  ///< [task] on root
  std::vector<std::vector<model::Star>> stars_;  ///< [task] of bands that others are matched to
  std::set<std::string> lost_;                   ///< labels of exposures
  std::vector<parallel::Failure> failures_;      ///< of this rank
  StepOutcome outcome_;
};

}  // namespace

StepOutcome run_get_wcs_adjust(StepContext& context, std::vector<BandTask> const& tasks) {
  if (tasks.empty()) return {};
  return GetWcsAdjust(context, tasks).run();
}

}  // namespace tessera::steps
