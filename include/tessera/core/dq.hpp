// Data-quality bits with the official JWST names (spec 10 and 30).
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tessera::dq {

inline constexpr std::uint32_t Good = 0;
inline constexpr std::uint32_t DoNotUse = 1u << 0;
inline constexpr std::uint32_t Saturated = 1u << 1;
inline constexpr std::uint32_t JumpDet = 1u << 2;
inline constexpr std::uint32_t Dropout = 1u << 3;
inline constexpr std::uint32_t Outlier = 1u << 4;
inline constexpr std::uint32_t Persistence = 1u << 5;
inline constexpr std::uint32_t AdFloor = 1u << 6;
inline constexpr std::uint32_t ChargeLoss = 1u << 7;
inline constexpr std::uint32_t UnreliableError = 1u << 8;  ///< RESERVED in current files
inline constexpr std::uint32_t NonScience = 1u << 9;
inline constexpr std::uint32_t Dead = 1u << 10;
inline constexpr std::uint32_t Hot = 1u << 11;
inline constexpr std::uint32_t Warm = 1u << 12;
inline constexpr std::uint32_t LowQe = 1u << 13;
inline constexpr std::uint32_t Rc = 1u << 14;
inline constexpr std::uint32_t Telegraph = 1u << 15;
inline constexpr std::uint32_t Nonlinear = 1u << 16;
inline constexpr std::uint32_t BadRefPixel = 1u << 17;
inline constexpr std::uint32_t NoFlatField = 1u << 18;
inline constexpr std::uint32_t NoGainValue = 1u << 19;
inline constexpr std::uint32_t NoLinCorr = 1u << 20;
inline constexpr std::uint32_t NoSatCheck = 1u << 21;
inline constexpr std::uint32_t UnreliableBias = 1u << 22;
inline constexpr std::uint32_t UnreliableDark = 1u << 23;
inline constexpr std::uint32_t UnreliableSlope = 1u << 24;
inline constexpr std::uint32_t UnreliableFlat = 1u << 25;
inline constexpr std::uint32_t Open = 1u << 26;
inline constexpr std::uint32_t AdjOpen = 1u << 27;
inline constexpr std::uint32_t FluxEstimated = 1u << 28;
inline constexpr std::uint32_t MsaFailedOpen = 1u << 29;
inline constexpr std::uint32_t OtherBadPixel = 1u << 30;
inline constexpr std::uint32_t ReferencePixel = 1u << 31;

/// Bits that make a pixel bad in resampling: "good bits ~DO_NOT_USE+NON_SCIENCE" (spec 30, conventions).
inline constexpr std::uint32_t ResampleBad = DoNotUse | NonScience;

/// What pjpipe 1.2.1 tests as bad where it means ResampleBad: it looks at the low 8 bits only (spec 40, P1).
inline constexpr std::uint32_t Pjpipe121Bad = DoNotUse;

/// An official flag name and its bit.
struct NamedBit {
  std::string_view name;
  std::uint32_t bit;
};

/// All 32 pixel flags, by bit number.
std::span<NamedBit const> all_bits();

/// Bit of an official name (letter case ignored; GOOD is 0), or nothing.
std::optional<std::uint32_t> find_bit(std::string_view name);

/// Names of the set bits joined by "+", "GOOD" for none: 513 -> "DO_NOT_USE+NON_SCIENCE".
std::string describe_bits(std::uint32_t bits);

/// Bits that make a pixel bad under a good-bits text of the official pipeline (spec 30, conventions):
/// "~DO_NOT_USE+NON_SCIENCE" -> 513, "~DO_NOT_USE" -> 1, "none" -> 0 (DQ not used), "0" -> all,
/// "16,4" -> all but those.
/// An empty text means "none"; names and numbers may be joined by + , or |.
/// Throws ConfigError naming the unknown flag and the nearest known one.
std::uint32_t bad_bits(std::string_view good_bits);

}  // namespace tessera::dq
