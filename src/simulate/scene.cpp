#include "tessera/simulate/scene.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/simulate/random.hpp"
#include "tessera/simulate/turbulence.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::simulate {
namespace {

constexpr double Degree = std::numbers::pi / 180;
constexpr double Arcsec = Degree / 3600;
constexpr double PositionAngle = 40 * Degree;  ///< of the disc's major axis
constexpr double CosInclination = 0.82;
constexpr double Pitch = 18 * Degree;  ///< of the spiral arms
constexpr double RegionReach = 4.5;    ///< sigmas after which an HII region has faded to nothing

/// 1 inside `low`, 0 outside `high`, smooth between.
double fade_out(double value, double low, double high) {
  double const t = std::clamp((value - low) / (high - low), 0.0, 1.0);
  return 1 - t * t * t * (t * (t * 6 - 15) + 10);
}

/// Gaussian minus its value at the reach: ends at zero without a step worth seeing.
double faded_gaussian(double distance_squared, double sigma) {
  double const floor = std::exp(-0.5 * RegionReach * RegionReach);
  return std::max(0.0, std::exp(-0.5 * distance_squared / (sigma * sigma)) - floor);
}

}  // namespace

BandMix mix_of(double wavelength, bool narrow) {
  auto const feature = [&](double at, double width, double strength) {
    double const t = (wavelength - at) / width;
    return strength * std::exp(-0.5 * t * t);
  };
  BandMix mix;
  mix.stars = 6 * std::pow(wavelength / 2, -1.2);
  mix.dust =
      0.05 + 0.012 * std::pow(wavelength, 1.9) + feature(3.35, 0.2, 0.8) + feature(7.7, 0.9, 8) + feature(11.3, 0.9, 8);
  mix.ionised = 0.6 + 0.25 * std::pow(wavelength, 1.6) + (narrow ? 25 : 0);
  return mix;
}

Scene::Scene(SimulationSettings const& settings, std::size_t target) : settings_(settings.scene) {
  config::SimulatedTarget const& place = settings.targets.at(target);
  centre_ = {place.ra, place.dec};
  radius_ = place.size / 2;
  key_ = hash_text(place.name, settings.seed);
  noise_seed_ = Random(key_).bits(Stream::Turbulence, 0)[0] >> 8;
  place_members();
  if (!place.star_list.empty()) place_listed_stars(place, settings.listed_stars);
  place_regions();
}

double Scene::arm_strength(double radius, double angle) const {
  double const winding = std::log(std::max(radius, 0.02)) / std::tan(Pitch);
  double const crest = std::cos(2 * (angle - winding));
  // Arms begin outside the bulge.
  return std::exp(3.0 * (crest - 1)) * (1 - fade_out(radius, 0.08, 0.25));
}

PlanePoint Scene::to_plane(model::SkyPoint sky) const {
  PlanePoint at;
  to_plane({&sky.ra, 1}, {&sky.dec, 1}, {&at.east, 1}, {&at.north, 1});
  return at;
}

void Scene::to_plane(std::span<double const> ra, std::span<double const> dec, std::span<double> east,
                     std::span<double> north) const {
  sky::TangentAxes const axes = sky::tangent_axes(centre_);
  for (std::size_t k = 0; k < ra.size(); ++k) {
    sky::Vector3 const v = sky::to_vector(ra[k], dec[k]);
    double const along = dot(v, axes.centre);
    east[k] = dot(v, axes.east) / along / Arcsec;
    north[k] = dot(v, axes.north) / along / Arcsec;
  }
}

model::SkyPoint Scene::to_sky(PlanePoint at) const {
  sky::TangentAxes const axes = sky::tangent_axes(centre_);
  return sky::to_sky(axes.centre + (at.east * Arcsec) * axes.east + (at.north * Arcsec) * axes.north);
}

double Scene::brightness(BandMix const& mix, PlanePoint at) const {
  double const c = std::cos(PositionAngle), s = std::sin(PositionAngle);
  double const major = (at.north * c + at.east * s) / radius_;
  double const minor = (at.east * c - at.north * s) / radius_ / CosInclination;
  double const radius = std::hypot(major, minor);
  double const inside = fade_out(radius, 0.75, 1.0);
  if (inside == 0) return 0;
  double const bulge_radius = std::max(0.03, 2 * SmallestStructure / radius_);
  double const bulge = 4 * std::pow(1 + radius * radius / (bulge_radius * bulge_radius), -1.25);
  // Rounded off at the centre: the disc has no cusp there.
  double const soft = std::sqrt(radius * radius + bulge_radius * bulge_radius);
  double const arms = arm_strength(radius, std::atan2(minor, major));
  double const stars = std::exp(-soft / 0.28) * (0.7 + 0.6 * arms) + bulge * std::exp(-soft / 0.2);
  double const noise = fractal_noise(at.east, at.north, radius_ / 3, 4 * SmallestStructure, 0.65, noise_seed_);
  double const clumps = std::exp(1.8 * noise - 0.4);
  double const dust = std::exp(-soft / 0.4) * (0.35 + 1.6 * arms) * clumps;
  return settings_.brightness * inside * (mix.stars * stars + mix.dust * dust + mix.ionised * ionised(at));
}

double Scene::ionised(PlanePoint at) const {
  double const cell = 2 * radius_ / static_cast<double>(cells_);
  auto const column = static_cast<std::int64_t>(std::floor((at.east + radius_) / cell));
  auto const row = static_cast<std::int64_t>(std::floor((at.north + radius_) / cell));
  if (column < 0 || row < 0 || column >= cells_ || row >= cells_) return 0;
  double sum = 0;
  auto const& near = region_cells_[static_cast<std::size_t>(row * cells_ + column)];
  if (near.empty()) return 0;
  for (std::uint32_t const index : near) {
    IonisedRegion const& region = regions_[index];
    double const e = at.east - region.at.east, n = at.north - region.at.north;
    sum += region.peak * faded_gaussian(e * e + n * n, region.sigma);
  }
  if (sum == 0) return 0;
  // Filaments: ridges of the noise where it changes sign.
  double const ridge =
      gradient_noise(at.east / (6 * SmallestStructure), at.north / (6 * SmallestStructure), noise_seed_ + 77);
  return sum * (0.6 + 0.8 * std::exp(-6 * ridge * ridge));
}

PlanePoint Scene::place_in_disc(double radius_deviate, double angle_deviate, double arm_deviate,
                                double arm_share) const {
  // Exponential disc cut at 0.92: the inverse of 1 - (1 + x) e^-x by bisection.
  double const scale = 0.28, limit = 0.92 / scale;
  auto const mass = [](double x) { return 1 - (1 + x) * std::exp(-x); };
  double low = 0, high = limit;
  for (int step = 0; step < 40; ++step) {
    double const middle = 0.5 * (low + high);
    (mass(middle) < radius_deviate * mass(limit) ? low : high) = middle;
  }
  double const radius = scale * low;
  double angle = 2 * std::numbers::pi * angle_deviate;
  if (arm_deviate < arm_share) {
    // On an arm: near the crest, on one of the two.
    double const winding = std::log(std::max(radius, 0.02)) / std::tan(Pitch);
    double const spread = 0.5 * (angle_deviate * 2 - std::floor(angle_deviate * 2) - 0.5);
    angle = winding + spread + (angle_deviate < 0.5 ? 0 : std::numbers::pi);
  }
  double const major = radius_ * radius * std::cos(angle), minor = radius_ * radius * std::sin(angle) * CosInclination;
  double const c = std::cos(PositionAngle), s = std::sin(PositionAngle);
  return {major * s + minor * c, major * c - minor * s};
}

void Scene::place_regions() {
  Random const random(key_);
  cells_ = std::max<std::int64_t>(1, static_cast<std::int64_t>(radius_ / 5));
  region_cells_.resize(static_cast<std::size_t>(cells_ * cells_));
  double const cell = 2 * radius_ / static_cast<double>(cells_);
  for (int k = 0; k < settings_.ionised_regions; ++k) {
    auto const u = random.uniforms(Stream::IonisedRegions, static_cast<std::uint64_t>(k));
    auto const v = random.uniforms(Stream::IonisedRegions, static_cast<std::uint64_t>(k), 1);
    IonisedRegion region;
    region.at = place_in_disc(u[0], u[1], u[2], 0.85);
    region.sigma = SmallestStructure * (1 + 1.5 * v[0] * v[0]);
    region.peak = std::min(8.0, 0.25 / v[1]);
    regions_.push_back(region);
    double const reach = RegionReach * region.sigma;
    auto const to_cell = [&](double value) {
      return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor((value + radius_) / cell)), 0, cells_ - 1);
    };
    for (auto row = to_cell(region.at.north - reach); row <= to_cell(region.at.north + reach); ++row)
      for (auto column = to_cell(region.at.east - reach); column <= to_cell(region.at.east + reach); ++column)
        region_cells_[static_cast<std::size_t>(row * cells_ + column)].push_back(static_cast<std::uint32_t>(k));
  }
}

double scene_brightness(SimulationSettings const& settings, std::string const& target, std::string const& band,
                        double ra, double dec) {
  std::vector<std::string> names;
  for (std::size_t k = 0; k < settings.targets.size(); ++k) {
    names.push_back(settings.targets[k].name);
    if (names.back() != target) continue;
    Scene const scene(settings, k);
    return scene.brightness(mix_of(make_band(band, settings).wavelength, band.back() == 'N'),
                            scene.to_plane({ra, dec}));
  }
  throw ConfigError(
      {"unknown target", "targets", "a target of the settings", "'" + target + "'", suggest_name(target, names)});
}

}  // namespace tessera::simulate
