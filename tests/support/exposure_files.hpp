// Exposures made for tests: plain images and JWST-like files with a tangent-plane WCS.
#pragma once
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "tessera/io/asdf_writer.hpp"
#include "tessera/io/fits_write.hpp"

namespace tessera::test {

/// A plane of an exposure: floats, or unsigned integers for flags.
struct TestPlane {
  std::string name;
  std::vector<float> values{};
  std::vector<std::uint32_t> flags{};
};

/// North up, east left, about the centre of the array.
inline void set_tan(model::Header& header, std::int64_t nx, std::int64_t ny, double ra, double dec, double arcsec = 0.1,
                    double angle_deg = 0) {
  double const degree = arcsec / 3600, c = std::cos(angle_deg * 0.017453292519943295),
               s = std::sin(angle_deg * 0.017453292519943295);
  header.set("CTYPE1", "RA---TAN");
  header.set("CTYPE2", "DEC--TAN");
  header.set("CRVAL1", ra);
  header.set("CRVAL2", dec);
  header.set("CRPIX1", (static_cast<double>(nx) + 1) / 2);
  header.set("CRPIX2", (static_cast<double>(ny) + 1) / 2);
  header.set("CD1_1", -degree * c);
  header.set("CD1_2", degree * s);
  header.set("CD2_1", degree * s);
  header.set("CD2_2", degree * c);
}

/// One HDU a plane behind an empty primary one; `primary` and `image` are the cards of the primary HDU and the first
/// plane. With `gwcs` an ASDF extension follows.
inline void write_exposure(std::filesystem::path const& path, std::int64_t nx, std::int64_t ny,
                           model::Header const& primary, model::Header const& image,
                           std::vector<TestPlane> const& planes, sky::Gwcs const* gwcs = nullptr) {
  std::vector<io::HduPlan> plans(1);
  std::vector<std::vector<std::byte>> data(1);
  plans.front().header = primary;
  for (auto const& plane : planes) {
    io::HduPlan plan;
    plan.extname = plane.name;
    bool const is_flags = !plane.flags.empty();
    plan.bitpix = is_flags ? 32 : -32;
    plan.unsigned_integers = is_flags;
    plan.axes = {nx, ny};
    if (plans.size() == 1) plan.header = image;
    std::vector<std::byte> bytes(static_cast<std::size_t>(nx * ny) * 4);
    if (is_flags)
      io::to_big_endian_unsigned(plane.flags, bytes.data());
    else
      io::to_big_endian(std::span<float const>(plane.values), bytes.data());
    plans.push_back(plan);
    data.push_back(std::move(bytes));
  }
  if (gwcs) {
    io::HduPlan asdf;
    auto bytes = io::write_asdf(io::make_datamodel_tree({}, gwcs, {}));
    asdf.extname = "ASDF";
    asdf.binary_table = true;
    asdf.axes = {static_cast<std::int64_t>(bytes.size()), 1};
    model::Header columns;
    columns.set("TTYPE1", "ASDF_METADATA");
    columns.set("TFORM1", fmt::format("{}B", bytes.size()));
    asdf.table_columns = columns.cards();
    plans.push_back(asdf);
    data.push_back(std::move(bytes));
  }
  std::filesystem::create_directories(path.parent_path());
  io::write_fits(path, plans, data);
}

/// Primary header of a NIRCam image.
inline model::Header nircam_primary(std::string const& filter = "F300M", std::string const& pupil = "CLEAR") {
  model::Header header;
  header.set("TELESCOP", "JWST");
  header.set("INSTRUME", "NIRCAM");
  header.set("DETECTOR", "NRCALONG");
  header.set("EXP_TYPE", "NRC_IMAGE");
  header.set("FILTER", filter);
  header.set("PUPIL", pupil);
  header.set("TARGPROP", "NGC-0628");
  header.set("EFFEXPTM", 100.0);
  header.set("TMEASURE", 90.0);
  return header;
}

/// Values y * 1000 + x.
inline std::vector<float> numbered(std::int64_t nx, std::int64_t ny) {
  std::vector<float> values;
  for (std::int64_t y = 0; y < ny; ++y)
    for (std::int64_t x = 0; x < nx; ++x) values.push_back(static_cast<float>(y * 1000 + x));
  return values;
}

/// A NIRCam exposure with SCI, ERR, DQ and VAR_RNOISE at (ra, dec).
inline void write_nircam(std::filesystem::path const& path, std::int64_t nx, std::int64_t ny, double ra, double dec,
                         model::Header const& primary = nircam_primary()) {
  model::Header image;
  set_tan(image, nx, ny, ra, dec);
  auto const count = static_cast<std::size_t>(nx * ny);
  write_exposure(path, nx, ny, primary, image,
                 {{"SCI", numbered(nx, ny)},
                  {"ERR", std::vector<float>(count, 0.5f)},
                  {"DQ", {}, std::vector<std::uint32_t>(count, 0)},
                  {"VAR_RNOISE", std::vector<float>(count, 0.25f)}});
}

}  // namespace tessera::test
