#include "stack_image.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "tessera/exchange/level_graph.hpp"
#include "tessera/exchange/loaded_exposure.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/hdf5_file.hpp"
#include "tessera/kernels/pair_difference.hpp"

namespace tessera::steps {

namespace {

constexpr float NaN = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t StripPixels = std::int64_t{8} << 20;

/// Cutouts of the members, made when they are asked for.
class Cutouts {
 public:
  Cutouts(CrossSurvey& survey, CrossStack const& stack, std::int64_t capacity)
      : survey_(survey), grid_(survey.grids[static_cast<std::size_t>(stack.task)]), capacity_(capacity) {}

  /// Null where the exposure cannot be read, or has no pixel on the grid. Valid until two others have been asked for.
  exchange::Cutout const* get(int exposure) {
    auto const found = kept_.find(exposure);
    if (found != kept_.end()) {
      previous_ = exposure;
      return found->second.box.empty() ? nullptr : &found->second;
    }
    if (survey_.exposures[static_cast<std::size_t>(exposure)].failed) return nullptr;
    try {
      auto cutout = make(exposure);
      auto const bytes = static_cast<std::int64_t>(cutout.value.size() * sizeof(float));
      if (bytes_ + bytes > capacity_) {  // all but the one that a pair may be using
        for (auto k = kept_.begin(); k != kept_.end();) k = k->first == previous_ ? std::next(k) : kept_.erase(k);
        bytes_ = 0;
        for (auto const& [number, kept] : kept_) bytes_ += static_cast<std::int64_t>(kept.value.size() * sizeof(float));
      }
      bytes_ += bytes;
      previous_ = exposure;
      auto const& kept = kept_[exposure] = std::move(cutout);
      return kept.box.empty() ? nullptr : &kept;
    } catch (Error const& error) {
      survey_.lose(exposure, error);
      return nullptr;
    }
  }

 private:
  exchange::Cutout make(int exposure) {
    auto const& member = survey_.exposures[static_cast<std::size_t>(exposure)];
    auto const task = static_cast<std::size_t>(member.task);
    store::ExposureReader const reader(survey_.record(exposure), survey_.tasks[task]->before);
    auto loaded = exchange::load_exposure(reader, false);
    survey_.counts.bytes_read += reader.bytes_read();
    loaded.err.clear();  // a mean needs none
    return exchange::reproject_exposure(loaded, grid_, survey_.options[task].reprojection);
  }

  CrossSurvey& survey_;
  model::SkyGrid const& grid_;
  std::int64_t capacity_ = 0, bytes_ = 0;
  std::map<int, exchange::Cutout> kept_;
  int previous_ = -1;
};

/// What is to be taken off each member so that they agree.
std::vector<double> match_background(CrossStack const& stack, Cutouts& cutouts) {
  std::vector<exchange::PairMeasurement> pairs;
  auto const count = static_cast<int>(stack.members.size());
  for (int i = 0; i < count; ++i)
    for (int j = i + 1; j < count; ++j) {
      auto const* const first = cutouts.get(stack.members[static_cast<std::size_t>(i)]);
      auto const* const second = first ? cutouts.get(stack.members[static_cast<std::size_t>(j)]) : nullptr;
      if (!first || !second) continue;
      kernels::PairPixels<float> pixels({.with_slope = false, .sigma = 3, .reference = {}});
      pixels.add({first->value.data(), nullptr, first->box}, {second->value.data(), nullptr, second->box});
      auto const difference = pixels.measure();
      exchange::PairMeasurement pair;
      pair.first = i;
      pair.second = j;
      pair.n_pix = difference.n_pix;
      pair.delta = -difference.median;
      pair.rms = difference.rms;
      pairs.push_back(pair);
    }
  std::vector<double> levels(stack.members.size(), 0);
  if (pairs.empty()) return levels;
  exchange::LevelGraphOptions const options;
  auto const selection = exchange::select_pairs(pairs, count, options);
  auto const solution = exchange::solve_levels(pairs, selection, count, options, {exchange::Gauge::Kind::Mean, -1});
  for (std::size_t k = 0; k < levels.size(); ++k) levels[k] = solution.correction[k].level;
  return levels;
}

/// Mean of the members over a strip.
std::vector<float> average(CrossStack const& stack, model::PixelBox const& strip, std::vector<double> const& levels,
                           Cutouts& cutouts) {
  auto const pixels = static_cast<std::size_t>(strip.width() * strip.height());
  std::vector<double> sum(pixels, 0);
  std::vector<std::uint16_t> count(pixels, 0);
  for (std::size_t k = 0; k < stack.members.size(); ++k) {
    auto const* const cutout = cutouts.get(stack.members[k]);
    if (!cutout) continue;
    auto const both = model::intersect(cutout->box, strip);
    for (auto y = both.y0; y < both.y1; ++y)
      for (auto x = both.x0; x < both.x1; ++x) {
        float const value =
            cutout->value[static_cast<std::size_t>((y - cutout->box.y0) * cutout->box.width() + x - cutout->box.x0)];
        if (!std::isfinite(value)) continue;
        auto const to = static_cast<std::size_t>((y - strip.y0) * strip.width() + x - strip.x0);
        sum[to] += static_cast<double>(value) - levels[k];
        ++count[to];
      }
  }
  std::vector<float> mean(pixels, NaN);
  for (std::size_t k = 0; k < pixels; ++k)
    if (count[k] > 0) mean[k] = static_cast<float>(sum[k] / count[k]);
  return mean;
}

/// Largest cutout of an exposure of so many pixels: turned by 45 degrees, on the finest grid of its band.
std::int64_t cutout_pixels(CrossSurvey const& survey, int exposure) {
  auto const& member = survey.exposures[static_cast<std::size_t>(exposure)];
  auto const& record = survey.record(exposure);
  auto const& grid = survey.grids[static_cast<std::size_t>(member.task)];
  double const finer = member.outline.scale_deg / std::abs(grid.cdelt[0]);
  return static_cast<std::int64_t>(2.2 * finer * finer * static_cast<double>(record.nx * record.ny)) + 1;
}

}  // namespace

StackPlace make_stack(CrossSurvey& survey, CrossStack const& stack, std::filesystem::path const& path,
                      std::int64_t cutout_bytes) {
  StackPlace place;
  place.box = stack.reach;
  if (place.box.empty()) return {};
  Cutouts cutouts(survey, stack, cutout_bytes);
  auto const levels = match_background(stack, cutouts);
  std::filesystem::create_directories(path.parent_path());
  std::filesystem::path unfinished = path;
  unfinished += ".part";
  io::Hdf5File file(unfinished, io::Hdf5File::Mode::Create);
  file.create_image("SCI", io::Hdf5Type::Float32, place.box.height(), place.box.width());
  file.set_attribute("", "stack", stack.name);
  file.set_attribute("", "x0", place.box.x0);
  file.set_attribute("", "y0", place.box.y0);
  auto const rows = rows_at_a_time(place.box.width());
  for (auto y0 = place.box.y0; y0 < place.box.y1; y0 += rows) {
    model::PixelBox const strip{place.box.x0, y0, place.box.x1, std::min(y0 + rows, place.box.y1)};
    auto const mean = average(stack, strip, levels, cutouts);
    place.pixels += std::count_if(mean.begin(), mean.end(), [](float value) { return std::isfinite(value); });
    file.write_box("SCI", {0, strip.y0 - place.box.y0, strip.width(), strip.y1 - place.box.y0}, mean);
    survey.counts.bytes_written += static_cast<std::int64_t>(4 * mean.size());
  }
  file.close();
  if (place.pixels == 0) {
    std::filesystem::remove(unfinished);
    return {};
  }
  io::commit_file(unfinished, path);
  return place;
}

std::int64_t stack_working_bytes(CrossSurvey const& survey, CrossStack const& stack) {
  std::int64_t exposure = 0, cutout = 0;
  for (int const member : stack.members) {
    auto const& record = survey.record(member);
    exposure = std::max(exposure, exchange::loaded_exposure_bytes(record) + 4 * record.nx * record.ny);
    cutout = std::max(cutout, cutout_pixels(survey, member));
  }
  constexpr std::int64_t BytesAPixelOfStrip = 8 + 2 + 4;
  auto const strip = std::min(StripPixels, stack.reach.width() * stack.reach.height());
  // A cutout in the making has a mask beside it; a pair is collected and sorted.
  return std::max(exposure + cutout, std::max(BytesAPixelOfStrip * strip, 12 * cutout));
}

std::int64_t stack_cutout_bytes(CrossSurvey const& survey, CrossStack const& stack) {
  std::int64_t largest = 0;
  for (int const member : stack.members) largest = std::max(largest, 4 * cutout_pixels(survey, member));
  return largest;
}

std::vector<float> read_stack(std::filesystem::path const& path, StackPlace const& place, model::PixelBox const& part,
                              StepCounts& counts) {
  std::vector<float> values(static_cast<std::size_t>(part.width() * part.height()));
  io::Hdf5File const file(path, io::Hdf5File::Mode::ReadOnly);
  file.read_box("SCI", {part.x0 - place.box.x0, part.y0 - place.box.y0, part.x1 - place.box.x0, part.y1 - place.box.y0},
                values);
  counts.bytes_read += static_cast<std::int64_t>(4 * values.size());
  return values;
}

std::int64_t rows_at_a_time(std::int64_t width) {
  return std::max<std::int64_t>(1, StripPixels / std::max<std::int64_t>(1, width) / model::BlockSize) *
         model::BlockSize;
}

}  // namespace tessera::steps
