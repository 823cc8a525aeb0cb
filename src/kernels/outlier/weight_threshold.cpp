#include "tessera/kernels/weight_threshold.hpp"

namespace tessera::kernels {

namespace {

constexpr double ClipSigma = 3;
constexpr int ClipRounds = 5;

}  // namespace

double weight_threshold(EachPiece const& weights, double maskpt) {
  return clip_pieces(weights, ClipSigma, ClipRounds, true).mean * maskpt;
}

double weight_threshold(std::span<float const> weights, double maskpt) {
  return weight_threshold([&](std::function<void(std::span<float const>)> const& take) { take(weights); }, maskpt);
}

}  // namespace tessera::kernels
