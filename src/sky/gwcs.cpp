#include "tessera/sky/gwcs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "newton_inverse.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::sky {

namespace {

/// Two pairs of columns of a block; every step reads one pair and writes the other.
struct StepColumns {
  double values[4][BlockPoints];
  double* current[2] = {values[0], values[1]};
  double* next[2] = {values[2], values[3]};
  void swap() { std::swap_ranges(current, current + 2, next); }
};

double wrap_longitude(double ra) {
  double const wrapped = ra < 0 ? ra + 360 : ra;
  return wrapped >= 360 ? wrapped - 360 : wrapped;
}

}  // namespace

Gwcs::Gwcs(std::string name, std::vector<GwcsStep> steps) : name_(std::move(name)), steps_(std::move(steps)) {
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    auto const& [frame, transform] = steps_[k];
    if (k + 1 == steps_.size()) {
      if (transform)
        throw InputError(
            {"the last frame of a gwcs has a transform", "frame " + frame.name, "none", transform->tag(), {}});
      break;
    }
    if (!transform || transform->input_count() != 2 || transform->output_count() != 2)
      throw InputError({"not an imaging gwcs",
                        "frame " + frame.name,
                        "a transform of 2 inputs and 2 outputs",
                        transform ? std::to_string(transform->input_count()) + " inputs and " +
                                        std::to_string(transform->output_count()) + " outputs"
                                  : "no transform",
                        {}});
    auto inverse = transform->inverse();
    bool const is_plane = inverse && inverse->input_count() == 2 && inverse->output_count() == 2;
    inverses_.push_back(is_plane ? std::move(inverse) : nullptr);
  }
  if (steps_.size() < 2)
    throw InputError({"a gwcs needs two frames or more", name_, "2", std::to_string(steps_.size()), {}});
}

void Gwcs::pixel_to_sky(std::span<double const> x, std::span<double const> y, std::span<double> ra,
                        std::span<double> dec) const {
  evaluate_to(steps_.back().frame.name, x, y, ra, dec);
  for (double& longitude : ra) longitude = wrap_longitude(longitude);
}

void Gwcs::evaluate_to(std::string const& frame, std::span<double const> x, std::span<double const> y,
                       std::span<double> a, std::span<double> b) const {
  TESSERA_EXPECT(x.size() == y.size() && x.size() == a.size() && x.size() == b.size());
  std::size_t const last = frame_index(frame);
  StepColumns columns;
  for (std::size_t start = 0; start < x.size(); start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, x.size() - start);
    std::copy_n(x.data() + start, points, columns.current[0]);
    std::copy_n(y.data() + start, points, columns.current[1]);
    for (std::size_t k = 0; k < last; ++k) {
      steps_[k].transform->evaluate(points, columns.current, columns.next);
      columns.swap();
    }
    std::copy_n(columns.current[0], points, a.data() + start);
    std::copy_n(columns.current[1], points, b.data() + start);
  }
}

void Gwcs::sky_to_pixel(std::span<double const> ra, std::span<double const> dec, std::span<double> x,
                        std::span<double> y) const {
  TESSERA_EXPECT(ra.size() == dec.size() && ra.size() == x.size() && ra.size() == y.size());
  auto const box = bounding_box();
  bool const has_centre = box && std::isfinite(box->x_low + box->x_high + box->y_low + box->y_high);
  double const centre_x = has_centre ? 0.5 * (box->x_low + box->x_high) : 0.0;
  double const centre_y = has_centre ? 0.5 * (box->y_low + box->y_high) : 0.0;
  StepColumns columns;
  for (std::size_t start = 0; start < ra.size(); start += BlockPoints) {
    std::size_t const points = std::min(BlockPoints, ra.size() - start);
    std::copy_n(ra.data() + start, points, columns.current[0]);
    std::copy_n(dec.data() + start, points, columns.current[1]);
    for (std::size_t k = inverses_.size(); k-- > 0;) {
      if (inverses_[k]) {
        inverses_[k]->evaluate(points, columns.current, columns.next);
      } else {
        // Every step but the first changes coordinates little or is solved about the image of the centre of the box.
        double start_x = centre_x, start_y = centre_y;
        evaluate_to(steps_[k].frame.name, {&centre_x, 1}, {&centre_y, 1}, {&start_x, 1}, {&start_y, 1});
        invert_by_newton(*steps_[k].transform, start_x, start_y, k + 1 == inverses_.size(), points, columns.current[0],
                         columns.current[1], columns.next[0], columns.next[1]);
      }
      columns.swap();
    }
    std::copy_n(columns.current[0], points, x.data() + start);
    std::copy_n(columns.current[1], points, y.data() + start);
  }
}

std::optional<BoundingBox> Gwcs::bounding_box() const {
  Transform const& first = *steps_.front().transform;
  if (first.common.bounding_box.empty()) return std::nullopt;
  constexpr double Infinity = std::numeric_limits<double>::infinity();
  BoundingBox box{-Infinity, Infinity, -Infinity, Infinity};
  auto const names = input_names(first);
  for (auto const& [input, low, high] : first.common.bounding_box) {
    if (input == names[0]) {
      box.x_low = low;
      box.x_high = high;
    } else if (input == names[1]) {
      box.y_low = low;
      box.y_high = high;
    }
  }
  return box;
}

std::string Gwcs::description() const {
  std::string text = "gwcs ";
  for (std::size_t k = 0; k < steps_.size(); ++k) text += (k ? ">" : "") + steps_[k].frame.name;
  return text;
}

bool Gwcs::has_frame(std::string const& frame) const {
  return std::any_of(steps_.begin(), steps_.end(), [&](GwcsStep const& step) { return step.frame.name == frame; });
}

std::size_t Gwcs::frame_index(std::string const& frame) const {
  std::string names;
  for (std::size_t k = 0; k < steps_.size(); ++k) {
    if (steps_[k].frame.name == frame) return k;
    names += (k ? ", " : "") + steps_[k].frame.name;
  }
  throw InputError({"no such frame in the gwcs", name_, "one of " + names, frame, {}});
}

}  // namespace tessera::sky
