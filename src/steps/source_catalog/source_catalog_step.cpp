#include "tessera/steps/source_catalog/source_catalog_step.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "../share_mosaics.hpp"
#include "measure_mesh.hpp"
#include "source_measurer.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/progress.hpp"
#include "write_catalogue.hpp"
#include "write_segmentation_map.hpp"

namespace tessera::steps {

namespace {

using parallel::Communicator;
using parallel::StopRequest;

/// Rows below its own band that a band is read with for the segments that reach into them.
constexpr std::int64_t Overhang = 128;
/// Boxes with more pixels are measured by strips.
constexpr std::int64_t LargeBox = std::int64_t{1} << 22;

enum class Progressed { Finished, Stopped };

/// One mosaic, by the ranks of a group.
class MosaicCatalogue {
 public:
  MosaicCatalogue(StepContext& context, Communicator const& group, MosaicTask const& task, StepCounts& counts,
                  parallel::Progress& progress)
      : context_(context), group_(group), task_(task), counts_(counts), progress_(progress) {
    segmentation_map_ = task.root;
    segmentation_map_ += "_segm.fits";
  }

  /// Errors are agreed. Collective over the group.
  Progressed make() {
    parallel::all_or_none(group_, [&] {
      options_ = source_catalog_options(task_.parameters, task_.band_facts);
      image_.emplace(task_.mosaic);
      reference_ = read_aperture_reference(options_, image_->primary(), remarks_);
    });
    bands_ = (image_->ny() + model::BlockSize - 1) / model::BlockSize;
    auto const mesh = measure_mesh(group_, *image_, options_.box, context_.budget, context_.control);
    if (is_stopped()) return Progressed::Stopped;
    if (!mesh) {
      leave_without("no usable pixel in the mosaic");
      return Progressed::Finished;
    }
    SourceMeasurer const measurer(*image_, *mesh, options_, reference_, context_.budget);
    auto const segments = find_all(measurer);
    if (!segments) return Progressed::Stopped;
    if (segments->count == 0) {
      leave_without(fmt::format("no source above {} times the noise ({:.4g} Jy a pixel)", options_.snr_threshold,
                                mesh->median_rms()));
      return Progressed::Finished;
    }
    auto const progressed = measure_and_write(measurer, *segments);
    parallel::all_or_none(group_, [&] {
      if (group_.is_root()) remove_label_runs(segmentation_map_);
    });
    return progressed;
  }

  /// What a failure may have left. One rank.
  void discard() const { remove_label_runs(segmentation_map_); }

 private:
  bool is_stopped() const { return group_.max(std::int64_t{context_.control.poll() >= StopRequest::FinishItems}) > 0; }
  std::int64_t band_end(std::int64_t band) const { return std::min(image_->ny(), (band + 1) * model::BlockSize); }

  /// Runs `work` for this rank's items until a stop request; errors are agreed. False, on all ranks: stopped.
  template <class Items, class Work>
  bool for_my_items(Items const& items, Work work) {
    bool stopped = false;
    parallel::all_or_none(group_, [&] {
      for (auto const& item : items) {
        stopped = context_.control.poll() >= StopRequest::FinishItems;
        if (stopped) return;
        work(item);
      }
    });
    return group_.max(std::int64_t{stopped}) == 0;
  }

  std::vector<std::int64_t> my_bands() const {
    auto const mine = own_block_rows(group_, image_->ny());
    std::vector<std::int64_t> bands;
    for (auto band = mine.begin; band < mine.end; ++band) bands.push_back(static_cast<std::int64_t>(band));
    return bands;
  }

  /// nullopt: stopped.
  std::optional<JoinedSegments> find_all(SourceMeasurer const& measurer) {
    std::vector<BandSegments> found;
    bool const complete = for_my_items(my_bands(), [&](std::int64_t band) {
      auto const y0 = band * model::BlockSize, y1 = band_end(band);
      found.push_back(sort_segments(band, measurer.find(y0, y1), y0, y1, image_->ny(), options_.segmentation.npixels));
      count_item(y1 - y0);
    });
    if (!complete) return std::nullopt;
    return join_segments(group_, found, bands_, options_.segmentation.connectivity, options_.segmentation.npixels);
  }

  void count_item(std::int64_t rows) {
    counts_.bytes_read += 12 * rows * image_->nx();
    ++counts_.items;
    progress_.advance();
  }

  static std::int64_t box_pixels(kernels::Segment const& segment) {
    return std::int64_t{segment.x1 - segment.x0} * (segment.y1 - segment.y0);
  }
  /// Rows of the band in which the segment begins, and the overhang, do not hold it, or it is large all the same.
  bool is_large(kernels::Segment const& segment) const {
    return segment.y1 > band_end(segment.first_y / model::BlockSize) + Overhang || box_pixels(segment) > LargeBox;
  }

  /// Large segments in several bands go to whoever has least to do; the same answer on all ranks.
  std::vector<NumberedSegment> my_large(JoinedSegments const& segments) const {
    std::vector<double> load(static_cast<std::size_t>(group_.size()), 0);
    std::vector<double> const rows(static_cast<std::size_t>(bands_), 1.0);
    auto const runs = parallel::divide_in_runs(rows, group_.size());
    for (std::size_t rank = 0; rank < load.size(); ++rank)
      load[rank] = static_cast<double>(runs[rank].size()) * static_cast<double>(model::BlockSize * image_->nx());
    std::vector<NumberedSegment> mine;
    for (auto const& one : segments.crossing) {
      if (!is_large(one.segment)) continue;
      auto const rank = std::min_element(load.begin(), load.end()) - load.begin();
      load[static_cast<std::size_t>(rank)] += 4.0 * static_cast<double>(box_pixels(one.segment));
      if (rank == group_.rank()) mine.push_back(one);
    }
    return mine;
  }

  void measure_band(SourceMeasurer const& measurer, std::int64_t band, std::vector<NumberedSegment> const& segments,
                    LabelRunsWriter& runs) {
    std::vector<NumberedSegment> small;
    auto const y0 = band * model::BlockSize;
    std::int64_t y1 = y0;
    for (auto const& one : segments) {
      if (!is_large(one.segment)) {
        small.push_back(one);
        y1 = std::max<std::int64_t>(y1, one.segment.y1);
      } else if (!is_crossing(one)) {
        take(measurer.measure_large(one), runs);
      }
    }
    take(measurer.measure_within(y0, y1, small), runs);
    count_item(y1 - y0);
  }
  bool is_crossing(NumberedSegment const& one) const {
    return std::binary_search(crossing_labels_.begin(), crossing_labels_.end(), one.label);
  }

  void take(MeasuredSegments&& measured, LabelRunsWriter& runs) {
    sources_.insert(sources_.end(), measured.sources.begin(), measured.sources.end());
    blends_.insert(blends_.end(), measured.blends.begin(), measured.blends.end());
    runs.append(std::move(measured.runs));
  }

  Progressed measure_and_write(SourceMeasurer const& measurer, JoinedSegments const& segments) {
    for (auto const& one : segments.crossing) crossing_labels_.push_back(one.label);
    std::sort(crossing_labels_.begin(), crossing_labels_.end());
    parallel::all_or_none(group_, [&] {
      if (group_.is_root()) remove_label_runs(segmentation_map_);
    });
    std::optional<LabelRunsWriter> runs;
    parallel::all_or_none(group_, [&] { runs.emplace(segmentation_map_, group_.rank()); });
    auto const bands = my_bands();
    bool complete =
        for_my_items(my_large(segments), [&](NumberedSegment const& one) { take(measurer.measure_large(one), *runs); });
    complete = complete && for_my_items(bands, [&](std::int64_t band) {
                 measure_band(measurer, band, segments.bands[static_cast<std::size_t>(band - bands.front())], *runs);
               });
    if (!complete) return Progressed::Stopped;
    std::vector<RunsChunk> my_chunks;
    parallel::all_or_none(group_, [&] { my_chunks = runs->finish(); });
    auto const chunks = group_.all_gather_values<RunsChunk>(my_chunks);
    LabelNumbers const numbers(segments.count, group_.all_gather_values<BlendRecord>(blends_));
    write_products(chunks, numbers);
    return Progressed::Finished;
  }

  void write_products(std::vector<RunsChunk> const& chunks, LabelNumbers const& numbers) {
    // The old manifest goes first: it must never stand beside new files.
    parallel::all_or_none(group_, [&] {
      if (group_.is_root()) std::filesystem::remove(store::manifest_path(task_.product));
    });
    counts_.bytes_written += write_segmentation_map(
        group_, *image_, segmentation_map_, task_.product.filename().string(), chunks, numbers, context_.budget);
    std::optional<parallel::MemoryBudget::Reservation> held;
    parallel::all_or_none(group_, [&] {
      if (group_.is_root())
        held.emplace(context_.budget, "source_catalog: the catalogue", catalogue_bytes(numbers.count()));
    });
    auto const gathered = group_.gather(std::as_bytes(std::span<SourceRecord const>(sources_)));
    sources_ = {};
    parallel::all_or_none(group_, [&] {
      if (!group_.is_root()) return;
      std::vector<SourceRecord> all;
      all.reserve(static_cast<std::size_t>(numbers.count()));
      for (auto const& part : gathered) {
        auto const* first = reinterpret_cast<SourceRecord const*>(part.data());
        all.insert(all.end(), first, first + part.size() / sizeof(SourceRecord));
      }
      write_list(std::move(all), numbers);
      if (!remarks_.empty()) log::warn("source_catalog {}: {}", task_.label(), remarks_);
      log::info("source_catalog {}: {} sources, {} of {} segments blended", task_.label(), numbers.count(),
                numbers.blended(), numbers.segments());
    });
  }

  /// The catalogue and, now that all is there, the manifest. One rank.
  void write_list(std::vector<SourceRecord> sources, LabelNumbers const& numbers) const {
    CatalogueFacts const facts{
        options_, reference_, remarks_, "tessera " + build_facts().version,
        find_north(image_->wcs(), image_->sci().real("CRPIX1").value_or(1), image_->sci().real("CRPIX2").value_or(1))};
    write_catalogue(task_.product, std::move(sources), numbers, image_->wcs(), facts);
    store::write_manifest(task_.product, task_.manifest);
  }

  /// A list of nothing, so that the next run need not look again. A map of an earlier mosaic does not stay: it would be
  /// taken for this one's.
  void leave_without(std::string const& why) {
    parallel::all_or_none(group_, [&] {
      if (!group_.is_root()) return;
      for (auto const& path : {store::manifest_path(task_.product), segmentation_map_}) std::filesystem::remove(path);
      write_list({}, LabelNumbers(0, {}));
      log::warn("source_catalog {}: {}: the catalogue has no rows, and there is no segmentation map", task_.label(),
                why);
    });
  }

  StepContext& context_;
  Communicator const& group_;
  MosaicTask const& task_;
  StepCounts& counts_;
  parallel::Progress& progress_;
  std::filesystem::path segmentation_map_;
  SourceCatalogOptions options_;
  ApertureReference reference_;
  std::string remarks_;
  std::optional<CatalogueImage> image_;
  std::int64_t bands_ = 0;
  std::vector<std::int32_t> crossing_labels_;
  std::vector<SourceRecord> sources_;
  std::vector<BlendRecord> blends_;
};

/// Bands of every mosaic as the root sees them, on all ranks; 1 for what cannot be read. Collective.
std::vector<double> count_bands(Communicator const& world, std::vector<MosaicTask> const& tasks,
                                std::vector<double>& costs) {
  std::vector<double> bands;
  if (world.is_root())
    for (auto const& task : tasks) {
      double rows = 1, cost = 1;
      try {
        for (auto const& hdu : io::read_headers(task.mosaic))
          if (hdu.extname == "SCI" && hdu.is_image()) {
            rows = static_cast<double>((hdu.ny() + model::BlockSize - 1) / model::BlockSize);
            cost = static_cast<double>(hdu.nx() * hdu.ny());
          }
      } catch (Error const&) {  // the step itself will say so
      }
      bands.push_back(rows);
      costs.push_back(std::max(1.0, cost));
    }
  costs = world.all_gather_values<double>(costs);
  return world.all_gather_values<double>(bands);
}

}  // namespace

StepOutcome run_source_catalog(StepContext& context, std::vector<MosaicTask> const& tasks) {
  StepOutcome outcome;
  if (tasks.empty()) return outcome;
  std::vector<double> costs;
  double total = 0;
  for (double const bands : count_bands(context.world, tasks, costs)) total += 2 * bands;  // found, measured
  auto const share = share_mosaics(context.world, costs);
  std::vector<parallel::Failure> failures;
  bool stopped = false;
  parallel::Progress progress(context.world, "source_catalog", static_cast<std::int64_t>(total));
  for (auto const index : share.mosaics) {
    auto const& task = tasks[index];
    auto const begin = std::chrono::steady_clock::now();
    MosaicCatalogue mosaic(context, share.group, task, outcome.counts, progress);
    try {
      stopped = mosaic.make() == Progressed::Stopped;
    } catch (Error const& error) {
      if (error.status() == ExitStatus::InternalError) throw;  // a bug is no failure of a mosaic
      if (share.group.is_root())
        failures.push_back({task.label(), error.what(), static_cast<int>(error.status()), context.world.rank()});
      if (share.group.is_root()) mosaic.discard();
      if (context.stop_on_error) context.control.raise(StopRequest::Failure);
    }
    outcome.counts.busy_s += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (stopped) {
      if (share.group.is_root()) mosaic.discard();
      break;
    }
  }
  progress.finish();
  outcome.failures = parallel::agree_on_failures(context.world, failures);
  outcome.stopped = context.world.max(std::int64_t{stopped}) > 0;
  return outcome;
}

}  // namespace tessera::steps
