// Images as the test vectors give them: a list of rows, null for NaN.
#pragma once
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

namespace tessera::test {

/// Row by row.
struct Plane {
  std::int64_t nx = 0, ny = 0;
  std::vector<float> values;
};

/// All rows are of one length.
inline Plane read_plane(nlohmann::json const& rows) {
  Plane plane{static_cast<std::int64_t>(rows.at(0).size()), static_cast<std::int64_t>(rows.size()), {}};
  for (auto const& row : rows)
    for (auto const& value : row)
      plane.values.push_back(value.is_null() ? std::numeric_limits<float>::quiet_NaN() : value.get<float>());
  return plane;
}

}  // namespace tessera::test
