#include "write_exposure.hpp"

#include "calibrated_headers.hpp"
#include "tessera/io/asdf_writer.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::simulate {
namespace {

template <class T>
std::vector<std::byte> big_endian(std::vector<T> const& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  if constexpr (std::is_same_v<T, std::uint32_t>)
    io::to_big_endian_unsigned(values, bytes.data());
  else
    io::to_big_endian(std::span<T const>(values), bytes.data());
  return bytes;
}

/// HDUs in the order they are added.
class FileContent {
 public:
  void add_primary(model::Header header) {
    io::HduPlan plan;
    plan.header = std::move(header);
    add(std::move(plan), {});
  }
  template <class T>
  void add_image(std::string const& name, std::vector<T> const& values, int nx, int ny, model::Header header = {}) {
    io::HduPlan plan;
    plan.extname = name;
    plan.bitpix = std::is_same_v<T, float> ? -32 : 32;
    plan.unsigned_integers = std::is_same_v<T, std::uint32_t>;
    plan.axes = {nx, ny};
    plan.header = std::move(header);
    add(std::move(plan), big_endian(values));
  }
  void add_asdf(std::vector<std::byte> bytes) {
    auto plan = io::plan_asdf_hdu(static_cast<std::int64_t>(bytes.size()));
    add(std::move(plan), std::move(bytes));
  }
  void write(std::filesystem::path const& path) const {
    std::filesystem::create_directories(path.parent_path());
    io::write_fits(path, plans_, data_);
  }

 private:
  void add(io::HduPlan plan, std::vector<std::byte> bytes) {
    plans_.push_back(std::move(plan));
    data_.push_back(std::move(bytes));
  }
  std::vector<io::HduPlan> plans_;
  std::vector<std::vector<std::byte>> data_;
};

std::vector<std::byte> make_asdf(sky::Gwcs const& wcs, int nx, int ny) {
  std::vector<std::int64_t> const shape{ny, nx};
  return io::write_asdf(io::make_datamodel_tree({}, &wcs,
                                                {{"data", "SCI", 1, "float32", shape},
                                                 {"err", "ERR", 1, "float32", shape},
                                                 {"dq", "DQ", 1, "uint32", shape},
                                                 {"area", "AREA", 1, "float32", shape},
                                                 {"var_poisson", "VAR_POISSON", 1, "float32", shape},
                                                 {"var_rnoise", "VAR_RNOISE", 1, "float32", shape},
                                                 {"var_flat", "VAR_FLAT", 1, "float32", shape}}));
}

}  // namespace

void write_exposure(std::filesystem::path const& path, SurveyPlan const& plan, PlannedExposure const& planned,
                    SimulatedExposure const& e) {
  Detector const& detector = plan.detectors[planned.band][planned.detector];
  auto const wcs =
      sky::make_imaging_wcs(make_geometry(detector), make_pointing(detector, planned.believed, planned.va_scale));
  model::Header error_header;
  error_header.set("BUNIT", "MJy/sr", "physical units of the array values");
  FileContent file;
  file.add_primary(make_primary_header(plan, planned));
  file.add_image("SCI", e.sci, e.nx, e.ny, make_science_header(plan, planned, *wcs));
  file.add_image("ERR", e.err, e.nx, e.ny, error_header);
  file.add_image("DQ", e.dq, e.nx, e.ny);
  file.add_image("AREA", e.area, e.nx, e.ny);
  file.add_image("VAR_POISSON", e.var_poisson, e.nx, e.ny);
  file.add_image("VAR_RNOISE", e.var_rnoise, e.nx, e.ny);
  file.add_image("VAR_FLAT", e.var_flat, e.nx, e.ny);
  file.add_asdf(make_asdf(*wcs, e.nx, e.ny));
  file.write(path);
}

void write_truth_planes(std::filesystem::path const& path, SimulatedExposure const& e) {
  std::vector<float> stripes(e.sky.size(), 0.0f);
  if (!e.stripes.rows.empty()) {
    std::size_t at = 0;
    for (int y = 0; y < e.ny; ++y)
      for (std::size_t amplifier = 0; amplifier < e.stripes.rows.size(); ++amplifier)
        for (int x = e.stripes.bounds[amplifier]; x < e.stripes.bounds[amplifier + 1]; ++x)
          stripes[at++] = e.stripes.at(x, y, amplifier);
  }
  std::vector<std::uint32_t> rays(e.sky.size(), 0u);
  for (CosmicRayPixel const& ray : e.cosmic_rays) rays[static_cast<std::size_t>(ray.pixel)] = 1;
  FileContent file;
  file.add_primary({});
  file.add_image("SKY", e.sky, e.nx, e.ny);
  file.add_image("STRIPES", stripes, e.nx, e.ny);
  file.add_image("COSMIC_RAYS", rays, e.nx, e.ny);
  file.write(path);
}

}  // namespace tessera::simulate
