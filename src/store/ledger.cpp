#include "tessera/store/ledger.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "tessera/core/error.hpp"
#include "tessera/core/nearest_name.hpp"
#include "tessera/io/checksum.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/hdf5_file.hpp"

namespace tessera::store {

namespace {

using model::LedgerEntry;

/// HDF5 group of an exposure: '/' cannot stand in a link name, and halves are exposures of their own.
std::string group_name(model::ExposureIdentity const& identity) {
  char const* half = identity.half == model::Half::Imager ? ":imager"
                     : identity.half == model::Half::Lyot ? ":lyot"
                                                          : "";
  return "exposures/" + identity.exposure + half;
}

std::vector<std::int64_t> box_values(model::PixelBox const& box) { return {box.x0, box.y0, box.x1, box.y1}; }

void write_correction(io::Hdf5File& file, std::string const& group, LedgerEntry const& entry) {
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
  };
  file.write_array(group + "/region", box_values(entry.region));
  std::visit(Writer{file, group}, entry.correction);
  file.set_attribute(group, "wcs_version", static_cast<std::int64_t>(entry.wcs_version));
  file.set_attribute(group, "made_from", entry.made_from);
}

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
  throw InputError({"unknown ledger operation", path + ":" + group,
                    "level, plane, stripes_rows, stripes_columns, flag, region_flag or wcs", kind,
                    "was this ledger written by a newer tessera?"});
}

}  // namespace

std::filesystem::path ledger_path(std::filesystem::path const& folder, int order, std::string const& step) {
  return folder / fmt::format("{:02d}_{}.h5", order, step);
}

void write_ledger(std::filesystem::path const& path, std::string const& step, int order,
                  std::vector<LedgerEntry> const& entries) {
  std::filesystem::create_directories(path.parent_path());
  auto part = path;
  part += ".part";
  {
    io::Hdf5File file(part, io::Hdf5File::Mode::Create);
    file.set_attribute("", "format", std::string("tessera ledger 1"));
    file.set_attribute("", "step", step);
    file.set_attribute("", "order", static_cast<std::int64_t>(order));
    for (std::size_t index = 0; index < entries.size(); ++index)
      write_correction(file, fmt::format("{}/{:06d}", group_name(entries[index].identity), index), entries[index]);
  }
  io::commit_file(part, path);
}

Ledger Ledger::open(std::filesystem::path const& folder, std::string const& last_step) {
  Ledger ledger;
  if (last_step == "none") return ledger;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::is_directory(folder))
    for (auto const& item : std::filesystem::directory_iterator(folder))
      if (item.path().extension() == ".h5") files.push_back(item.path());
  std::sort(files.begin(), files.end());
  bool found = last_step.empty();
  for (auto const& path : files) {
    std::string const stem = path.stem().string();  // NN_<step>
    std::string const step = stem.size() > 3 ? stem.substr(3) : stem;
    ledger.files_.push_back(path);
    ledger.steps_.push_back(step);
    if (step == last_step) {
      found = true;
      break;
    }
  }
  if (!found)
    throw InputError({"no such step in the ledger", folder.string(), "a step with corrections", last_step,
                      suggest_name(last_step, ledger.steps_)});
  std::string joined;
  for (auto const& path : ledger.files_) joined += path.filename().string() + " " + io::sha256_of_file(path) + "\n";
  if (!joined.empty()) ledger.hash_ = io::sha256(joined);
  return ledger;
}

std::string Ledger::listing() const {
  std::string text = hash_ + "\n";
  for (std::size_t k = 0; k < files_.size(); ++k) text += steps_[k] + " " + files_[k].string() + "\n";
  return text;
}

Ledger Ledger::from_listing(std::string const& listing) {
  Ledger ledger;
  std::istringstream lines(listing);
  std::getline(lines, ledger.hash_);
  for (std::string line; std::getline(lines, line);) {
    auto const blank = line.find(' ');
    ledger.steps_.push_back(line.substr(0, blank));
    ledger.files_.emplace_back(line.substr(blank + 1));
  }
  return ledger;
}

std::vector<LedgerEntry> Ledger::entries(model::ExposureIdentity const& identity) const {
  std::vector<LedgerEntry> all;
  for (std::size_t k = 0; k < files_.size(); ++k) {
    io::Hdf5File const file(files_[k], io::Hdf5File::Mode::ReadOnly);
    std::string const group = group_name(identity);
    if (!file.has(group)) continue;
    auto const order = static_cast<int>(file.integer_attribute("", "order"));
    for (auto const& name : file.names(group)) {
      std::string const entry_group = group + "/" + name;
      LedgerEntry entry;
      entry.identity = identity;
      entry.step = steps_[k];
      entry.order = order;
      entry.correction = read_correction(file, entry_group, files_[k].string());
      auto const box = file.read_integers(entry_group + "/region");
      if (box.size() == 4) entry.region = {box[0], box[1], box[2], box[3]};
      entry.wcs_version = static_cast<int>(file.integer_attribute(entry_group, "wcs_version"));
      entry.made_from = file.text_attribute(entry_group, "made_from");
      all.push_back(std::move(entry));
    }
  }
  return all;
}

}  // namespace tessera::store
