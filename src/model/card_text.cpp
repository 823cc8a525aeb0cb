#include "card_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace tessera::model {

namespace {
constexpr std::size_t FixedValueWidth = 20;  // numbers end in column 30
}

std::string_view trim_end(std::string_view text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);  // nothing but blanks: npos + 1 is 0
}
std::string_view trim(std::string_view text) {
  text = trim_end(text);
  auto const first = text.find_first_not_of(' ');
  return first == std::string_view::npos ? text : text.substr(first);
}

std::uint64_t keyword_code(std::string_view name) {
  char columns[KeywordLength];
  std::memset(columns, ' ', sizeof columns);
  name.copy(columns, KeywordLength);
  std::uint64_t code = 0;
  std::memcpy(&code, columns, sizeof code);
  // Folds letters to lower case: every other character of the keyword alphabet has this bit set already, except
  // '_', which no other member of it becomes.
  return code | 0x2020202020202020u;
}

std::size_t value_column(std::string_view card) {
  if (card.size() > KeywordLength && card[KeywordLength] == '=') return KeywordLength + 1;
  if (keyword_code(card) == keyword_code("HIERARCH")) {
    auto const equals = card.find('=');
    if (equals != std::string_view::npos) return equals + 1;
  }
  return NotFound;
}

Field parse_field(std::string_view field) {
  Field parsed;
  auto const first = field.find_first_not_of(' ');
  if (first == std::string_view::npos) return parsed;
  std::string_view rest = field.substr(first);
  if (rest[0] == '\'') {
    parsed.is_string = true;
    std::size_t at = 1;
    for (; at < rest.size(); ++at) {
      if (rest[at] == '\'') {
        if (at + 1 >= rest.size() || rest[at + 1] != '\'') break;
        ++at;
      }
      parsed.value += rest[at];
    }
    rest = at < rest.size() ? rest.substr(at + 1) : std::string_view{};
  } else {
    auto const slash = rest.find('/');
    parsed.value = trim(rest.substr(0, slash));
    rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash);
  }
  if (auto const slash = rest.find('/'); slash != std::string_view::npos) parsed.comment = trim(rest.substr(slash + 1));
  return parsed;
}

std::optional<double> parse_real(std::string word) {
  if (!word.empty() && word[0] == '+') word.erase(0, 1);
  if (word.empty()) return std::nullopt;
  for (char& c : word) {
    if (c == 'D' || c == 'd' || c == 'e') c = 'E';
    if (std::string_view("+-.E0123456789").find(c) == std::string_view::npos) return std::nullopt;  // nan, inf
  }
  double value = 0;
  auto const [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (end != word.data() + word.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range && word.find("E-") != std::string::npos) return 0.0;
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c < ' ' || c > '~') c = '?';
  return result;
}

std::string right_justified(std::string const& text) {
  return text.size() < FixedValueWidth ? std::string(FixedValueWidth - text.size(), ' ') + text : text;
}

std::string format_real(double value) {
  if (!std::isfinite(value)) return std::string(FixedValueWidth, ' ');
  char buffer[40];
  auto const end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  std::string text(buffer, end);
  auto const exponent = text.find('e');
  if (exponent != std::string::npos) text[exponent] = 'E';
  if (text.find('.') == std::string::npos) text.insert(std::min(exponent, text.size()), ".0");
  return right_justified(text);
}

Card make_card(std::string_view keyword, std::string_view after_keyword) {
  Card card{std::string(keyword)};
  card.text.resize(KeywordLength, ' ');
  card.text += after_keyword;
  card.text.resize(CardLength, ' ');
  return card;
}

std::string with_comment(std::string_view value_field, std::string_view comment) {
  std::string text(value_field);
  if (comment.empty()) return text;
  text.resize(std::max(text.size(), FixedValueWidth), ' ');
  return text + " / " + printable(comment);
}

std::vector<std::string> split_quoted(std::string_view quoted) {
  std::vector<std::string> pieces;
  while (!quoted.empty()) {
    std::size_t length = 0;
    while (length < quoted.size()) {
      std::size_t const step = quoted[length] == '\'' ? 2 : 1;
      if (length + step > ContinuedPiece) break;
      length += step;
    }
    pieces.emplace_back(quoted.substr(0, length));
    quoted.remove_prefix(length);
  }
  return pieces;
}

}  // namespace tessera::model
