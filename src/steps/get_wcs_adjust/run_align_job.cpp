#include "run_align_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "../alignment_tables.hpp"
#include "../tweakreg/reference_catalogue.hpp"
#include "merge_stars.hpp"
#include "tessera/io/durable_file.hpp"

namespace tessera::steps {

namespace {

using exchange::AlignStatus;

/// The images of all bands, one after the other.
std::vector<exchange::AlignImage> join(std::vector<BandImages> const& bands) {
  std::vector<exchange::AlignImage> all;
  for (auto const& band : bands) all.insert(all.end(), band.images.begin(), band.images.end());
  return all;
}

/// Arcsec within which two dithers see the same star: half of a PSF, and that is generous.
double same_star(config::Band const& band) {
  constexpr double Least = 0.05;
  return std::max(Least, 0.5 * band.fwhm_pixel * band.pixel_scale_arcsec);
}

/// The stars of a group once each, at their mean position, with its first image. tweakreg would take the southernmost
/// of several measurements of a star: a bias of the size of their errors.
void merge_dithers(std::vector<exchange::AlignImage>& group, double radius) {
  std::vector<std::vector<model::Star>> lists;
  for (auto& image : group) lists.push_back(std::exchange(image.stars, {}));
  group.front().stars = merge_stars(lists, radius);
}

/// Whether residuals fill the circle of the tolerance: matches by chance have 0.7 of it, those of stars much less.
bool fills_tolerance(exchange::GroupFit const& fit, double tolerance) {
  return fit.status == AlignStatus::Success && fit.rmse > tolerance / 3;
}

/// `second` after `first`, both in the plane of one image.
model::WcsCorrection compose(model::WcsCorrection const& first, model::WcsCorrection const& second) {
  auto both = second;
  for (std::size_t row = 0; row < 2; ++row) {
    auto const& m = second.matrix[row];
    for (std::size_t column = 0; column < 2; ++column)
      both.matrix[row][column] = m[0] * first.matrix[0][column] + m[1] * first.matrix[1][column];
    both.shift[row] = m[0] * first.shift[0] + m[1] * first.shift[1] + second.shift[row];
  }
  return both;
}

/// One group onto the stars of the reference band. Where the residuals fill the tolerance it is matched once more
/// within a third of it: nine times fewer matches by chance, and nearly all that are not. Too few are left: by chance
/// they were.
exchange::Alignment align_group_to(std::vector<exchange::AlignImage> group, std::vector<model::Star> const& stars,
                                   exchange::TweakregOptions options) {
  auto wide = exchange::align_absolute(group, stars, options);
  auto& stage = options.absolute;
  if (!wide.problem.empty() || !fills_tolerance(wide.groups.front(), stage.tolerance)) return wide;
  // The second correction is in the planes as they were: apply_alignment moves the stars in them.
  exchange::apply_alignment(group, wide);
  stage.tolerance /= 3;
  stage.use2dhist = false;
  stage.xoffset = stage.yoffset = 0;
  auto narrow = exchange::align_absolute(group, stars, options);
  auto& fit = narrow.groups.front();
  int const before = wide.groups.front().matches;
  if (narrow.problem.empty() && 4 * fit.matches >= before) {
    for (std::size_t k = 0; k < group.size(); ++k)
      narrow.corrections[k] = compose(*wide.corrections[k], *narrow.corrections[k]);
    for (std::size_t axis = 0; axis < 2; ++axis) fit.shift[axis] += wide.groups.front().shift[axis];
    fit.first_tolerance = stage.tolerance;
    return narrow;
  }
  for (auto& correction : wide.corrections) correction.reset();
  wide.groups.front().status = AlignStatus::Insignificant;
  wide.groups.front().reason = fmt::format("{} matches within {:g} arcsec, {} of them within a third of it", before,
                                           3 * stage.tolerance, narrow.problem.empty() ? fit.matches : 0);
  wide.problem = exchange::status_text(AlignStatus::Insignificant);
  return wide;
}

/// Every group by itself onto the stars of the reference band.
exchange::Alignment align_groups_to(std::vector<exchange::AlignImage> const& images, double radius,
                                    std::vector<model::Star> const& stars, exchange::TweakregOptions const& options) {
  exchange::Alignment alignment;
  alignment.corrections.resize(images.size());
  std::vector<std::string> names;
  for (auto const& image : images)
    if (std::find(names.begin(), names.end(), image.group) == names.end()) names.push_back(image.group);
  for (auto const& name : names) {
    std::vector<exchange::AlignImage> group;
    std::vector<std::size_t> place;
    for (std::size_t k = 0; k < images.size(); ++k) {
      if (images[k].group != name) continue;
      group.push_back(images[k]);
      place.push_back(k);
    }
    merge_dithers(group, radius);
    auto of_group = align_group_to(group, stars, options);
    for (std::size_t k = 0; k < place.size(); ++k) alignment.corrections[place[k]] = of_group.corrections[k];
    auto& fit = alignment.groups.emplace_back(std::move(of_group.groups.front()));
    fit.group = name;
    if (fit.sources == 0) fit.status = AlignStatus::NoSources;
    if (fit.status == AlignStatus::NotAligned && fit.reason.empty()) fit.reason = of_group.problem;
  }
  bool const any = std::any_of(alignment.corrections.begin(), alignment.corrections.end(),
                               [](auto const& correction) { return correction.has_value(); });
  if (!any) alignment.problem = "no group could be aligned to the stars of the reference band";
  return alignment;
}

/// Stars on which the target is placed, or why they cannot be had.
struct Datum {
  std::vector<model::Star> stars;
  std::string problem;
  std::vector<std::string> warnings;
};

/// The reference band's, else the catalogue's.
Datum find_datum(BandImages const& band, std::vector<model::Star> const& reference, bool has_reference,
                 std::vector<store::ExposureRecord> const& records) {
  Datum datum;
  if (has_reference) {
    datum.stars = reference;
    if (reference.empty()) datum.problem = "its reference band has no stars that were aligned";
    return datum;
  }
  auto catalogue = read_reference_catalogue(*band.task, band.tweakreg, records);
  datum.stars = std::move(catalogue.stars);
  datum.problem = std::move(catalogue.problem);
  datum.warnings = std::move(catalogue.warnings);
  return datum;
}

void write_products(BandImages const& band, exchange::Alignment const& alignment,
                    std::vector<exchange::AlignImage> const& images) {
  auto const& folder = band.task->products;
  std::filesystem::create_directories(folder);
  io::write_file(folder / "get_wcs_adjust_groups.csv", group_table(alignment, images));
  io::write_file(folder / "get_wcs_adjust_residuals.csv", residual_histograms(alignment, images));
  draw_residuals(folder / "get_wcs_adjust_residuals.png", alignment, band.task->label());
}

bool is_aligned(AlignStatus status) { return status == AlignStatus::Success || status == AlignStatus::Reference; }

/// What is said of the groups of a band; a job's groups are said once, with its first band. `tolerance`: of the groups;
/// 0: the matches have been judged already.
void describe(exchange::Alignment const& alignment, std::vector<exchange::AlignImage> const& images,
              exchange::TweakregOptions const& options, double tolerance, BandResult& result) {
  std::map<std::string, std::size_t> index;
  for (std::size_t g = 0; g < alignment.groups.size(); ++g) index.emplace(alignment.groups[g].group, g);
  std::map<std::string, bool> corrected;
  for (std::size_t k = 0; k < images.size(); ++k) corrected[images[k].group] |= alignment.corrections[k].has_value();
  int aligned = 0;
  std::string reference;
  double largest = 0;
  for (auto const& fit : alignment.groups) {
    if (fit.status == AlignStatus::Reference) reference = fit.group;
    aligned += is_aligned(fit.status) && corrected.contains(fit.group);
    if (double const radius = corrected.contains(fit.group) ? tolerance : options.absolute.tolerance;
        radius > 0 && fills_tolerance(fit, radius))
      result.warnings.push_back(fmt::format(
          "{}: the residuals of its matches ({:.0f} mas rms) fill the tolerance of {:g} arcsec: many are by chance. A "
          "smaller tolerance, or method global, may help",
          fit.group, 1000 * fit.rmse, radius));
    if (fit.status == AlignStatus::Success) largest = std::max(largest, std::hypot(fit.shift[0], fit.shift[1]));
    // Where the absolute stage has moved all, a group that the relative stage could not align is no failure any more.
    if (is_aligned(fit.status) || (corrected.contains(fit.group) && corrected[fit.group])) continue;
    result.warnings.push_back(fmt::format("{} is not aligned: {}{}", fit.group, exchange::status_text(fit.status),
                                          fit.reason.empty() ? "" : " (" + fit.reason + ")"));
  }
  result.notes.push_back(fmt::format("{} of {} groups aligned{}, shifts up to {:.4f} arcsec", aligned, corrected.size(),
                                     reference.empty() ? "" : " to " + reference, largest));
}

/// The part of a band's images that ended aligned.
void collect(BandImages const& band, exchange::Alignment const& alignment, std::size_t first, bool wants_stars,
             std::vector<store::ExposureRecord> const& records, BandResult& result) {
  std::map<std::string, bool> is_reference;
  for (auto const& fit : alignment.groups)
    if (fit.status == AlignStatus::Reference) is_reference[fit.group] = true;
  auto images = wants_stars ? band.images : exchange::without_stars(band.images);
  exchange::Alignment own;
  own.corrections.assign(alignment.corrections.begin() + static_cast<std::ptrdiff_t>(first),
                         alignment.corrections.begin() + static_cast<std::ptrdiff_t>(first + images.size()));
  exchange::apply_alignment(images, own);
  std::vector<std::vector<model::Star>> lists;
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto const& correction = own.corrections[k];
    if (!correction && !is_reference[images[k].group]) continue;
    auto const& record = records[static_cast<std::size_t>(band.members[k])];
    result.exposures.push_back({record.identity.exposure, band.images[k].plane, correction});
    if (wants_stars) lists.push_back(std::move(images[k].stars));
  }
  if (!wants_stars) return;
  result.stars = merge_stars(lists, same_star(band.task->band_facts));
}

}  // namespace

TweakregStepOptions tweakreg_of(config::ResolvedParameters const& parameters, config::Band const& band,
                                GetWcsAdjustOptions const& options) {
  std::string const prefix = "tweakreg_parameters.";
  auto tweakreg = read_tweakreg_table(parameters, prefix, band);
  if (options.group_dithers) tweakreg.grouping.dithers = AlignGrouping::Dithers::Together;
  tweakreg.grouping.by_module = options.degroup_nircam_modules;
  if (!options.catalogue.empty()) tweakreg.abs_refcat = options.catalogue;
  if (options.diffusion) tweakreg.stars.use_custom_catalogs = false;  // they are the catalogues
  if (options.reference_band.empty()) return tweakreg;
  auto const is_given = [&](char const* key) { return !parameters.is_default(prefix + "abs_" + key); };
  auto const& relative = tweakreg.align.relative;
  auto& absolute = tweakreg.align.absolute;
  if (!is_given("minobj")) absolute.minobj = relative.minobj;
  if (!is_given("searchrad")) absolute.searchrad = relative.searchrad;
  if (!is_given("use2dhist")) absolute.use2dhist = relative.use2dhist;
  if (!is_given("separation")) absolute.separation = relative.separation;
  if (!is_given("tolerance")) absolute.tolerance = relative.tolerance;
  if (!is_given("fitgeometry")) absolute.fitgeometry = relative.fitgeometry;
  if (!is_given("nclip")) absolute.nclip = relative.nclip;
  if (!is_given("sigma")) absolute.sigma = relative.sigma;
  return tweakreg;
}

std::string adjust_group(store::ExposureRecord const& record, GetWcsAdjustOptions const& options,
                         TweakregStepOptions const& tweakreg) {
  auto const name = config::parse_exposure_name(record.identity.exposure);
  if (options.method != AdjustMethod::Global || !options.group_dithers || !name)
    return tweakreg.grouping.group_of(record);
  auto const module = options.degroup_nircam_modules ? config::nircam_module(name->detector) : "";
  return name->visit_key() + (module.empty() ? "" : std::string(" module ") + (module == "nrca" ? "A" : "B"));
}

std::vector<BandResult> run_align_job(std::vector<BandImages> const& bands, std::vector<model::Star> const& reference,
                                      bool has_reference, std::vector<bool> const& wants_stars,
                                      std::vector<store::ExposureRecord> const& records) {
  std::vector<BandResult> results(bands.size());
  auto const& lead = bands.front();
  auto const datum = find_datum(lead, reference, has_reference, records);
  results.front().warnings = datum.warnings;
  if (!has_reference && !lead.options.catalogue.empty())
    for (auto const& star : datum.stars) results.front().catalogue.push_back({star.ra, star.dec});
  if (!datum.problem.empty()) {
    for (auto& result : results) result.problem = datum.problem;
    return results;
  }
  auto images = join(bands);
  auto const outlines = exchange::without_stars(images);
  exchange::Alignment alignment;
  if (lead.options.method == AdjustMethod::Global) {
    auto const solved =
        exchange::align_globally(images, datum.stars, lead.tweakreg.catalogue_error, lead.tweakreg.global);
    for (auto const& band : bands) {
      std::filesystem::create_directories(band.task->products);
      io::write_file(band.task->products / "get_wcs_adjust_pairs.csv", pair_table(solved));
      if (!solved.detectors.empty())
        io::write_file(band.task->products / "get_wcs_adjust_detectors.csv", detector_table(solved));
    }
    alignment = solved;
  } else if (has_reference) {
    alignment = align_groups_to(images, same_star(lead.task->band_facts), datum.stars, lead.tweakreg.align);
  } else {
    alignment = exchange::align(std::move(images), datum.stars, lead.tweakreg.align);
  }
  for (auto const& text : {alignment.problem, alignment.warning})
    if (!text.empty()) results.front().warnings.push_back(text);
  bool const is_judged = has_reference || lead.options.method == AdjustMethod::Global;
  describe(alignment, outlines, lead.tweakreg.align, is_judged ? 0 : lead.tweakreg.align.relative.tolerance,
           results.front());
  std::size_t first = 0;
  for (std::size_t b = 0; b < bands.size(); ++b) {
    write_products(bands[b], alignment, outlines);
    collect(bands[b], alignment, first, wants_stars[b], records, results[b]);
    first += bands[b].images.size();
  }
  return results;
}

}  // namespace tessera::steps
