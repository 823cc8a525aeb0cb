#include "transform_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "asdf_error.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::io {

namespace {

/// Each level of a composition costs stack when it is evaluated. Real files stay below 20.
constexpr int MaxTransformDepth = 64;
constexpr long MaxPolynomialDegree = 64;

constexpr std::string_view KnownTransforms =
    "compose, concatenate, shift, scale, multiplyscale, identity, remap_axes, polynomial, affine, rotate2d, "
    "rotate_sequence_3d, rotate3d, gnomonic, constant, add, subtract, multiply, divide, power, linear1d, fix_inputs, "
    "gwcs/spherical_cartesian, gwcs/fitswcs_imaging";

}  // namespace

void TransformReader::fail(std::string const& path, std::string what, std::string expected, std::string found) const {
  fail_asdf(document_.name(), path, std::move(what), std::move(expected), std::move(found));
}

AsdfValue const& TransformReader::member(AsdfValue const& node, std::string const& path, char const* key) const {
  if (auto const* value = node.find(key)) return *value;
  fail(path, fmt::format("{} without '{}'", node.tag_name(), key));
}

double TransformReader::number(AsdfValue const& value, std::string const& path) const {
  if (value.is_number()) return value.real();
  if (auto const* inner = value.find("value")) return number(*inner, path + ".value");  // a quantity with a unit
  if (value.tag_name() == "core/ndarray") {
    auto const values = document_.array(value, path).to_doubles();
    if (values.size() == 1) return values[0];
  }
  fail(path, "not a number", "a number", value.kind());
}

double TransformReader::number_at(AsdfValue const& node, std::string const& path, char const* key) const {
  return number(member(node, path, key), path + "." + key);
}

std::string TransformReader::text_at(AsdfValue const& node, std::string const& path, char const* key) const {
  AsdfValue const& value = member(node, path, key);
  if (auto const* text = value.string()) return *text;
  fail(path + "." + key, "not a text", "a string", value.kind());
}

long TransformReader::whole_at(AsdfValue const& node, std::string const& path, char const* key, long otherwise) const {
  auto const* value = node.find(key);
  if (!value || value->is_null()) return otherwise;
  double const found = number(*value, path + "." + key);
  if (!(std::abs(found) < 1e9) || found != std::floor(found))
    fail(path + "." + key, "not a count", "an integer", value->kind());
  return static_cast<long>(found);
}

std::vector<double> TransformReader::numbers_at(AsdfValue const& node, std::string const& path, char const* key,
                                                std::vector<std::size_t>* shape) const {
  AsdfValue const& value = member(node, path, key);
  std::string const where = path + "." + key;
  auto const* quantity = value.find("value");
  AsdfArray array = document_.array(quantity ? *quantity : value, where);
  if (shape) *shape = array.shape;
  if (array.datatype.type == AsdfType::Ascii || array.datatype.type == AsdfType::Record)
    fail(where, "not a list of numbers", "numbers", array.datatype.name());
  return array.to_doubles();
}

sky::TransformPointer TransformReader::read(AsdfValue const& node, std::string const& path, int depth) const {
  if (depth > MaxTransformDepth)
    fail(path, "transform is nested too deeply", fmt::format("at most {} levels", MaxTransformDepth));
  if (!node.entries()) fail(path, "not a transform", "a tagged mapping", node.kind());
  auto transform = read_kind(node, path, depth);
  read_common(node, path, depth, *transform);
  return transform;
}

std::shared_ptr<sky::Transform> TransformReader::read_kind(AsdfValue const& node, std::string const& path,
                                                           int depth) const {
  std::string_view const tag = node.tag_name();
  std::string_view kind = tag;
  if (tag == "gwcs/spherical_cartesian") return read_on_sphere("spherical_cartesian", node, path);
  if (tag == "gwcs/fitswcs_imaging") return read_fits_imaging(node, path, depth);
  constexpr std::string_view Prefix = "transform/";
  if (tag.substr(0, Prefix.size()) == Prefix)
    kind = tag.substr(Prefix.size());
  else
    kind = {};
  if (kind == "shift") return std::make_shared<sky::Shift>(number_at(node, path, "offset"));
  if (kind == "scale") return std::make_shared<sky::Scale>(number_at(node, path, "factor"));
  if (kind == "multiplyscale")
    return std::make_shared<sky::Scale>(number_at(node, path, "factor"), sky::Scale::Kind::Multiply);
  if (kind == "linear1d")
    return std::make_shared<sky::Linear1D>(number_at(node, path, "slope"), number_at(node, path, "intercept"));
  if (kind == "rotate2d") return std::make_shared<sky::Rotate2D>(number_at(node, path, "angle"));
  if (kind == "identity" || kind == "constant") {
    bool const is_constant = kind == "constant";
    char const* const key = is_constant ? "dimensions" : "n_dims";
    long const dimensions = whole_at(node, path, key, 1);
    long const most = is_constant ? 2 : sky::MaxAxes;
    if (dimensions < 1 || dimensions > most)
      fail(path + "." + key, "impossible number of axes", fmt::format("1 to {}", most), std::to_string(dimensions));
    if (is_constant)
      return std::make_shared<sky::Constant>(number_at(node, path, "value"), static_cast<int>(dimensions));
    return std::make_shared<sky::Identity>(static_cast<int>(dimensions));
  }
  if (kind == "remap_axes") return read_remap(node, path);
  if (kind == "polynomial") return read_polynomial(node, path);
  if (kind == "affine") return read_affine(node, path);
  if (kind == "fix_inputs") return read_fix_inputs(node, path, depth);
  if (kind == "rotate_sequence_3d" || kind == "rotate3d" || kind == "gnomonic") return read_on_sphere(kind, node, path);
  if (auto pair = read_pair(kind, node, path, depth)) return pair;
  fail(path, "unknown transform", std::string(KnownTransforms), tag.empty() ? node.kind() : std::string(tag));
}

std::shared_ptr<sky::Transform> TransformReader::read_pair(std::string_view kind, AsdfValue const& node,
                                                           std::string const& path, int depth) const {
  constexpr std::array<std::string_view, 7> Kinds{"add",   "subtract", "multiply",   "divide",
                                                  "power", "compose",  "concatenate"};
  auto const found = std::find(Kinds.begin(), Kinds.end(), kind);
  if (found == Kinds.end()) return nullptr;
  AsdfValue const& forward = member(node, path, "forward");
  auto const* parts = forward.sequence_items();
  std::string const where = path + ".forward";
  if (!parts || parts->size() != 2) fail(where, "not a pair of transforms", "a list of 2", forward.kind());
  auto const first = read((*parts)[0], where + ".0", depth + 1);
  auto const second = read((*parts)[1], where + ".1", depth + 1);
  if (kind == "compose") {
    if (first->output_count() != second->input_count())
      fail(path, "parts of a composition do not fit", fmt::format("{} inputs of the second", first->output_count()),
           std::to_string(second->input_count()));
    return std::make_shared<sky::Compose>(first, second);
  }
  if (kind == "concatenate") {
    if (first->input_count() + second->input_count() > sky::MaxAxes ||
        first->output_count() + second->output_count() > sky::MaxAxes)
      fail(path, "transform has too many axes", fmt::format("at most {}", sky::MaxAxes));
    return std::make_shared<sky::Concatenate>(first, second);
  }
  if (first->input_count() != second->input_count() || first->output_count() != second->output_count())
    fail(path, "parts of an arithmetic transform differ in their axes");
  auto const operation = static_cast<sky::Arithmetic::Operation>(found - Kinds.begin());
  return std::make_shared<sky::Arithmetic>(operation, first, second);
}

std::shared_ptr<sky::Transform> TransformReader::read_fix_inputs(AsdfValue const& node, std::string const& path,
                                                                 int depth) const {
  AsdfValue const& forward = member(node, path, "forward");
  auto const* parts = forward.sequence_items();
  std::string const where = path + ".forward";
  if (!parts || parts->size() != 2) fail(where, "not a transform and its fixed inputs", "a list of 2", forward.kind());
  auto const transform = read((*parts)[0], where + ".0", depth + 1);
  auto const names = sky::input_names(*transform);
  AsdfValue const& keys = member((*parts)[1], where + ".1", "keys");
  auto const values = numbers_at((*parts)[1], where + ".1", "values");
  auto const* items = keys.sequence_items();
  if (!items || items->size() != values.size())
    fail(where + ".1", "keys and values of fixed inputs differ in number", std::to_string(values.size()), keys.kind());
  std::vector<std::pair<int, double>> fixed;
  for (std::size_t k = 0; k < items->size(); ++k) {
    auto const& key = (*items)[k];
    std::int64_t index = key.integer() ? *key.integer() : -1;
    if (key.string()) {
      auto const found = std::find(names.begin(), names.end(), *key.string());
      index = found == names.end() ? -1 : found - names.begin();
    }
    if (index < 0 || index >= transform->input_count())
      fail(where + ".1.keys", "no such input of the transform", fmt::format("{}", fmt::join(names, ", ")), key.kind());
    fixed.emplace_back(static_cast<int>(index), values[k]);
  }
  std::sort(fixed.begin(), fixed.end());
  for (std::size_t k = 1; k < fixed.size(); ++k)
    if (fixed[k].first == fixed[k - 1].first) fail(where + ".1.keys", "an input is fixed twice");
  return std::make_shared<sky::FixInputs>(transform, std::move(fixed));
}

std::shared_ptr<sky::Transform> TransformReader::read_polynomial(AsdfValue const& node, std::string const& path) const {
  std::vector<std::size_t> shape;
  auto coefficients = numbers_at(node, path, "coefficients", &shape);
  bool const is_valid = !shape.empty() && shape.size() <= 2 && shape[0] >= 1 && shape[0] <= MaxPolynomialDegree + 1 &&
                        shape.back() == shape[0];
  if (!is_valid)
    fail(path + ".coefficients", "coefficients of a polynomial have the wrong shape",
         fmt::format("n or n x n, n at most {}", MaxPolynomialDegree + 1), fmt::format("{}", fmt::join(shape, " x ")));
  std::array<sky::PolynomialRange, 2> ranges;
  for (auto const& [key, limits] :
       {std::pair{"domain", &sky::PolynomialRange::domain}, std::pair{"window", &sky::PolynomialRange::window}}) {
    auto const* value = node.find(key);
    if (!value || value->is_null()) continue;
    auto const numbers = numbers_at(node, path, key);
    if (numbers.size() != 2 * shape.size())
      fail(path + "." + key, "range does not fit the polynomial", fmt::format("{} numbers", 2 * shape.size()),
           std::to_string(numbers.size()));
    for (std::size_t axis = 0; axis < shape.size(); ++axis)
      ranges[axis].*limits = {numbers[2 * axis], numbers[2 * axis + 1]};
  }
  for (auto const& range : ranges)
    if (range.domain[0] == range.domain[1]) fail(path + ".domain", "domain of a polynomial is empty");
  if (shape.size() == 1) return std::make_shared<sky::Polynomial1D>(std::move(coefficients), ranges[0]);
  return std::make_shared<sky::Polynomial2D>(static_cast<int>(shape[0]) - 1, std::move(coefficients), ranges);
}

std::shared_ptr<sky::Transform> TransformReader::read_remap(AsdfValue const& node, std::string const& path) const {
  auto const numbers = numbers_at(node, path, "mapping");
  std::vector<int> mapping;
  for (double const axis : numbers) {
    if (!(axis >= 0 && axis < sky::MaxAxes) || axis != std::floor(axis))
      fail(path + ".mapping", "impossible axis", fmt::format("0 to {}", sky::MaxAxes - 1), fmt::format("{}", axis));
    mapping.push_back(static_cast<int>(axis));
  }
  if (mapping.empty() || mapping.size() > static_cast<std::size_t>(sky::MaxAxes))
    fail(path + ".mapping", "impossible number of axes", fmt::format("1 to {}", sky::MaxAxes),
         std::to_string(mapping.size()));
  int const least = *std::max_element(mapping.begin(), mapping.end()) + 1;
  long const inputs = whole_at(node, path, "n_inputs", least);
  if (inputs < least || inputs > sky::MaxAxes)
    fail(path + ".n_inputs", "impossible number of inputs", fmt::format("{} to {}", least, sky::MaxAxes),
         std::to_string(inputs));
  return std::make_shared<sky::RemapAxes>(std::move(mapping), static_cast<int>(inputs));
}

std::shared_ptr<sky::Transform> TransformReader::read_affine(AsdfValue const& node, std::string const& path) const {
  auto const matrix = numbers_at(node, path, "matrix");
  auto const* given = node.find("translation");
  auto const translation =
      given && !given->is_null() ? numbers_at(node, path, "translation") : std::vector<double>{0, 0};
  if (matrix.size() != 4 || translation.size() != 2)
    fail(path, "affine transform of the wrong size", "4 and 2 numbers",
         fmt::format("{} and {}", matrix.size(), translation.size()));
  return std::make_shared<sky::Affine>(sky::Affine::Matrix{{{matrix[0], matrix[1]}, {matrix[2], matrix[3]}}},
                                       std::array<double, 2>{translation[0], translation[1]});
}

/// The imaging WCS of the FITS standard in one node, as mosaics of pipeline 3.0 (gwcs 1.0) carry it: pixels from 0.
std::shared_ptr<sky::Transform> TransformReader::read_fits_imaging(AsdfValue const& node, std::string const& path,
                                                                   int depth) const {
  auto const crpix = numbers_at(node, path, "crpix"), crval = numbers_at(node, path, "crval");
  auto const cdelt = numbers_at(node, path, "cdelt"), pc = numbers_at(node, path, "pc");
  if (crpix.size() != 2 || crval.size() != 2 || cdelt.size() != 2 || pc.size() != 4)
    fail(path, "imaging WCS of the wrong size", "crpix, crval, cdelt of 2 and pc of 4 numbers",
         fmt::format("{}, {}, {} and {}", crpix.size(), crval.size(), cdelt.size(), pc.size()));
  auto const project = read(member(node, path, "projection"), path + ".projection", depth + 1);
  if (!dynamic_cast<sky::Gnomonic const*>(project.get()))
    fail(path + ".projection", "projection that is not read", "gnomonic", member(node, path, "projection").kind());
  double const native_pole = crval[1] >= 90 ? 0.0 : 180.0;  // LONPOLE's default for a zenithal projection
  auto shift = sky::join(std::make_shared<sky::Shift>(-crpix[0]), std::make_shared<sky::Shift>(-crpix[1]));
  auto rotate =
      std::make_shared<sky::Affine>(sky::Affine::Matrix{{{pc[0], pc[1]}, {pc[2], pc[3]}}}, std::array<double, 2>{0, 0});
  auto scale = sky::join(std::make_shared<sky::Scale>(cdelt[0]), std::make_shared<sky::Scale>(cdelt[1]));
  auto to_sky = std::make_shared<sky::Rotate3D>(crval[0], crval[1], native_pole, "native2celestial");
  auto plane = sky::chain(std::move(rotate), std::move(scale));
  return sky::chain(sky::chain(std::move(shift), std::move(plane)), sky::chain(project, std::move(to_sky)));
}

std::shared_ptr<sky::Transform> TransformReader::read_on_sphere(std::string_view kind, AsdfValue const& node,
                                                                std::string const& path) const {
  if (kind == "spherical_cartesian") {
    std::string const type = text_at(node, path, "transform_type");
    long const wrap = whole_at(node, path, "wrap_lon_at", 360);
    if (wrap != 180 && wrap != 360)
      fail(path + ".wrap_lon_at", "impossible wrapping of longitudes", "180 or 360", std::to_string(wrap));
    using Kind = sky::SphericalCartesian::Kind;
    if (type == "spherical_to_cartesian")
      return std::make_shared<sky::SphericalCartesian>(Kind::SphericalToCartesian, static_cast<int>(wrap));
    if (type == "cartesian_to_spherical")
      return std::make_shared<sky::SphericalCartesian>(Kind::CartesianToSpherical, static_cast<int>(wrap));
    fail(path + ".transform_type", "unknown kind", "spherical_to_cartesian or cartesian_to_spherical", type);
  }
  if (kind == "gnomonic") {
    std::string const direction = text_at(node, path, "direction");
    if (direction == "pix2sky") return std::make_shared<sky::Gnomonic>(sky::Gnomonic::Direction::PixelToSky);
    if (direction == "sky2pix") return std::make_shared<sky::Gnomonic>(sky::Gnomonic::Direction::SkyToPixel);
    fail(path + ".direction", "unknown direction", "pix2sky or sky2pix", direction);
  }
  if (kind == "rotate3d") {
    std::string const direction = text_at(node, path, "direction");
    if (!sky::Rotate3D::is_direction(direction))
      fail(path + ".direction", "unknown direction", "native2celestial, celestial2native or three of x, y, z",
           direction);
    return std::make_shared<sky::Rotate3D>(number_at(node, path, "phi"), number_at(node, path, "theta"),
                                           number_at(node, path, "psi"), direction);
  }
  auto const angles = numbers_at(node, path, "angles");
  std::string const axes = text_at(node, path, "axes_order");
  if (axes.size() != angles.size() || axes.empty() || axes.find_first_not_of("xyz") != std::string::npos)
    fail(path + ".axes_order", "axes do not fit the angles", fmt::format("{} letters of x, y, z", angles.size()), axes);
  std::string const type = text_at(node, path, "rotation_type");
  if (type != "cartesian" && type != "spherical")
    fail(path + ".rotation_type", "unknown kind", "cartesian or spherical", type);
  using Kind = sky::RotateSequence3D::Kind;
  return std::make_shared<sky::RotateSequence3D>(angles, axes, type == "cartesian" ? Kind::Cartesian : Kind::Spherical);
}

void TransformReader::read_common(AsdfValue const& node, std::string const& path, int depth,
                                  sky::Transform& transform) const {
  if (auto const* name = node.find("name"); name && name->string()) transform.common.name = *name->string();
  auto const read_names = [&](char const* key, int count) {
    std::vector<std::string> names;
    auto const* value = node.find(key);
    auto const* items = value ? value->sequence_items() : nullptr;
    if (!items || items->size() != static_cast<std::size_t>(count)) return names;
    for (auto const& item : *items) {
      if (!item.string()) return std::vector<std::string>{};
      names.push_back(*item.string());
    }
    return names;
  };
  transform.common.input_names = read_names("inputs", transform.input_count());
  transform.common.output_names = read_names("outputs", transform.output_count());
  if (auto const* box = node.find("bounding_box"); box && !box->is_null())
    read_bounding_box(*box, path + ".bounding_box", transform);
  if (auto const* inverse = node.find("inverse"); inverse && !inverse->is_null()) {
    auto const back = read(*inverse, path + ".inverse", depth + 1);
    // Old references have inner inverses that fit only as a whole chain; they do no harm below an outer inverse.
    bool const fits =
        back->input_count() == transform.output_count() && back->output_count() == transform.input_count();
    if (!fits && depth == 0)
      fail(path + ".inverse", "inverse does not fit its transform",
           fmt::format("{} inputs, {} outputs", transform.output_count(), transform.input_count()),
           fmt::format("{} inputs, {} outputs", back->input_count(), back->output_count()));
    transform.common.explicit_inverse = back;
  }
}

void TransformReader::read_bounding_box(AsdfValue const& box, std::string const& path,
                                        sky::Transform& transform) const {
  auto const names = sky::input_names(transform);
  auto const interval = [&](AsdfValue const& value, std::string const& where, std::string const& input) {
    auto const* limits = value.sequence_items();
    if (!limits || limits->size() != 2) fail(where, "not an interval", "[low, high]", value.kind());
    transform.common.bounding_box.push_back(
        {input, number((*limits)[0], where + ".0"), number((*limits)[1], where + ".1")});
  };
  if (auto const* intervals = box.find("intervals"); intervals && intervals->entries()) {
    for (auto const& [input, limits] : *intervals->entries()) {
      std::string const where = path + ".intervals." + input;
      if (std::find(names.begin(), names.end(), input) == names.end())
        fail(where, "interval of no input", fmt::format("{}", fmt::join(names, ", ")), input);
      interval(limits, where, input);
    }
    return;
  }
  auto const* items = box.sequence_items();
  if (!items) fail(path, "not a bounding box", "intervals by input, or a list", box.kind());
  if (names.size() == 1) return interval(box, path, names[0]);
  if (items->size() != names.size())
    fail(path, "bounding box does not fit its transform", fmt::format("{} intervals", names.size()), box.kind());
  // The list form is in C order: the interval of the last input comes first.
  for (std::size_t k = 0; k < names.size(); ++k)
    interval((*items)[names.size() - 1 - k], fmt::format("{}.{}", path, names.size() - 1 - k), names[k]);
}

}  // namespace tessera::io
