// Manifests: what a product was made from, so that only what changed is made again.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tessera::store {

/// Beside each product: PRODUCT.manifest.json. Two manifests with the same `key` describe the same pixels.
struct Manifest {
  std::string product;  ///< file name
  std::string step;
  int algorithm = 0;       ///< number of the step's algorithm: changes when its results do
  std::string parameters;  ///< resolved parameters, JSON text with sorted keys
  std::vector<std::pair<std::string, std::string>>
      inputs;           ///< name and hash (or manifest key) of every input, in order
  std::string program;  ///< version and commit: recorded, not part of the key

  /// SHA-256 of step, algorithm, parameters and inputs.
  std::string key() const;
};

std::filesystem::path manifest_path(std::filesystem::path const& product);
void write_manifest(std::filesystem::path const& product, Manifest const& manifest);
/// nullopt when there is none, or it cannot be read (said in the log).
std::optional<Manifest> read_manifest(std::filesystem::path const& product);

/// First difference in words: "parameter pixfrac: 1 -> 0.8", "input jw...: changed", or "" when the keys agree.
std::string describe_difference(Manifest const& before, Manifest const& now);

}  // namespace tessera::store
