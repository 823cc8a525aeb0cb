#include <algorithm>
#include <cmath>
#include <numeric>

#include "image_groups.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/error.hpp"
#include "tessera/exchange/level_graph.hpp"

namespace tessera::exchange {

namespace {

/// Spreads of the rms below this fraction of the data are rounding.
constexpr double RoundingSpread = 1e-10;

bool survives(PairVerdict verdict) { return verdict == PairVerdict::Used; }

void cut_small_areas(std::span<PairMeasurement const> pairs, double fraction, std::vector<PairVerdict>& verdict) {
  double sum = 0, count = 0;
  for (auto const& pair : pairs) {
    if (pair.n_pix <= 0) continue;
    sum += static_cast<double>(pair.n_pix);
    ++count;
  }
  for (std::size_t k = 0; k < pairs.size(); ++k)
    if (survives(verdict[k]) && static_cast<double>(pairs[k].n_pix) < fraction * (sum / count))
      verdict[k] = PairVerdict::SmallArea;
}

void cut_noisy(std::span<PairMeasurement const> pairs, double sigma, std::vector<PairVerdict>& verdict) {
  std::vector<double> rms;
  double scale = 0;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (!survives(verdict[k]) || !std::isfinite(pairs[k].rms)) continue;
    rms.push_back(pairs[k].rms);
    scale = std::max({scale, std::abs(pairs[k].delta), pairs[k].rms});
  }
  if (rms.size() < 3) return;
  auto const count = static_cast<double>(rms.size());
  double const mean = std::accumulate(rms.begin(), rms.end(), 0.0) / count;
  double squares = 0;
  for (double const value : rms) squares += (value - mean) * (value - mean);
  double const std = std::sqrt(squares / count);
  if (std < RoundingSpread * scale) return;
  for (std::size_t k = 0; k < pairs.size(); ++k)
    if (survives(verdict[k]) && pairs[k].rms > mean + sigma * std) verdict[k] = PairVerdict::Noisy;
}

/// W of a pair before the root for levels; 0 where there is none.
double raw_weight(PairMeasurement const& pair, PairWeighting weighting) {
  switch (weighting) {
    case PairWeighting::Equal:
      return 1;
    case PairWeighting::Pixels:
      return static_cast<double>(pair.n_pix);
    case PairWeighting::Rms: {
      double const weight = 1 / (pair.rms * pair.rms);
      return std::isfinite(weight) ? weight : 0;
    }
  }
  return 0;
}

/// Weights of the used pairs; those of weight 0 are dropped. Where no pair has a weight (images that differ by
/// constants exactly), all weigh the same.
void weigh(std::span<PairMeasurement const> pairs, LevelGraphOptions const& options, PairSelection& selection) {
  double largest = 0;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    double const weight = survives(selection.verdict[k]) ? raw_weight(pairs[k], options.weighting) : 0;
    selection.weight[k] = options.with_slope ? weight : std::sqrt(weight);
    largest = std::max(largest, selection.weight[k]);
  }
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (!survives(selection.verdict[k])) continue;
    if (largest == 0)
      selection.weight[k] = 1;
    else if (selection.weight[k] == 0)
      selection.verdict[k] = PairVerdict::NoWeight;
  }
}

void reconnect(std::span<PairMeasurement const> pairs, int images, LevelGraphOptions const& options,
               PairSelection& selection) {
  ImageGroups groups(images);
  double sum = 0, count = 0;
  std::vector<std::size_t> cut;
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (is_used(selection.verdict[k])) {
      groups.join(pairs[k].first, pairs[k].second);
      sum += selection.weight[k];
      ++count;
    } else if (pairs[k].n_pix >= options.least_pixels_to_reconnect) {
      cut.push_back(k);
    }
  }
  std::stable_sort(cut.begin(), cut.end(), [&](std::size_t a, std::size_t b) {
    if (pairs[a].n_pix != pairs[b].n_pix) return pairs[a].n_pix > pairs[b].n_pix;
    return pairs[a].rms < pairs[b].rms;
  });
  for (auto const k : cut) {
    if (!groups.join(pairs[k].first, pairs[k].second)) continue;
    selection.verdict[k] = PairVerdict::Reconnecting;
    selection.weight[k] =
        count > 0 ? sum / count : 1;  // any will do for a bridge; this one keeps the system well scaled
  }
}

}  // namespace

char const* verdict_text(PairVerdict verdict) {
  switch (verdict) {
    case PairVerdict::Used:
      return "used";
    case PairVerdict::Reconnecting:
      return "reconnecting";
    case PairVerdict::NoOverlap:
      return "no overlap";
    case PairVerdict::SmallArea:
      return "small area";
    case PairVerdict::ShortAxis:
      return "short axis";
    case PairVerdict::Noisy:
      return "noisy";
    case PairVerdict::NoWeight:
      return "no weight";
    case PairVerdict::PlaneUndetermined:
      return "plane undetermined";
  }
  return "";
}

PairWeighting parse_pair_weighting(std::string_view name) {
  if (name == "equal") return PairWeighting::Equal;
  if (name == "npix") return PairWeighting::Pixels;
  if (name == "rms") return PairWeighting::Rms;
  throw ConfigError({"unknown weighting", "weight_method", "equal, npix or rms", std::string(name), {}});
}

PairSelection select_pairs(std::span<PairMeasurement const> pairs, int images, LevelGraphOptions const& options) {
  PairSelection selection;
  selection.verdict.assign(pairs.size(), PairVerdict::Used);
  selection.weight.assign(pairs.size(), 0);
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    TESSERA_EXPECT(pairs[k].first >= 0 && pairs[k].first < pairs[k].second && pairs[k].second < images);
    if (pairs[k].n_pix <= 0 || !std::isfinite(pairs[k].delta)) selection.verdict[k] = PairVerdict::NoOverlap;
  }
  cut_small_areas(pairs, options.min_area_percent, selection.verdict);
  for (std::size_t k = 0; k < pairs.size(); ++k) {
    if (survives(selection.verdict[k]) && !pairs[k].is_long) selection.verdict[k] = PairVerdict::ShortAxis;
    if (survives(selection.verdict[k]) && options.with_slope && !pairs[k].has_plane)
      selection.verdict[k] = PairVerdict::PlaneUndetermined;
  }
  cut_noisy(pairs, options.rms_sig_limit, selection.verdict);
  weigh(pairs, options, selection);
  if (options.reconnect) reconnect(pairs, images, options, selection);
  return selection;
}

}  // namespace tessera::exchange
