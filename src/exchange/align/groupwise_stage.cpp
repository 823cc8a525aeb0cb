#include "groupwise_stage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace tessera::exchange {

namespace {

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;

/// Arcsec that the farthest corner of the image moves.
double corner_motion(AlignImage const& image, model::WcsCorrection const& correction) {
  double largest = 0;
  for (auto const& corner : image.corners) {
    auto moved = corner;
    move_sky(image.plane, correction, moved.ra, moved.dec);
    largest = std::max(largest, sky::separation(sky::to_vector(corner), sky::to_vector(moved)) * ArcsecPerRadian);
  }
  return largest;
}

/// What corners may move by: twice what a match can take up.
double largest_motion(StageOptions const& options) {
  double const first =
      options.use2dhist ? options.searchrad : std::max(std::abs(options.xoffset), std::abs(options.yoffset));
  return 2 * (first + options.tolerance);
}

}  // namespace

std::vector<ImageGroup> groups_of(std::span<AlignImage const> images) {
  std::vector<ImageGroup> groups;
  std::map<std::string, std::size_t> index;
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto const [at, is_new] = index.emplace(images[k].group, groups.size());
    if (is_new) groups.push_back({images[k].group, {}, {}});
    groups[at->second].members.push_back(k);
    groups[at->second].images.push_back(&images[k]);
  }
  return groups;
}

std::string separation_problem(StageOptions const& options, std::string const& prefix) {
  if (options.separation > std::numbers::sqrt2 * options.tolerance) return "";
  return fmt::format("{0}separation = {1} must be larger than sqrt(2) {0}tolerance = {2:.4g}", prefix,
                     options.separation, std::numbers::sqrt2 * options.tolerance);
}

GroupwiseStage::GroupwiseStage(std::span<AlignImage const> images, StageOptions const& options)
    : images_(images),
      options_(options),
      groups_(groups_of(images)),
      errors_(images.empty() ? sky::CorrectionPlane{} : images.front().plane, groups_.size()),
      matched_(groups_.size()) {
  alignment_.corrections.resize(images.size());
  for (auto const& group : groups_) {
    auto& fit = alignment_.groups.emplace_back();
    fit.group = group.name;
    for (auto const* image : group.images) fit.sources += static_cast<int>(image->stars.size());
    if (fit.sources == 0) fit.status = AlignStatus::NoSources;
  }
}

void GroupwiseStage::align_to_first(bool expand, bool by_overlap) {
  alignment_.problem = problem();
  if (!alignment_.problem.empty()) return;
  std::vector<std::size_t> usable;
  for (std::size_t g = 0; g < groups_.size(); ++g)
    if (alignment_.groups[g].sources > 0) usable.push_back(g);

  if (by_overlap && usable.size() > 2) {
    std::vector<GroupImages> lists;
    for (auto const g : usable) lists.push_back(groups_[g].images);
    GroupOrder order(lists);
    auto const first = usable[order.reference()];
    start(first);
    while (auto const next = order.next()) {
      auto const before = reference_.size();
      if (align_group(usable[*next], expand))
        order.grow(std::span(reference_).subspan(before), groups_[first].images.front()->plane);
    }
  } else {
    start(usable.front());
    for (std::size_t k = 1; k < usable.size(); ++k) align_group(usable[k], expand);
  }
  accept();
}

void GroupwiseStage::align_to(std::span<model::Star const> catalogue, double catalogue_error) {
  weights_ = PairWeights::OfErrors;
  for (auto const& star : catalogue)
    reference_.push_back({star.ra, star.dec, star.weight, FitTie::Exact, catalogue_error});
  std::vector<std::size_t> waiting;
  for (std::size_t g = 0; g < groups_.size(); ++g)
    if (alignment_.groups[g].sources > 0) waiting.push_back(g);
  bool any = false;
  while (!waiting.empty()) {
    std::vector<std::size_t> aligned;
    for (auto const g : waiting) {
      fit(g);
      if (alignment_.groups[g].status == AlignStatus::Success) refuse_large_motion(g);
      if (alignment_.groups[g].status == AlignStatus::Success) aligned.push_back(g);
    }
    if (aligned.empty()) break;
    any = true;
    // Not before all were tried: what the catalogue can place is placed by nothing else.
    for (auto const g : aligned) add_to_reference(g);
    std::erase_if(waiting, [&](std::size_t g) {
      auto const status = alignment_.groups[g].status;
      return status != AlignStatus::TooFewMatches && status != AlignStatus::NoOverlap &&
             status != AlignStatus::Insignificant;
    });
  }
  if (!any) alignment_.problem = "no group could be aligned to the catalogue";
}

std::string GroupwiseStage::problem() const {
  if (groups_.size() < 2) return "there is only one group of exposures: nothing to align it to";
  auto const has_sources = [](GroupFit const& fit) { return fit.sources > 0; };
  if (std::count_if(alignment_.groups.begin(), alignment_.groups.end(), has_sources) < 2)
    return "fewer than two groups have sources";
  return separation_problem(options_, "");
}

void GroupwiseStage::start(std::size_t group) {
  alignment_.groups[group].status = AlignStatus::Reference;
  reference_ = stars_of(groups_[group].images);
  for (auto& star : reference_) star.group = static_cast<int>(group);
  for (auto const* image : groups_[group].images) reference_images_.push_back(image);
}

/// Leaves the outcome in the alignment.
void GroupwiseStage::fit(std::size_t g) {
  auto const& group = groups_[g];
  auto matched = fit_group(group.images, reference_, options_, weights_);
  auto& fit = alignment_.groups[g];
  fit = std::move(matched.fit);
  fit.group = group.name;
  matched_[g] = std::move(matched.matched);
  if (fit.status != AlignStatus::Success) {
    if (fit.status == AlignStatus::TooFewMatches && fit.matches == 0 && !reference_images_.empty() &&
        !sees(group.images, reference_images_)) {
      fit.status = AlignStatus::NoOverlap;
      fit.reason = "its field does not touch that of the reference";
    }
    return;
  }
  std::vector<FitTie> ties;
  for (std::size_t k = 0; k < matched.pairs.size(); ++k) {
    auto const& star = reference_[matched.pairs[k].second];
    ties.push_back({star.ra, star.dec, star.group, matched.pair_weights[k]});
  }
  errors_.fit_group(g, ties, matched.error, options_.fitgeometry != kernels::FitGeometry::Shift);
  auto const& plane = group.images.front()->plane;
  for (std::size_t k = 0; k < group.members.size(); ++k)
    alignment_.corrections[group.members[k]] = carry_to_image(fit.matrix, fit.shift, plane, *group.images[k]);
}

/// The stars of an aligned group that had no partner, where they are now.
void GroupwiseStage::add_to_reference(std::size_t g) {
  auto const& group = groups_[g];
  std::size_t star = 0;
  for (std::size_t k = 0; k < group.members.size(); ++k)
    for (auto const& one : group.images[k]->stars) {
      if (matched_[g][star++]) continue;
      reference_.push_back(
          {one.ra, one.dec, one.weight, static_cast<int>(g), one.error * group.images[k]->pixel_scale});
      move_sky(group.images[k]->plane, *alignment_.corrections[group.members[k]], reference_.back().ra,
               reference_.back().dec);
    }
  reference_images_.insert(reference_images_.end(), group.images.begin(), group.images.end());
}

/// Whether it succeeded.
bool GroupwiseStage::align_group(std::size_t g, bool expand) {
  fit(g);
  if (alignment_.groups[g].status != AlignStatus::Success) return false;
  if (expand) add_to_reference(g);
  return true;
}

/// One group alone: the others do not hang on it.
void GroupwiseStage::refuse_large_motion(std::size_t g) {
  double largest = 0;
  for (auto const k : groups_[g].members)
    largest = std::max(largest, corner_motion(images_[k], *alignment_.corrections[k]));
  if (largest < largest_motion(options_)) return;
  auto& fit = alignment_.groups[g];
  fit.status = AlignStatus::TooLarge;
  fit.reason =
      fmt::format("a corner would move by {:.3f} arcsec, and {:.3f} are allowed", largest, largest_motion(options_));
  for (auto const k : groups_[g].members) alignment_.corrections[k].reset();
}

/// All or none: a group that moves further than the search allows shows that the matches are wrong.
void GroupwiseStage::accept() {
  double const limit = largest_motion(options_);
  double largest = 0;
  std::string image;
  bool any = false;
  for (std::size_t k = 0; k < images_.size(); ++k) {
    if (!alignment_.corrections[k]) continue;
    any = true;
    double const moved = corner_motion(images_[k], *alignment_.corrections[k]);
    if (moved <= largest) continue;
    largest = moved;
    image = images_[k].name;
  }
  if (!any) alignment_.problem = "no group could be aligned to the reference";
  if (largest < limit) return;
  alignment_.problem =
      fmt::format("a corner of {} would move by {:.3f} arcsec, and {:.3f} are allowed", image, largest, limit);
  for (auto& correction : alignment_.corrections) correction.reset();
  for (auto& fit : alignment_.groups)
    if (fit.status == AlignStatus::Success) fit.status = AlignStatus::TooLarge;
}

std::vector<int> GroupwiseStage::groups_of_stars() const {
  std::vector<int> of_image(images_.size());
  for (std::size_t g = 0; g < groups_.size(); ++g)
    for (auto const k : groups_[g].members) of_image[k] = static_cast<int>(g);
  std::vector<int> list;
  for (std::size_t k = 0; k < images_.size(); ++k) list.insert(list.end(), images_[k].stars.size(), of_image[k]);
  return list;
}

void GroupwiseStage::state_errors() {
  for (std::size_t g = 0; g < groups_.size(); ++g)
    if (alignment_.groups[g].status == AlignStatus::Success)
      alignment_.groups[g].error = errors_.at(g, groups_[g].images.front()->plane.tangent);
}

}  // namespace tessera::exchange
