// Hashes for provenance and tests.
#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace tessera::io {

/// SHA-256 in lower-case hexadecimal.
std::string sha256(std::span<std::byte const> bytes);
std::string sha256(std::string const& text);
/// Of a whole file. Throws InputError.
std::string sha256_of_file(std::filesystem::path const& path);

/// SHA-256 in pieces.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void update(std::span<std::byte const> bytes);
  std::string hex();  ///< ends it

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera::io
