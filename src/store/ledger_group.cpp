#include "ledger_group.hpp"

#include <fmt/format.h>

#include "tessera/core/error.hpp"

namespace tessera::store {

namespace {

using model::LedgerEntry;

std::vector<std::int64_t> box_values(model::PixelBox const& box) { return {box.x0, box.y0, box.x1, box.y1}; }

model::Correction read_correction(io::Hdf5File const& file, std::string const& group, std::string const& path) {
  std::string const kind = file.text_attribute(group, "operation");
  auto const values = [&](std::size_t count) {
    auto read = file.read_doubles(group + "/values");
    if (read.size() != count)
      throw InputError({"broken ledger entry", path + ":" + group, fmt::format("{} values for '{}'", count, kind),
                        fmt::format("{}", read.size()), "delete the ledger file: its step will be done again"});
    return read;
  };
  if (kind == "level") return model::LevelCorrection{values(1)[0]};
  if (kind == "plane") {
    auto const v = values(5);
    return model::PlaneCorrection{v[0], v[1], v[2], v[3], v[4]};
  }
  if (kind == "stripes_rows" || kind == "stripes_columns") {
    model::StripeCorrection stripes;
    stripes.direction =
        kind == "stripes_rows" ? model::StripeCorrection::Direction::Rows : model::StripeCorrection::Direction::Columns;
    stripes.bounds = file.read_integers(group + "/bounds");
    auto const joined = file.read_floats(group + "/profile");
    std::size_t const amplifiers = stripes.bounds.empty() ? 0 : stripes.bounds.size() - 1;
    if (amplifiers == 0 || joined.size() % amplifiers != 0)
      throw InputError({"broken ledger entry", path + ":" + group, "one profile an amplifier",
                        fmt::format("{} values for {} amplifiers", joined.size(), amplifiers),
                        "delete the ledger file: its step will be done again"});
    auto const length = static_cast<std::ptrdiff_t>(joined.size() / amplifiers);
    for (std::size_t a = 0; a < amplifiers; ++a) {
      auto const first = joined.begin() + static_cast<std::ptrdiff_t>(a) * length;
      stripes.profile.emplace_back(first, first + length);
    }
    return stripes;
  }
  if (kind == "flag")
    return model::FlagCorrection{static_cast<std::uint32_t>(file.integer_attribute(group, "bits")),
                                 file.read_bytes(group + "/mask")};
  if (kind == "region_flag")
    return model::RegionFlag{static_cast<std::uint32_t>(file.integer_attribute(group, "bits"))};
  if (kind == "wcs") {
    auto const v = values(9);
    return model::WcsCorrection{{{{v[0], v[1]}, {v[2], v[3]}}}, {v[4], v[5]}, v[6], v[7], v[8]};
  }
  if (kind == "sky_plane") {
    auto const v = values(5), g = file.read_doubles(group + "/grid");
    auto const size = file.read_integers(group + "/grid_size");
    if (g.size() != 10 || size.size() != 2)
      throw InputError({"broken ledger entry", path + ":" + group, "a grid of 10 values and 2 sizes",
                        fmt::format("{} and {}", g.size(), size.size()),
                        "delete the ledger file: its step will be done again"});
    model::SkyGrid grid;
    grid.nx = size[0];
    grid.ny = size[1];
    grid.crpix = {g[0], g[1]};
    grid.crval = {g[2], g[3]};
    grid.cdelt = {g[4], g[5]};
    grid.pc = {{{g[6], g[7]}, {g[8], g[9]}}};
    return model::SkyPlaneCorrection{v[0], v[1], v[2], v[3], v[4], grid};
  }
  if (kind == "sky")
    return model::SkyCorrection{values(1)[0], file.integer_attribute(group, "subtract") != 0,
                                file.text_attribute(group, "method")};
  throw InputError({"unknown ledger operation", path + ":" + group,
                    "level, plane, stripes_rows, stripes_columns, flag, region_flag, wcs, sky_plane or sky", kind,
                    "was this ledger written by a newer tessera?"});
}

}  // namespace

void write_entry(io::Hdf5File& file, std::string const& group, LedgerEntry const& entry) {
  struct Writer {
    io::Hdf5File& file;
    std::string const& group;
    void kind(char const* name) const { file.set_attribute(group, "operation", std::string(name)); }
    void operator()(model::LevelCorrection const& c) const {
      file.write_array(group + "/values", std::vector<double>{c.level});
      kind("level");
    }
    void operator()(model::PlaneCorrection const& c) const {
      file.write_array(group + "/values", std::vector<double>{c.level, c.slope_x, c.slope_y, c.x0, c.y0});
      kind("plane");
    }
    void operator()(model::StripeCorrection const& c) const {
      file.write_array(group + "/bounds", c.bounds);
      std::vector<float> joined;
      for (auto const& profile : c.profile) joined.insert(joined.end(), profile.begin(), profile.end());
      file.write_array(group + "/profile", joined);
      kind(c.direction == model::StripeCorrection::Direction::Rows ? "stripes_rows" : "stripes_columns");
    }
    void operator()(model::FlagCorrection const& c) const {
      file.write_array(group + "/mask", c.mask, true);
      kind("flag");
      file.set_attribute(group, "bits", static_cast<std::int64_t>(c.bits));
    }
    void operator()(model::RegionFlag const& c) const {
      file.write_array(group + "/values", std::vector<double>{});
      kind("region_flag");
      file.set_attribute(group, "bits", static_cast<std::int64_t>(c.bits));
    }
    void operator()(model::WcsCorrection const& c) const {
      file.write_array(group + "/values",
                       std::vector<double>{c.matrix[0][0], c.matrix[0][1], c.matrix[1][0], c.matrix[1][1], c.shift[0],
                                           c.shift[1], c.v2_ref, c.v3_ref, c.roll_ref});
      kind("wcs");
    }
    void operator()(model::SkyPlaneCorrection const& c) const {
      auto const& g = c.grid;
      file.write_array(group + "/values", std::vector<double>{c.level, c.slope_x, c.slope_y, c.x_ref, c.y_ref});
      file.write_array(group + "/grid_size", std::vector<std::int64_t>{g.nx, g.ny});
      file.write_array(group + "/grid",
                       std::vector<double>{g.crpix.x, g.crpix.y, g.crval.ra, g.crval.dec, g.cdelt[0], g.cdelt[1],
                                           g.pc[0][0], g.pc[0][1], g.pc[1][0], g.pc[1][1]});
      kind("sky_plane");
    }
    void operator()(model::SkyCorrection const& c) const {
      file.write_array(group + "/values", std::vector<double>{c.level});
      kind("sky");
      file.set_attribute(group, "subtract", static_cast<std::int64_t>(c.subtract));
      file.set_attribute(group, "method", c.method);
    }
  };
  file.write_array(group + "/region", box_values(entry.region));
  std::visit(Writer{file, group}, entry.correction);
  file.set_attribute(group, "wcs_version", static_cast<std::int64_t>(entry.wcs_version));
  file.set_attribute(group, "made_from", entry.made_from);
}

LedgerEntry read_entry(io::Hdf5File const& file, std::string const& group, std::string const& path) {
  LedgerEntry entry;
  entry.order = static_cast<int>(file.integer_attribute("", "order"));
  entry.correction = read_correction(file, group, path);
  auto const box = file.read_integers(group + "/region");
  if (box.size() == 4) entry.region = {box[0], box[1], box[2], box[3]};
  entry.wcs_version = static_cast<int>(file.integer_attribute(group, "wcs_version"));
  entry.made_from = file.text_attribute(group, "made_from");
  return entry;
}

}  // namespace tessera::store
