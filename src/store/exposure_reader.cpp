#include "tessera/store/exposure_reader.hpp"

#include <algorithm>
#include <list>

#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/sky/fits_wcs.hpp"
#include "tessera/sky/make_pixel_map.hpp"

namespace tessera::store {

namespace {

using model::Plane;

bool moves_wcs(model::LedgerEntry const& entry) {
  return std::holds_alternative<model::WcsCorrection>(entry.correction);
}
bool flags_pixels(model::LedgerEntry const& entry) {
  return std::holds_alternative<model::FlagCorrection>(entry.correction) ||
         std::holds_alternative<model::RegionFlag>(entry.correction);
}

/// Entries of the ledger, without those that are in the file already.
struct OpenEntries {
  std::vector<model::LedgerEntry> entries;
  int wcs_corrections_in_file = 0;
};

OpenEntries entries_to_apply(ExposureRecord const& record, Ledger const& ledger) {
  OpenEntries open{ledger.entries(record.identity), 0};
  if (record.ledger_applied.empty()) return open;
  auto const& steps = ledger.steps();
  auto const last = std::find(steps.begin(), steps.end(), record.ledger_applied);
  if (last == steps.end()) return open;  // exported with another ledger: nothing of this one is in the file
  std::erase_if(open.entries, [&](model::LedgerEntry const& entry) {
    bool const is_applied = std::find(steps.begin(), steps.end(), entry.step) <= last;
    if (is_applied && moves_wcs(entry)) ++open.wcs_corrections_in_file;
    return is_applied;
  });
  return open;
}

}  // namespace

struct ExposureReader::State {
  ExposureRecord record;
  std::vector<model::LedgerEntry> entries;
  int wcs_corrections_in_file = 0;
  io::FitsFile file;
  std::optional<io::FitsFile> weight_file, mask_file;  ///< of plain images, where they are files of their own
  std::vector<sky::WcsPointer> wcs;                    ///< of the file, then after each correction of the ledger
  /// Maps on the grids of planes, made when first needed; planes of one grid and WCS share theirs.
  struct GridMap {
    model::SkyGrid grid;
    std::size_t version;
    model::PixelMap map;
  };
  mutable std::list<GridMap> grid_maps;
  mutable std::int64_t bytes_read = 0;
  std::vector<std::string> steps = {};  ///< of the ledger

  io::Hdu const& image() const { return file.hdus()[static_cast<std::size_t>(record.image_hdu)]; }

  /// The map that an entry needs; null for all but planes on the sky.
  model::PixelMap const* map_for(model::LedgerEntry const& entry) const {
    auto const* plane = std::get_if<model::SkyPlaneCorrection>(&entry.correction);
    if (!plane) return nullptr;
    int const corrections = std::max(0, entry.wcs_version - wcs_corrections_in_file);
    auto const version = std::min(static_cast<std::size_t>(corrections), wcs.size() - 1);
    for (auto const& known : grid_maps)
      if (known.version == version && known.grid == plane->grid) return &known.map;
    grid_maps.push_back({plane->grid, version, sky::make_pixel_map(*wcs[version], record.nx, record.ny, plane->grid)});
    return &grid_maps.back().map;
  }

  template <class T>
  void read_plane(io::FitsFile const& from, io::Hdu const& hdu, model::RowBand const& band, std::vector<T>& out) const {
    out.resize(static_cast<std::size_t>(band.pixel_count()));
    from.read_rows(hdu, band.y0, band.y1, out.data());
    bytes_read += band.pixel_count() * 4;
  }

  void read_jwst(model::PlaneSet planes, model::RowBand& band) const {
    auto const wanted = [&](Plane plane) { return planes.has(plane) && record.planes.has(plane); };
    auto const read = [&](Plane plane, auto& out) {
      out.clear();
      if (wanted(plane)) read_plane(file, *file.find(model::extension_name(plane)), band, out);
    };
    read(Plane::Err, band.err);
    read(Plane::Dq, band.dq);
    read(Plane::VarPoisson, band.var_poisson);
    read(Plane::VarRnoise, band.var_rnoise);
    read(Plane::VarFlat, band.var_flat);
    read(Plane::Wht, band.wht);
  }

  void read_plain(model::PlaneSet planes, model::RowBand& band) const {
    for (auto* plane : {&band.err, &band.var_poisson, &band.var_rnoise, &band.var_flat, &band.wht}) plane->clear();
    band.dq.clear();
    if (planes.has(Plane::Wht) && record.weight_hdu >= 0) {
      auto const& from = weight_file ? *weight_file : file;
      read_plane(from, from.hdus()[static_cast<std::size_t>(record.weight_hdu)], band, band.wht);
    }
    if (planes.has(Plane::Dq) && record.mask_hdu >= 0) {
      auto const& from = mask_file ? *mask_file : file;
      read_plane(from, from.hdus()[static_cast<std::size_t>(record.mask_hdu)], band, band.dq);
      for (auto& value : band.dq) value = value != 0 ? dq::DoNotUse : 0;
    }
  }
};

sky::WcsPointer read_file_wcs(io::FitsFile const& file, io::Hdu const& image, bool has_gwcs) {
  if (has_gwcs) {
    auto const document =
        io::AsdfDocument::parse(file.read_data(file.require("ASDF")), file.path().string() + "[ASDF]");
    if (document.find("meta.wcs") || document.find("wcs")) return io::read_wcs(document);
  }
  try {
    return sky::make_fits_wcs(image.header, image.nx(), image.ny());
  } catch (InputError const& error) {  // the header does not know which file it came from
    Problem problem = error.problem();
    problem.where = fmt::format("{}[{}] {}", file.path().string(), image.extname, problem.where);
    throw InputError(std::move(problem));
  }
}

ExposureReader::ExposureReader(ExposureRecord const& record, Ledger const& ledger) {
  auto [entries, in_file] = entries_to_apply(record, ledger);
  state_.reset(new State{record, std::move(entries), in_file, io::FitsFile::open(record.path), {}, {}, {}, {}, 0});
  auto& s = *state_;
  s.steps = ledger.steps();
  if (record.weight_hdu >= 0 && record.weight_path != record.path)
    s.weight_file = io::FitsFile::open(record.weight_path);
  if (record.mask_hdu >= 0 && record.mask_path != record.path) s.mask_file = io::FitsFile::open(record.mask_path);
  s.wcs.push_back(read_file_wcs(s.file, s.image(), record.has_gwcs));
  for (auto const& entry : s.entries)
    if (moves_wcs(entry))
      s.wcs.push_back(sky::correct_wcs(s.wcs.back(), std::get<model::WcsCorrection>(entry.correction)));
}

ExposureReader::~ExposureReader() = default;
ExposureReader::ExposureReader(ExposureReader&&) noexcept = default;

ExposureRecord const& ExposureReader::record() const { return state_->record; }
model::Header const& ExposureReader::primary_header() const { return state_->file.hdus().front().header; }
model::Header const& ExposureReader::image_header() const { return state_->image().header; }
io::FitsFile const& ExposureReader::file() const { return state_->file; }
std::vector<model::LedgerEntry> const& ExposureReader::entries() const { return state_->entries; }
bool ExposureReader::has_seen(std::string_view step) const {
  return std::find(state_->steps.begin(), state_->steps.end(), step) != state_->steps.end();
}
sky::WcsPointer ExposureReader::wcs() const { return state_->wcs.back(); }
sky::WcsPointer ExposureReader::file_wcs() const { return state_->wcs.front(); }
double ExposureReader::sky_level() const {
  for (auto entry = state_->entries.rbegin(); entry != state_->entries.rend(); ++entry)
    if (auto const* sky = std::get_if<model::SkyCorrection>(&entry->correction)) return sky->subtract ? 0 : sky->level;
  return state_->record.sky_level.value_or(0);
}
std::int64_t ExposureReader::bytes_read() const { return state_->bytes_read; }

void ExposureReader::read_rows(std::int64_t y0, std::int64_t y1, model::PlaneSet planes, model::RowBand& band) const {
  auto const& s = *state_;
  band.nx = s.record.nx;
  band.y0 = y0;
  band.y1 = y1;
  band.sci.clear();
  if (planes.has(Plane::Sci)) s.read_plane(s.file, s.image(), band, band.sci);
  if (s.record.kind == ExposureKind::PlainImage)
    s.read_plain(planes, band);
  else
    s.read_jwst(planes, band);

  bool needs_double = false;
  for (auto const& entry : s.entries) {
    needs_double = needs_double || (!moves_wcs(entry) && !flags_pixels(entry));
    // A file without DQ still has to carry the flags of the ledger.
    if (flags_pixels(entry) && planes.has(Plane::Dq) && band.dq.empty())
      band.dq.assign(static_cast<std::size_t>(band.pixel_count()), 0);
  }
  std::vector<double> sci;
  if (needs_double) sci.assign(band.sci.begin(), band.sci.end());
  for (auto const& entry : s.entries) apply_correction(entry, band, sci, sci.empty() ? nullptr : s.map_for(entry));
  for (std::size_t k = 0; k < sci.size(); ++k)
    if (band.sci[k] != 0) band.sci[k] = static_cast<float>(sci[k]);
}

}  // namespace tessera::store
