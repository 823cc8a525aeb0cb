#include "tessera/io/checksum.hpp"

#include <openssl/evp.h>

#include <array>
#include <new>
#include <vector>

#include "posix_file.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::io {

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (!state_->context) throw std::bad_alloc();
  TESSERA_EXPECT(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::update(std::span<std::byte const> bytes) {
  TESSERA_EXPECT(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  TESSERA_EXPECT(EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length) == 1);
  std::string text;
  for (unsigned i = 0; i < length; ++i) {
    text += "0123456789abcdef"[digest[i] >> 4];
    text += "0123456789abcdef"[digest[i] & 15];
  }
  return text;
}

std::string sha256(std::span<std::byte const> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256(std::string const& text) { return sha256(std::as_bytes(std::span(text))); }

std::string sha256_of_file(std::filesystem::path const& path) {
  auto const file = PosixFile::open_for_reading(path);
  Sha256 hash;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  std::int64_t offset = 0;
  while (auto const count = file.read_at(offset, buffer)) {
    hash.update(std::span(buffer).first(count));
    offset += static_cast<std::int64_t>(count);
  }
  return hash.hex();
}

}  // namespace tessera::io
