#include "fit_group.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "chance_matches.hpp"
#include "robust_fit.hpp"

namespace tessera::exchange {

namespace {

using kernels::PlanePosition;

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;

/// Stars in a plane, arcsec; those that cannot be projected are left out.
struct ProjectedStars {
  std::vector<PlanePosition> positions;
  std::vector<std::size_t> index;  ///< in the list given
};

ProjectedStars project(std::span<ReferenceStar const> stars, sky::CorrectionPlane const& plane) {
  std::vector<double> ra(stars.size()), dec(stars.size()), x(stars.size()), y(stars.size());
  for (std::size_t k = 0; k < stars.size(); ++k) {
    ra[k] = stars[k].ra;
    dec[k] = stars[k].dec;
  }
  plane.sky_to_plane(ra, dec, x, y);
  ProjectedStars projected;
  for (std::size_t k = 0; k < stars.size(); ++k) {
    if (!std::isfinite(x[k]) || !std::isfinite(y[k])) continue;
    projected.positions.push_back({x[k] * ArcsecPerRadian, y[k] * ArcsecPerRadian});
    projected.index.push_back(k);
  }
  return projected;
}

/// Box in a plane, arcsec; what is far from all images cannot match.
struct FieldBox {
  double x0 = 0, x1 = 0, y0 = 0, y1 = 0;
  bool is_empty = true;

  void include(PlanePosition const& p) {
    x0 = is_empty ? p.x : std::min(x0, p.x);
    x1 = is_empty ? p.x : std::max(x1, p.x);
    y0 = is_empty ? p.y : std::min(y0, p.y);
    y1 = is_empty ? p.y : std::max(y1, p.y);
    is_empty = false;
  }
  bool contains(PlanePosition const& p, double margin) const {
    return p.x >= x0 - margin && p.x <= x1 + margin && p.y >= y0 - margin && p.y <= y1 + margin;
  }
  double area() const { return (x1 - x0) * (y1 - y0); }
};

/// Corners of the images in the plane of the first.
FieldBox field_of(GroupImages const& images) {
  std::vector<ReferenceStar> corners;
  for (auto const* image : images)
    for (auto const& corner : image->corners) corners.push_back({corner.ra, corner.dec, 1});
  FieldBox box;
  for (auto const& p : project(corners, images.front()->plane).positions) box.include(p);
  return box;
}

/// Positions of the reference that the images may reach by the largest shift, and so much around them that the thinning
/// of those is as with all: a grown reference covers a whole survey, and a group one field of it.
ProjectedStars project_near(std::span<ReferenceStar const> reference, sky::CorrectionPlane const& plane,
                            FieldBox const& box, StageOptions const& options) {
  constexpr double Separations = 30;
  double const first =
      options.use2dhist ? options.searchrad : std::max(std::abs(options.xoffset), std::abs(options.yoffset));
  double const margin = 2 * first + 8 * options.tolerance + Separations * options.separation;
  // Most are told by their declination alone, before anything is projected.
  double const x = 0.5 * (box.x0 + box.x1) / ArcsecPerRadian, y = 0.5 * (box.y0 + box.y1) / ArcsecPerRadian;
  double ra = 0, dec = 0;
  plane.plane_to_sky({&x, 1}, {&y, 1}, {&ra, 1}, {&dec, 1});
  double const radius = 1.1 * (0.5 * std::hypot(box.x1 - box.x0, box.y1 - box.y0) + 2 * margin) / 3600;
  std::vector<ReferenceStar> near;
  std::vector<std::size_t> index;
  for (std::size_t k = 0; k < reference.size(); ++k) {
    if (std::abs(reference[k].dec - dec) > radius) continue;
    near.push_back(reference[k]);
    index.push_back(k);
  }
  auto const all = project(near, plane);
  ProjectedStars projected;
  for (std::size_t k = 0; k < all.positions.size(); ++k) {
    if (!box.contains(all.positions[k], margin)) continue;
    projected.positions.push_back(all.positions[k]);
    projected.index.push_back(index[all.index[k]]);
  }
  return projected;
}

bool has_weights(std::span<ReferenceStar const> stars) {
  return std::any_of(stars.begin(), stars.end(), [](ReferenceStar const& star) { return star.weight != 1; });
}

/// Weights of the pairs: of the list that has any, of both where both have; empty: all alike (spec 30, 1.9).
std::vector<double> pair_weights(std::span<ReferenceStar const> image, std::span<ReferenceStar const> reference,
                                 std::vector<std::pair<std::size_t, std::size_t>> const& pairs) {
  bool const by_image = has_weights(image), by_reference = has_weights(reference);
  std::vector<double> weights;
  if (!by_image && !by_reference) return weights;
  for (auto const& [i, j] : pairs) {
    double const a = image[i].weight, b = reference[j].weight;
    if (by_image && by_reference)
      weights.push_back(a > 0 && b > 0 ? a * b / (a + b) : 0);
    else
      weights.push_back(by_image ? a : b);
  }
  return weights;
}

/// Variances of the pairs; a centre whose error is not stated has one of a fifth of a pixel.
std::vector<double> pair_variances(std::span<ReferenceStar const> image, std::span<ReferenceStar const> reference,
                                   std::vector<std::pair<std::size_t, std::size_t>> const& pairs, double pixel_scale) {
  constexpr double LeastError = 5e-4;  // arcsec: centroids are no better, whatever they say
  auto const variance = [&](double error) {
    double const known = error > 0 && std::isfinite(error) ? std::max(error, LeastError) : 0.2 * pixel_scale;
    return known * known;
  };
  std::vector<double> variances;
  for (auto const& [i, j] : pairs) variances.push_back(variance(image[i].error) + variance(reference[j].error));
  return variances;
}

/// What the scatter of the pairs says of one of them.
TieError tie_error(kernels::PositionFit const& fit, kernels::FitGeometry geometry) {
  int const parameters = geometry == kernels::FitGeometry::Shift    ? 2
                         : geometry == kernels::FitGeometry::Rshift ? 3
                         : geometry == kernels::FitGeometry::Rscale ? 4
                                                                    : 6;
  int const freedom = 2 * fit.count - parameters;
  if (freedom <= 0) return {};
  return {fit.rmse * std::sqrt(static_cast<double>(fit.count) / freedom), freedom};
}

void record_residuals(std::vector<PlanePosition> const& image, std::vector<PlanePosition> const& reference,
                      kernels::PositionFit const& solution, GroupFit& fit) {
  auto const& m = solution.matrix;
  double before = 0;
  for (std::size_t k = 0; k < image.size(); ++k) {
    if (!solution.used[k]) continue;
    double const u = image[k].x, v = image[k].y, x = reference[k].x, y = reference[k].y;
    before += (x - u) * (x - u) + (y - v) * (y - v);
    fit.residuals.push_back({static_cast<float>(x - (m[0][0] * u + m[0][1] * v + solution.shift[0])),
                             static_cast<float>(y - (m[1][0] * u + m[1][1] * v + solution.shift[1]))});
  }
  fit.rms_before = std::sqrt(before / solution.count);
}

/// Why the matches prove nothing, or "".
std::string chance_reason(GroupImages const& images, ProjectedStars const& image, ProjectedStars const& reference,
                          kernels::StarMatch const& match, StageOptions const& options) {
  constexpr double LargestChance = 0.01;
  auto const field = field_of(images);
  auto const inside = std::count_if(reference.positions.begin(), reference.positions.end(),
                                    [&](PlanePosition const& p) { return field.contains(p, 0); });
  auto const chance = measure_chance(image.positions, reference.positions, match.first_shift, field.area(),
                                     static_cast<std::size_t>(inside), options);
  if (chance.probability(static_cast<int>(match.pairs.size())) <= LargestChance) return "";
  return fmt::format("{} matches, and {:.1f} are expected at any shift", match.pairs.size(), chance.expected);
}

}  // namespace

std::vector<ReferenceStar> stars_of(GroupImages const& images) {
  std::vector<ReferenceStar> stars;
  for (auto const* image : images)
    for (auto const& star : image->stars)
      stars.push_back({star.ra, star.dec, star.weight, FitTie::Exact, star.error * image->pixel_scale});
  return stars;
}

MatchedGroup fit_group(GroupImages const& images, std::span<ReferenceStar const> reference, StageOptions const& options,
                       PairWeights by) {
  MatchedGroup result;
  auto& fit = result.fit;
  auto const stars = stars_of(images);
  result.matched.assign(stars.size(), false);
  fit.sources = static_cast<int>(stars.size());
  if (stars.empty()) {
    fit.status = AlignStatus::NoSources;
    return result;
  }
  auto const& plane = images.front()->plane;
  auto const of_image = project(stars, plane);
  auto box = field_of(images);
  for (auto const& p : of_image.positions) box.include(p);
  auto const of_reference = project_near(reference, plane, box, options);
  auto const match = kernels::match_stars(of_image.positions, of_reference.positions,
                                          {options.searchrad, options.separation, options.tolerance, options.use2dhist,
                                           options.xoffset, options.yoffset, images.front()->pixel_scale});
  if (match.confused) {
    fit.status = AlignStatus::Confused;
    fit.reason = fmt::format("more pairs than the {} sources of the group", stars.size());
    return result;
  }

  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  std::vector<PlanePosition> image_points, reference_points;
  for (auto const& [i, j] : match.pairs) {
    auto const at_image = static_cast<std::size_t>(i), at_reference = static_cast<std::size_t>(j);
    pairs.emplace_back(of_image.index[at_image], of_reference.index[at_reference]);
    result.matched[of_image.index[at_image]] = true;
    image_points.push_back(of_image.positions[at_image]);
    reference_points.push_back(of_reference.positions[at_reference]);
  }
  fit.matches = static_cast<int>(pairs.size());
  int const least = std::max(options.minobj, kernels::least_pairs(options.fitgeometry));
  if (fit.matches < least) {
    fit.status = AlignStatus::TooFewMatches;
    fit.reason = fmt::format("{} matches of {} sources, {} needed", fit.matches, stars.size(), least);
    return result;
  }
  fit.reason = chance_reason(images, of_image, of_reference, match, options);
  if (!fit.reason.empty()) {
    fit.status = AlignStatus::Insignificant;
    return result;
  }
  auto weights = pair_weights(stars, reference, pairs);
  auto solution = kernels::fit_positions(image_points, reference_points, weights,
                                         {options.fitgeometry, options.nclip, options.sigma, 0});
  if (solution && by == PairWeights::OfErrors) {
    auto const variances = pair_variances(stars, reference, pairs, images.front()->pixel_scale);
    auto robust = fit_robustly(image_points, reference_points, variances, *solution, options.fitgeometry);
    solution.reset();
    if (robust && robust->fit.count < least) {
      fit.status = AlignStatus::TooFewMatches;
      fit.matches = robust->fit.count;
      fit.reason = fmt::format("{} of {} matches fit together, {} needed", fit.matches, pairs.size(), least);
      return result;
    }
    if (robust) {
      solution = std::move(robust->fit);
      weights = std::move(robust->weights);
    }
  }
  auto const determinant = [](kernels::Matrix2 const& m) { return m[0][0] * m[1][1] - m[0][1] * m[1][0]; };
  if (!solution || !(determinant(solution->matrix) > 0)) {
    fit.status = AlignStatus::Singular;
    fit.reason = solution ? fmt::format("{} matches fit a mirrored image best", fit.matches)
                          : fmt::format("{} matches in one place, on a line, or of no weight", fit.matches);
    return result;
  }
  fit.status = AlignStatus::Success;
  fit.matrix = solution->matrix;
  fit.shift = solution->shift;
  fit.matches = solution->count;
  fit.rmse = solution->rmse;
  fit.mae = solution->mae;
  result.error = tie_error(*solution, options.fitgeometry);
  double total = 0;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (!solution->used[k]) continue;
    result.pairs.push_back(pairs[k]);
    result.pair_weights.push_back(weights.empty() ? 1 : weights[k]);
    total += result.pair_weights.back();
  }
  for (auto& weight : result.pair_weights) weight *= static_cast<double>(result.pairs.size()) / total;
  record_residuals(image_points, reference_points, *solution, fit);
  return result;
}

void move_sky(sky::CorrectionPlane const& plane, model::WcsCorrection const& correction, double& ra, double& dec) {
  double x = 0, y = 0;
  plane.sky_to_plane({&ra, 1}, {&dec, 1}, {&x, 1}, {&y, 1});
  auto const& m = correction.matrix;
  double const moved_x = m[0][0] * x + m[0][1] * y + correction.shift[0];
  double const moved_y = m[1][0] * x + m[1][1] * y + correction.shift[1];
  plane.plane_to_sky({&moved_x, 1}, {&moved_y, 1}, {&ra, 1}, {&dec, 1});
}

}  // namespace tessera::exchange
