// Mosaics of a few small exposures, for the tests of resample.
#pragma once
#include <random>

#include "support/exposure_files.hpp"
#include "support/test_files.hpp"
#include "tessera/steps/resample/mosaic_plan.hpp"
#include "tessera/store/inventory.hpp"

namespace tessera::steps {

inline std::filesystem::path scattered_path(std::filesystem::path const& folder, int number) {
  return folder / fmt::format("exposure{:03d}.fits", number);
}

/// Writes `count` exposures of nx x ny pixels at places and orientations of their own. One rank.
inline void write_scattered_files(std::filesystem::path const& folder, int count, std::int64_t nx, std::int64_t ny,
                                  double dec) {
  std::mt19937 random(7);
  for (int k = 0; k < count; ++k) {
    double const side = 40.0 / 3600, u = static_cast<double>(random()) / 4294967296.0,
                 v = static_cast<double>(random()) / 4294967296.0;
    model::Header image;
    test::set_tan(image, nx, ny, 30 + side * u / std::cos(dec * 0.01745329), dec + side * v, 0.1, 37.0 * k);
    test::write_exposure(scattered_path(folder, k), nx, ny, {}, image,
                         {{"IMAGE", std::vector<float>(static_cast<std::size_t>(nx * ny), 1)}});
  }
}

inline std::vector<store::ExposureRecord> examine_scattered(std::filesystem::path const& folder, int count) {
  std::vector<store::ExposureRecord> records;
  std::vector<store::InputNote> notes;
  for (int k = 0; k < count; ++k)
    records.push_back(
        store::examine_exposure({"target", "band", scattered_path(folder, k).string(), "", ""}, notes).value());
  return records;
}

inline std::vector<store::ExposureRecord> write_scattered(std::filesystem::path const& folder, int count,
                                                          std::int64_t nx, std::int64_t ny, double dec = 10) {
  write_scattered_files(folder, count, nx, ny, dec);
  return examine_scattered(folder, count);
}

inline MosaicRequest request_all(std::vector<store::ExposureRecord> const& records,
                                 std::filesystem::path const& folder) {
  MosaicRequest request;
  request.target = "target";
  request.band = "band";
  request.folder = folder;
  request.product = "target_band";
  for (std::size_t k = 0; k < records.size(); ++k) request.members.push_back(static_cast<int>(k));
  return request;
}

inline MosaicPlan plan_of(MosaicRequest const& request, std::vector<store::ExposureRecord> const& records) {
  std::vector<model::SkyPolygon> footprints;
  for (int const member : request.members) footprints.push_back(records[static_cast<std::size_t>(member)].footprint);
  auto const grid = plan_grid({&request}, {footprints}, records);
  return plan_mosaic(request, grid, footprints, records, "");
}

}  // namespace tessera::steps
