#include "tessera/exchange/align_groups.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <numbers>

#include "fit_group.hpp"
#include "group_order.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::exchange {

namespace {

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;

/// Images of one group.
struct Group {
  std::string name;
  std::vector<std::size_t> members;  ///< images, in list order
  GroupImages images;
};

/// In the order of their first image.
std::vector<Group> groups_of(std::span<AlignImage const> images) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> index;
  for (std::size_t k = 0; k < images.size(); ++k) {
    auto const [at, is_new] = index.emplace(images[k].group, groups.size());
    if (is_new) groups.push_back({images[k].group, {}, {}});
    groups[at->second].members.push_back(k);
    groups[at->second].images.push_back(&images[k]);
  }
  return groups;
}

/// Why the options do not allow a match, or "": stars that are told apart must not both match one (spec 30, 1.1).
std::string separation_problem(StageOptions const& options, std::string const& prefix) {
  if (options.separation > std::numbers::sqrt2 * options.tolerance) return "";
  return fmt::format("{0}separation = {1} must be larger than sqrt(2) {0}tolerance = {2:.4g}", prefix,
                     options.separation, std::numbers::sqrt2 * options.tolerance);
}

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

/// `second` after `first`, both in the plane of one image.
model::WcsCorrection compose(model::WcsCorrection const& first, model::WcsCorrection const& second) {
  model::WcsCorrection both = second;
  for (std::size_t row = 0; row < 2; ++row) {
    auto const& m = second.matrix[row];
    for (std::size_t column = 0; column < 2; ++column)
      both.matrix[row][column] = m[0] * first.matrix[0][column] + m[1] * first.matrix[1][column];
    both.shift[row] = m[0] * first.shift[0] + m[1] * first.shift[1] + second.shift[row];
  }
  return both;
}

/// The relative stage at work: a list of reference stars that may grow, and groups aligned to it one by one.
class RelativeStage {
 public:
  RelativeStage(std::span<AlignImage const> images, TweakregOptions const& options)
      : images_(images), options_(options), groups_(groups_of(images)) {
    alignment_.corrections.resize(images.size());
    for (auto const& group : groups_) {
      auto& fit = alignment_.groups.emplace_back();
      fit.group = group.name;
      for (auto const* image : group.images) fit.sources += static_cast<int>(image->stars.size());
      if (fit.sources == 0) fit.status = AlignStatus::NoSources;
    }
  }

  Alignment run() {
    alignment_.problem = problem();
    if (!alignment_.problem.empty()) return std::move(alignment_);
    std::vector<std::size_t> usable;
    for (std::size_t g = 0; g < groups_.size(); ++g)
      if (alignment_.groups[g].sources > 0) usable.push_back(g);

    bool const by_overlap = options_.expand_refcat && !options_.enforce_user_order && usable.size() > 2;
    if (by_overlap) {
      std::vector<GroupImages> lists;
      for (auto const g : usable) lists.push_back(groups_[g].images);
      GroupOrder order(lists);
      start(usable[order.reference()]);
      while (auto const next = order.next()) {
        auto const before = reference_.size();
        if (align_group(usable[*next])) order.grow(std::span(reference_).subspan(before), plane_of_reference());
      }
    } else {
      start(usable.front());
      for (std::size_t k = 1; k < usable.size(); ++k) align_group(usable[k]);
    }
    accept();
    return std::move(alignment_);
  }

 private:
  std::string problem() const {
    if (groups_.size() < 2) return "there is only one group of exposures: nothing to align it to";
    auto const has_sources = [](GroupFit const& fit) { return fit.sources > 0; };
    if (std::count_if(alignment_.groups.begin(), alignment_.groups.end(), has_sources) < 2)
      return "fewer than two groups have sources";
    return separation_problem(options_.relative, "");
  }

  void start(std::size_t group) {
    reference_group_ = group;
    alignment_.groups[group].status = AlignStatus::Reference;
    reference_ = stars_of(groups_[group].images);
    for (auto const* image : groups_[group].images) reference_images_.push_back(image);
  }

  sky::CorrectionPlane const& plane_of_reference() const { return groups_[reference_group_].images.front()->plane; }

  /// Whether it succeeded.
  bool align_group(std::size_t g) {
    auto const& group = groups_[g];
    auto matched = fit_group(group.images, reference_, options_.relative);
    auto& fit = alignment_.groups[g];
    fit = std::move(matched.fit);
    fit.group = group.name;
    if (fit.status != AlignStatus::Success) {
      if (fit.status == AlignStatus::TooFewMatches && fit.matches == 0 && !sees(group.images, reference_images_)) {
        fit.status = AlignStatus::NoOverlap;
        fit.reason = "its field does not touch that of the reference";
      }
      return false;
    }
    auto const& plane = group.images.front()->plane;
    std::size_t star = 0;
    for (std::size_t k = 0; k < group.members.size(); ++k) {
      auto const& image = *group.images[k];
      auto const correction = carry_to_image(fit.matrix, fit.shift, plane, image);
      alignment_.corrections[group.members[k]] = correction;
      if (!options_.expand_refcat) continue;
      for (auto const& one : image.stars) {
        if (matched.matched[star++]) continue;
        reference_.push_back({one.ra, one.dec, one.weight});
        move_sky(image.plane, correction, reference_.back().ra, reference_.back().dec);
      }
    }
    if (options_.expand_refcat)
      reference_images_.insert(reference_images_.end(), group.images.begin(), group.images.end());
    return true;
  }

  /// All or none: a group that moves further than the search allows shows that the matches are wrong.
  void accept() {
    double const limit = largest_motion(options_.relative);
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

  std::span<AlignImage const> images_;
  TweakregOptions const& options_;
  std::vector<Group> groups_;
  Alignment alignment_;
  std::size_t reference_group_ = 0;
  std::vector<ReferenceStar> reference_;
  GroupImages reference_images_;
};

}  // namespace

Alignment align_relative(std::span<AlignImage const> images, TweakregOptions const& options) {
  return RelativeStage(images, options).run();
}

Alignment align_absolute(std::span<AlignImage const> images, std::span<model::Star const> catalogue,
                         TweakregOptions const& options) {
  Alignment alignment;
  alignment.corrections.resize(images.size());
  auto& fit = alignment.groups.emplace_back();
  GroupImages all;
  for (auto const& image : images) {
    all.push_back(&image);
    fit.sources += static_cast<int>(image.stars.size());
  }
  auto const& stage = options.absolute;
  if (all.empty())
    alignment.problem = "there are no exposures";
  else if (static_cast<int>(catalogue.size()) < stage.minobj)
    alignment.problem = fmt::format("the reference catalogue has {} stars, and abs_minobj = {} are needed",
                                    catalogue.size(), stage.minobj);
  else
    alignment.problem = separation_problem(stage, "abs_");
  if (alignment.problem.empty()) {
    std::vector<ReferenceStar> reference;
    for (auto const& star : catalogue) reference.push_back({star.ra, star.dec, star.weight});
    fit = fit_group(all, reference, stage).fit;
    if (fit.status == AlignStatus::Success)
      for (std::size_t k = 0; k < images.size(); ++k)
        alignment.corrections[k] = carry_to_image(fit.matrix, fit.shift, images.front().plane, images[k]);
    else
      alignment.problem = status_text(fit.status) + (fit.reason.empty() ? "" : " (" + fit.reason + ")");
  }
  fit.group = AbsoluteGroup;
  return alignment;
}

Alignment align(std::vector<AlignImage> images, std::span<model::Star const> catalogue,
                TweakregOptions const& options) {
  auto of_stage = options;
  if (!catalogue.empty()) of_stage.expand_refcat = true;  // as the official step does
  auto alignment = align_relative(images, of_stage);
  if (catalogue.empty()) return alignment;
  apply_alignment(images, alignment);
  auto absolute = align_absolute(images, catalogue, options);
  if (absolute.problem.empty()) {
    for (std::size_t k = 0; k < images.size(); ++k) {
      auto& correction = alignment.corrections[k];
      correction = correction ? compose(*correction, *absolute.corrections[k]) : *absolute.corrections[k];
    }
    if (!alignment.problem.empty())
      alignment.warning = "no relative alignment, all images moved as one onto the catalogue: " + alignment.problem;
    alignment.problem.clear();
  } else {
    alignment.problem += (alignment.problem.empty() ? "" : "; ") + ("no absolute alignment: " + absolute.problem);
  }
  alignment.groups.push_back(std::move(absolute.groups.front()));
  return alignment;
}

void apply_alignment(std::span<AlignImage> images, Alignment const& alignment) {
  TESSERA_EXPECT(images.size() == alignment.corrections.size());
  for (std::size_t k = 0; k < images.size(); ++k) {
    if (!alignment.corrections[k]) continue;
    auto& image = images[k];
    for (auto& star : image.stars) move_sky(image.plane, *alignment.corrections[k], star.ra, star.dec);
    for (auto& corner : image.corners) move_sky(image.plane, *alignment.corrections[k], corner.ra, corner.dec);
  }
}

}  // namespace tessera::exchange
