// Small operations on ASCII text that rules and headers need.
#pragma once
#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::refs {

inline std::string_view strip(std::string_view text) {
  auto const is_blank = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

inline std::string upper(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return folded;
}

inline std::string lower(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return folded;
}

/// The pieces between separators: one more than there are separators.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> pieces;
  for (std::size_t at = 0;;) {
    auto const end = text.find(separator, at);
    pieces.emplace_back(text.substr(at, end == std::string_view::npos ? end : end - at));
    if (end == std::string_view::npos) return pieces;
    at = end + 1;
  }
}

/// The pieces between runs of blanks.
inline std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  for (auto const& piece : split(text, ' '))
    if (auto const word = strip(piece); !word.empty()) all.emplace_back(word);
  return all;
}

}  // namespace tessera::refs
