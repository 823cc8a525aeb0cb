#include "joint_solver.hpp"

#include <algorithm>
#include <cmath>
#include <exception>

#include "tessera/compute/views.hpp"
#include "tessera/kernels/sigma_clip.hpp"

namespace tessera::exchange {

namespace {

/// Median of the square of a normal deviate.
constexpr double MedianSquare = 0.45493642311957;
/// The prior is never narrower than this part of the noise of a stripe: what looks like less is not measured.
constexpr double LeastAmplitudeSquare = 0.02;
/// A solution that is only there for clipping may be as coarse as this.
constexpr double ToleranceBeforeClipping = 1e-2;

std::vector<int> stripe_counts(std::span<StripedExposure const> exposures) {
  std::vector<int> counts;
  for (auto const& exposure : exposures) counts.push_back(exposure.stripes());
  return counts;
}

/// Mean of the values of known stripes.
double mean_of_known(std::span<double const> values, std::span<double const> constraint) {
  double sum = 0;
  std::int64_t known = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(constraint[i] > 0)) continue;
    sum += values[i];
    ++known;
  }
  return known > 0 ? sum / static_cast<double>(known) : 0;
}

/// a += factor b.
void add_scaled(Profiles& a, double factor, Profiles const& b) {
  for (std::size_t k = 0; k < a.size(); ++k)
    for (std::size_t i = 0; i < a[k].size(); ++i) a[k][i] += factor * b[k][i];
}

}  // namespace

JointSolver::JointSolver(parallel::Communicator const& communicator, std::span<StripedExposure const> exposures,
                         StripeBlocks& blocks, JointOptions const& options)
    : blocks_(blocks),
      layouts_(exposures.begin(), exposures.end()),
      options_(options),
      exchange_(communicator, stripe_counts(exposures), blocks),
      profile_([this](int exposure) { return exchange_.profile(exposure); }) {
  result_.first = exchange_.first();
  result_.end = exchange_.end();
  result_.stripe = exchange_.zeros();
}

Profiles JointSolver::collect(Averaged what, Sums const& sums) {
  for (std::int64_t k = 0; k < blocks_.count(); ++k) {
    auto const& block = blocks_.load(k);
    average_block(block, profile_, what, sky_);
    using Policy = Kokkos::RangePolicy<compute::HostExecution, Kokkos::Schedule<Kokkos::Dynamic>>;
    Kokkos::parallel_for("tessera::sum_stripes", Policy(0, block.exposures.size()).set_chunk_size(1),
                         [&](std::size_t const j) {
                           thread_local std::vector<double> out;
                           auto const exposure = static_cast<std::size_t>(block.exposures[j].exposure);
                           out.resize(static_cast<std::size_t>(exchange_.stripes()[exposure]));
                           sums(block, j, sky_, out);
                           exchange_.set_sums(k, j, out.data());
                         });
  }
  return exchange_.add_up();
}

Profiles JointSolver::curvature_times(Profiles const& stripes) {
  exchange_.spread(stripes);
  return collect(Averaged::Stripes, [&](StripeBlock const& block, std::size_t j, BlockSky const& sky, auto out) {
    auto const& cells = block.exposures[j];
    sum_deviations(cells, block.box, profile_(cells.exposure), Averaged::Stripes, sky, out);
  });
}

std::span<double const> JointSolver::amplifier(Profiles const& profiles, std::size_t k, int a) const {
  auto const rows = static_cast<std::size_t>(layout(k).rows);
  return std::span(profiles[k]).subspan(static_cast<std::size_t>(a) * rows, rows);
}

Profiles JointSolver::prior_times(Profiles const& stripes) const {
  auto product = exchange_.zeros();
  for (std::size_t k = 0; k < stripes.size(); ++k)
    for (int a = 0; a < layout(k).amplifiers; ++a) {
      auto const values = amplifier(stripes, k, a), constraint = amplifier(result_.constraint, k, a);
      double const mean = mean_of_known(values, constraint);
      auto const first = static_cast<std::size_t>(a * layout(k).rows);
      for (std::size_t i = 0; i < values.size(); ++i)
        if (constraint[i] > 0) product[k][first + i] = result_.ridge * (values[i] - mean);
    }
  return product;
}

double JointSolver::middle(MagnitudeCounts& counts) const {
  exchange_.communicator().sum_in_place(counts.counts());
  return counts.median();
}

double JointSolver::noise_of_stripes() {
  auto const alternating =
      collect(Averaged::Data, [&](StripeBlock const& block, std::size_t j, BlockSky const& sky, auto out) {
        auto const& cells = block.exposures[j];
        sum_alternating_deviations(cells, block.box, profile_(cells.exposure), sky, out);
      });
  MagnitudeCounts counts;
  for (std::size_t k = 0; k < alternating.size(); ++k)
    for (std::size_t i = 0; i < alternating[k].size(); ++i)
      if (double const curvature = result_.constraint[k][i]; curvature > 0)
        counts.add(alternating[k][i] * alternating[k][i] / curvature);
  return middle(counts) / MedianSquare;
}

double JointSolver::measure_amplitude(Profiles const& gradient, double noise_square) const {
  MagnitudeCounts squares, noise;
  for (std::size_t k = 0; k < gradient.size(); ++k)
    for (int a = 0; a < layout(k).amplifiers; ++a) {
      auto const stripes = amplifier(result_.stripe, k, a), slopes = amplifier(gradient, k, a),
                 constraint = amplifier(result_.constraint, k, a);
      // Each stripe as its own data want it, the others being what they are: the prior has no part in that.
      std::vector<double> wanted;
      for (std::size_t i = 0; i < stripes.size(); ++i)
        if (constraint[i] > 0) {
          wanted.push_back(stripes[i] + slopes[i] / constraint[i]);
          noise.add(noise_square / constraint[i]);
        }
      auto sorted = wanted;
      double const centre = kernels::median_in_place(std::span(sorted));
      for (double const value : wanted) squares.add((value - centre) * (value - centre));
    }
  double const scatter = middle(squares) / MedianSquare, of_noise = middle(noise);
  return std::max(scatter - of_noise, LeastAmplitudeSquare * of_noise);
}

void JointSolver::choose_ridge(Profiles const& gradient) {
  double const noise_square = noise_of_stripes();
  double const given = options_.prior_amplitude;
  double const amplitude_square = given > 0 ? given * given : measure_amplitude(gradient, noise_square);
  result_.noise = std::sqrt(noise_square);
  result_.prior_amplitude = std::sqrt(amplitude_square);
  result_.ridge = amplitude_square > 0 ? noise_square / amplitude_square : 0;
}

bool JointSolver::improve(Profiles gradient, double tolerance) {
  // Gradient of the whole: prior included.
  add_scaled(gradient, -1, prior_times(result_.stripe));
  auto const precondition = [&](Profiles const& profiles) {
    auto scaled = exchange_.zeros();
    for (std::size_t k = 0; k < profiles.size(); ++k)
      for (std::size_t i = 0; i < profiles[k].size(); ++i)
        if (double const curvature = result_.constraint[k][i]; curvature > 0)
          scaled[k][i] = profiles[k][i] / (curvature + result_.ridge);
    return scaled;
  };
  auto scaled = precondition(gradient);
  auto direction = scaled;
  double size = exchange_.dot(gradient, scaled);
  if (reference_ == 0) reference_ = size;
  double const goal = tolerance * tolerance * reference_;
  int iteration = 0;
  for (; size > goal && iteration < options_.most_iterations; ++iteration) {
    if (options_.should_stop && options_.should_stop()) return false;
    auto product = curvature_times(direction);
    add_scaled(product, 1, prior_times(direction));
    double const bend = exchange_.dot(direction, product);
    if (!(bend > 0)) break;  // nothing but rounding is left
    double const step = size / bend;
    add_scaled(result_.stripe, step, direction);
    add_scaled(gradient, -step, product);
    scaled = precondition(gradient);
    double const next = exchange_.dot(gradient, scaled);
    double const keep = next / size;
    size = next;
    for (std::size_t k = 0; k < direction.size(); ++k)
      for (std::size_t i = 0; i < direction[k].size(); ++i) direction[k][i] = scaled[k][i] + keep * direction[k][i];
  }
  result_.iterations += iteration;
  result_.converged = size <= goal;
  return true;
}

void JointSolver::clip() {
  exchange_.spread(result_.stripe);
  MagnitudeCounts counts;
  for (std::int64_t k = 0; k < blocks_.count(); ++k) {
    auto const& block = blocks_.load(k);
    average_block(block, profile_, Averaged::Data, sky_);
    count_deviations(block, profile_, sky_, counts);
  }
  double const limit = options_.clip_sigma * options_.clip_sigma * middle(counts) / MedianSquare;
  if (!(limit > 0)) return;  // without noise everything but rounding would go
  std::int64_t clipped = 0;
  for (std::int64_t k = 0; k < blocks_.count(); ++k) {
    auto& block = blocks_.load(k);
    average_block(block, profile_, Averaged::Data, sky_);
    clipped += clip_deviations(block, profile_, sky_, limit);
    blocks_.keep_weights(k);
  }
  result_.clipped += exchange_.communicator().sum(clipped);
}

JointStripes JointSolver::solve() {
  for (int round = 0; round <= options_.clip_rounds; ++round) {
    if (round > 0) clip();
    exchange_.spread(result_.stripe);
    result_.constraint =
        collect(Averaged::Data, [](StripeBlock const& block, std::size_t j, BlockSky const& sky, auto out) {
          sum_curvature(block.exposures[j], block.box, sky, out);
        });
    auto gradient =
        collect(Averaged::Data, [&](StripeBlock const& block, std::size_t j, BlockSky const& sky, auto out) {
          auto const& cells = block.exposures[j];
          sum_deviations(cells, block.box, profile_(cells.exposure), Averaged::Data, sky, out);
        });
    choose_ridge(gradient);
    bool const is_last = round == options_.clip_rounds;
    if (!improve(std::move(gradient),
                 is_last ? options_.tolerance : std::max(options_.tolerance, ToleranceBeforeClipping))) {
      result_.stopped = true;
      return std::move(result_);
    }
  }
  describe();
  centre();
  return std::move(result_);
}

void JointSolver::centre() {
  for (std::size_t k = 0; k < result_.stripe.size(); ++k) {
    double const mean = mean_of_known(result_.stripe[k], result_.constraint[k]);
    auto const rows = static_cast<std::size_t>(layout(k).rows);
    for (int a = 0; a < layout(k).amplifiers; ++a) {
      auto const constraint = amplifier(result_.constraint, k, a);
      double const level = mean_of_known(amplifier(result_.stripe, k, a), constraint);
      bool const is_seen = std::any_of(constraint.begin(), constraint.end(), [](double value) { return value > 0; });
      auto* stripes = result_.stripe[k].data() + static_cast<std::size_t>(a) * rows;
      for (std::size_t i = 0; i < rows; ++i)
        stripes[i] = constraint[i] > 0 ? stripes[i] - mean : is_seen ? level - mean : 0;
    }
  }
}

JointStripes solve_joint_stripes(parallel::Communicator const& communicator, std::span<StripedExposure const> exposures,
                                 StripeBlocks& blocks, JointOptions const& options) {
  return JointSolver(communicator, exposures, blocks, options).solve();
}

std::int64_t joint_stripes_bytes(int owned, int reaching, std::int64_t visits, int largest_stripes) {
  constexpr std::int64_t Vectors = 12;            // stripes, curvature, gradient, directions, and copies in messages
  constexpr std::int64_t StripesOfAVisit = 1024;  // a block is 256 pixels wide, two amplifiers may cross it
  constexpr std::int64_t Fixed = 8 << 20;         // sky of a block, counts
  return 8 * (Vectors * owned * largest_stripes + 2 * std::int64_t{reaching} * largest_stripes +
              3 * visits * StripesOfAVisit) +
         Fixed;
}

}  // namespace tessera::exchange
