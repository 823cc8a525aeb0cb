#include "mosaic_alignment.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "astrometric_align/mosaic_solution.hpp"
#include "tessera/core/log.hpp"

namespace tessera::steps {

std::optional<MosaicAlignment> read_mosaic_alignment(std::filesystem::path const& mosaic) {
  auto const path = align_json_path(mosaic);
  std::ifstream stream(path);
  if (!stream) return std::nullopt;
  try {
    auto const solution = solution_from_json({std::istreambuf_iterator<char>(stream), {}});
    return MosaicAlignment{solution.pixel_move.shift, solution.pixel_move.matrix};
  } catch (nlohmann::json::exception const& error) {
    log::warn("{}: is no solution of astrometric_align ({})", path.string(), error.what());
    return std::nullopt;
  }
}

}  // namespace tessera::steps
