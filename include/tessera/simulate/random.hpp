// Counter-based random numbers: a value is a function of (key, stream, index) alone, so any rank may draw any of them.
#pragma once
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

namespace tessera::simulate {

/// Philox 4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    std::uint64_t const a = std::uint64_t{0xD2511F53u} * counter[0];
    std::uint64_t const b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// What a draw is for: draws of different streams are independent.
enum class Stream : std::uint32_t {
  Noise = 1,
  Level,
  LyotLevel,
  RowStripes,
  ColumnStripes,
  CosmicRays,
  DetectedRays,
  BadPixels,
  Pointing,
  Aberration,
  FieldStars,
  MemberStars,
  Clusters,
  IonisedRegions,
  Galaxies,
  Turbulence,
  ListedStars,
  DatumErrors,
  FocalPlane,
  Flat,
  Photom,
  Thermal,
  FilterOffset,
};

/// 64-bit hash (FNV-1a, then mixed) that turns names into keys.
inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325ull ^ (seed * 0x9E3779B97F4A7C15ull);
  for (char const letter : text) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3ull;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccdull;
  hash ^= hash >> 33;
  return hash;
}

/// Draws keyed by a 64-bit key (exposure, visit, detector or target). Stateless: copies and orders do not matter.
class Random {
 public:
  explicit Random(std::uint64_t key) : key_{static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)} {}

  std::array<std::uint32_t, 4> bits(Stream stream, std::uint64_t index, std::uint32_t sub = 0) const {
    return philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32), sub,
                   static_cast<std::uint32_t>(stream)},
                  key_);
  }
  /// Four uniform deviates in (0, 1).
  std::array<double, 4> uniforms(Stream stream, std::uint64_t index, std::uint32_t sub = 0) const {
    auto const raw = bits(stream, index, sub);
    return {unit(raw[0]), unit(raw[1]), unit(raw[2]), unit(raw[3])};
  }
  /// Four normal deviates (Box and Muller).
  std::array<double, 4> normals(Stream stream, std::uint64_t index, std::uint32_t sub = 0) const {
    auto const u = uniforms(stream, index, sub);
    double const r0 = std::sqrt(-2 * std::log(u[0])), r1 = std::sqrt(-2 * std::log(u[2]));
    double const a0 = 2 * std::numbers::pi * u[1], a1 = 2 * std::numbers::pi * u[3];
    return {r0 * std::cos(a0), r0 * std::sin(a0), r1 * std::cos(a1), r1 * std::sin(a1)};
  }
  double uniform(Stream stream, std::uint64_t index, std::uint32_t sub = 0) const {
    return uniforms(stream, index, sub)[0];
  }
  double normal(Stream stream, std::uint64_t index, std::uint32_t sub = 0) const {
    return normals(stream, index, sub)[0];
  }

 private:
  static double unit(std::uint32_t raw) { return (static_cast<double>(raw) + 0.5) * 0x1p-32; }
  std::array<std::uint32_t, 2> key_;
};

}  // namespace tessera::simulate
