// The compact sources of a scene.
#include <algorithm>
#include <cmath>

#include "tessera/simulate/random.hpp"
#include "tessera/simulate/scene.hpp"

namespace tessera::simulate {
namespace {

constexpr double CellSide = 60;  ///< arcsec: field stars and far galaxies are drawn by cells of a square arcmin

/// Luminosities N(> f) ~ f^-0.9 between the limits.
double draw_flux(double deviate, double faintest, double brightest) {
  constexpr double Power = -0.9;
  double const low = std::pow(faintest, Power), high = std::pow(brightest, Power);
  return std::pow(low + deviate * (high - low), 1 / Power);
}

/// Count with the mean: its whole part, and one more with the probability of the rest.
std::int64_t draw_count(double mean, double deviate) { return static_cast<std::int64_t>(std::floor(mean + deviate)); }

/// Two kinds of stars: hot photospheres, and red giants that keep up in the mid infrared.
double draw_slope(double deviate) { return deviate < 0.7 ? -2.0 : -0.6; }

}  // namespace

double Source::flux_at(double wavelength) const { return flux * std::pow(wavelength / 2, slope); }

void Scene::place_members() {
  Random const random(key_);
  for (int k = 0; k < settings_.member_stars; ++k) {
    auto const index = static_cast<std::uint64_t>(k);
    auto const u = random.uniforms(Stream::MemberStars, index), v = random.uniforms(Stream::MemberStars, index, 1);
    Source star;
    star.kind = Source::Kind::MemberStar;
    star.at = place_in_disc(u[0], u[1], u[2], 0.3);
    star.flux = draw_flux(u[3], settings_.faintest_star, settings_.brightest_star / 5);
    star.slope = draw_slope(v[0]);
    members_.push_back(star);
  }
  for (int k = 0; k < settings_.clusters; ++k) {
    auto const index = static_cast<std::uint64_t>(k);
    auto const u = random.uniforms(Stream::Clusters, index), v = random.uniforms(Stream::Clusters, index, 1);
    Source cluster;
    cluster.kind = Source::Kind::Cluster;
    cluster.at = place_in_disc(u[0], u[1], u[2], 0.8);
    cluster.flux = draw_flux(u[3], 3 * settings_.faintest_star, settings_.brightest_star);
    cluster.slope = 0.5 * v[0];
    cluster.size = 0.05 + 0.2 * v[1];
    members_.push_back(cluster);
  }
  std::stable_sort(members_.begin(), members_.end(),
                   [](Source const& a, Source const& b) { return a.at.north < b.at.north; });
}

void Scene::place_listed_stars(config::SimulatedTarget const& target, config::ListedStarSettings const& settings) {
  Random const random(key_);
  for (model::SkyPoint const& sky : read_star_list(target)) {
    Source star;
    star.kind = Source::Kind::ListedStar;
    star.at = to_plane(sky);
    star.flux = draw_flux(random.uniform(Stream::ListedStars, listed_.size()), settings.faintest, settings.brightest);
    star.slope = settings.slope;
    listed_.push_back(star);
  }
}

void Scene::add_cell(std::int64_t column, std::int64_t row, PlaneBox const& box, std::vector<Source>& found) const {
  Random const random(key_);
  auto const cell = static_cast<std::uint64_t>((row + 0x40000000) << 32 | ((column + 0x40000000) & 0xffffffff));
  auto const counts = random.uniforms(Stream::FieldStars, cell);
  std::int64_t const stars = draw_count(settings_.field_stars, counts[0]),
                     galaxies = draw_count(settings_.galaxies, counts[1]);
  for (std::int64_t k = 0; k < stars + galaxies; ++k) {
    Stream const stream = k < stars ? Stream::FieldStars : Stream::Galaxies;
    auto const sub = static_cast<std::uint32_t>(2 * k + 1);
    auto const u = random.uniforms(stream, cell, sub), v = random.uniforms(stream, cell, sub + 1);
    Source source;
    source.at = {CellSide * (static_cast<double>(column) + u[0]), CellSide * (static_cast<double>(row) + u[1])};
    if (source.at.east < box.east_low || source.at.east >= box.east_high || source.at.north < box.north_low ||
        source.at.north >= box.north_high)
      continue;
    if (k < stars) {
      source.flux = draw_flux(u[2], settings_.faintest_star, settings_.brightest_star);
      source.slope = draw_slope(u[3]);
    } else {
      source.kind = Source::Kind::Galaxy;
      source.flux = draw_flux(u[2], settings_.faintest_star, settings_.brightest_star / 10);
      source.slope = 0.8 * u[3] - 0.2;
      source.size = 0.1 + 0.5 * v[0] * v[0];
      source.axis_ratio = 0.3 + 0.7 * v[1];
      source.angle = 180 * v[2];
    }
    found.push_back(source);
  }
}

std::vector<Source> Scene::sources_in(PlaneBox const& box) const {
  std::vector<Source> found;
  auto const first = std::lower_bound(members_.begin(), members_.end(), box.north_low,
                                      [](Source const& s, double north) { return s.at.north < north; });
  for (auto member = first; member != members_.end() && member->at.north < box.north_high; ++member)
    if (member->at.east >= box.east_low && member->at.east < box.east_high) found.push_back(*member);
  for (Source const& star : listed_)
    if (star.at.east >= box.east_low && star.at.east < box.east_high && star.at.north >= box.north_low &&
        star.at.north < box.north_high)
      found.push_back(star);
  auto const to_cell = [](double value) { return static_cast<std::int64_t>(std::floor(value / CellSide)); };
  for (auto row = to_cell(box.north_low); row <= to_cell(box.north_high); ++row)
    for (auto column = to_cell(box.east_low); column <= to_cell(box.east_high); ++column)
      add_cell(column, row, box, found);
  return found;
}

}  // namespace tessera::simulate
