#include "tessera/kernels/reproject.hpp"

#include <array>
#include <string>
#include <utility>

#include "tessera/core/error.hpp"

namespace tessera::kernels {

Reprojection parse_reprojection(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, Reprojection>, 3> methods{
      {{"interp", Reprojection::Interp}, {"exact", Reprojection::Exact}, {"adaptive", Reprojection::Adaptive}}};
  for (auto const& [known, method] : methods)
    if (name == known) return method;
  throw ConfigError({.what = "unknown reprojection",
                     .where = "reproject_func",
                     .expected = "interp, exact or adaptive",
                     .found = std::string(name),
                     .remedy = "choose one of these; interp is the default"});
}

void reproject(Reprojection method, ImagePart const& image, model::PixelMap const& map, model::PixelBox const& target,
               float* out) {
  switch (method) {
    case Reprojection::Interp:
      return reproject_interp(image, map, target, out);
    case Reprojection::Exact:
      return reproject_exact(image, map, target, out);
    case Reprojection::Adaptive:
      return reproject_adaptive(image, map, target, out);
  }
}

}  // namespace tessera::kernels
