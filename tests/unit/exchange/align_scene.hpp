// Images of a field of stars with known errors of pointing and roll, as lists of stars.
#pragma once
#include <array>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::test {

/// Stars of a field of 0.06 degrees; images of 30 arcsec.
class AlignScene {
 public:
  /// `noise` of the star positions in the images, arcsec along one axis.
  AlignScene(unsigned seed, std::size_t count, double noise = 0, model::SkyPoint centre = {150.1, 2.2})
      : random_(seed), noise_(0, noise > 0 ? noise : 1), has_noise_(noise > 0), centre_(centre) {
    std::uniform_real_distribution<double> place(-0.03, 0.03);
    for (std::size_t k = 0; k < count; ++k) {
      auto& star = catalogue_.emplace_back();
      star.ra = centre.ra + place(random_) / std::cos(centre.dec * sky::RadiansPerDegree);
      star.dec = centre.dec + place(random_);
    }
  }

  /// `detectors` images side by side at `offset` degrees from the centre. What the WCS says of a star is where it is,
  /// turned about the middle by `roll` degrees and then shifted by `error` arcsec.
  void add_group(std::string const& name, std::array<double, 2> offset, std::array<double, 2> error, double roll,
                 int detectors = 1) {
    double const c = std::cos(roll * sky::RadiansPerDegree), s = std::sin(roll * sky::RadiansPerDegree);
    model::SkyPoint const at{centre_.ra + offset[0], centre_.dec + offset[1]};
    for (int detector = 0; detector < detectors; ++detector) {
      exchange::AlignImage image;
      image.name = name + std::to_string(detector);
      image.group = name;
      image.plane = {at, 86, -493, 25};
      image.pixel_scale = 0.063;
      double const left = 33 * detector - 15.0;  // arcsec
      auto const add = [&](double x, double y) {
        model::SkyPoint sky;
        double const u = (c * x + s * y + error[0]) * Arcsec, v = (-s * x + c * y + error[1]) * Arcsec;
        image.plane.plane_to_sky({&u, 1}, {&v, 1}, {&sky.ra, 1}, {&sky.dec, 1});
        return sky;
      };
      auto& truth = truth_.emplace_back();
      for (auto const& star : catalogue_) {
        double x = 0, y = 0;
        image.plane.sky_to_plane({&star.ra, 1}, {&star.dec, 1}, {&x, 1}, {&y, 1});
        x /= Arcsec;
        y /= Arcsec;
        if (!(x > left && x < left + 30 && y > -15 && y < 15)) continue;
        double const nx = has_noise_ ? noise_(random_) : 0, ny = has_noise_ ? noise_(random_) : 0;
        auto const sky = add(x + nx, y + ny);
        auto& seen = image.stars.emplace_back();
        seen.ra = sky.ra;
        seen.dec = sky.dec;
        truth.push_back({star.ra, star.dec});
      }
      for (auto const& [x, y] : {std::pair{left, -15.0}, {left, 15.0}, {left + 30, 15.0}, {left + 30, -15.0}})
        image.corners.push_back(add(x, y));
      images_.push_back(std::move(image));
    }
  }

  std::vector<exchange::AlignImage> const& images() const { return images_; }
  std::vector<model::Star> const& catalogue() const { return catalogue_; }

  /// Arcsec by which the image's stars are off in the mean, east and north. The image is one of images(), perhaps
  /// moved.
  std::array<double, 2> mean_error(exchange::AlignImage const& image) const {
    std::array<double, 2> mean{0, 0};
    auto const all = errors(image);
    for (auto const& error : all)
      for (std::size_t axis = 0; axis < 2; ++axis) mean[axis] += error[axis] / static_cast<double>(all.size());
    return mean;
  }
  double largest_error(exchange::AlignImage const& image) const {
    double largest = 0;
    for (auto const& error : errors(image)) largest = std::max(largest, std::hypot(error[0], error[1]));
    return largest;
  }

 private:
  static constexpr double Arcsec = sky::RadiansPerDegree / 3600;

  std::vector<std::array<double, 2>> errors(exchange::AlignImage const& image) const {
    std::vector<std::array<double, 2>> all;
    for (std::size_t k = 0; k < images_.size(); ++k) {
      if (images_[k].name != image.name) continue;
      for (std::size_t j = 0; j < image.stars.size(); ++j) {
        auto const& truth = truth_[k].at(j);
        all.push_back({(image.stars[j].ra - truth.ra) * 3600 * std::cos(truth.dec * sky::RadiansPerDegree),
                       (image.stars[j].dec - truth.dec) * 3600});
      }
    }
    return all;
  }

  std::mt19937 random_;
  std::normal_distribution<double> noise_;
  bool has_noise_;
  model::SkyPoint centre_;
  std::vector<model::Star> catalogue_;
  std::vector<exchange::AlignImage> images_;
  std::vector<model::SkyPolygon> truth_;  ///< [image][star]
};

}  // namespace tessera::test
