#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "crds_cache.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/io/fits_write.hpp"
#include "tessera/refs/mapping.hpp"

namespace tessera::simulate {
namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

std::string const NircamImages = "NRC_IMAGE|NRC_TSIMAGE|NRC_TACQ|NRC_FOCUS", MiriImages = "MIR_IMAGE|MIR_TACQ";

/// Parameters that a type is chosen by (spec 25, 2.10).
std::vector<std::string> parkey_of(std::string const& type, bool miri) {
  std::string const i = "META.INSTRUMENT.", e = "META.EXPOSURE.";
  if (type == "flat" && miri) return {i + "DETECTOR", i + "FILTER", i + "BAND", e + "READPATT", "META.SUBARRAY.NAME"};
  if (type == "flat") return {i + "DETECTOR", i + "FILTER", i + "PUPIL"};
  if (type == "distortion" && miri) return {i + "DETECTOR", e + "TYPE", i + "CHANNEL", i + "BAND"};
  if (type == "distortion") return {e + "TYPE", i + "DETECTOR", i + "CHANNEL", i + "FILTER", i + "PUPIL"};
  if (type == "filteroffset" && miri) return {i + "DETECTOR", e + "TYPE"};
  if (type == "filteroffset") return {e + "TYPE", i + "CHANNEL", i + "MODULE"};
  if (type == "photom" && miri) return {i + "DETECTOR", i + "BAND"};
  if (type == "photom") return {i + "DETECTOR"};
  if (type == "area" && miri) return {i + "DETECTOR", i + "FILTER", e + "TYPE"};
  if (type == "area") return {i + "DETECTOR", i + "FILTER", i + "PUPIL", e + "TYPE"};
  if (type == "pars-image2pipeline") return {e + "TYPE", "META.VISIT.TSOVISIT"};
  return {e + "TYPE"};
}

/// The rule of one reference, element by element.
std::vector<std::string> key_of(std::string const& type, Band const& band, std::string const& detector) {
  std::string const name = upper(detector), module = band.is_miri() ? "" : upper(detector.substr(3, 1));
  std::string const channel = band.channel == Channel::NircamLong ? "LONG" : "SHORT";
  bool const miri = band.is_miri();
  if (type == "flat" && miri) return {name, band.filter, "N/A", "FASTR1", "FULL"};
  if (type == "flat") return {name, band.filter, band.pupil};
  if (type == "distortion" && miri) return {name, MiriImages, "N/A", "N/A"};
  if (type == "distortion") return {NircamImages, name, channel, "N/A", "N/A"};
  if (type == "filteroffset" && miri) return {name, MiriImages};
  if (type == "filteroffset") return {NircamImages, channel, module};
  if (type == "photom" && miri) return {name, "N/A"};
  if (type == "photom") return {name};
  if (type == "area" && miri) return {name, "N/A", MiriImages};
  if (type == "area") return {name, "N/A", "N/A", NircamImages};
  std::string const exposures = miri ? "MIR_IMAGE" : "NRC_IMAGE";
  if (type == "pars-image2pipeline") return {exposures, "F"};
  return {exposures};
}

/// A Python tuple of texts.
std::string tuple(std::vector<std::string> const& texts) {
  std::string joined = "(";
  for (std::size_t k = 0; k < texts.size(); ++k) joined += (k ? ", '" : "'") + texts[k] + "'";
  return joined + (texts.size() == 1 ? ",)" : ")");
}

/// `lines` of the header in alphabetical order, as CRDS has them; its checksum is put among them.
std::string make_mapping(std::map<std::string, std::string> header, std::string const& selector) {
  header["derived_from"] = "'simulated by tessera'";
  header["observatory"] = "'JWST'";
  auto const text_with = [&](std::string const& sum) {
    std::string text = "header = {\n";
    header["sha1sum"] = "'" + sum + "'";
    for (auto const& [key, value] : header) text += fmt::format("    '{}' : {},\n", key, value);
    return text + "}\n\nselector = " + selector;
  };
  return text_with(refs::mapping_checksum(text_with("")));
}

void write_mapping(std::filesystem::path const& cache, std::string const& name,
                   std::map<std::string, std::string> header, std::string const& selector) {
  header["name"] = "'" + name + "'";
  io::write_file(cache / "mappings" / "jwst" / name, make_mapping(std::move(header), selector));
}

void write_rmap(std::filesystem::path const& cache, std::string const& instrument, std::string const& type,
                std::vector<ReferenceFile> const& references) {
  bool const miri = instrument == "miri";
  std::string selector = "Match({\n";
  for (ReferenceFile const& reference : references)
    if (reference.type == type && reference.instrument == instrument)
      selector += fmt::format("    {} : UseAfter({{\n        '2021-12-25 00:00:00' : '{}',\n    }}),\n",
                              tuple(reference.key), reference.name);
  write_mapping(
      cache, fmt::format("jwst_{}_{}_0001.rmap", instrument, type),
      {{"classes", "('Match', 'UseAfter')"},
       {"filekind", "'" + upper(type) + "'"},
       {"instrument", "'" + upper(instrument) + "'"},
       {"mapping", "'REFERENCE'"},
       {"parkey", "(" + tuple(parkey_of(type, miri)) + ", ('META.OBSERVATION.DATE', 'META.OBSERVATION.TIME'))"}},
      selector + "})\n");
}

/// Types that the official pipelines ask for and that do not exist here.
constexpr char const* OtherTypes[] = {"abvegaoffset", "apcorr",       "barshadow",
                                      "bkg",          "camera",       "chromcorr",
                                      "collimator",   "cubepar",      "dark",
                                      "dflat",        "disperser",    "drizpars",
                                      "emicorr",      "extract1d",    "fflat",
                                      "fore",         "fpa",          "fringe",
                                      "fringefreq",   "gain",         "ifufore",
                                      "ifupost",      "ifuslicer",    "ipc",
                                      "linearity",    "mask",         "mrsptcorr",
                                      "mrsxartcorr",  "msa",          "msaoper",
                                      "ote",          "pastasoss",    "pathloss",
                                      "persat",       "pictureframe", "psf",
                                      "psfmask",      "readnoise",    "refpix",
                                      "regions",      "reset",        "rscd",
                                      "saturation",   "sflat",        "sirskernel",
                                      "speckernel",   "specprofile",  "spectrace",
                                      "specwcs",      "straymask",    "superbias",
                                      "throughput",   "trapdensity",  "trappars",
                                      "tsophot",      "wavecorr",     "wavelengthrange",
                                      "wavemap",      "wfssbkg"};
constexpr char const* ParameterTypes[] = {"pars-assignwcsstep", "pars-backgroundstep",       "pars-detector1pipeline",
                                          "pars-flatfieldstep", "pars-image2pipeline",       "pars-image3pipeline",
                                          "pars-jumpstep",      "pars-outlierdetectionstep", "pars-photomstep",
                                          "pars-rampfitstep",   "pars-resamplestep",         "pars-skymatchstep",
                                          "pars-tweakregstep",  "pars-sourcecatalogstep",    "pars-darkcurrentstep"};

void write_imap(std::filesystem::path const& cache, std::string const& instrument,
                std::vector<ReferenceFile> const& references) {
  std::map<std::string, std::string> members;
  for (char const* type : OtherTypes) members[upper(type)] = "N/A";
  for (char const* type : ParameterTypes) members[upper(type)] = "N/A";
  for (ReferenceFile const& reference : references)
    if (reference.instrument == instrument)
      members[upper(reference.type)] = fmt::format("jwst_{}_{}_0001.rmap", instrument, reference.type);
  std::string selector = "{\n";
  for (auto const& [type, member] : members) selector += fmt::format("    '{}' : '{}',\n", type, member);
  write_mapping(
      cache, "jwst_" + instrument + "_0001.imap",
      {{"instrument", "'" + upper(instrument) + "'"}, {"mapping", "'INSTRUMENT'"}, {"parkey", "('REFTYPE',)"}},
      selector + "}\n");
}

}  // namespace

std::vector<ReferenceFile> plan_references(SurveyPlan const& plan) {
  std::vector<ReferenceFile> references;
  std::set<std::vector<std::string>> seen;  // type and rule
  std::map<std::string, int> serials;
  auto const add = [&](std::string const& type, std::size_t band, std::size_t detector, char const* ending) {
    Band const& of = plan.bands[band];
    std::string const instrument = of.is_miri() ? "miri" : "nircam";
    auto key = key_of(type, of, of.detectors[detector]);
    auto identity = key;
    identity.push_back(instrument + " " + type);
    if (!seen.insert(identity).second) return;
    references.push_back({type, instrument,
                          fmt::format("jwst_{}_{}_{:04}.{}", instrument, type, ++serials[instrument + type], ending),
                          std::move(key), band, detector});
  };
  for (std::size_t band = 0; band < plan.bands.size(); ++band) {
    for (std::size_t detector = 0; detector < plan.bands[band].detectors.size(); ++detector) {
      for (char const* type : {"flat", "photom", "area"}) add(type, band, detector, "fits");
      for (char const* type : {"distortion", "filteroffset"}) add(type, band, detector, "asdf");
    }
    add("pars-image2pipeline", band, 0, "asdf");
    add(plan.bands[band].is_miri() ? "pars-backgroundstep" : "pars-assignwcsstep", band, 0, "asdf");
  }
  return references;
}

void write_crds_rules(std::filesystem::path const& cache, SurveyPlan const& plan,
                      std::vector<ReferenceFile> const& references) {
  std::filesystem::create_directories(cache / "mappings" / "jwst");
  std::filesystem::create_directories(cache / "config" / "jwst");
  std::map<std::string, std::string> instruments{{"FGS", "N/A"},  {"NIRISS", "N/A"}, {"NIRSPEC", "N/A"},
                                                 {"MIRI", "N/A"}, {"NIRCAM", "N/A"}, {"SYSTEM", "N/A"}};
  for (Band const& band : plan.bands) {
    std::string const instrument = band.is_miri() ? "miri" : "nircam";
    instruments[upper(instrument)] = "jwst_" + instrument + "_0001.imap";
  }
  std::set<std::pair<std::string, std::string>> rmaps;
  for (ReferenceFile const& reference : references) rmaps.emplace(reference.instrument, reference.type);
  for (auto const& [instrument, type] : rmaps) write_rmap(cache, instrument, type, references);
  std::string selector = "{\n";
  for (auto const& [instrument, member] : instruments) {
    selector += fmt::format("    '{}' : '{}',\n", instrument, member);
    if (member != "N/A") write_imap(cache, member.substr(5, member.find('_', 5) - 5), references);
  }
  write_mapping(cache, CrdsContext, {{"mapping", "'PIPELINE'"}, {"parkey", "('META.INSTRUMENT.NAME',)"}},
                selector + "}\n");
  io::write_file(cache / "config" / "jwst" / "ref_cache_subdir_mode", "instrument");
  io::write_file(cache / "config" / "jwst" / "server_config", fmt::format(R"({{'bad_files': '',
 'bad_files_list': [],
 'bad_files_set': [],
 'crds_version': {{'str': '13.0.0'}},
 'edit_context': '{0}',
 'force_remote_mode': False,
 'last_synced': '2024-01-01 00:00:00',
 'latest_context': '{0}',
 'observatory': 'jwst',
 'operational_context': '{0}'}}
)",
                                                                          CrdsContext));
}

}  // namespace tessera::simulate
