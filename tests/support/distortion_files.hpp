// Small distortion and filteroffset references, written by tests.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tessera/io/asdf_wcs.hpp"
#include "tessera/io/asdf_writer.hpp"
#include "tessera/io/durable_file.hpp"
#include "tessera/sky/transforms.hpp"

namespace tessera::test {

/// Pixels of `arcsec` about pixel (x, y), which is at (v2, v3).
inline sky::TransformPointer plain_distortion(double arcsec, double x, double y, double v2, double v3) {
  return sky::chain(sky::chain(sky::join(std::make_shared<sky::Shift>(-x), std::make_shared<sky::Shift>(-y)),
                               sky::join(std::make_shared<sky::Scale>(arcsec), std::make_shared<sky::Scale>(arcsec))),
                    sky::join(std::make_shared<sky::Shift>(v2), std::make_shared<sky::Shift>(v3)));
}

inline void write_distortion(std::filesystem::path const& path, sky::Transform const& transform) {
  auto tree = io::AsdfValue::mapping();
  tree.set("model", io::make_transform_value(transform));
  io::write_file(path, io::write_asdf(tree));
}

/// An entry without numbers has "N/A" for both.
inline void write_filter_offsets(std::filesystem::path const& path, std::vector<io::FilterOffset> const& offsets) {
  auto entries = io::AsdfValue::sequence();
  for (auto const& offset : offsets) {
    auto entry = io::AsdfValue::mapping({{"filter", offset.filter}});
    if (!offset.pupil.empty()) entry.set("pupil", offset.pupil);
    auto const number = [](std::optional<double> const& value) {
      return value ? io::AsdfValue(*value) : io::AsdfValue("N/A");
    };
    entry.set("column_offset", number(offset.column_offset));
    entry.set("row_offset", number(offset.row_offset));
    entries.append(std::move(entry));
  }
  auto tree = io::AsdfValue::mapping();
  tree.set("filters", std::move(entries));
  io::write_file(path, io::write_asdf(tree));
}

}  // namespace tessera::test
