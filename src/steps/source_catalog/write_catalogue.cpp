#include "write_catalogue.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>

#include "catalogue_row.hpp"
#include "tessera/core/error.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/kernels/nearest_neighbour.hpp"

namespace tessera::steps {

namespace {

/// A source in its place in the file.
struct Line {
  SourceRecord const& source;
  CatalogueRow const& row;
};

struct Column {
  std::string name;
  char const* unit;      ///< "": none
  char const* datatype;  ///< of ECSV
  char const* format;    ///< of numbers, as Python and fmt have it; "": as many digits as needed
  std::string description;
  std::function<std::string(Line const&)> text;
};

char const* const Exponent = ".6e";
char const* const SixDecimals = ".6f";
char const* const FourDecimals = ".4f";

std::string number_text(double value, char const* format) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return *format == 0 ? fmt::format("{}", value) : fmt::format(fmt::runtime(fmt::format("{{:{}}}", format)), value);
}

/// The columns of a catalogue, in their order.
class Columns {
 public:
  explicit Columns(CatalogueFacts const& facts) : facts_(facts) {
    whole("label", "int32", "number of the source in the segmentation map", [](Line const& l) { return l.row.label; });
    real("xcentroid", "", FourDecimals, "x of the centre, 0-based pixels", [](Line const& l) { return l.source.x; });
    real("ycentroid", "", FourDecimals, "y of the centre, 0-based pixels", [](Line const& l) { return l.source.y; });
    position("sky_centroid", [](Line const& l) { return l.row.sky; });
    add_apertures();
    add_looks();
    add_isophotal();
    char const* const corners[] = {"ll", "ul", "lr", "ur"};
    for (std::size_t k = 0; k < 4; ++k)
      position(fmt::format("sky_bbox_{}", corners[k]), [k](Line const& l) { return l.row.corners[k]; });
  }

  std::vector<Column> const& all() const { return columns_; }
  /// Names of the pairs of columns that are sky positions.
  std::vector<std::string> const& positions() const { return positions_; }

 private:
  template <class Value>
  void real(std::string name, char const* unit, char const* format, std::string description, Value value) {
    columns_.push_back({std::move(name), unit, "float64", format, std::move(description),
                        [value, format](Line const& line) { return number_text(value(line), format); }});
  }
  template <class Value>
  void whole(std::string name, char const* datatype, std::string description, Value value) {
    columns_.push_back({std::move(name), "", datatype, "", std::move(description),
                        [value](Line const& line) { return std::to_string(value(line)); }});
  }
  template <class Value>
  void position(std::string const& name, Value value) {
    real(name + ".ra", "deg", "", "", [value](Line const& line) { return value(line).ra; });
    real(name + ".dec", "deg", "", "", [value](Line const& line) { return value(line).dec; });
    positions_.push_back(name);
  }

  std::string energy(std::size_t k) const { return std::to_string(facts_.options.aperture_ee[k]); }
  std::string aperture_name(std::size_t k) const { return k < 3 ? "aper" + energy(k) : std::string("aper_total"); }
  std::string aperture_text(std::size_t k) const {
    if (k == 3)
      return "aperture-corrected from the aperture of " + energy(2) + "% encircled energy, for unresolved sources";
    return "in the aperture of " + energy(k) + "% encircled energy";
  }

  void add_apertures() {
    real("aper_bkg_flux", "Jy", Exponent, "clipped median of the background ring, a pixel",
         [](Line const& l) { return l.source.background; });
    real("aper_bkg_flux_err", "Jy", Exponent, "standard error of that median",
         [](Line const& l) { return l.source.background_error; });
    for (std::size_t k = 0; k < 4; ++k) {
      real(aperture_name(k) + "_flux", "Jy", Exponent, "flux " + aperture_text(k),
           [k](Line const& l) { return l.row.flux[k]; });
      real(aperture_name(k) + "_flux_err", "Jy", Exponent, "error of the flux " + aperture_text(k),
           [k](Line const& l) { return l.row.flux_error[k]; });
    }
    for (bool const is_vega : {false, true})
      for (std::size_t k = 0; k < 4; ++k) {
        std::string const name = aperture_name(k) + (is_vega ? "_vegamag" : "_abmag"),
                          text = (is_vega ? "Vega magnitude " : "AB magnitude ") + aperture_text(k);
        real(name, "", SixDecimals, text,
             [k, is_vega](Line const& l) { return is_vega ? l.row.vegamag[k] : l.row.abmag[k]; });
        real(name + "_err", "", SixDecimals, "error of the " + text,
             [k](Line const& l) { return l.row.abmag_error[k]; });
      }
  }

  void add_looks() {
    std::size_t const pairs[3][2] = {{1, 0}, {2, 1}, {2, 0}};
    for (std::size_t k = 0; k < 3; ++k) {
      auto const above = energy(pairs[k][0]), below = energy(pairs[k][1]);
      real("CI_" + above + "_" + below, "", FourDecimals,
           fmt::format("concentration index, aper{}_flux / aper{}_flux", above, below),
           [k](Line const& l) { return l.row.concentration[k]; });
    }
    columns_.push_back({"is_extended", "", "bool", "", "whether the source is extended",
                        [](Line const& l) { return std::string(l.row.is_extended ? "True" : "False"); }});
    real("sharpness", "", SixDecimals, "DAOFind sharpness", [](Line const& l) { return l.source.sharpness; });
    real("roundness", "", SixDecimals, "DAOFind roundness", [](Line const& l) { return l.source.roundness; });
    whole("nn_label", "int32", "label of the nearest neighbour", [](Line const& l) { return l.row.nearest_label; });
    real("nn_dist", "pix", SixDecimals, "distance of the nearest neighbour",
         [](Line const& l) { return l.row.nearest_distance; });
  }

  void add_isophotal() {
    real("isophotal_flux", "Jy", Exponent, "flux in the segment",
         [](Line const& l) { return l.source.isophotal_flux; });
    real("isophotal_flux_err", "Jy", Exponent, "error of the flux in the segment",
         [](Line const& l) { return l.row.isophotal_error; });
    real("isophotal_abmag", "", SixDecimals, "AB magnitude in the segment",
         [](Line const& l) { return l.row.isophotal_abmag; });
    real("isophotal_abmag_err", "", SixDecimals, "error of the AB magnitude in the segment",
         [](Line const& l) { return l.row.isophotal_abmag_error; });
    real("isophotal_vegamag", "", SixDecimals, "Vega magnitude in the segment",
         [](Line const& l) { return l.row.isophotal_vegamag; });
    real("isophotal_vegamag_err", "", SixDecimals, "error of the Vega magnitude in the segment",
         [](Line const& l) { return l.row.isophotal_abmag_error; });
    real("isophotal_area", "pix2", "", "area of the segment",
         [](Line const& l) { return static_cast<double>(l.source.isophotal_area); });
    real("semimajor_sigma", "pix", SixDecimals, "standard deviation along the long axis",
         [](Line const& l) { return l.source.semimajor; });
    real("semiminor_sigma", "pix", SixDecimals, "standard deviation along the short axis",
         [](Line const& l) { return l.source.semiminor; });
    real("ellipticity", "", SixDecimals, "1 - short over long axis",
         [](Line const& l) { return l.source.ellipticity; });
    real("orientation", "deg", SixDecimals, "angle of the long axis from +x towards +y",
         [](Line const& l) { return l.source.orientation; });
    real("sky_orientation", "deg", SixDecimals, "angle of the long axis from north",
         [](Line const& l) { return l.row.sky_orientation; });
  }

  CatalogueFacts const& facts_;
  std::vector<Column> columns_;
  std::vector<std::string> positions_;
};

/// Two columns that astropy is to read as sky coordinates.
std::string position_yaml(std::string const& name) {
  std::string text = fmt::format(
      "#     {}:\n#       __class__: astropy.coordinates.sky_coordinate.SkyCoord\n#       frame: icrs\n", name);
  for (auto const& [axis, type] : {std::pair{"dec", "Latitude"}, std::pair{"ra", "Longitude"}}) {
    text += fmt::format(
        "#       {}: !astropy.table.SerializedColumn\n#         __class__: astropy.coordinates.angles.core.{}\n"
        "#         unit: !astropy.units.Unit {{unit: deg}}\n"
        "#         value: !astropy.table.SerializedColumn {{name: {}.{}}}\n",
        axis, type, name, axis);
    if (std::string_view(axis) == "ra")
      text +=
          "#         wrap_angle: !astropy.coordinates.Angle\n#           unit: !astropy.units.Unit {unit: deg}\n"
          "#           value: 360.0\n";
  }
  return text + "#       representation_type: spherical\n";
}

std::string quoted(std::string const& text) {
  std::string result = "\"";
  for (char const letter : text) {
    if (letter == '"' || letter == '\\') result += '\\';
    result += static_cast<unsigned char>(letter) < ' ' ? ' ' : letter;
  }
  return result + '"';
}

std::string header_text(Columns const& columns, CatalogueFacts const& facts) {
  std::string text = "# %ECSV 1.0\n# ---\n# datatype:\n";
  for (auto const& column : columns.all()) {
    text += "# - {name: " + column.name;
    if (*column.unit) text += fmt::format(", unit: {}", column.unit);
    text += fmt::format(", datatype: {}", column.datatype);
    if (*column.format) text += fmt::format(", format: {}", column.format);
    if (!column.description.empty()) text += ", description: " + quoted(column.description);
    text += "}\n";
  }
  auto const& reference = facts.reference;
  text += "# meta: !!omap\n";
  text += fmt::format("# - program: {}\n", quoted(facts.program));
  text += fmt::format(
      "# - aperture_params: {{aperture_ee: [{}], aperture_radii: [{}], aperture_corrections: [{}], "
      "bkg_aperture_inner_radius: {}, bkg_aperture_outer_radius: {}}}\n",
      fmt::join(facts.options.aperture_ee, ", "), fmt::join(reference.radii, ", "),
      fmt::join(reference.corrections, ", "), reference.inner, reference.outer);
  text += fmt::format("# - abvega_offset: {}\n", reference.abvega_offset);
  if (!facts.remarks.empty()) text += fmt::format("# - remarks: {}\n", quoted(facts.remarks));
  text += "# - __serialized_columns__:\n";
  for (auto const& name : columns.positions()) text += position_yaml(name);
  text += "# schema: astropy-2.0\n";
  for (std::size_t k = 0; k < columns.all().size(); ++k) text += (k ? " " : "") + columns.all()[k].name;
  return text + '\n';
}

}  // namespace

void write_catalogue(std::filesystem::path const& path, std::vector<SourceRecord> sources, LabelNumbers const& numbers,
                     sky::Wcs const& wcs, CatalogueFacts const& facts) {
  std::sort(sources.begin(), sources.end(), [&](SourceRecord const& a, SourceRecord const& b) {
    return numbers.label(a.segment, a.part) < numbers.label(b.segment, b.part);
  });
  std::vector<double> x, y;
  for (auto const& source : sources) {
    x.push_back(source.x);
    y.push_back(source.y);
  }
  auto const nearest = kernels::find_nearest(x, y);
  Columns const columns(facts);
  auto unfinished = path;
  unfinished += ".part";
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  auto text = header_text(columns, facts);
  constexpr std::size_t PieceBytes = 1 << 20;
  for (std::size_t k = 0; k < sources.size(); ++k) {
    auto row = describe_source(sources[k], wcs, facts);
    row.label = numbers.label(sources[k].segment, sources[k].part);
    if (auto const& neighbour = nearest[k]; neighbour.index >= 0) {
      auto const& other = sources[static_cast<std::size_t>(neighbour.index)];
      row.nearest_label = numbers.label(other.segment, other.part);
      row.nearest_distance = neighbour.distance;
    }
    bool is_first = true;
    for (auto const& column : columns.all()) {
      if (!is_first) text += ' ';
      is_first = false;
      text += column.text({sources[k], row});
    }
    text += '\n';
    if (text.size() < PieceBytes) continue;
    file.write(text.data(), static_cast<std::streamsize>(text.size()));
    text.clear();
  }
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) {
    std::error_code ignored;
    std::filesystem::remove(unfinished, ignored);
    throw IoError({"writing the catalogue failed", path.string(), "", "", "check the disk and run again"});
  }
  io::sync_file(unfinished);
  io::commit_file(unfinished, path);
}

std::int64_t catalogue_bytes(std::int64_t sources) {
  // Records twice while they are gathered, positions, neighbours.
  return sources * static_cast<std::int64_t>(2 * sizeof(SourceRecord) + 32) + (std::int64_t{4} << 20);
}

}  // namespace tessera::steps
