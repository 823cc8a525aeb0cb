#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "../mosaic_alignment.hpp"
#include "blend_headers.hpp"
#include "header_table.hpp"
#include "ledger_keywords.hpp"
#include "tessera/core/build_facts.hpp"
#include "tessera/io/asdf_writer.hpp"
#include "tessera/io/fits_file.hpp"
#include "tessera/sky/grid_gwcs.hpp"
#include "tessera/sky/unite_footprints.hpp"
#include "tessera/steps/resample/write_i2d.hpp"

namespace tessera::steps {

namespace {

using model::Header;

/// Keywords of one detector's geometry that a mosaic does not have (spec 30, 4.10), and old WCS terms.
bool is_geometry_keyword(std::string const& keyword) {
  static std::array const gone{"V2_REF",   "V3_REF", "RA_REF",  "DEC_REF", "ROLL_REF", "V3I_YANG", "VPARITY",
                               "BKGLEVEL", "BKGSUB", "A_ORDER", "B_ORDER", "AP_ORDER", "BP_ORDER", "SIPMXERR",
                               "SIPIVERR", "A_DMAX", "B_DMAX",  "WCSNAME", "RADECSYS", "ASNTABLE", "ASNPOOL"};
  if (std::find(gone.begin(), gone.end(), keyword) != gone.end()) return true;
  auto const starts = [&](char const* prefix) { return keyword.starts_with(prefix); };
  auto const digit_at = [&](std::size_t at) { return at < keyword.size() && keyword[at] >= '0' && keyword[at] <= '9'; };
  return (starts("CD") && digit_at(2)) || (starts("PC") && digit_at(2)) || (starts("PV") && digit_at(2)) ||
         (starts("A_") && digit_at(2)) || (starts("B_") && digit_at(2)) || (starts("AP_") && digit_at(3)) ||
         (starts("BP_") && digit_at(3)) || (starts("CDELT") && digit_at(5)) || (starts("CRVAL") && digit_at(5)) ||
         (starts("CRPIX") && digit_at(5)) || (starts("CTYPE") && digit_at(5)) || (starts("CUNIT") && digit_at(5)) ||
         (starts("CROTA") && digit_at(5)) || starts("CPDIS") || starts("CQDIS") || starts("D2IM") ||
         keyword == "LONPOLE" || keyword == "LATPOLE" || keyword == "EQUINOX";
}

/// Cards that describe how the first input was stored, not what it was.
bool is_storage_keyword(std::string const& keyword) {
  static std::array const storage{"SIMPLE",  "XTENSION", "BITPIX",  "NAXIS",   "EXTEND", "PCOUNT",
                                  "GCOUNT",  "EXTNAME",  "EXTVER",  "BSCALE",  "BZERO",  "BLANK",
                                  "DATASUM", "CHECKSUM", "TFIELDS", "INHERIT", "THEAP",  "NEXTEND"};
  return std::find(storage.begin(), storage.end(), keyword) != storage.end() ||
         (keyword.size() > 5 && keyword.starts_with("NAXIS")) || keyword.starts_with("TTYPE") ||
         keyword.starts_with("TFORM") || keyword.starts_with("ZNAXIS") || keyword.starts_with("ZTILE") ||
         keyword.starts_with("ZNAME") || keyword.starts_with("ZVAL") || keyword == "ZIMAGE" || keyword == "ZCMPTYPE" ||
         keyword == "ZBITPIX" || keyword == "ZQUANTIZ" || keyword == "ZEXTEND" || keyword == "ZSIMPLE" ||
         keyword == "ZTENSION" || keyword == "ZPCOUNT" || keyword == "ZGCOUNT" || keyword == "ZHECKSUM" ||
         keyword == "ZDATASUM" || keyword == "ZBLANK";
}

void set_grid_keywords(Header& sci, model::SkyGrid const& grid) {
  sci.set("WCSAXES", 2, "number of World Coordinate System axes");
  sci.set("CRPIX1", grid.crpix.x + 1, "axis 1 coordinate of the reference pixel");
  sci.set("CRPIX2", grid.crpix.y + 1, "axis 2 coordinate of the reference pixel");
  sci.set("CRVAL1", grid.crval.ra, "first axis value at the reference pixel");
  sci.set("CRVAL2", grid.crval.dec, "second axis value at the reference pixel");
  sci.set("CTYPE1", "RA---TAN", "first axis coordinate type");
  sci.set("CTYPE2", "DEC--TAN", "second axis coordinate type");
  sci.set("CUNIT1", "deg", "first axis units");
  sci.set("CUNIT2", "deg", "second axis units");
  sci.set("CDELT1", grid.cdelt[0], "first axis increment per pixel");
  sci.set("CDELT2", grid.cdelt[1], "second axis increment per pixel");
  sci.set("PC1_1", grid.pc[0][0], "linear transformation matrix element");
  sci.set("PC1_2", grid.pc[0][1], "linear transformation matrix element");
  sci.set("PC2_1", grid.pc[1][0], "linear transformation matrix element");
  sci.set("PC2_2", grid.pc[1][1], "linear transformation matrix element");
  sci.set("RADESYS", "ICRS", "name of the coordinate reference frame");
}

/// First start and last end of all members, whatever blendheaders says.
void set_exposure_span(std::vector<store::ExposureRecord> const& records, MosaicPlan const& plan, Header& primary) {
  std::optional<double> start, end;
  for (int const member : plan.request.members) {
    auto const& record = records[static_cast<std::size_t>(member)];
    if (record.expstart) start = std::min(start.value_or(*record.expstart), *record.expstart);
    if (record.expend) end = std::max(end.value_or(*record.expend), *record.expend);
  }
  if (start) primary.set("EXPSTART", *start, "[d] exposure start time in MJD");
  if (end) primary.set("EXPEND", *end, "[d] exposure end time in MJD");
}

void set_product_keywords(MosaicPlan const& plan, std::vector<store::ExposureRecord> const& records, Header& primary,
                          Header& sci) {
  auto const& options = plan.request.options;
  double const radian = plan.grid.cdelt[0] * std::numbers::pi / 180, arcsec = plan.grid.cdelt[0] * 3600;
  sci.set("PIXAR_SR", radian * radian, "Nominal pixel area in steradians");
  sci.set("PIXAR_A2", arcsec * arcsec, "Nominal pixel area in arcsec^2");
  sci.set("S_REGION", sky::format_s_regions(sky::unite_footprints(plan.grid, plan.footprints)),
          "spatial extent of the observation");
  auto const times = sum_exposure_times(plan, records);
  primary.set("FILENAME", i2d_path(plan).filename().string(), "Name of the file");
  primary.set("DATAMODL", "ImageModel", "Type of data model");
  primary.set("NDRIZ", times.groups, "Number of pointings included in resampled product");
  primary.set("PXSCLRT", plan.grid.pixel_scale_ratio, "Pixel scale ratio");
  primary.set("PIXFRAC", options.pixfrac, "Pixel fraction used in resampling");
  primary.set("RESWHT", weight_type_name(options.weight_type), "Drizzle weight type");
  primary.set("EFFEXPTM", times.effexptm, "[s] Effective exposure time");
  primary.set("DURATION", times.duration, "[s] Total duration of exposure");
  if (times.tmeasure)
    primary.set("TMEASURE", *times.tmeasure, "[s] Measurement time");
  else
    primary.remove("TMEASURE");
  sci.set("XPOSURE", times.effexptm, "[s] Effective exposure time");
  sci.set("TELAPSE", times.duration, "[s] Total elapsed exposure time");
  set_exposure_span(records, plan, primary);
  primary.set("S_RESAMP", "COMPLETE", "Image resampling");
  auto const& facts = build_facts();
  primary.add_history("resample: tessera " + facts.version + " (" + facts.commit + ")");
}

/// The root's cards on all ranks: 80 characters each, one after another.
Header broadcast_header(parallel::Communicator const& group, Header const& header) {
  std::string text;
  if (group.is_root())
    for (auto const& card : header.cards()) text += card.text;
  text = group.broadcast(text);
  std::vector<model::Card> cards;
  for (std::size_t at = 0; at + 80 <= text.size(); at += 80) cards.push_back({text.substr(at, 80)});
  return Header(std::move(cards));
}

/// meta of the datamodel: how the mosaic was aligned, where it was (spec 40, 1.14).
io::AsdfValue make_meta(MosaicPlan const& plan, store::Ledger const& ledger) {
  io::AsdfValue meta;
  auto const& steps = ledger.steps();
  if (std::find(steps.begin(), steps.end(), "astrometric_align") == steps.end()) return meta;
  auto const alignment = read_mosaic_alignment(plan.request.folder / (plan.request.product + "_i2d.fits"));
  if (!alignment) return meta;
  auto const pair = [](std::array<double, 2> const& p) { return io::AsdfValue::sequence({p[0], p[1]}); };
  auto const& matrix = alignment->matrix;
  meta.set("abs_astro_alignment",
           io::AsdfValue::mapping({{"shift", pair(alignment->shift)},
                                   {"matrix", io::AsdfValue::sequence({pair(matrix[0]), pair(matrix[1])})}}));
  return meta;
}

std::vector<std::byte> make_asdf(MosaicPlan const& plan, store::Ledger const& ledger, io::AsdfValue header_table) {
  auto const& options = plan.request.options;
  std::vector<std::int64_t> const shape{plan.grid.ny, plan.grid.nx};
  std::vector<io::FitsArrayReference> arrays{{"data", "SCI", 1, "float32", shape}, {"wht", "WHT", 1, "float32", shape}};
  if (options.enable_err) arrays.push_back({"err", "ERR", 1, "float32", shape});
  if (options.enable_err && options.report_var) {
    arrays.push_back({"var_poisson", "VAR_POISSON", 1, "float32", shape});
    arrays.push_back({"var_rnoise", "VAR_RNOISE", 1, "float32", shape});
    arrays.push_back({"var_flat", "VAR_FLAT", 1, "float32", shape});
  }
  if (plan.writes_dense_context())
    arrays.push_back({"con", "CON", 1, "int32", {plan.dense_context_planes(), plan.grid.ny, plan.grid.nx}});
  // Header keywords win over the tree for all metadata that they have, so the tree carries the rest (spec 25, 1.4).
  auto tree = io::make_datamodel_tree(make_meta(plan, ledger), sky::make_grid_gwcs(plan.grid).get(), arrays);
  if (!header_table.is_null()) tree.set("hdrtab", std::move(header_table));
  return io::write_asdf(tree);
}

}  // namespace

I2dMetadata make_i2d_metadata(parallel::Communicator const& group, MosaicPlan const& plan,
                              std::vector<store::ExposureRecord> const& records, store::Ledger const& ledger) {
  auto const members = gather_member_values(group, plan, records, ledger);
  I2dMetadata metadata;
  parallel::all_or_none(group, [&] {
    if (!group.is_root()) return;
    auto const& first = records[static_cast<std::size_t>(plan.request.members.front())];
    auto const hdus = io::read_headers(first.path);
    metadata.primary = hdus.front().header;
    auto const& image = hdus[static_cast<std::size_t>(first.image_hdu)].header;
    if (first.image_hdu != 0) metadata.sci = image;
    for (Header* header : {&metadata.primary, &metadata.sci})
      header->remove_if(
          [](std::string const& keyword) { return is_storage_keyword(keyword) || is_geometry_keyword(keyword); });
    io::AsdfValue header_table;
    if (plan.request.options.blendheaders && members.size() > 1) {
      blend_headers(members, metadata.primary, metadata.sci);
      header_table = make_header_table(members, metadata);
    }
    if (!first.unit.empty()) metadata.sci.set("BUNIT", first.unit, "physical units of the array values");
    set_grid_keywords(metadata.sci, plan.grid);
    set_ledger_keywords(members.front(), metadata.primary);
    set_product_keywords(plan, records, metadata.primary, metadata.sci);
    metadata.asdf = make_asdf(plan, ledger, std::move(header_table));
    metadata.table_bytes = static_cast<std::int64_t>(metadata.table.size());
    metadata.asdf_bytes = static_cast<std::int64_t>(metadata.asdf.size());
  });
  metadata.primary = broadcast_header(group, metadata.primary);
  metadata.sci = broadcast_header(group, metadata.sci);
  metadata.table_columns = broadcast_header(group, Header(metadata.table_columns)).cards();
  // Only the root has sizes above zero.
  metadata.table_row_bytes = group.max(metadata.table_row_bytes);
  metadata.table_bytes = group.max(metadata.table_bytes);
  metadata.asdf_bytes = group.max(metadata.asdf_bytes);
  return metadata;
}

}  // namespace tessera::steps
