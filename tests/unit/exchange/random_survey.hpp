// Surveys made of lists of stars alone, no pixels: what global_alignment_test aligns, and the truth.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "tessera/exchange/alignment.hpp"

namespace tessera::exchange::test_survey {

enum class Camera { Short, Long, Miri };

struct SurveyOptions {
  Camera camera = Camera::Long;
  int columns = 2, rows = 2;  ///< visits
  int dithers = 4;
  double stars_per_frame = 200;    ///< detected a detector
  double overlap = 0.1;            ///< of a visit with the next
  double shift_rms = 0.1;          ///< arcsec along an axis, of a visit
  double far_share = 0.15;         ///< of visits that are up to an arcsec off
  double roll_rms = 0.01;          ///< degrees
  double spurious = 0.3;           ///< of a list: not real
  double missing = 0.1;            ///< of the stars: not found
  double outliers = 0.03;          ///< of the centroids: ten times worse than stated
  bool has_errors = true;          ///< stated errors of centroids
  double error_factor = 1;         ///< true over stated error
  bool group_by_exposure = false;  ///< else by visit
  bool has_datum = false;
  double datum_share = 0.3;    ///< of the stars, the brightest
  double datum_error = 0.005;  ///< arcsec along an axis
  double detector_offset = 0;  ///< arcsec rms along an axis
};

/// What corrects a group, in the plane of its first image: p' = R(roll) p + shift.
struct TrueMove {
  double x = 0, y = 0, roll = 0;  ///< arcsec, arcsec, radians
};

struct RandomSurvey {
  std::vector<AlignImage> images;
  std::vector<model::Star> datum;
  std::vector<std::string> groups;  ///< in the order of their first image
  std::vector<TrueMove> truth;      ///< [group]
  std::vector<sky::CorrectionPlane> planes;
  std::vector<std::array<double, 2>> offsets;  ///< [detector], arcsec, sum zero
};

inline constexpr double Arcsec = 3600 * 180 / std::numbers::pi;

class SurveyMaker {
 public:
  SurveyMaker(SurveyOptions const& options, std::uint64_t seed) : options_(options), random_(seed) {}

  RandomSurvey make() {
    set_camera();
    centre_ = {uniform(0, 360), uniform(-70, 70)};
    angle_ = uniform(0, 2 * std::numbers::pi);
    double const dither = 0.06 * std::min(width_, height_);
    double const step_x = visit_width() * (1 - options_.overlap), step_y = visit_height() * (1 - options_.overlap);
    scatter_stars(options_.columns * step_x + 2 * visit_width(), options_.rows * step_y + 2 * visit_height());
    if (options_.has_datum) list_datum();
    draw_offsets();
    for (int visit = 0; visit < options_.columns * options_.rows; ++visit) {
      bool const is_far = uniform(0, 1) < options_.far_share;
      double const size = is_far ? uniform(0.3, 1.0) / std::numbers::sqrt2 : 0, direction = uniform(0, 6.2832);
      TrueMove move{options_.shift_rms * normal() + size * std::cos(direction),
                    options_.shift_rms * normal() + size * std::sin(direction),
                    options_.roll_rms * normal() * std::numbers::pi / 180};
      depth_ = std::pow(10, uniform(0, 0.3));
      double const x = (visit % options_.columns - 0.5 * (options_.columns - 1)) * step_x;
      double const y = (visit / options_.columns - 0.5 * (options_.rows - 1)) * step_y;
      std::array<std::array<double, 2>, 4> const pattern{{{0, 0}, {1, 0.4}, {0.5, 1.1}, {-0.4, 0.7}}};
      for (int exposure = 0; exposure < options_.dithers; ++exposure) {
        auto const& shift = pattern[static_cast<std::size_t>(exposure) % 4];
        std::string const name = "jw001" + two(visit) + "_" + two(exposure);
        std::string const group = options_.group_by_exposure ? name : "jw001" + two(visit);
        bool const is_new = survey_.groups.empty() || survey_.groups.back() != group;
        for (std::size_t d = 0; d < detectors_.size(); ++d) {
          auto const tangent =
              on_sky({x + shift[0] * dither + detectors_[d][0], y + shift[1] * dither + detectors_[d][1]});
          AlignImage image;
          image.name = name + "_det" + std::to_string(d);
          image.group = group;
          image.visit = "jw001" + two(visit);
          image.detector = "DET" + std::to_string(d);
          image.plane.tangent = {tangent[0], tangent[1]};
          image.plane.v2_ref = 100 * static_cast<double>(d);
          image.plane.roll_ref = 0;
          image.pixel_scale = pixel_;
          if (is_new && d == 0) {
            survey_.groups.push_back(group);
            survey_.planes.push_back(image.plane);
            if (options_.group_by_exposure) {
              move.x += 0.003 * normal();  // dithers are good to some mas
              move.y += 0.003 * normal();
            }
            survey_.truth.push_back(move);
          }
          see(image, survey_.planes.back(), survey_.truth.back(), survey_.offsets[d]);
          survey_.images.push_back(std::move(image));
        }
      }
    }
    return std::move(survey_);
  }

 private:
  struct TrueStar {
    double ra = 0, dec = 0, flux = 0;
  };

  double uniform(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random_); }
  double normal() { return std::normal_distribution<double>()(random_); }
  static std::string two(int number) { return (number < 10 ? "0" : "") + std::to_string(number); }

  void set_camera() {
    switch (options_.camera) {
      case Camera::Short:
        width_ = height_ = 64;
        pixel_ = 0.031;
        for (double const x : {-34.5, 34.5})
          for (double const y : {-34.5, 34.5}) detectors_.push_back({x, y});
        break;
      case Camera::Long:
        width_ = height_ = 129;
        pixel_ = 0.063;
        detectors_.push_back({0, 0});
        break;
      case Camera::Miri:
        width_ = 74;
        height_ = 113;
        pixel_ = 0.11;
        detectors_.push_back({0, 0});
        break;
    }
  }
  void draw_offsets() {
    std::array<double, 2> mean{0, 0};
    for (std::size_t d = 0; d < detectors_.size(); ++d) {
      survey_.offsets.push_back({options_.detector_offset * normal(), options_.detector_offset * normal()});
      for (std::size_t axis = 0; axis < 2; ++axis)
        mean[axis] += survey_.offsets[d][axis] / static_cast<double>(detectors_.size());
    }
    for (auto& offset : survey_.offsets) offset = {offset[0] - mean[0], offset[1] - mean[1]};
  }
  double visit_width() const { return detectors_.size() > 1 ? 133 : width_; }
  double visit_height() const { return detectors_.size() > 1 ? 133 : height_; }

  /// Position of the survey's frame (arcsec, turned against north) in ra and dec.
  std::array<double, 2> on_sky(std::array<double, 2> at) const {
    sky::CorrectionPlane const plane{{centre_[0], centre_[1]}};
    std::array<double, 2> sky{};
    double const x = (std::cos(angle_) * at[0] - std::sin(angle_) * at[1]) / Arcsec;
    double const y = (std::sin(angle_) * at[0] + std::cos(angle_) * at[1]) / Arcsec;
    plane.plane_to_sky({&x, 1}, {&y, 1}, {&sky[0], 1}, {&sky[1], 1});
    return sky;
  }

  void scatter_stars(double width, double height) {
    // A list has as many real stars as it should after losses; N(> flux) goes as 1 / flux, so depth matters.
    double const density = options_.stars_per_frame * (1 - options_.spurious) / (1 - options_.missing) /
                           (width_ * height_) * std::pow(10, 0.15);
    auto const count = static_cast<int>(density * width * height);
    for (int k = 0; k < count; ++k) {
      auto const at = on_sky({uniform(-0.5, 0.5) * width, uniform(-0.5, 0.5) * height});
      stars_.push_back({at[0], at[1], 1 / uniform(0.001, 1)});
    }
    // What is nearer than a beam is one star, at the centre of light, for all.
    std::sort(stars_.begin(), stars_.end(), [](auto const& a, auto const& b) { return a.dec < b.dec; });
    double const beam = 2 * pixel_ / 3600;
    std::vector<bool> is_gone(stars_.size(), false);
    for (std::size_t a = 0; a < stars_.size(); ++a)
      for (std::size_t b = a + 1; b < stars_.size() && stars_[b].dec - stars_[a].dec < beam; ++b) {
        double const x = (stars_[b].ra - stars_[a].ra) * std::cos(stars_[a].dec * std::numbers::pi / 180);
        if (is_gone[b] || is_gone[a] || std::abs(x) > beam) continue;
        double const share = stars_[b].flux / (stars_[a].flux + stars_[b].flux);
        stars_[a].ra += share * (stars_[b].ra - stars_[a].ra);
        stars_[a].dec += share * (stars_[b].dec - stars_[a].dec);
        stars_[a].flux += stars_[b].flux;
        is_gone[b] = true;
      }
    std::vector<TrueStar> kept;
    for (std::size_t k = 0; k < stars_.size(); ++k)
      if (!is_gone[k]) kept.push_back(stars_[k]);
    stars_ = std::move(kept);
  }

  void list_datum() {
    std::vector<double> fluxes;
    for (auto const& star : stars_) fluxes.push_back(star.flux);
    std::sort(fluxes.begin(), fluxes.end());
    double const faintest =
        fluxes.empty()
            ? 0
            : fluxes[static_cast<std::size_t>((1 - options_.datum_share) * static_cast<double>(fluxes.size() - 1))];
    for (auto const& star : stars_) {
      if (star.flux < faintest) continue;
      model::Star entry;
      bool const is_real = uniform(0, 1) > 0.2;  // others moved away, or are no stars
      double const error = (is_real ? options_.datum_error : 3.0) / 3600;
      entry.ra = star.ra + error * normal() / std::cos(star.dec * std::numbers::pi / 180);
      entry.dec = star.dec + error * normal();
      survey_.datum.push_back(entry);
    }
  }

  /// Lists what the image sees: true positions, moved as its WCS is wrong, with errors.
  void see(AlignImage& image, sky::CorrectionPlane const& group_plane, TrueMove const& move,
           std::array<double, 2> const& offset) {
    auto const to_image = [&](double ra, double dec) {
      double x = 0, y = 0;
      image.plane.sky_to_plane({&ra, 1}, {&dec, 1}, {&x, 1}, {&y, 1});
      return std::array{x * Arcsec, y * Arcsec};
    };
    double const c = std::cos(angle_), s = std::sin(angle_), half_x = width_ / 2, half_y = height_ / 2;
    for (auto const& corner : {std::array{-half_x, -half_y}, std::array{-half_x, half_y}, std::array{half_x, half_y},
                               std::array{half_x, -half_y}}) {
      double const x = (c * corner[0] - s * corner[1]) / Arcsec, y = (s * corner[0] + c * corner[1]) / Arcsec;
      model::SkyPoint sky;
      image.plane.plane_to_sky({&x, 1}, {&y, 1}, {&sky.ra, 1}, {&sky.dec, 1});
      image.corners.push_back(sky);
    }
    std::size_t real = 0;
    double const reach = (width_ + height_) / 3600;
    for (auto star = std::lower_bound(stars_.begin(), stars_.end(), image.plane.tangent.dec - reach,
                                      [](TrueStar const&t, double dec) { return t.dec < dec; });
         star != stars_.end() && star->dec < image.plane.tangent.dec + reach; ++star) {
      if (1 / star->flux > 1 / depth_) continue;
      double x = 0, y = 0, ra = 0, dec = 0;
      group_plane.sky_to_plane({&star->ra, 1}, {&star->dec, 1}, {&x, 1}, {&y, 1});
      double const u = x * Arcsec - move.x - offset[0], v = y * Arcsec - move.y - offset[1];
      x = (std::cos(move.roll) * u + std::sin(move.roll) * v) / Arcsec;
      y = (-std::sin(move.roll) * u + std::cos(move.roll) * v) / Arcsec;
      group_plane.plane_to_sky({&x, 1}, {&y, 1}, {&ra, 1}, {&dec, 1});
      auto const p = to_image(ra, dec);
      if (std::abs(c * p[0] + s * p[1]) > half_x || std::abs(-s * p[0] + c * p[1]) > half_y) continue;
      if (uniform(0, 1) < options_.missing) continue;
      double const snr = 10 * star->flux / depth_;
      double const stated = std::hypot(0.01, 1 / snr);  // pixels
      bool const is_bad = uniform(0, 1) < options_.outliers;
      add(image, ra, dec, star->flux * std::exp(0.05 * normal()), stated,
          stated * options_.error_factor * (is_bad ? 10 : 1));
      ++real;
    }
    auto const spurious =
        static_cast<int>(options_.spurious / (1 - options_.spurious) * static_cast<double>(real) + uniform(0, 1));
    for (int k = 0; k < spurious; ++k) {
      double const a = uniform(-half_x, half_x), b = uniform(-half_y, half_y);
      double const x = (c * a - s * b) / Arcsec, y = (s * a + c * b) / Arcsec;
      double ra = 0, dec = 0;
      image.plane.plane_to_sky({&x, 1}, {&y, 1}, {&ra, 1}, {&dec, 1});
      add(image, ra, dec, depth_ / uniform(0.1, 1), 0.1, 0);
    }
    std::shuffle(image.stars.begin(), image.stars.end(), random_);
  }

  void add(AlignImage& image, double ra, double dec, double flux, double stated, double error) {
    model::Star star;
    star.flux = flux;
    star.error = options_.has_errors ? stated : 0;
    star.ra = ra + error * pixel_ / 3600 * normal() / std::cos(dec * std::numbers::pi / 180);
    star.dec = dec + error * pixel_ / 3600 * normal();
    image.stars.push_back(star);
  }

  SurveyOptions options_;
  std::mt19937_64 random_;
  RandomSurvey survey_;
  std::array<double, 2> centre_{};
  double angle_ = 0, width_ = 0, height_ = 0, pixel_ = 0, depth_ = 1;
  std::vector<std::array<double, 2>> detectors_;
  std::vector<TrueStar> stars_;
};

/// One of the surveys that wrong matches are counted in: everything at random.
inline SurveyOptions random_options(std::uint64_t seed) {
  std::mt19937_64 random(seed * 7919 + 17);
  auto const uniform = [&](double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random);
  };
  SurveyOptions options;
  options.camera = static_cast<Camera>(seed % 3);
  options.columns = 1 + static_cast<int>(uniform(0, 4));
  options.rows = options.columns == 1 ? 2 + static_cast<int>(uniform(0, 3)) : 1 + static_cast<int>(uniform(0, 3));
  options.stars_per_frame = std::pow(10, uniform(std::log10(5.0), std::log10(2000.0)));
  options.far_share = uniform(0, 1) < 0.5 ? 0.15 : 0;
  options.has_datum = seed % 2 == 1;
  options.has_errors = uniform(0, 1) < 0.7;
  options.error_factor = uniform(0, 1) < 0.7 ? 1 : 1.5;
  options.group_by_exposure = uniform(0, 1) < 0.25;
  // As much as a unit test may take: fewer dithers, then fewer visits, where lists are long.
  int const detectors = options.camera == Camera::Short ? 4 : 1;
  auto const sources = [&] {
    return options.columns * options.rows * options.dithers * detectors * options.stars_per_frame;
  };
  while (sources() > 15000 && options.dithers > 1) --options.dithers;
  while (sources() > 15000 && options.rows > 1 && options.rows * options.columns > 2) --options.rows;
  return options;
}

}  // namespace tessera::exchange::test_survey
