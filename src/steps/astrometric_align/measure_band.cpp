#include "measure_band.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "correlate_mosaics.hpp"
#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/sky/unit_vector.hpp"
#include "tessera/store/star_catalogue.hpp"

namespace tessera::steps {

namespace {

using exchange::AlignStatus;

constexpr double ArcsecPerRadian = 3600 * sky::DegreesPerRadian;

/// Julian year in the middle of the observations; none where no exposure has a date.
std::optional<double> mean_epoch(StepContext const& context, BandTask const& task) {
  double sum = 0;
  int count = 0;
  for (int const member : task.members)
    if (auto const start = context.records[static_cast<std::size_t>(member)].expstart) {
      sum += *start;
      ++count;
    }
  if (count == 0) return std::nullopt;
  return 2000 + (sum / count - 51544.5) / 365.25;
}

/// One band on its way.
class BandMeasurement {
 public:
  BandMeasurement(StepContext& context, BandTask const& task, AstrometricAlignOptions const& options,
                  ReferenceBand const& reference)
      : context_(context), task_(task), options_(options), reference_(reference), image_(task.mosaic), plane_(image_) {
    auto& solution = measured_.solution;
    solution.target = task.target;
    solution.band = task.band;
    solution.tangent = plane_.plane().tangent;
    solution.pixel_scale = plane_.pixel_scale();
  }

  MeasuredBand run() {
    auto& solution = measured_.solution;
    if (options_.needed_band()) {
      solution.reference = *options_.needed_band();
      solution.mode = options_.mapped_to ? (options_.cross_correlate ? AlignMode::Correlation : AlignMode::Mapped)
                                         : AlignMode::BandStars;
      if (!reference_.solution->is_aligned())
        return leave(AlignStatus::NotAligned, fmt::format("{} itself was not aligned ({})", solution.reference,
                                                          exchange::status_text(reference_.solution->status)));
      if (solution.mode == AlignMode::Mapped) return take_over();
      if (solution.mode == AlignMode::Correlation) return correlate();
      return match(stars_of_reference());
    }
    if (!options_.catalogue) return leave(AlignStatus::NotAligned, "the target is not in catalogs");
    solution.mode = AlignMode::Catalogue;
    solution.reference = *options_.catalogue;
    auto const path = task_.alignment_dir / *options_.catalogue;
    if (!std::filesystem::exists(path))
      return leave(AlignStatus::NotAligned, fmt::format("{} is not there", path.string()));
    try {
      return match(read_catalogue(path));
    } catch (InputError const& error) {
      return leave(AlignStatus::NotAligned, error.what());
    }
  }

 private:
  MeasuredBand leave(AlignStatus status, std::string reason) {
    measured_.solution.status = status;
    measured_.solution.reason = std::move(reason);
    measured_.stars.clear();
    return std::move(measured_);
  }

  std::vector<model::Star> read_catalogue(std::filesystem::path const& path) {
    auto const epoch = mean_epoch(context_, task_);
    measured_.solution.epoch = epoch.value_or(0);
    auto catalogue = store::read_star_catalogue(path, epoch);
    for (auto const& warning : catalogue.warnings)
      measured_.solution.warnings.push_back(path.filename().string() + ": " + warning);
    return std::move(catalogue.stars);
  }

  /// Stars of the other band where its solution puts them.
  std::vector<model::Star> stars_of_reference() const {
    MosaicImage const image(reference_.task->mosaic);
    MosaicPlane const plane(image);
    std::vector<model::Star> stars;
    for (auto const& source : read_mosaic_sources(reference_.task->star_table, image, plane)) {
      auto const sky = plane.move(reference_.solution->move, source.sky);
      model::Star star;
      star.x = source.x;
      star.y = source.y;
      star.ra = sky.ra;
      star.dec = sky.dec;
      stars.push_back(star);
    }
    return stars;
  }

  MeasuredBand match(std::vector<model::Star> const& catalogue) {
    auto& solution = measured_.solution;
    if (catalogue.empty())
      return leave(AlignStatus::NotAligned, fmt::format("{} has no stars to match to", solution.reference));
    auto const sources = read_mosaic_sources(task_.star_table, image_, plane_);
    solution.sources = static_cast<int>(sources.size());
    if (sources.empty())
      return leave(AlignStatus::NoSources, task_.star_table.empty() || !std::filesystem::exists(task_.star_table)
                                               ? "no list of the mosaic's stars is there: run astrometric_catalog, or "
                                                 "source_catalog in lv3, before"
                                               : fmt::format("{} lists no stars", task_.star_table.string()));
    std::vector<PlanePosition> image, reference;
    std::vector<double> weights;
    std::vector<std::size_t> stars;  // of the catalogue, those that have a place in the plane
    for (auto const& source : sources) image.push_back(source.at);
    bool any_weight = false;
    for (std::size_t k = 0; k < catalogue.size(); ++k) {
      auto const at = plane_.from_sky({catalogue[k].ra, catalogue[k].dec});
      if (!std::isfinite(at.x) || !std::isfinite(at.y)) continue;
      reference.push_back(at);
      weights.push_back(catalogue[k].weight);
      any_weight = any_weight || catalogue[k].weight != 1;
      stars.push_back(k);
    }
    if (!any_weight) weights.clear();
    auto const found = align_lists(image, reference, weights, plane_.field(), options_.iterations);
    take(found);
    for (std::size_t k = 0; k < found.pairs.size(); ++k) {
      auto const [i, r] = found.pairs[k];
      measured_.stars.push_back(
          {sources[static_cast<std::size_t>(i)], catalogue[stars[static_cast<std::size_t>(r)]], found.used[k]});
    }
    return std::move(measured_);
  }

  void take(ListAlignment const& found) {
    auto& solution = measured_.solution;
    double const arcsec = plane_.pixel_scale();
    solution.status = found.status;
    solution.reason = found.reason;
    solution.references = found.reference_in_field;
    solution.pairs = static_cast<int>(found.pairs.size());
    solution.matches = found.matches;
    solution.expected_by_chance = found.expected_by_chance;
    solution.log10_chance = found.log10_chance;
    solution.tolerance = found.tolerance;
    solution.iterations = found.iterations;
    if (found.status != AlignStatus::Success) return;
    solution.pixel_move = {found.matrix, found.shift};
    solution.move = plane_.to_plane(found.matrix, found.shift);
    solution.rmse = found.rmse * arcsec;
    solution.mae = found.mae * arcsec;
    solution.rms_before = found.rms_before * arcsec;
    // Of the mean of so many residuals along one axis.
    double const error = found.matches > 1 ? solution.rmse / std::sqrt(2.0 * (found.matches - 1)) : 0;
    solution.error = {error, error};
  }

  /// The solution of the other band, carried from its plane to this one.
  MeasuredBand take_over() {
    auto const& other = *reference_.solution;
    auto& solution = measured_.solution;
    exchange::AlignImage here;
    here.plane = plane_.plane();
    sky::CorrectionPlane there;
    there.tangent = other.tangent;
    auto const carried = exchange::carry_to_image(
        other.move.matrix, {other.move.shift[0] * ArcsecPerRadian, other.move.shift[1] * ArcsecPerRadian}, there, here);
    solution.status = AlignStatus::Success;
    solution.move = {carried.matrix, carried.shift};
    solution.pixel_move = plane_.to_pixels(solution.move);
    solution.error = other.error;
    return std::move(measured_);
  }

  MeasuredBand correlate() {
    auto const& other = *reference_.solution;
    MosaicImage const reference(reference_.task->mosaic);
    auto const wcs = MosaicPlane(reference).corrected(other.move);
    kernels::ImageShift shift;
    try {
      shift = correlate_mosaics(image_, reference, *wcs, options_.iterations.front().searchrad, options_.reprojection,
                                context_.budget);
    } catch (InputError const& error) {
      return leave(AlignStatus::NoOverlap, error.what());
    }
    auto& solution = measured_.solution;
    solution.pairs = shift.pieces;
    solution.matches = shift.agreeing;
    switch (shift.verdict) {
      case kernels::ImageShiftVerdict::Found:
        break;
      case kernels::ImageShiftVerdict::TooFewPixels:
        return leave(AlignStatus::NoOverlap, "too few pixels in common with " + solution.reference);
      case kernels::ImageShiftVerdict::Insignificant:
        return leave(AlignStatus::Insignificant, "no peak stands out of the correlation with " + solution.reference);
      case kernels::ImageShiftVerdict::Ambiguous:
        return leave(AlignStatus::Ambiguous,
                     fmt::format("{} of {} pieces of the images agree on a shift", shift.agreeing, shift.pieces));
      case kernels::ImageShiftVerdict::TooLarge:
        return leave(AlignStatus::TooLarge,
                     fmt::format("the shift is larger than {} pixels", options_.iterations.front().searchrad));
    }
    solution.status = AlignStatus::Success;
    solution.pixel_move.shift = {-shift.x, -shift.y};
    solution.move = plane_.to_plane(solution.pixel_move.matrix, solution.pixel_move.shift);
    for (std::size_t k = 0; k < 2; ++k)
      solution.error[k] = std::hypot(shift.error[k] * plane_.pixel_scale(), other.error[k]);
    solution.iterations.push_back(
        fmt::format("correlation: {} of {} pieces agree, {} pixels, rms {:.4g} before, {:.4g} after", shift.agreeing,
                    shift.pieces, shift.pixels, shift.rms_before, shift.rms_after));
    return std::move(measured_);
  }

  StepContext& context_;
  BandTask const& task_;
  AstrometricAlignOptions const& options_;
  ReferenceBand const& reference_;
  MosaicImage image_;
  MosaicPlane plane_;
  MeasuredBand measured_;
};

}  // namespace

MeasuredBand measure_band(StepContext& context, BandTask const& task, AstrometricAlignOptions const& options,
                          ReferenceBand const& reference) {
  return BandMeasurement(context, task, options, reference).run();
}

}  // namespace tessera::steps
