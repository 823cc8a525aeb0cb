#include "tessera/steps/lv2/cal_file.hpp"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "rate_layout.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/io/fits_content.hpp"
#include "tessera/io/fits_file.hpp"

namespace tessera::steps {

namespace {

template <class T>
void read_plane(io::FitsFile const& file, io::Hdu const& hdu, std::vector<T>& out) {
  out.resize(static_cast<std::size_t>(hdu.nx() * hdu.ny()));
  file.read_rows(hdu, 0, hdu.ny(), out.data());
}

std::string program_name() { return fmt::format("tessera {} ({})", build_facts().version, build_facts().commit); }

model::Header error_header(model::ExposureImage const& image) {
  model::Header header;
  if (auto const unit = image.sci_header.text("BUNIT"))
    header.set("BUNIT", std::string_view(*unit), "physical units of the array values");
  return header;
}

io::FitsContent start_content(std::filesystem::path const& path, model::ExposureImage const& image,
                              std::string_view history) {
  auto primary = image.primary;
  primary.set("FILENAME", path.filename().string(), "Name of the file");
  primary.set("DATAMODL", "ImageModel", "Type of data model");
  primary.add_history(program_name());
  primary.add_history(fmt::format("tessera: {} {}", history, std::filesystem::path(image.path).filename().string()));
  return io::FitsContent(std::move(primary));
}

/// Planes in their official order, those that there are.
void add_planes(model::ExposureImage const& image, io::FitsContent& content) {
  auto const& planes = image.planes;
  auto const add = [&](char const* extname, char const* key, auto const& values, model::Header header = {}) {
    if (!values.empty())
      content.add_image(extname, key, image.window.nx, image.window.ny, std::span(values), std::move(header));
  };
  add("SCI", "data", planes.sci, image.sci_header);
  add("ERR", "err", planes.err, error_header(image));
  add("DQ", "dq", planes.dq);
  add("AREA", "area", image.area);
  add("VAR_POISSON", "var_poisson", planes.var_poisson);
  add("VAR_RNOISE", "var_rnoise", planes.var_rnoise);
  add("VAR_FLAT", "var_flat", planes.var_flat);
}

void write_content(std::filesystem::path const& path, sky::Gwcs const* wcs, io::FitsContent& content) {
  content.add_datamodel(io::AsdfValue::mapping({{"tessera_version", program_name()}}), wcs);
  content.write(path);
}

}  // namespace

model::ExposureImage read_rate(std::filesystem::path const& path, model::ExposureIdentity const& identity) {
  auto const file = io::FitsFile::open(path);
  auto const layout = rate_layout(file);
  auto const& sci = *layout.sci;
  model::ExposureImage image;
  image.identity = identity;
  image.path = path.string();
  image.primary = file.hdus().front().header;
  image.sci_header = sci.header;
  for (auto const& hdu : file.hdus())
    if (&hdu != &sci && hdu.index != 0) image.extensions.push_back(hdu.extname);
  image.window = layout.window;
  image.planes.nx = sci.nx();
  image.planes.y0 = 0;
  image.planes.y1 = sci.ny();
  read_plane(file, sci, image.planes.sci);
  read_plane(file, *layout.err, image.planes.err);
  read_plane(file, *layout.dq, image.planes.dq);
  read_plane(file, *layout.var_poisson, image.planes.var_poisson);
  read_plane(file, *layout.var_rnoise, image.planes.var_rnoise);
  return image;
}

std::int64_t exposure_image_bytes() {
  constexpr std::int64_t Planes = 7;  // SCI, ERR, DQ, AREA and three variances
  return Planes * static_cast<std::int64_t>(sizeof(float));
}

void write_cal(std::filesystem::path const& path, model::ExposureImage const& image, sky::Gwcs const* wcs) {
  auto content = start_content(path, image, "calibrated from");
  add_planes(image, content);
  write_content(path, wcs, content);
}

void write_rate(std::filesystem::path const& path, model::ExposureImage const& image) {
  auto content = start_content(path, image, "count rates of");
  add_planes(image, content);
  write_content(path, nullptr, content);
}

}  // namespace tessera::steps
