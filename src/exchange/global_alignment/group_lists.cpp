#include "group_lists.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "../level_graph/image_groups.hpp"

namespace tessera::exchange {

namespace {

constexpr double DatumMargin = 60;     // arcsec beyond the images that is kept of the datum
constexpr double LeastDensity = 1e-6;  // arcsec^-2: one source in a field of a quarter of a degree
constexpr double LargestMerge = 0.1;   // arcsec: sightings of one star in the images of one group

double brightness_of(model::Star const& star) {
  return std::isfinite(star.flux) && star.flux > 0 ? std::log10(star.flux) : std::numeric_limits<double>::quiet_NaN();
}

/// Finite stars of a list without exact duplicates (the brighter stays), in the order of dec and ra.
std::vector<Sighting> read_stars(std::span<model::Star const> stars, double pixel_scale, double known_error) {
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < stars.size(); ++k) {
    auto const& star = stars[k];
    if (std::isfinite(star.ra) && std::isfinite(star.dec) && std::abs(star.dec) <= 90 && star.weight > 0)
      order.push_back(k);
  }
  auto const key = [&](std::size_t k) {
    return std::tuple(stars[k].dec, stars[k].ra, std::isfinite(stars[k].flux) ? -stars[k].flux : 0.0);
  };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  std::vector<Sighting> list;
  for (std::size_t k = 0; k < order.size(); ++k) {
    auto const& star = stars[order[k]];
    if (k > 0 && star.ra == stars[order[k - 1]].ra && star.dec == stars[order[k - 1]].dec) continue;
    Sighting sighting;
    sighting.direction = sky::to_vector(star.ra, star.dec);
    double const error = star.error * pixel_scale;
    sighting.error = known_error > 0 ? known_error : (std::isfinite(error) && error > 0 ? error : 0);
    sighting.weight = std::isfinite(star.weight) ? star.weight : 1;
    sighting.brightness = brightness_of(star);
    list.push_back(sighting);
  }
  return list;
}

void set_faintness(std::vector<Sighting>& list) {
  std::vector<double> known;
  for (auto const& s : list)
    if (!std::isnan(s.brightness)) known.push_back(s.brightness);
  if (known.empty()) return;
  auto const faint = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 5);
  std::nth_element(known.begin(), faint, known.end());
  for (auto& s : list)
    if (!std::isnan(s.brightness)) s.faintness = std::clamp(std::pow(10, *faint - s.brightness), 0.05, 3.0);
}

std::vector<PlanePosition> positions(std::span<Sighting const> sightings, sky::TangentAxes const& axes) {
  std::vector<PlanePosition> plane;
  plane.reserve(sightings.size());
  for (auto const& s : sightings) plane.push_back(to_plane(axes, s.direction));
  return plane;
}

/// Those without another of the list within `separation`.
std::vector<Sighting> leave_out_close_ones(std::vector<Sighting> list, sky::TangentAxes const& axes,
                                           double separation) {
  auto const plane = positions(list, axes);
  PlaneGrid const grid(plane, separation);
  std::vector<Sighting> kept;
  for (std::size_t k = 0; k < list.size(); ++k)
    if (grid.count_near(plane[k], separation) == 1) kept.push_back(list[k]);
  return kept;
}

ImageShape shape_of(AlignImage const& image, std::span<Sighting const> stars) {
  ImageShape shape;
  std::vector<sky::Vector3> outline;
  for (auto const& corner : image.corners)
    if (std::isfinite(corner.ra) && std::isfinite(corner.dec)) outline.push_back(sky::to_vector(corner));
  if (outline.size() >= 3) shape.corners = outline;
  if (shape.corners.empty())
    for (auto const& star : stars) outline.push_back(star.direction);
  if (outline.empty()) {
    shape.radius = -1;
    return shape;
  }
  sky::Vector3 sum;
  for (auto const& v : outline) sum = sum + v;
  shape.centre = (1 / sky::length(sum)) * sum;
  for (auto const& v : outline)
    shape.radius = std::max(shape.radius, sky::separation(shape.centre, v) * ArcsecPerRadian);
  auto const axes = axes_at(shape.centre);
  for (std::size_t k = 0; k < shape.corners.size(); ++k) {
    auto const a = to_plane(axes, shape.corners[k]), b = to_plane(axes, shape.corners[(k + 1) % shape.corners.size()]);
    shape.area += 0.5 * (a.x * b.y - a.y * b.x);
  }
  shape.area = shape.corners.empty() ? std::max(1.0, 3.141592653589793 * shape.radius * shape.radius)
                                     : std::max(1.0, std::abs(shape.area));
  return shape;
}

double distance_to_edge(PlanePosition at, PlanePosition a, PlanePosition b) {
  double const dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
  double const along = length2 > 0 ? std::clamp(((at.x - a.x) * dx + (at.y - a.y) * dy) / length2, 0.0, 1.0) : 0.0;
  return std::sqrt(distance2(at, {a.x + along * dx, a.y + along * dy}));
}

void read_datum(GroupLists& lists, std::span<model::Star const> datum, double datum_error,
                GlobalAlignmentOptions const& options) {
  auto stars = read_stars(datum, 0, datum_error);
  // Of a catalogue of half the sky only what images can see is looked at.
  std::vector<Sighting> near;
  for (auto const& star : stars)
    if (std::any_of(lists.shapes.begin(), lists.shapes.end(), [&](ImageShape const& shape) {
          return shape.radius >= 0 && sky::dot(shape.centre, star.direction) >=
                                          std::cos((shape.radius + DatumMargin + options.searchrad) / ArcsecPerRadian);
        }))
      near.push_back(star);
  lists.is_datum_near = !near.empty();
  if (near.empty()) return;
  sky::Vector3 sum;
  for (auto const& star : near) sum = sum + star.direction;
  lists.datum.axes = axes_at(sum);
  std::erase_if(near, [&](Sighting const& s) { return sky::dot(s.direction, lists.datum.axes.centre) < LeastTowards; });
  lists.datum.sources = static_cast<int>(datum.size());
  lists.datum.sightings = leave_out_close_ones(std::move(near), lists.datum.axes, options.separation);
  for (auto const& s : lists.datum.sightings) lists.datum.stars.push_back({s.direction, s.brightness});
  double seen = 0, area = 0;
  for (auto const& shape : lists.shapes) {
    if (shape.radius < 0) continue;
    area += shape.area;
    auto const axes = axes_at(shape.centre);
    ShapeInPlane const outline(shape, axes, 0);
    double const reach = std::cos(shape.radius / ArcsecPerRadian);
    for (auto const& star : lists.datum.stars)
      seen += sky::dot(shape.centre, star.direction) >= reach && outline.contains(to_plane(axes, star.direction));
  }
  lists.datum.density = std::max(1.0, seen) / std::max(1.0, area);
}

}  // namespace

void GroupList::merge_sightings(double radius) {
  auto const plane = positions(sightings, axes);
  std::vector<int> owners;
  for (auto const& s : sightings) owners.push_back(s.image);
  stars.clear();
  for (auto const& chain : link_points(plane, owners, radius)) {
    sky::Vector3 sum;
    double brightness = 0;
    for (int const k : chain) {
      sum = sum + sightings[static_cast<std::size_t>(k)].direction;
      brightness += sightings[static_cast<std::size_t>(k)].brightness;
    }
    stars.push_back({(1 / sky::length(sum)) * sum, brightness / static_cast<double>(chain.size())});
  }
}

std::vector<std::vector<int>> link_points(std::span<PlanePosition const> points, std::span<int const> owners,
                                          double radius) {
  PlaneGrid const grid(points, radius);
  ImageGroups sets(static_cast<int>(points.size()));
  for (std::size_t k = 0; k < points.size(); ++k)
    grid.visit_near(points[k], radius, [&](int other, double) {
      if (other < static_cast<int>(k)) sets.join(static_cast<int>(k), other);
    });
  std::vector<int> number(points.size(), -1);
  std::vector<std::vector<int>> chains;
  for (int k = 0; k < static_cast<int>(points.size()); ++k) {
    auto const root = static_cast<std::size_t>(sets.find(k));
    if (number[root] < 0) {
      number[root] = static_cast<int>(chains.size());
      chains.emplace_back();
    }
    chains[static_cast<std::size_t>(number[root])].push_back(k);
  }
  std::erase_if(chains, [&](std::vector<int> const& chain) {
    std::vector<int> seen;
    for (int const k : chain) seen.push_back(owners[static_cast<std::size_t>(k)]);
    std::sort(seen.begin(), seen.end());
    return std::adjacent_find(seen.begin(), seen.end()) != seen.end();
  });
  return chains;
}

GroupLists make_group_lists(SortedImages const& images, std::span<model::Star const> datum, double datum_error,
                            GlobalAlignmentOptions const& options) {
  GroupLists lists;
  for (int number = 0; number < static_cast<int>(images.size()); ++number) {
    auto const& image = *images[static_cast<std::size_t>(number)];
    if (lists.groups.empty() ||
        images[static_cast<std::size_t>(lists.groups.back().first_image)]->group != image.group) {
      lists.groups.emplace_back();
      lists.groups.back().first_image = number;
    }
    auto& group = lists.groups.back();
    group.images.push_back(number);
    lists.group_of.push_back(static_cast<int>(lists.groups.size()) - 1);
    group.sources += static_cast<int>(image.stars.size());
    auto stars = read_stars(image.stars, image.pixel_scale, 0);
    set_faintness(stars);
    lists.shapes.push_back(shape_of(image, stars));
    auto const& shape = lists.shapes.back();
    if (shape.radius < 0 || !std::isfinite(image.plane.tangent.ra + image.plane.tangent.dec)) continue;
    auto const axes = sky::tangent_axes(image.plane.tangent);
    std::erase_if(stars, [&](Sighting const& s) { return sky::dot(s.direction, axes.centre) < LeastTowards; });
    auto const kept = leave_out_close_ones(std::move(stars), axes, options.separation);
    for (auto sighting : kept) {
      sighting.image = number;
      sighting.group = lists.group_of.back();
      group.sightings.push_back(sighting);
    }
    group.density += static_cast<double>(kept.size()) / shape.area;
  }
  for (auto& group : lists.groups) {
    group.density = std::max(group.density / static_cast<double>(group.images.size()), LeastDensity);
    group.axes = sky::tangent_axes(images[static_cast<std::size_t>(group.first_image)]->plane.tangent);
    std::erase_if(group.sightings,
                  [&](Sighting const& s) { return !(sky::dot(s.direction, group.axes.centre) >= LeastTowards); });
  }
  leave_out_slipped_images(lists, options);
  for (auto& group : lists.groups) group.merge_sightings(std::min(LargestMerge, options.separation / 4));
  if (!datum.empty()) read_datum(lists, datum, datum_error, options);
  return lists;
}

bool are_near(ImageShape const& a, ImageShape const& b, double margin) {
  if (a.radius < 0 || b.radius < 0) return false;
  return sky::separation(a.centre, b.centre) * ArcsecPerRadian <= a.radius + b.radius + margin;
}

ShapeInPlane::ShapeInPlane(ImageShape const& shape, sky::TangentAxes const& axes, double margin)
    : centre_(to_plane(axes, shape.centre)), radius_(shape.radius), margin_(margin) {
  for (auto const& corner : shape.corners) corners_.push_back(to_plane(axes, corner));
}

bool ShapeInPlane::contains(PlanePosition at) const {
  double const reach = radius_ + margin_;
  if (radius_ < 0 || distance2(at, centre_) > reach * reach) return false;
  if (corners_.empty()) return true;
  bool is_inside = false;
  for (std::size_t k = 0, before = corners_.size() - 1; k < corners_.size(); before = k++) {
    auto const &a = corners_[before], &b = corners_[k];
    if ((a.y > at.y) != (b.y > at.y) && at.x < a.x + (at.y - a.y) / (b.y - a.y) * (b.x - a.x)) is_inside = !is_inside;
    if (distance_to_edge(at, a, b) <= margin_) return true;
  }
  return is_inside;
}

}  // namespace tessera::exchange
