#include "tessera/exchange/align_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "../global_alignment/group_lists.hpp"
#include "groupwise_stage.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::exchange {

namespace {

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

bool with_roll(StageOptions const& stage) { return stage.fitgeometry != kernels::FitGeometry::Shift; }

/// Sightings of a star in several images of a group (dithers) are all put where they are in the mean, weighted by their
/// errors where all have one: one of them is matched, and is to know of the others.
std::vector<AlignImage> average_sightings(std::span<AlignImage const> images) {
  constexpr double Radius = 0.1;  // arcsec: dithers lie nearer on each other
  std::vector<AlignImage> averaged(images.begin(), images.end());
  for (auto const& group : groups_of(images)) {
    if (group.members.size() < 2) continue;
    auto const axes = sky::tangent_axes(group.images.front()->plane.tangent);
    std::vector<PlanePosition> points;
    std::vector<int> owners;
    std::vector<model::Star*> stars;
    std::vector<double> scales;
    for (auto const k : group.members)
      for (auto& star : averaged[k].stars) {
        auto const direction = sky::to_vector(star.ra, star.dec);
        if (!(sky::dot(direction, axes.centre) > LeastTowards)) continue;
        points.push_back(to_plane(axes, direction));
        owners.push_back(static_cast<int>(k));
        stars.push_back(&star);
        scales.push_back(images[k].pixel_scale);
      }
    for (auto const& chain : link_points(points, owners, Radius)) {
      if (chain.size() < 2) continue;
      bool const stated =
          std::all_of(chain.begin(), chain.end(), [&](int k) { return stars[static_cast<std::size_t>(k)]->error > 0; });
      double x = 0, y = 0, total = 0;
      for (int const k : chain) {
        auto const at = static_cast<std::size_t>(k);
        double const error = stars[at]->error * scales[at], weight = stated ? 1 / (error * error) : 1;
        x += weight * points[at].x;
        y += weight * points[at].y;
        total += weight;
      }
      auto const mean = sky::to_sky(from_plane(axes, {x / total, y / total}));
      for (int const k : chain) {
        auto const at = static_cast<std::size_t>(k);
        stars[at]->ra = mean.ra;
        stars[at]->dec = mean.dec;
        if (stated) stars[at]->error = 1 / std::sqrt(total) / scales[at];
      }
    }
  }
  return averaged;
}

/// Why nothing can be aligned to the catalogue, or "".
std::string catalogue_problem(std::span<model::Star const> catalogue, StageOptions const& stage) {
  if (static_cast<int>(catalogue.size()) < stage.minobj)
    return fmt::format("the reference catalogue has {} stars, and abs_minobj = {} are needed", catalogue.size(),
                       stage.minobj);
  return separation_problem(stage, "abs_");
}

/// The absolute stage, and the pairs that it used.
struct AbsoluteFit {
  Alignment alignment;
  MatchedGroup matched;
  std::vector<FitTie> ties;  ///< of the pairs
};

AbsoluteFit fit_absolute(std::span<AlignImage const> images, std::span<model::Star const> catalogue,
                         StageOptions const& stage) {
  AbsoluteFit result;
  auto& alignment = result.alignment;
  alignment.corrections.resize(images.size());
  auto& fit = alignment.groups.emplace_back();
  GroupImages all;
  for (auto const& image : images) {
    all.push_back(&image);
    fit.sources += static_cast<int>(image.stars.size());
  }
  alignment.problem = all.empty() ? "there are no exposures" : catalogue_problem(catalogue, stage);
  if (alignment.problem.empty()) {
    std::vector<ReferenceStar> reference;
    for (auto const& star : catalogue) reference.push_back({star.ra, star.dec, star.weight});
    result.matched = fit_group(all, reference, stage);
    fit = result.matched.fit;
    if (fit.status == AlignStatus::Success) {
      auto const& plane = images.front().plane;
      for (std::size_t k = 0; k < images.size(); ++k)
        alignment.corrections[k] = carry_to_image(fit.matrix, fit.shift, plane, images[k]);
      MotionErrors own(plane, 1);
      for (std::size_t k = 0; k < result.matched.pairs.size(); ++k) {
        auto const& star = reference[result.matched.pairs[k].second];
        result.ties.push_back({star.ra, star.dec, FitTie::Exact, result.matched.pair_weights[k]});
      }
      own.fit_group(0, result.ties, result.matched.error, with_roll(stage));
      fit.error = own.at(0, plane.tangent);
    } else {
      alignment.problem = status_text(fit.status) + (fit.reason.empty() ? "" : " (" + fit.reason + ")");
    }
  }
  fit.group = AbsoluteGroup;
  return result;
}

GroupwiseStage run_relative(std::span<AlignImage const> images, TweakregOptions const& options) {
  GroupwiseStage stage(images, options.relative);
  stage.align_to_first(options.expand_refcat, options.expand_refcat && !options.enforce_user_order);
  stage.state_errors();
  return stage;
}

}  // namespace

Alignment align_relative(std::span<AlignImage const> images, TweakregOptions const& options) {
  return std::move(run_relative(images, options).alignment());
}

Alignment align_absolute(std::span<AlignImage const> images, std::span<model::Star const> catalogue,
                         TweakregOptions const& options) {
  return fit_absolute(images, catalogue, options.absolute).alignment;
}

Alignment align_by_group(std::span<AlignImage const> images, std::span<model::Star const> catalogue,
                         TweakregOptions const& options) {
  auto const merged = average_sightings(images);
  GroupwiseStage stage(merged, options.absolute);
  auto& alignment = stage.alignment();
  alignment.problem = images.empty() ? "there are no exposures" : catalogue_problem(catalogue, options.absolute);
  if (alignment.problem.empty()) stage.align_to(catalogue, options.catalogue_error);
  stage.state_errors();
  return std::move(alignment);
}

Alignment align(std::vector<AlignImage> images, std::span<model::Star const> catalogue,
                TweakregOptions const& options) {
  std::string absolute_problem;
  if (options.absolute_by_group && !catalogue.empty()) {
    auto alignment = align_by_group(images, catalogue, options);
    if (alignment.problem.empty()) return alignment;
    absolute_problem = alignment.problem;
  }
  auto of_stage = options;
  if (!catalogue.empty()) of_stage.expand_refcat = true;  // as the official step does
  auto stage = run_relative(images, of_stage);
  auto& alignment = stage.alignment();
  auto const fail = [&](std::string const& problem) {
    alignment.problem += (alignment.problem.empty() ? "" : "; ") + ("no absolute alignment: " + problem);
  };
  if (!absolute_problem.empty()) fail(absolute_problem);
  if (catalogue.empty() || !absolute_problem.empty()) return std::move(alignment);
  apply_alignment(images, alignment);
  auto absolute = fit_absolute(images, catalogue, options.absolute);
  if (absolute.alignment.problem.empty()) {
    for (std::size_t k = 0; k < images.size(); ++k) {
      auto& correction = alignment.corrections[k];
      auto const& second = *absolute.alignment.corrections[k];
      correction = correction ? compose(*correction, second) : second;
    }
    auto const group_of = stage.groups_of_stars();
    for (std::size_t k = 0; k < absolute.ties.size(); ++k)
      absolute.ties[k].group = group_of[absolute.matched.pairs[k].first];
    stage.errors().fit_all(absolute.ties, absolute.matched.error, with_roll(options.absolute));
    stage.state_errors();
    if (!alignment.problem.empty())
      alignment.warning = "no relative alignment, all images moved as one onto the catalogue: " + alignment.problem;
    alignment.problem.clear();
  } else {
    fail(absolute.alignment.problem);
  }
  alignment.groups.push_back(std::move(absolute.alignment.groups.front()));
  return std::move(alignment);
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
