#include "match_levels.hpp"

#include <set>

#include "tessera/kernels/pair_difference.hpp"

namespace tessera::steps {

namespace {

constexpr double LeastLinearFraction = 0.2;  ///< of an axis: the default of level_match

kernels::GridImage<float> image_of(exchange::Cutout const& cutout) {
  return {cutout.value.data(), cutout.error.empty() ? nullptr : cutout.error.data(), cutout.box};
}

}  // namespace

std::vector<LevelPair> pairs_that_meet(DestripeTask const& task) {
  std::set<std::pair<int, int>> found;
  for (auto const& members : task.plan.block_members)
    for (std::size_t a = 0; a < members.size(); ++a)
      for (std::size_t b = a + 1; b < members.size(); ++b) found.emplace(members[a], members[b]);
  std::vector<LevelPair> pairs;
  for (auto const& [first, second] : found) pairs.push_back({first, second});
  return pairs;
}

exchange::Cutout PairMeter::make_cutout(int member) {
  auto const index = static_cast<std::size_t>(member);
  auto const& record = task_.record(context_, index);
  parallel::MemoryBudget::Reservation const held(context_.budget, "levels of " + record.path,
                                                 exchange::loaded_exposure_bytes(record) + record.nx * record.ny * 24);
  auto exposure = load_for_pass(context_, task_, index, {false, 0}, false);
  subtract_profile(profile_of_levels(exposure.layout, find_amplifier_levels(exposure)), exposure.layout,
                   exposure.image.sci);
  return exchange::reproject_exposure(exposure.image, task_.plan.grid, task_.options.reprojection);
}

exchange::PairMeasurement PairMeter::measure(LevelPair const& pair) {
  if (held_member_ != pair.first) {
    held_member_ = -1;
    held_ = make_cutout(pair.first);
    held_member_ = pair.first;
  }
  auto const other = make_cutout(pair.second);
  exchange::PairMeasurement measured;
  measured.first = pair.first;
  measured.second = pair.second;
  if (held_.box.empty() || other.box.empty()) return measured;
  auto const first = image_of(held_), second = image_of(other);
  kernels::PairOptions options;
  options.sigma = task_.options.sigma;
  kernels::PairPixels<float> pixels(options);
  pixels.add(first, second);
  auto const difference = pixels.measure();
  measured.n_pix = difference.n_pix;
  measured.delta = -difference.median;  // level of the first over that of the second
  measured.rms = difference.rms;
  measured.is_long = kernels::passes_linear_test(difference.extent, kernels::find_data_extent(first),
                                                 kernels::find_data_extent(second), LeastLinearFraction);
  return measured;
}

std::vector<double> solve_member_levels(DestripeTask const& task, std::span<exchange::PairMeasurement const> pairs) {
  int const images = static_cast<int>(task.members.size());
  exchange::LevelGraphOptions const options;
  auto const selection = exchange::select_pairs(pairs, images, options);
  auto const solution = exchange::solve_levels(pairs, selection, images, options, {});
  std::vector<double> levels;
  for (auto const& correction : solution.correction) levels.push_back(correction.level);
  return levels;
}

}  // namespace tessera::steps
