#include "tessera/store/exposure_reader.hpp"

#include <algorithm>

#include "tessera/core/dq.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/asdf_document.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/sky/correct_wcs.hpp"
#include "tessera/sky/fits_wcs.hpp"

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

}  // namespace

namespace {

/// Entries of the ledger that are not in the file already.
std::vector<model::LedgerEntry> entries_to_apply(ExposureRecord const& record, Ledger const& ledger) {
  auto entries = ledger.entries(record.identity);
  if (record.ledger_applied.empty()) return entries;
  auto const& steps = ledger.steps();
  auto const last = std::find(steps.begin(), steps.end(), record.ledger_applied);
  std::erase_if(entries, [&](model::LedgerEntry const& entry) {
    return std::find(steps.begin(), steps.end(), entry.step) <= last;
  });
  return entries;
}

}  // namespace

struct ExposureReader::State {
  ExposureRecord record;
  std::vector<model::LedgerEntry> entries;
  io::FitsFile file;
  std::optional<io::FitsFile> weight_file, mask_file;  ///< of plain images, where they are files of their own
  sky::WcsPointer file_wcs, corrected_wcs;
  mutable std::int64_t bytes_read = 0;

  io::Hdu const& image() const { return file.hdus()[static_cast<std::size_t>(record.image_hdu)]; }

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

ExposureReader::ExposureReader(ExposureRecord const& record, Ledger const& ledger)
    : state_(new State{record, entries_to_apply(record, ledger), io::FitsFile::open(record.path), {}, {}, {}, {}}) {
  auto& s = *state_;
  if (record.weight_hdu >= 0 && record.weight_path != record.path)
    s.weight_file = io::FitsFile::open(record.weight_path);
  if (record.mask_hdu >= 0 && record.mask_path != record.path) s.mask_file = io::FitsFile::open(record.mask_path);
  s.file_wcs = read_file_wcs(s.file, s.image(), record.has_gwcs);
  s.corrected_wcs = s.file_wcs;
  for (auto const& entry : s.entries)
    if (moves_wcs(entry))
      s.corrected_wcs = sky::correct_wcs(s.corrected_wcs, std::get<model::WcsCorrection>(entry.correction));
}

ExposureReader::~ExposureReader() = default;
ExposureReader::ExposureReader(ExposureReader&&) noexcept = default;

ExposureRecord const& ExposureReader::record() const { return state_->record; }
model::Header const& ExposureReader::primary_header() const { return state_->file.hdus().front().header; }
model::Header const& ExposureReader::image_header() const { return state_->image().header; }
io::FitsFile const& ExposureReader::file() const { return state_->file; }
std::vector<model::LedgerEntry> const& ExposureReader::entries() const { return state_->entries; }
sky::WcsPointer ExposureReader::wcs() const { return state_->corrected_wcs; }
sky::WcsPointer ExposureReader::file_wcs() const { return state_->file_wcs; }
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
  for (auto const& entry : s.entries) apply_correction(entry, band, sci);
  for (std::size_t k = 0; k < sci.size(); ++k) band.sci[k] = static_cast<float>(sci[k]);
}

}  // namespace tessera::store
