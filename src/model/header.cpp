#include "tessera/model/header.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "card_text.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::model {

namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

/// Name of a HIERARCH card: between HIERARCH and '=', or nothing.
std::string_view hierarch_name(std::string_view card) {
  auto const equals = card.find('=');
  if (equals == std::string_view::npos || equals < KeywordLength) return {};
  return trim(card.substr(KeywordLength, equals - KeywordLength));
}

std::size_t find_card(std::vector<Card> const& cards, std::string_view keyword) {
  keyword = trim_end(keyword);
  static std::uint64_t const hierarch = keyword_code("HIERARCH");
  if (keyword.size() > KeywordLength || keyword.find(' ') != std::string_view::npos) {
    if (keyword.size() > 9 && keyword_code(keyword) == hierarch && keyword[8] == ' ') keyword = trim(keyword.substr(9));
    for (std::size_t i = 0; i < cards.size(); ++i)
      if (keyword_code(cards[i].text) == hierarch && equal_ignoring_case(hierarch_name(cards[i].text), keyword))
        return i;
    return NotFound;
  }
  std::uint64_t const wanted = keyword_code(keyword);
  for (std::size_t i = 0; i < cards.size(); ++i)
    if (keyword_code(cards[i].text) == wanted) return i;
  return NotFound;
}

/// The value of card `index` with its CONTINUE cards joined; `end` is one past the last card it takes.
struct Entry {
  bool has_value = false;
  bool is_string = false;
  std::string value;
  std::string comment;
  std::size_t end = 0;
};

Entry read_entry(std::vector<Card> const& cards, std::size_t index) {
  Entry entry;
  entry.end = index + 1;
  std::string_view const card = cards[index].text;
  auto const column = value_column(card);
  if (column == NotFound) return entry;
  Field field = parse_field(card.substr(column));
  entry.has_value = true;
  entry.is_string = field.is_string;
  entry.value = std::move(field.value);
  entry.comment = field.comment;
  if (!entry.is_string) return entry;
  static std::uint64_t const continues = keyword_code("CONTINUE");
  while (!trim_end(entry.value).empty() && trim_end(entry.value).back() == '&' && entry.end < cards.size() &&
         keyword_code(cards[entry.end].text) == continues) {
    Field next = parse_field(std::string_view(cards[entry.end].text).substr(KeywordLength));
    if (!next.is_string) break;
    entry.value.resize(trim_end(entry.value).size() - 1);
    entry.value += next.value;
    if (!next.comment.empty() && !entry.comment.empty()) entry.comment += ' ';
    entry.comment += next.comment;
    ++entry.end;
  }
  entry.value.resize(trim_end(entry.value).size());
  return entry;
}

std::vector<Card>::iterator erase_cards(std::vector<Card>& cards, std::size_t first, std::size_t end) {
  return cards.erase(cards.begin() + static_cast<std::ptrdiff_t>(first),
                     cards.begin() + static_cast<std::ptrdiff_t>(end));
}

std::optional<Entry> find_entry(std::vector<Card> const& cards, std::string_view keyword) {
  auto const index = find_card(cards, keyword);
  if (index == NotFound) return std::nullopt;
  Entry entry = read_entry(cards, index);
  if (!entry.has_value) return std::nullopt;
  return entry;
}

void append_free_text(std::vector<Card>& cards, std::string_view keyword, std::string_view text) {
  for (std::size_t start = 0; start <= text.size();) {
    auto const line_end = std::min(text.find('\n', start), text.size());
    auto line = printable(text.substr(start, line_end - start));
    std::size_t at = 0;
    do {
      cards.push_back(make_card(keyword, line.substr(at, FreeTextLength)));
      at += FreeTextLength;
    } while (at < line.size());
    start = line_end + 1;
  }
}

bool is_settable_keyword(std::string_view keyword) {
  bool const alphabet = std::all_of(keyword.begin(), keyword.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return alphabet && !keyword.empty() && keyword.size() <= KeywordLength && keyword != "COMMENT" &&
         keyword != "HISTORY" && keyword != "CONTINUE" && keyword != "HIERARCH" && keyword != "END";
}

}  // namespace

std::string Card::keyword() const { return std::string(trim_end(std::string_view(text).substr(0, KeywordLength))); }

bool Header::has(std::string_view keyword) const { return find_card(cards_, keyword) != NotFound; }

std::optional<std::string> Header::text(std::string_view keyword) const {
  auto entry = find_entry(cards_, keyword);
  if (!entry || !entry->is_string) return std::nullopt;
  return std::move(entry->value);
}

std::optional<double> Header::real(std::string_view keyword) const {
  auto const entry = find_entry(cards_, keyword);
  if (!entry || entry->is_string) return std::nullopt;
  return parse_real(entry->value);
}

std::optional<long long> Header::integer(std::string_view keyword) const {
  auto const entry = find_entry(cards_, keyword);
  if (!entry || entry->is_string) return std::nullopt;
  std::string_view word = entry->value;
  if (!word.empty() && word[0] == '+') word.remove_prefix(1);
  long long value = 0;
  auto const [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<bool> Header::logical(std::string_view keyword) const {
  auto const entry = find_entry(cards_, keyword);
  if (!entry || entry->is_string || (entry->value != "T" && entry->value != "F")) return std::nullopt;
  return entry->value == "T";
}

std::string Header::comment(std::string_view keyword) const {
  auto const entry = find_entry(cards_, keyword);
  return entry ? entry->comment : std::string();
}

void Header::put_cards(std::string_view keyword, std::vector<Card> const& made) {
  TESSERA_EXPECT(is_settable_keyword(keyword));
  auto const index = find_card(cards_, keyword);
  auto at = cards_.end();
  if (index != NotFound) {
    at = erase_cards(cards_, index, read_entry(cards_, index).end);
  }
  cards_.insert(at, made.begin(), made.end());
}

void Header::put_value(std::string_view keyword, std::string_view value_field, std::string_view comment) {
  std::string const old_comment = this->comment(keyword);
  put_cards(keyword, {make_card(keyword, "= " + with_comment(value_field, comment.empty() ? old_comment : comment))});
}

void Header::set(std::string_view keyword, std::string_view value, std::string_view comment) {
  std::string quoted;
  for (char const c : printable(trim_end(value))) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  if (quoted.size() <= ContinuedPiece + 1) {
    quoted.resize(std::max(quoted.size(), KeywordLength), ' ');  // the standard's least length, for old readers
    put_value(keyword, "'" + quoted + "'", comment);
    return;
  }
  std::string const kept_comment = comment.empty() ? this->comment(keyword) : std::string(comment);
  auto const pieces = split_quoted(quoted);
  std::vector<Card> made;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    bool const first = i == 0, last = i + 1 == pieces.size();
    std::string const field = "'" + pieces[i] + (last ? "'" : "&'");
    std::string const columns = last ? with_comment(field, kept_comment) : field;
    made.push_back(make_card(first ? keyword : "CONTINUE", (first ? "= " : "  ") + columns));
  }
  put_cards(keyword, made);
}

void Header::set(std::string_view keyword, char const* value, std::string_view comment) {
  set(keyword, std::string_view(value), comment);
}
void Header::set(std::string_view keyword, double value, std::string_view comment) {
  put_value(keyword, format_real(value), comment);
}
void Header::set(std::string_view keyword, long long value, std::string_view comment) {
  put_value(keyword, right_justified(std::to_string(value)), comment);
}
void Header::set(std::string_view keyword, int value, std::string_view comment) {
  set(keyword, static_cast<long long>(value), comment);
}
void Header::set(std::string_view keyword, bool value, std::string_view comment) {
  put_value(keyword, right_justified(value ? "T" : "F"), comment);
}
void Header::set_undefined(std::string_view keyword, std::string_view comment) {
  put_value(keyword, right_justified(""), comment);
}

void Header::remove(std::string_view keyword) {
  for (auto index = find_card(cards_, keyword); index != NotFound; index = find_card(cards_, keyword)) {
    erase_cards(cards_, index, read_entry(cards_, index).end);
  }
}

void Header::add_history(std::string_view text) { append_free_text(cards_, "HISTORY", text); }
void Header::add_comment(std::string_view text) { append_free_text(cards_, "COMMENT", text); }

}  // namespace tessera::model
