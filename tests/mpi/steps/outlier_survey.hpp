// Small surveys with cosmic rays for the tests of outlier_detection.
#pragma once
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "support/step_survey.hpp"
#include "tessera/config/step_catalogue.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/steps/outlier_detection/outlier_detection_step.hpp"
#include "tessera/store/exposure_reader.hpp"

namespace tessera::steps {

using OutlierSettings = std::map<std::string, config::Value>;

/// lv3 with its defaults but for `settings`, keys of outlier_detection.
inline config::ResolvedParameters outlier_parameters(OutlierSettings const& settings) {
  config::ResolvedParameters parameters;
  parameters.step = "lv3";
  for (auto const& declared : config::inner_table("outlier_detection").parameters) {
    auto const set = settings.find(declared.key);
    parameters.by_key["jwst_parameters.outlier_detection." + declared.key] = {
        set == settings.end() ? declared.default_value : set->second, set == settings.end(), declared.type,
        declared.support};
  }
  return parameters;
}

/// An exposure of a smooth sky with stars, noise and cosmic rays.
struct RayImage {
  static constexpr double Scale = 0.1;  // arcsec
  static constexpr float Error = 0.05f;

  std::int64_t nx, ny;
  model::Header header;
  std::vector<float> sci, err, read_noise;
  std::vector<std::uint32_t> dq;
  std::vector<std::uint8_t> struck;  ///< 1: a ray of more than 10 sigma on smooth sky; 2: any other ray
  std::vector<std::uint8_t> smooth;  ///< no star shines here

  /// `number` chooses noise and rays; the sky is the same for all.
  RayImage(int number, double dx_arcsec, double dy_arcsec, double angle, double level = 0, std::int64_t columns = 300,
           std::int64_t rows = 280)
      : nx(columns), ny(rows) {
    test::set_tan(header, nx, ny, 30 + dx_arcsec / 3600 / std::cos(10 * 0.017453292519943295), 10 + dy_arcsec / 3600,
                  Scale, angle);
    auto const wcs = sky::make_fits_wcs(header, nx, ny);
    auto const count = static_cast<std::size_t>(nx * ny);
    std::mt19937 random(static_cast<unsigned>(number) + 1);
    auto const uniform = [&] { return static_cast<double>(random()) / 4294967296.0; };
    auto const normal = [&] {
      double sum = -6;
      for (int u = 0; u < 12; ++u) sum += uniform();
      return sum;
    };
    err.assign(count, Error);
    read_noise.assign(count, 0.5f * Error * Error);
    dq.assign(count, 0);
    struck.assign(count, 0);
    std::vector<double> sources(count);
    for (std::int64_t y = 0; y < ny; ++y)
      for (std::int64_t x = 0; x < nx; ++x) {
        auto const k = static_cast<std::size_t>(y * nx + x);
        auto const sky = wcs->pixel_to_sky({static_cast<double>(x), static_cast<double>(y)});
        double const u = (sky.ra - 30) * 3600 * std::cos(10 * 0.017453292519943295), v = (sky.dec - 10) * 3600;
        sources[k] = star_light(u, v);
        sci.push_back(static_cast<float>(1 + 0.02 * u + 0.01 * v + sources[k] + level + Error * normal()));
      }
    for (double const light : sources) smooth.push_back(light < 1e-3);
    for (int ray = 0; ray < 150; ++ray) strike(random);
    for (int bad = 0; bad < 60; ++bad) {  // bad pixels, as the official pipeline leaves them
      auto const k = random() % count;
      dq[k] |= 1;
      sci[k] = std::numeric_limits<float>::quiet_NaN();
      struck[k] = 0;
    }
  }

 private:
  /// Gaussian stars of 2.5 pixels FWHM on a lattice of 4 arcsec.
  static double star_light(double u, double v) {
    double const du = u - 4 * std::round(u / 4), dv = v - 4 * std::round(v / 4);
    double const sigma = 2.5 * Scale / 2.3548;
    return 20 * std::exp(-(du * du + dv * dv) / (2 * sigma * sigma));
  }

  /// One to three pixels in a row.
  void strike(std::mt19937& random) {
    auto const x = static_cast<std::int64_t>(random() % static_cast<unsigned>(nx - 3));
    auto const y = static_cast<std::int64_t>(random() % static_cast<unsigned>(ny));
    auto const length = static_cast<std::int64_t>(1 + random() % 3);
    double const sigmas = 11 + static_cast<double>(random() % 200);
    for (std::int64_t k = y * nx + x; k < y * nx + x + length; ++k) {
      auto const at = static_cast<std::size_t>(k);
      sci[at] += static_cast<float>(sigmas * static_cast<double>(Error));
      struck[at] = smooth[at] != 0 ? 1 : 2;
    }
  }
};

/// Exposures in files, and the step run on them.
class OutlierSurvey : public test::StepSurvey {
 public:
  explicit OutlierSurvey(std::string const& name) : StepSurvey(name, "outlier_detection", 6) {}

  /// Writes an exposure on the root and takes it up on all ranks.
  void add(std::string const& band, std::string const& exposure, std::string const& group, std::int64_t nx,
           std::int64_t ny, model::Header const& image, std::vector<test::TestPlane> const& planes,
           model::Header const& primary = test::nircam_primary()) {
    add_planes(band, exposure, group, nx, ny, image, planes, primary);
  }

  void add(std::string const& band, std::string const& exposure, std::string const& group, RayImage const& image) {
    add(band, exposure, group, image.nx, image.ny, image.header,
        {{"SCI", image.sci}, {"ERR", image.err}, {"DQ", {}, image.dq}, {"VAR_RNOISE", image.read_noise}});
  }

  /// One task a band, in order of first appearance.
  std::vector<BandTask> tasks(OutlierSettings const& settings) const {
    return tasks_with([&](BandTask const&) { return outlier_parameters(settings); });
  }

  /// Runs the step on `communicator`, products in a folder of `label`.
  StepOutcome run(OutlierSettings const& settings, parallel::Communicator const& communicator,
                  std::int64_t budget_bytes = std::int64_t{1} << 30,
                  parallel::StopRequest request = parallel::StopRequest::None) {
    test::StepRun one(records, communicator, budget_bytes);
    if (request != parallel::StopRequest::None) one.control.raise(request);
    return one.run(run_outlier_detection, tasks(settings));
  }
  StepOutcome run(OutlierSettings const& settings = {}) {
    auto outcome = run(settings, world);
    world.barrier();
    return outcome;
  }

  bool has_ledger(std::string const& band) const { return std::filesystem::exists(ledger_file(band)); }

  /// 1 where the ledger of the last run flags a pixel of an exposure.
  std::vector<std::uint8_t> flags(std::size_t number) const {
    auto const& record = records[number];
    store::ExposureReader const plain(record, {}), flagged(record, ledger(record.identity.band));
    model::RowBand before, after;
    plain.read_rows(0, record.ny, {model::Plane::Dq}, before);
    flagged.read_rows(0, record.ny, {model::Plane::Dq}, after);
    std::vector<std::uint8_t> mask(static_cast<std::size_t>(record.nx * record.ny), 0);
    for (std::size_t k = 0; k < mask.size() && k < after.dq.size(); ++k) mask[k] = (after.dq[k] & 16u) != 0;
    return mask;
  }
};

}  // namespace tessera::steps
