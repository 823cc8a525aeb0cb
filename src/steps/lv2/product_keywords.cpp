#include <algorithm>
#include <array>

#include "tessera/core/build_facts.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/steps/lv2/cal_file.hpp"

namespace tessera::steps {

namespace {

struct NamedKeyword {
  std::string_view name, keyword, comment;
};

constexpr std::array<NamedKeyword, 5> StepKeywords{{{"S_BKDSUB", "S_BKDSUB", "Background subtraction"},
                                                    {"S_WCS", "S_WCS", "Assign World Coordinate System"},
                                                    {"S_FLAT", "S_FLAT", "Flat Field Correction"},
                                                    {"S_PHOTOM", "S_PHOTOM", "Photometric Calibration"},
                                                    {"S_RESAMP", "S_RESAMP", "Image resampling"}}};

constexpr std::array<NamedKeyword, 5> ReferenceKeywords{
    {{"distortion", "R_DISTOR", "Distortion reference file name"},
     {"filteroffset", "R_FILOFF", "Filter Offset reference file name"},
     {"flat", "R_FLAT", "Flat reference file name"},
     {"photom", "R_PHOTOM", "Photometric reference file name"},
     {"area", "R_AREA", "Pixel area reference file name"}}};

NamedKeyword const& find_keyword(std::array<NamedKeyword, 5> const& all, std::string_view name) {
  auto const found = std::find_if(all.begin(), all.end(), [&](NamedKeyword const& each) { return each.name == name; });
  TESSERA_EXPECT(found != all.end());
  return *found;
}

}  // namespace

void set_step_status(model::Header& primary, std::string_view keyword, bool complete) {
  auto const& known = find_keyword(StepKeywords, keyword);
  primary.set(known.keyword, complete ? "COMPLETE" : "SKIPPED", known.comment);
}

void set_reference_keyword(model::Header& primary, std::string_view type, std::string_view value) {
  auto const& known = find_keyword(ReferenceKeywords, type);
  primary.set(known.keyword, value, known.comment);
}

void set_reference_context(model::Header& primary, std::string_view context) {
  primary.set("CRDS_VER", "tessera " + build_facts().version, "Version of CRDS file selection software used");
  primary.set("CRDS_CTX", context, "CRDS context (.pmap) used to select ref files");
}

void set_association_table(model::Header& primary, std::string_view table) {
  if (!primary.text("ASNPOOL")) primary.set("ASNPOOL", "none", "Name of the ASN pool");
  primary.set("ASNTABLE", table.empty() ? std::string_view("singleton") : table, "Name of the ASN table");
}

}  // namespace tessera::steps
