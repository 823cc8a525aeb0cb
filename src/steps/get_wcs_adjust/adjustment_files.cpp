#include "adjustment_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numbers>

#include "tessera/core/build_facts.hpp"
#include "tessera/exchange/alignment.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/sky/unit_vector.hpp"

namespace tessera::steps {

namespace {

namespace fs = std::filesystem;

constexpr double ArcsecPerRadian = 180 * 3600 / std::numbers::pi;
constexpr char const* TextInput = "text";

using config::WcsAdjustment;

sky::CorrectionPlane plane_at(std::array<double, 2> const& tangent) {
  sky::CorrectionPlane plane;
  plane.tangent = {tangent[0], tangent[1]};
  return plane;
}

/// The same correction in the plane tangent at `to`.
WcsAdjustment carry(WcsAdjustment const& adjustment, std::array<double, 2> const& to) {
  exchange::AlignImage image;
  image.plane = plane_at(to);
  auto const carried =
      exchange::carry_to_image(adjustment.matrix, adjustment.shift_arcsec, plane_at(*adjustment.tangent), image);
  WcsAdjustment result = adjustment;
  result.matrix = carried.matrix;
  result.shift_arcsec = {carried.shift[0] * ArcsecPerRadian, carried.shift[1] * ArcsecPerRadian};
  result.tangent = to;
  return result;
}

/// Mean of numbers as they are, weighted by exposures, whatever the planes.
WcsAdjustment plain_mean(std::vector<WcsAdjustment> const& parts) {
  WcsAdjustment mean;
  mean.matrix = {};
  for (auto const& part : parts) mean.files += part.files;
  for (auto const& part : parts) {
    double const weight = static_cast<double>(part.files) / static_cast<double>(mean.files);
    for (std::size_t row = 0; row < 2; ++row) {
      mean.shift_arcsec[row] += weight * part.shift_arcsec[row];
      for (std::size_t column = 0; column < 2; ++column) mean.matrix[row][column] += weight * part.matrix[row][column];
    }
  }
  return mean;
}

/// Mean in the plane at the mean of the tangent points.
WcsAdjustment mean_at_centre(std::vector<WcsAdjustment> const& parts) {
  sky::Vector3 sum;
  for (auto const& part : parts)
    sum = sum + static_cast<double>(part.files) * sky::to_vector((*part.tangent)[0], (*part.tangent)[1]);
  auto const centre = sky::to_sky(sum);
  std::array<double, 2> const tangent{centre.ra, centre.dec};
  std::vector<WcsAdjustment> carried;
  for (auto const& part : parts) carried.push_back(carry(part, tangent));
  auto mean = plain_mean(carried);
  mean.tangent = tangent;
  return mean;
}

bool is_no_correction(WcsAdjustment const& adjustment) {
  WcsAdjustment const none;
  return adjustment.shift_arcsec == none.shift_arcsec && adjustment.matrix == none.matrix;
}

std::string key_of(config::ExposureName const& name, KeyRules const& rules) {
  auto const module = rules.degroup_nircam_modules ? config::nircam_module(name.detector) : "";
  if (!rules.group_dithers) return name.exposure_key() + (module.empty() ? "" : "_" + module);
  return name.visit_key() + "_" + (module.empty() ? config::instrument_name(rules.instrument) : module);
}

/// "jw02107041001" of "jw02107041001_nircam"; empty for keys that are not of a visit and instrument.
std::string visit_of(std::string const& key) {
  constexpr std::size_t VisitLength = 13;
  auto const rest = key.size() > VisitLength ? key.substr(VisitLength) : "";
  return rest == "_nircam" || rest == "_miri" || rest == "_niriss" ? key.substr(0, VisitLength) : "";
}

fs::path free_backup(fs::path const& path) {
  for (int number = 1;; ++number) {
    fs::path backup = path;
    backup += fmt::format(".bak{}", number);
    if (!fs::exists(backup)) return backup;
  }
}

/// Whether the file is as its manifest says that a run left it.
bool is_of_a_run(fs::path const& path, std::string const& hash) {
  if (!fs::exists(store::manifest_path(path))) return false;
  auto const manifest = store::read_manifest(path);
  return manifest && std::any_of(manifest->inputs.begin(), manifest->inputs.end(),
                                 [&](auto const& input) { return input.first == TextInput && input.second == hash; });
}

}  // namespace

config::WcsAdjustments band_adjustments(std::span<MeasuredExposure const> exposures, KeyRules const& rules,
                                        std::vector<std::string>& nameless) {
  std::map<std::string, std::vector<WcsAdjustment>> parts;
  for (auto const& exposure : exposures) {
    auto const name = config::parse_exposure_name(exposure.exposure);
    if (!name) {
      nameless.push_back(exposure.exposure);
      continue;
    }
    WcsAdjustment part;
    if (auto const& correction = exposure.correction) {
      part.matrix = correction->matrix;
      part.shift_arcsec = {correction->shift[0] * ArcsecPerRadian, correction->shift[1] * ArcsecPerRadian};
    }
    part.tangent = {exposure.plane.tangent.ra, exposure.plane.tangent.dec};
    part.files = 1;
    parts[key_of(*name, rules)].push_back(part);
  }
  config::WcsAdjustments adjustments;
  for (auto const& [key, list] : parts) {
    auto& mean = adjustments.by_key[key] = mean_at_centre(list);
    // A reference carried to another plane is no correction either, to the last bit.
    if (std::all_of(list.begin(), list.end(), is_no_correction)) {
      mean.shift_arcsec = {0, 0};
      mean.matrix = WcsAdjustment{}.matrix;
    }
  }
  return adjustments;
}

config::WcsAdjustments merge_adjustments(std::span<config::WcsAdjustments const> bands) {
  std::map<std::string, std::vector<WcsAdjustment>> of_key, of_visit;
  for (auto const& band : bands)
    for (auto const& [key, adjustment] : band.by_key) of_key[key].push_back(adjustment);
  config::WcsAdjustments merged;
  for (auto const& [key, list] : of_key) {
    merged.by_key[key] = list.size() == 1 ? list.front() : mean_at_centre(list);
    if (auto const visit = visit_of(key); !visit.empty()) of_visit[visit].push_back(merged.by_key[key]);
  }
  for (auto const& [visit, list] : of_visit)
    if (auto const mean = plain_mean(list); !is_no_correction(mean)) merged.by_key[visit] = mean;
  for (auto& [key, adjustment] : merged.by_key) adjustment.files = 0;  // pjpipe's files do not say it
  return merged;
}

fs::path write_target_file(fs::path const& path, config::WcsAdjustments const& adjustments, store::Manifest manifest) {
  auto const text = config::format_wcs_adjust(adjustments);
  auto const hash = io::sha256(text);
  fs::path backup;
  if (fs::exists(path)) {
    auto const there = io::sha256_of_file(path);
    if (there != hash && !is_of_a_run(path, there)) {
      backup = free_backup(path);
      fs::rename(path, backup);
    }
  }
  // The old manifest goes first: it must never stand beside a new file.
  fs::remove(store::manifest_path(path));
  fs::create_directories(path.parent_path());
  io::write_file(path, text);
  manifest.product = path.filename().string();
  manifest.inputs.emplace_back(TextInput, hash);
  manifest.program = "tessera " + build_facts().version + " (" + build_facts().commit + ")";
  store::write_manifest(path, manifest);
  return backup;
}

}  // namespace tessera::steps
