// Transforms and WCS objects as trees (spec 25, 1.9).
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tessera/core/contract.hpp"
#include "tessera/io/asdf_wcs.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::io {

namespace {

constexpr std::string_view TransformPrefix = "tag:stsci.edu:asdf/";

/// Versions that every generation of readers knows (spec 25, 1.9).
std::string versioned_tag(std::string const& name) {
  if (name == "gwcs/spherical_cartesian") return "tag:stsci.edu:gwcs/spherical_cartesian-1.0.0";
  std::string version = "1.2.0";
  if (name == "transform/remap_axes" || name == "transform/rotate3d" || name == "transform/affine" ||
      name == "transform/rotate2d")
    version = "1.3.0";
  else if (name == "transform/constant")
    version = "1.4.0";
  else if (name == "transform/rotate_sequence_3d" || name == "transform/linear1d" || name == "transform/multiplyscale")
    version = "1.0.0";
  return fmt::format("{}{}-{}", TransformPrefix, name, version);
}

AsdfValue number_list(std::vector<double> const& values) {
  AsdfValue::Sequence items(values.begin(), values.end());
  return items;
}

AsdfValue name_list(std::vector<std::string> const& names) { return AsdfValue::Sequence(names.begin(), names.end()); }

AsdfValue pair_list(sky::Transform const& first, sky::Transform const& second) {
  return AsdfValue::Sequence{make_transform_value(first), make_transform_value(second)};
}

AsdfValue interval(std::array<double, 2> const& limits) { return number_list({limits[0], limits[1]}); }

AsdfValue make_bounding_box(sky::Transform const& transform) {
  AsdfValue intervals = AsdfValue::mapping(), ignore = AsdfValue::sequence();
  auto const& box = transform.common.bounding_box;
  for (auto const& input : sky::input_names(transform)) {
    auto const found =
        std::find_if(box.begin(), box.end(), [&](sky::InputInterval const& i) { return i.input == input; });
    if (found == box.end())
      ignore.append(input);
    else
      intervals.set(input, number_list({found->low, found->high}));
  }
  AsdfValue value =
      AsdfValue::mapping({{"ignore", std::move(ignore)}, {"intervals", std::move(intervals)}, {"order", "F"}});
  value.set_tag(fmt::format("{}transform/property/bounding_box-1.0.0", TransformPrefix));
  return value;
}

/// The members that belong to the kind of node.
void set_parameters(sky::Transform const& transform, AsdfValue& node) {
  if (auto const* shift = dynamic_cast<sky::Shift const*>(&transform)) {
    node.set("offset", shift->offset());
  } else if (auto const* scale = dynamic_cast<sky::Scale const*>(&transform)) {
    node.set("factor", scale->factor());
  } else if (auto const* line = dynamic_cast<sky::Linear1D const*>(&transform)) {
    node.set("slope", line->slope());
    node.set("intercept", line->intercept());
  } else if (auto const* constant = dynamic_cast<sky::Constant const*>(&transform)) {
    node.set("dimensions", constant->input_count());
    node.set("value", constant->value());
  } else if (dynamic_cast<sky::Identity const*>(&transform)) {
    if (transform.input_count() != 1) node.set("n_dims", transform.input_count());
  } else if (auto const* remap = dynamic_cast<sky::RemapAxes const*>(&transform)) {
    auto const& mapping = remap->mapping();
    node.set("mapping", AsdfValue::Sequence(mapping.begin(), mapping.end()));
    if (remap->input_count() != *std::max_element(mapping.begin(), mapping.end()) + 1)
      node.set("n_inputs", remap->input_count());
  } else if (auto const* affine = dynamic_cast<sky::Affine const*>(&transform)) {
    auto const& m = affine->matrix();
    node.set("matrix", AsdfArray::of({m[0][0], m[0][1], m[1][0], m[1][1]}, {2, 2}));
    node.set("translation", AsdfArray::of({affine->translation()[0], affine->translation()[1]}, {2}));
  } else if (auto const* rotation = dynamic_cast<sky::Rotate2D const*>(&transform)) {
    node.set("angle", rotation->angle());
  } else if (auto const* line_polynomial = dynamic_cast<sky::Polynomial1D const*>(&transform)) {
    auto const& coefficients = line_polynomial->coefficients();
    node.set("coefficients", AsdfArray::of(coefficients, {coefficients.size()}));
    node.set("domain", interval(line_polynomial->range().domain));
    node.set("window", interval(line_polynomial->range().window));
  } else if (auto const* polynomial = dynamic_cast<sky::Polynomial2D const*>(&transform)) {
    auto const side = static_cast<std::size_t>(polynomial->degree()) + 1;
    auto const& ranges = polynomial->ranges();
    node.set("coefficients", AsdfArray::of(polynomial->coefficients(), {side, side}));
    node.set("domain", AsdfValue::Sequence{interval(ranges[0].domain), interval(ranges[1].domain)});
    node.set("window", AsdfValue::Sequence{interval(ranges[0].window), interval(ranges[1].window)});
  } else if (auto const* compose = dynamic_cast<sky::Compose const*>(&transform)) {
    node.set("forward", pair_list(*compose->first(), *compose->second()));
  } else if (auto const* concatenate = dynamic_cast<sky::Concatenate const*>(&transform)) {
    node.set("forward", pair_list(*concatenate->first(), *concatenate->second()));
  } else if (auto const* arithmetic = dynamic_cast<sky::Arithmetic const*>(&transform)) {
    node.set("forward", pair_list(*arithmetic->first(), *arithmetic->second()));
  } else if (auto const* fixed = dynamic_cast<sky::FixInputs const*>(&transform)) {
    AsdfValue keys = AsdfValue::sequence(), values = AsdfValue::sequence();
    for (auto const& [input, value] : fixed->fixed()) {
      keys.append(input);
      values.append(value);
    }
    node.set("forward", AsdfValue::Sequence{make_transform_value(*fixed->transform()),
                                            AsdfValue::mapping({{"keys", keys}, {"values", values}})});
  } else if (auto const* sequence = dynamic_cast<sky::RotateSequence3D const*>(&transform)) {
    node.set("angles", number_list(sequence->angles()));
    node.set("axes_order", sequence->axes());
    node.set("rotation_type", sequence->kind() == sky::RotateSequence3D::Kind::Cartesian ? "cartesian" : "spherical");
  } else if (auto const* spherical = dynamic_cast<sky::SphericalCartesian const*>(&transform)) {
    bool const is_to_vector = spherical->kind() == sky::SphericalCartesian::Kind::SphericalToCartesian;
    node.set("transform_type", is_to_vector ? "spherical_to_cartesian" : "cartesian_to_spherical");
    node.set("wrap_lon_at", spherical->wrap_longitude_at());
  } else if (auto const* rotate3d = dynamic_cast<sky::Rotate3D const*>(&transform)) {
    node.set("direction", rotate3d->direction());
    node.set("phi", rotate3d->phi());
    node.set("psi", rotate3d->psi());
    node.set("theta", rotate3d->theta());
  } else if (auto const* gnomonic = dynamic_cast<sky::Gnomonic const*>(&transform)) {
    node.set("direction", gnomonic->direction() == sky::Gnomonic::Direction::PixelToSky ? "pix2sky" : "sky2pix");
  } else {
    TESSERA_EXPECT(!"a transform that the writer does not know");
  }
}

AsdfValue make_frame_value(sky::GwcsFrame const& frame) {
  bool const is_celestial = frame.kind == sky::GwcsFrame::Kind::Celestial;
  AsdfValue axes = AsdfValue::sequence(), types = AsdfValue::sequence(), units = AsdfValue::sequence();
  for (std::size_t axis = 0; axis < 2; ++axis) {
    char const* const celestial_names[] = {"lon", "lat"};
    char const* const plane_names[] = {"x", "y"};
    char const* const celestial_types[] = {"pos.eq.ra", "pos.eq.dec"};
    std::string const name = frame.axes_names.size() == 2 ? frame.axes_names[axis]
                             : is_celestial               ? celestial_names[axis]
                                                          : plane_names[axis];
    std::string const unit = frame.units.size() == 2 ? frame.units[axis] : is_celestial ? "deg" : "pixel";
    axes.append(name);
    types.append(is_celestial ? celestial_types[axis] : "custom:" + name);
    units.append(AsdfValue(unit).set_tag("tag:stsci.edu:asdf/unit/unit-1.0.0"));
  }
  AsdfValue value = AsdfValue::mapping({{"axes_names", axes},
                                        {"axes_order", AsdfValue::Sequence{0, 1}},
                                        {"axis_physical_types", types},
                                        {"name", frame.name}});
  if (is_celestial)
    value.set("reference_frame", AsdfValue::mapping({{"frame_attributes", AsdfValue::mapping()}}))
        .set_tag("tag:astropy.org:astropy/coordinates/frames/icrs-1.1.0");
  value.set("unit", units);
  value.set_tag(is_celestial ? "tag:stsci.edu:gwcs/celestial_frame-1.0.0" : "tag:stsci.edu:gwcs/frame2d-1.0.0");
  return value;
}

}  // namespace

AsdfValue make_transform_value(sky::Transform const& transform) {
  AsdfValue node = AsdfValue::mapping();
  set_parameters(transform, node);
  node.set("inputs", name_list(sky::input_names(transform)));
  node.set("outputs", name_list(sky::output_names(transform)));
  if (!transform.common.name.empty()) node.set("name", transform.common.name);
  if (!transform.common.bounding_box.empty()) node.set("bounding_box", make_bounding_box(transform));
  if (transform.common.explicit_inverse) node.set("inverse", make_transform_value(*transform.common.explicit_inverse));
  AsdfValue::Mapping entries = *node.entries();
  std::sort(entries.begin(), entries.end(), [](AsdfEntry const& a, AsdfEntry const& b) { return a.key < b.key; });
  AsdfValue sorted = std::move(entries);
  sorted.set_tag(versioned_tag(transform.tag()));
  return sorted;
}

AsdfValue make_wcs_value(sky::Gwcs const& wcs) {
  AsdfValue steps = AsdfValue::sequence();
  for (auto const& step : wcs.steps()) {
    AsdfValue value =
        AsdfValue::mapping({{"frame", make_frame_value(step.frame)},
                            {"transform", step.transform ? make_transform_value(*step.transform) : AsdfValue()}});
    value.set_tag("tag:stsci.edu:gwcs/step-1.0.0");
    steps.append(std::move(value));
  }
  AsdfValue value = AsdfValue::mapping({{"name", wcs.name()}, {"steps", std::move(steps)}});
  value.set_tag("tag:stsci.edu:gwcs/wcs-1.0.0");
  return value;
}

}  // namespace tessera::io
