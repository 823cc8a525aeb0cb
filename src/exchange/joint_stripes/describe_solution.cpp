// What the data say about the stripes, and what they cannot.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "joint_solver.hpp"

namespace tessera::exchange {

namespace {

/// Below this part of what it is with the sky known, the curvature of a common mode is what distortion leaves of none.
constexpr double LeastQuotient = 1e-3;
constexpr double Periods[] = {8, 32, 128, 512};

/// Adds up a profile of every exposure that has the most stripes, in order of the exposures, on all ranks.
std::vector<double> add_profiles(StripeExchange const& exchange, Profiles const& owned) {
  auto const& communicator = exchange.communicator();
  auto const stripes = exchange.stripes();
  int const most = stripes.empty() ? 0 : *std::max_element(stripes.begin(), stripes.end());
  std::vector<double> sum(static_cast<std::size_t>(most), 0.0), one(static_cast<std::size_t>(most));
  for (int rank = 0; rank < communicator.size(); ++rank) {
    auto const [first, end] = owned_exposures(static_cast<int>(stripes.size()), rank, communicator.size());
    for (int exposure = first; exposure < end; ++exposure) {
      if (stripes[static_cast<std::size_t>(exposure)] != most) continue;
      std::vector<std::byte> bytes;
      if (rank == communicator.rank()) {
        auto const& profile = owned[static_cast<std::size_t>(exposure - first)];
        auto const* begin = reinterpret_cast<std::byte const*>(profile.data());
        bytes.assign(begin, begin + profile.size() * sizeof(double));
      }
      bytes = communicator.broadcast(std::move(bytes), rank);
      std::memcpy(one.data(), bytes.data(), bytes.size());
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
    }
  }
  return sum;
}

}  // namespace

bool JointStripes::is_common_known(std::size_t stripe_index) const {
  return common_curvature[stripe_index] >
         std::max(LeastQuotient * common_weight[stripe_index], ridge * common_exposures[stripe_index]);
}

void JointSolver::describe() {
  std::int64_t cells = 0;
  for (std::int64_t k = 0; k < blocks_.count(); ++k)
    for (auto const& one : blocks_.load(k).exposures)
      cells += std::count_if(one.weight.begin(), one.weight.end(), [](auto weight) { return weight != 0; });
  result_.cells = exchange_.communicator().sum(cells);
  describe_common();
  describe_sky_lines();
}

void JointSolver::describe_common() {
  for (std::int64_t k = 0; k < blocks_.count(); ++k) {
    auto const& block = blocks_.load(k);
    average_block(block, profile_, Averaged::Stripes, sky_);
    sum_common_curvature(block, sky_, exchange_.stripes(),
                         [&](std::size_t j, std::span<double const> sums) { exchange_.set_sums(k, j, sums.data()); });
  }
  result_.common_curvature = add_profiles(exchange_, exchange_.add_up());
  result_.common_weight =
      add_profiles(exchange_, collect(Averaged::Stripes, [](StripeBlock const& block, std::size_t j, BlockSky const&,
                                                            auto out) { sum_weights(block.exposures[j], out); }));
  auto known = result_.constraint;
  for (auto& profile : known)
    for (auto& value : profile) value = value > 0 ? 1 : 0;
  for (double const count : add_profiles(exchange_, known)) result_.common_exposures.push_back(static_cast<int>(count));
}

void JointSolver::describe_sky_lines() {
  // Where each stripe lies on the grid, along the axis across the stripes: the one along which they differ more.
  Profiles place[2];
  double spread[2] = {0, 0};
  for (int axis = 0; axis < 2; ++axis) {
    auto const sums_of = [&](bool weights) {
      return collect(Averaged::Stripes, [=](StripeBlock const& block, std::size_t j, BlockSky const&, auto out) {
        std::vector<double> other(out.size());
        if (weights)
          sum_positions(block.exposures[j], axis, other, out);
        else
          sum_positions(block.exposures[j], axis, out, other);
      });
    };
    place[axis] = sums_of(false);
    auto const weight = sums_of(true);
    std::vector<double> of_exposures;
    for (std::size_t k = 0; k < weight.size(); ++k) {
      for (std::size_t i = 0; i < weight[k].size(); ++i)
        if (weight[k][i] > 0) place[axis][k][i] /= weight[k][i];
      double const mean = [&] {
        double sum = 0;
        std::int64_t known = 0;
        for (std::size_t i = 0; i < weight[k].size(); ++i)
          if (weight[k][i] > 0) sum += place[axis][k][i], ++known;
        return known > 0 ? sum / static_cast<double>(known) : 0;
      }();
      double squares = 0;
      for (std::size_t i = 0; i < weight[k].size(); ++i)
        if (weight[k][i] > 0) squares += (place[axis][k][i] - mean) * (place[axis][k][i] - mean);
      of_exposures.push_back(squares);
    }
    spread[axis] = exchange_.add_in_order(of_exposures);
  }
  auto const& across = spread[1] >= spread[0] ? place[1] : place[0];

  for (double const period : Periods) {
    double bend = 0, full = 0;
    for (double const phase : {0.0, std::numbers::pi / 2}) {
      auto mode = exchange_.zeros();
      for (std::size_t k = 0; k < mode.size(); ++k)
        for (std::size_t i = 0; i < mode[k].size(); ++i)
          if (result_.constraint[k][i] > 0) mode[k][i] = std::sin(2 * std::numbers::pi * across[k][i] / period + phase);
      bend += exchange_.dot(mode, curvature_times(mode));
      // What was spread is still the mode: the same sums with a sky that is known.
      full += exchange_.dot(
          mode, collect(Averaged::Stripes, [&](StripeBlock const& block, std::size_t j, BlockSky const& sky, auto out) {
            auto const& cells = block.exposures[j];
            BlockSky const known{std::vector<double>(sky.mean.size(), 0.0), {}};
            sum_deviations(cells, block.box, profile_(cells.exposure), Averaged::Stripes, known, out);
          }));
    }
    result_.sky_lines.push_back({period, full > 0 ? std::max(bend, 0.0) / full : 0});
  }
}

}  // namespace tessera::exchange
