// WCS objects, transforms and filter offsets in ASDF trees (spec 25, 1.5 to 1.8).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tessera/io/asdf_document.hpp"
#include "tessera/sky/gwcs.hpp"

namespace tessera::io {

/// The gwcs at `path`, or at the top level under the last name of the path ("wcs") when the path is absent. Throws
/// InputError naming the node for anything that is not an imaging WCS made of the transforms of spec 25, 1.6.
std::shared_ptr<sky::Gwcs const> read_wcs(AsdfDocument const& document, std::string const& path = "meta.wcs");

/// The transform at `path` ("model" in distortion references).
sky::TransformPointer read_transform(AsdfDocument const& document, std::string const& path = "model");

/// One entry of a filteroffset reference.
struct FilterOffset {
  std::string filter, pupil;                        ///< pupil empty where the file has none (MIRI)
  std::optional<double> column_offset, row_offset;  ///< pixels; unset for "N/A"
};
std::vector<FilterOffset> read_filter_offsets(AsdfDocument const& document);

/// Trees for the writer, with the tag versions of spec 25, 1.9.
AsdfValue make_wcs_value(sky::Gwcs const& wcs);
AsdfValue make_transform_value(sky::Transform const& transform);

}  // namespace tessera::io
