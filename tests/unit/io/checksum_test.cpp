#include "tessera/io/checksum.hpp"

#include <gtest/gtest.h>

#include "fits_bytes.hpp"
#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::io {
namespace {

// FIPS 180-4 examples (csrc.nist.gov, SHA256.pdf) and the digest of nothing.
constexpr char const* OfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr char const* OfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Sha256, GivesThePublishedDigests) {
  EXPECT_EQ(sha256(std::string("abc")), OfAbc);
  EXPECT_EQ(sha256(std::string()), OfNothing);
  EXPECT_EQ(sha256(std::string("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, TakesPiecesAndFiles) {
  Sha256 hash;
  std::string const a = "a", bc = "bc";
  hash.update(std::as_bytes(std::span(a)));
  hash.update(std::as_bytes(std::span(bc)));
  EXPECT_EQ(hash.hex(), OfAbc);
  tessera::test::ScratchFolder const folder("checksum");
  test::write_bytes(folder.path() / "abc", "abc");
  EXPECT_EQ(sha256_of_file(folder.path() / "abc"), OfAbc);
  std::string const large(3'000'000, 'x');  // several of its read buffers
  test::write_bytes(folder.path() / "large", large);
  EXPECT_EQ(sha256_of_file(folder.path() / "large"), sha256(large));
  EXPECT_THROW(sha256_of_file(folder.path() / "absent"), InputError);
}

}  // namespace
}  // namespace tessera::io
