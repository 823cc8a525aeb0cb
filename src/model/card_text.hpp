// The text of one card: finding its parts, and making it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/model/header.hpp"

namespace tessera::model {

inline constexpr std::size_t CardLength = 80;
inline constexpr std::size_t KeywordLength = 8;
inline constexpr std::size_t ContinuedPiece = 67;  ///< of a long string: '...&' fills columns 11 to 80
inline constexpr std::size_t FreeTextLength = 72;  ///< of COMMENT and HISTORY
inline constexpr std::size_t NotFound = static_cast<std::size_t>(-1);

std::string_view trim_end(std::string_view text);
std::string_view trim(std::string_view text);

/// The keyword columns as one number, for fast comparison ignoring letter case.
std::uint64_t keyword_code(std::string_view name);

/// Where the value field of a card starts, or NotFound for a card without a value (COMMENT, HISTORY, blank).
std::size_t value_column(std::string_view card);

/// A value field: a string (without quotes) or a bare word, and the comment.
struct Field {
  bool is_string = false;
  std::string value;  ///< a string keeps its trailing blanks: they count before a '&'
  std::string_view comment;
};

Field parse_field(std::string_view field);

/// FITS numbers only (no nan, inf, hexadecimal), with Fortran's D exponents.
std::optional<double> parse_real(std::string word);

/// `text` with '?' for characters that FITS does not allow.
std::string printable(std::string_view text);

/// Value fields in fixed format: right-justified to column 30. Reals: shortest that reads back the same, always with a
/// point; not finite: undefined (blank).
std::string right_justified(std::string const& text);
std::string format_real(double value);

/// A card of 80 columns; what does not fit is cut.
Card make_card(std::string_view keyword, std::string_view after_keyword);

/// Value field and comment.
std::string with_comment(std::string_view value_field, std::string_view comment);

/// Splits a string with doubled quotes into pieces of at most ContinuedPiece that never part a pair of quotes.
std::vector<std::string> split_quoted(std::string_view quoted);

}  // namespace tessera::model
