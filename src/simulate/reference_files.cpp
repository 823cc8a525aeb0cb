#include <algorithm>
#include <cctype>
#include <numbers>

#include "crds_cache.hpp"
#include "reference_fits.hpp"
#include "tessera/core/dq.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/io/asdf_writer.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/simulate/detector_response.hpp"
#include "tessera/simulate/render_sky.hpp"

namespace tessera::simulate {
namespace {

constexpr char const* UseAfter = "2021-12-25T00:00:00";
constexpr char const* Author = "tessera simulate";
constexpr char const* Description = "Simulated reference file, not for real data";

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// The detector in its full format.
Detector make_full(Detector detector) {
  detector.nx = detector.aperture->nx;
  detector.ny = detector.aperture->ny;
  detector.substrt1 = detector.substrt2 = 1;
  detector.reduced = false;
  return detector;
}

model::Header make_reference_header(ReferenceFile const& reference, Band const& band, Detector const& detector,
                                    char const* data_model) {
  model::Header h;
  h.set("DATE", UseAfter, "UTC date file created");
  h.set("FILENAME", reference.name, "Name of the file");
  h.set("DATAMODL", data_model, "Type of data model");
  h.set("TELESCOP", "JWST", "Telescope used to acquire the data");
  h.set("REFTYPE", upper(reference.type), "Reference file type");
  h.set("PEDIGREE", "DUMMY", "The pedigree of the reference file");
  h.set("AUTHOR", Author, "Author of the reference file");
  h.set("DESCRIP", Description, "Description of the reference file");
  h.set("USEAFTER", UseAfter, "Use after date of the reference file");
  h.set("INSTRUME", band.is_miri() ? "MIRI" : "NIRCAM", "Instrument used to acquire the data");
  h.set("DETECTOR", upper(detector.aperture->detector), "Name of detector used to acquire the data");
  h.set("EXP_TYPE", band.is_miri() ? "MIR_IMAGE" : "NRC_IMAGE", "Type of data in the exposure");
  if (!band.is_miri()) {
    h.set("MODULE", upper(detector.aperture->detector.substr(3, 1)), "NIRCam module: A or B");
    h.set("CHANNEL", band.channel == Channel::NircamLong ? "LONG" : "SHORT", "Instrument channel");
  }
  return h;
}

void add_frame_cards(model::Header& h, Detector const& full) {
  h.set("SUBARRAY", "FULL", "Subarray used");
  h.set("SUBSTRT1", 1, "Starting pixel in axis 1 direction");
  h.set("SUBSTRT2", 1, "Starting pixel in axis 2 direction");
  h.set("SUBSIZE1", full.nx, "Number of pixels in axis 1 direction");
  h.set("SUBSIZE2", full.ny, "Number of pixels in axis 2 direction");
  h.set("FASTAXIS", 1, "Fast readout axis direction");
  h.set("SLOWAXIS", 2, "Slow readout axis direction");
}

void add_area_cards(model::Header& h, Detector const& detector) {
  double const arcsec = std::numbers::pi / 180 / 3600;
  h.set("PIXAR_SR", detector.pixel_area, "Nominal pixel area in steradians");
  h.set("PIXAR_A2", detector.pixel_area / (arcsec * arcsec), "Nominal pixel area in arcsec^2");
}

/// Bits of the flat references' own, as real ones have them; DQ_DEF says what they mean.
struct FlatBit {
  std::uint32_t own, standard;
  char const* name;
};
constexpr FlatBit FlatBits[] = {
    {1, dq::DoNotUse, "DO_NOT_USE"}, {2, dq::NoFlatField, "NO_FLAT_FIELD"}, {4, dq::UnreliableFlat, "UNRELIABLE_FLAT"}};

void write_flat(std::filesystem::path const& path, ReferenceFile const& reference, SurveyPlan const& plan,
                Band const& band, Detector const& full) {
  auto field = make_flat(plan.settings, band, full, full_frame(full));
  for (auto& flags : field.dq) {
    std::uint32_t own = 0;
    for (FlatBit const& bit : FlatBits)
      if (flags & bit.standard) own |= bit.own;
    flags = own;
  }
  model::Header h = make_reference_header(reference, band, full, "FlatModel");
  h.set("FILTER", band.filter, "Name of the filter element used");
  if (!band.is_miri()) h.set("PUPIL", band.pupil, "Name of the pupil element used");
  if (band.is_miri()) h.set("READPATT", "FASTR1", "Readout pattern");
  add_frame_cards(h, full);
  TableColumn bits{"BIT", 0, {}, {}, true}, values{"VALUE", 0, {}, {}, true}, names{"NAME", 40, {}, {}, false},
      descriptions{"DESCRIPTION", 80, {}, {}, false};
  for (std::size_t k = 0; k < std::size(FlatBits); ++k) {
    bits.numbers.push_back(static_cast<double>(k));
    values.numbers.push_back(FlatBits[k].own);
    names.texts.emplace_back(FlatBits[k].name);
    descriptions.texts.emplace_back("as its name says");
  }
  ReferenceFits file;
  file.add_primary(std::move(h));
  file.add_image("SCI", field.value, full.nx, full.ny);
  file.add_image("ERR", field.error, full.nx, full.ny);
  file.add_image("DQ", field.dq, full.nx, full.ny);
  file.add_table("DQ_DEF", {bits, values, names, descriptions});
  file.write(path);
}

void write_area(std::filesystem::path const& path, ReferenceFile const& reference, Band const& band,
                Detector const& full) {
  model::Header h = make_reference_header(reference, band, full, "PixelAreaModel");
  add_frame_cards(h, full);
  add_area_cards(h, full);
  ReferenceFits file;
  file.add_primary(std::move(h));
  file.add_image("SCI", make_area_plane(full, 1), full.nx, full.ny);
  file.write(path);
}

/// One row for each band of the survey that the detector observes.
void write_photom(std::filesystem::path const& path, ReferenceFile const& reference, SurveyPlan const& plan,
                  Band const& band, Detector const& full) {
  bool const miri = band.is_miri();
  TableColumn filters{"filter", 12, {}, {}, false}, second{miri ? "subarray" : "pupil", miri ? 17 : 12, {}, {}, false},
      conversion{"photmjsr", 0, {}, {}, false}, uncertainty{"uncertainty", 0, {}, {}, false},
      t0{"t0", 0, {}, {}, false}, loss{"lossperyear", 0, {}, {}, false}, amplitude{"amplitude", 0, {}, {}, false},
      tau{"tau", 0, {}, {}, false}, constant{"const", 0, {}, {}, false};
  bool timed = false;
  for (Band const& other : plan.bands) {
    if (std::find(other.detectors.begin(), other.detectors.end(), full.aperture->detector) == other.detectors.end())
      continue;
    PhotomRow const row = make_photom_row(plan.settings, other, full);
    timed = timed || row.timed;
    filters.texts.push_back(other.filter);
    second.texts.push_back(miri ? "FULL" : other.pupil);
    conversion.numbers.push_back(row.photmjsr);
    uncertainty.numbers.push_back(row.uncertainty);
    t0.numbers.push_back(row.t0);
    loss.numbers.push_back(row.lossperyear);
    amplitude.numbers.push_back(row.amplitude);
    tau.numbers.push_back(row.tau);
    constant.numbers.push_back(row.constant);
  }
  model::Header h = make_reference_header(reference, band, full, miri ? "MirImgPhotomModel" : "NrcImgPhotomModel");
  add_area_cards(h, full);
  ReferenceFits file;
  file.add_primary(std::move(h));
  file.add_table("PHOTOM", {filters, second, conversion, uncertainty});
  if (timed) {
    file.add_table("TIMECOEFF_LINEAR", {filters, second, t0, loss});
    file.add_table("TIMECOEFF_EXPONENTIAL", {filters, second, t0, amplitude, tau, constant});
  }
  file.write(path);
}

io::AsdfValue make_meta(ReferenceFile const& reference, Band const& band, std::string const& detector,
                        char const* data_model) {
  auto instrument = io::AsdfValue::mapping({{"name", band.is_miri() ? "MIRI" : "NIRCAM"}});
  if (!detector.empty()) {
    instrument.set("detector", upper(detector));
    if (!band.is_miri()) {
      instrument.set("module", upper(detector.substr(3, 1)));
      instrument.set("channel", band.channel == Channel::NircamLong ? "LONG" : "SHORT");
    }
  }
  return io::AsdfValue::mapping(
      {{"author", Author},
       {"date", UseAfter},
       {"description", Description},
       {"exposure", io::AsdfValue::mapping({{"type", band.is_miri() ? "MIR_IMAGE" : "NRC_IMAGE"}})},
       {"filename", reference.name},
       {"instrument", std::move(instrument)},
       {"model_type", data_model},
       {"pedigree", "DUMMY"},
       {"reftype", reference.type},
       {"telescope", "JWST"},
       {"title", Description},
       {"useafter", UseAfter}});
}

void write_bytes(std::filesystem::path const& path, std::vector<std::byte> const& bytes) {
  std::filesystem::create_directories(path.parent_path());
  io::write_file(path, std::string(reinterpret_cast<char const*>(bytes.data()), bytes.size()));
}

std::vector<std::byte> make_distortion_file(ReferenceFile const& reference, Band const& band, Detector const& full) {
  io::AsdfValue meta = make_meta(reference, band, full.aperture->detector, "DistortionModel");
  meta.set("input_units", "pixel");
  meta.set("output_units", "arcsec");
  return io::write_asdf(
      io::AsdfValue::mapping({{"meta", std::move(meta)}, {"model", io::make_transform_value(*make_distortion(full))}}));
}

/// Offsets of all bands of the module (or of MIRI).
std::vector<std::byte> make_filteroffset_file(ReferenceFile const& reference, SurveyPlan const& plan) {
  Band const& band = plan.bands[reference.band];
  std::string const& detector = band.detectors[reference.detector];
  io::AsdfValue filters = io::AsdfValue::sequence();
  for (std::size_t b = 0; b < plan.bands.size(); ++b) {
    Band const& other = plan.bands[b];
    if (other.channel != band.channel) continue;
    for (std::size_t d = 0; d < other.detectors.size(); ++d) {
      if (other.detectors[d] != detector) continue;
      model::PixelPoint const offset = plan.detectors[b][d].filter_offset.value_or(model::PixelPoint{});
      auto entry =
          io::AsdfValue::mapping({{"filter", other.filter}, {"column_offset", offset.x}, {"row_offset", offset.y}});
      if (!other.is_miri()) entry.set("pupil", other.pupil);
      filters.append(std::move(entry));
    }
  }
  io::AsdfValue meta = make_meta(reference, band, band.is_miri() ? detector : "", "FilteroffsetModel");
  meta.set("input_units", "pixel");
  return io::write_asdf(io::AsdfValue::mapping({{"filters", std::move(filters)}, {"meta", std::move(meta)}}));
}

std::vector<std::byte> make_parameter_reference(ReferenceFile const& reference) {
  using io::AsdfValue;
  auto const step = [](char const* class_name, char const* name, AsdfValue parameters) {
    return AsdfValue::mapping({{"class", class_name}, {"name", name}, {"parameters", std::move(parameters)}});
  };
  AsdfValue const meta =
      AsdfValue::mapping({{"author", Author},
                          {"description", Description},
                          {"instrument", AsdfValue::mapping({{"name", upper(reference.instrument)}})},
                          {"pedigree", "DUMMY"},
                          {"reftype", reference.type},
                          {"telescope", "JWST"},
                          {"useafter", UseAfter}});
  AsdfValue tree;
  if (reference.type == "pars-backgroundstep") {
    tree = step("jwst.background.background_step.BackgroundStep", "bkg_subtract", AsdfValue::mapping({{"sigma", 1.2}}));
  } else if (reference.type == "pars-assignwcsstep") {
    tree = step("jwst.assign_wcs.assign_wcs_step.AssignWcsStep", "assign_wcs",
                AsdfValue::mapping({{"sip_degree", 4}, {"sip_inv_degree", 3}}));
  } else {
    tree = step("jwst.pipeline.calwebb_image2.Image2Pipeline", "calwebb_image2",
                AsdfValue::mapping({{"save_bsub", false}}));
    auto steps = AsdfValue::sequence(
        {step("jwst.resample.resample_step.ResampleStep", "resample", AsdfValue::mapping({{"skip", true}}))});
    // Goes before the parameter reference of the step itself.
    if (reference.instrument == "miri")
      steps.append(
          step("jwst.background.background_step.BackgroundStep", "bkg_subtract", AsdfValue::mapping({{"sigma", 1.7}})));
    tree.set("steps", std::move(steps));
  }
  tree.set("meta", meta);
  return io::write_asdf(tree);
}

}  // namespace

void write_reference(std::filesystem::path const& cache, SurveyPlan const& plan, ReferenceFile const& reference) {
  Band const& band = plan.bands[reference.band];
  Detector const full = make_full(plan.detectors[reference.band][reference.detector]);
  auto const path = cache / "references" / "jwst" / reference.instrument / reference.name;
  if (reference.type == "flat")
    write_flat(path, reference, plan, band, full);
  else if (reference.type == "area")
    write_area(path, reference, band, full);
  else if (reference.type == "photom")
    write_photom(path, reference, plan, band, full);
  else if (reference.type == "distortion")
    write_bytes(path, make_distortion_file(reference, band, full));
  else if (reference.type == "filteroffset")
    write_bytes(path, make_filteroffset_file(reference, plan));
  else
    write_bytes(path, make_parameter_reference(reference));
}

}  // namespace tessera::simulate
