#include "tessera/refs/literal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "tessera/core/error.hpp"

namespace tessera::refs {

namespace {

constexpr int DeepestNesting = 60;

bool starts_name(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool continues_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

void append_utf8(std::string& text, unsigned long code) {
  auto const put = [&](unsigned long byte) { text += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

class Parser {
 public:
  Parser(std::string_view text, std::string const& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  Literal whole_literal() {
    Literal value = parse_value(0);
    skip_blank();
    if (at_ < text_.size()) fail("the end of the text");
    return value;
  }

  std::vector<Assignment> assignments() {
    std::vector<Assignment> all;
    for (skip_blank(); at_ < text_.size(); skip_blank()) {
      if (!starts_name(text_[at_])) fail("an assignment, NAME = value");
      Assignment assignment;
      assignment.name = parse_name();
      expect('=');
      assignment.value = parse_value(0);
      all.push_back(std::move(assignment));
    }
    return all;
  }

 private:
  std::string_view text_;
  std::string const& name_;
  std::size_t at_ = 0;
  int line_ = 1;

  [[noreturn]] void fail(std::string const& expected, std::string what = "broken mapping text") const {
    std::string found = "the end of the text";
    if (at_ < text_.size()) {
      auto const end = std::min(text_.find('\n', at_), std::min(at_ + 30, text_.size()));
      found = fmt::format("'{}'", text_.substr(at_, end - at_));
    }
    throw InputError({std::move(what), fmt::format("{}:{}", name_, line_), expected, found,
                      "copy the file again from CRDS (crds sync)"});
  }

  void skip_blank() {
    for (; at_ < text_.size(); ++at_) {
      char const c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        if (at_ == text_.size()) return;
        ++line_;
      } else if (c == '\n') {
        ++line_;
      } else if (c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\\') {
        return;
      }
    }
  }

  bool next_is(char c) {
    skip_blank();
    return at_ < text_.size() && text_[at_] == c;
  }

  bool take(char c) {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }

  void expect(char c) {
    if (!take(c)) fail(fmt::format("'{}'", c));
  }

  std::string parse_name() {
    auto const from = at_;
    while (at_ < text_.size() && continues_name(text_[at_])) ++at_;
    return std::string(text_.substr(from, at_ - from));
  }

  Literal parse_value(int depth) {
    if (depth > DeepestNesting) fail(fmt::format("at most {} brackets inside each other", DeepestNesting));
    skip_blank();
    if (at_ >= text_.size()) fail("a value");
    Literal value;
    value.line = line_;
    char const c = text_[at_];
    if (c == '\'' || c == '"') {
      value.kind = Literal::Kind::Text;
      // Strings that follow each other are one, as in Python.
      while (next_is('\'') || next_is('"')) parse_string(value.text);
    } else if (c == '{') {
      parse_dict(value, depth);
    } else if (c == '(') {
      parse_tuple(value, depth);
    } else if (c == '[') {
      ++at_;
      value.kind = Literal::Kind::List;
      parse_items(value, ']', depth);
    } else if (std::isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '+' || c == '.') {
      parse_number(value);
    } else if (starts_name(c)) {
      parse_word(value, depth);
    } else {
      fail("a value");
    }
    return value;
  }

  void parse_word(Literal& value, int depth) {
    auto const from = at_;
    value.text = parse_name();
    if (value.text == "None") {
      value.kind = Literal::Kind::None;
    } else if (value.text == "True" || value.text == "False") {
      value.kind = Literal::Kind::Bool;
    } else if (take('(')) {
      value.kind = Literal::Kind::Call;
      parse_items(value, ')', depth);
    } else {
      at_ = from;
      fail("a string, a number, a tuple, a list, a dictionary or a selector");
    }
  }

  void parse_number(Literal& value) {
    value.kind = Literal::Kind::Number;
    auto const from = at_;
    auto const digits = [&] {
      auto const first = at_;
      while (at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_]))) ++at_;
      return at_ - first;
    };
    if (text_[at_] == '-' || text_[at_] == '+') ++at_;
    auto count = digits();
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      count += digits();
    }
    if (count > 0 && at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '-' || text_[at_] == '+')) ++at_;
      count = digits();
    }
    if (count == 0 || (at_ < text_.size() && continues_name(text_[at_]))) {
      at_ = from;
      fail("a number");
    }
    value.text = std::string(text_.substr(from, at_ - from));
  }

  void parse_items(Literal& value, char close, int depth) {
    while (!next_is(close)) {
      value.items.push_back(parse_value(depth + 1));
      if (!take(',')) break;
    }
    expect(close);
  }

  /// A tuple, or a value in brackets.
  void parse_tuple(Literal& value, int depth) {
    ++at_;
    value.kind = Literal::Kind::Tuple;
    bool has_comma = false;
    while (!next_is(')')) {
      value.items.push_back(parse_value(depth + 1));
      if (!take(',')) break;
      has_comma = true;
    }
    expect(')');
    if (value.items.size() == 1 && !has_comma) {
      Literal inner = std::move(value.items.front());
      value = std::move(inner);
    }
  }

  void parse_dict(Literal& value, int depth) {
    ++at_;
    value.kind = Literal::Kind::Dict;
    while (!next_is('}')) {
      Literal key = parse_value(depth + 1);
      expect(':');
      Literal member = parse_value(depth + 1);
      value.entries.emplace_back(std::move(key), std::move(member));
      if (!take(',')) break;
    }
    expect('}');
    drop_duplicates(value);
  }

  static void drop_duplicates(Literal& dict) {
    auto& entries = dict.entries;
    std::vector<std::size_t> order(entries.size());
    for (std::size_t k = 0; k < order.size(); ++k) order[k] = k;
    // Equal keys come together, first to last: mappings have thousands of rules, so no comparison of all with all.
    std::vector<std::string> names(entries.size());
    for (std::size_t k = 0; k < entries.size(); ++k) names[k] = identity(entries[k].first);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return names[a] < names[b]; });
    std::vector<bool> dropped(entries.size(), false);
    for (std::size_t k = 0; k < order.size();) {
      std::size_t last = k;
      while (last + 1 < order.size() && names[order[last + 1]] == names[order[k]]) {
        ++last;
        dict.duplicates.push_back(entries[order[last]].first.line);
        dropped[order[last]] = true;
      }
      if (last > k) entries[order[k]].second = entries[order[last]].second;
      k = last + 1;
    }
    std::sort(dict.duplicates.begin(), dict.duplicates.end());
    std::vector<Literal::Entry> kept;
    for (std::size_t k = 0; k < entries.size(); ++k)
      if (!dropped[k]) kept.push_back(std::move(entries[k]));
    entries = std::move(kept);
  }

  /// A text that is equal for equal keys only: the kind, the length and the characters of every part.
  static std::string identity(Literal const& key) {
    std::string text = fmt::format("{}:{}:{}", static_cast<int>(key.kind), key.text.size(), key.text);
    for (auto const& item : key.items) text += "," + identity(item);
    return text + ";";
  }

  void parse_string(std::string& out) {
    char const quote = text_[at_];
    bool const is_triple = text_.substr(at_, 3) == std::string(3, quote);
    std::string const end(is_triple ? 3 : 1, quote);
    int const first_line = line_;
    at_ += end.size();
    while (text_.substr(at_, end.size()) != end) {
      if (at_ >= text_.size() || (!is_triple && text_[at_] == '\n')) {
        line_ = first_line;
        fail(fmt::format("the end of the string, {}", end));
      }
      if (text_[at_] == '\\') {
        parse_escape(out);
        continue;
      }
      if (text_[at_] == '\n') ++line_;
      out += text_[at_++];
    }
    at_ += end.size();
  }

  void parse_escape(std::string& out) {
    ++at_;
    if (at_ >= text_.size()) fail("the rest of an escape");
    char const c = text_[at_++];
    switch (c) {
      case '\n':
        ++line_;
        return;
      case 'n':
        out += '\n';
        return;
      case 't':
        out += '\t';
        return;
      case 'r':
        out += '\r';
        return;
      case 'a':
        out += '\a';
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'v':
        out += '\v';
        return;
      case '\\':
      case '\'':
      case '"':
        out += c;
        return;
      case 'x':
        append_utf8(out, parse_code(2, 16));
        return;
      case 'u':
        append_utf8(out, parse_code(4, 16));
        return;
      case 'U':
        append_utf8(out, parse_code(8, 16));
        return;
      default:
        break;
    }
    if (c >= '0' && c <= '7') {
      --at_;
      append_utf8(out, parse_code(3, 8));
      return;
    }
    out += '\\';  // Python keeps the backslash of an escape it does not know
    out += c;
  }

  /// Digits of a character code: exactly `count` hexadecimal ones, or one to `count` octal ones.
  unsigned long parse_code(int count, int base) {
    std::string digits;
    auto const is_digit = [&](char c) {
      return base == 16 ? std::isxdigit(static_cast<unsigned char>(c)) != 0 : c >= '0' && c <= '7';
    };
    while (static_cast<int>(digits.size()) < count && at_ < text_.size() && is_digit(text_[at_]))
      digits += text_[at_++];
    if (base == 16 && static_cast<int>(digits.size()) != count) fail(fmt::format("{} hexadecimal digits", count));
    auto const code = std::stoul(digits, nullptr, base);
    if (code > 0x10FFFF) fail("a character code up to 10FFFF");
    return code;
  }
};

}  // namespace

Literal const* Literal::find(std::string_view key) const {
  if (!is_dict()) return nullptr;
  for (auto const& [name, value] : entries)
    if (name.is_text() && name.text == key) return &value;
  return nullptr;
}

std::string Literal::scalar_text() const {
  switch (kind) {
    case Kind::None:
      return "None";
    case Kind::Bool:
    case Kind::Number:
    case Kind::Text:
      return text;
    default:
      return describe();
  }
}

std::string Literal::describe() const {
  switch (kind) {
    case Kind::None:
      return "None";
    case Kind::Bool:
      return text;
    case Kind::Number:
      return "the number " + text;
    case Kind::Text:
      return fmt::format("the text '{}'", text);
    case Kind::Tuple:
      return fmt::format("a tuple of {}", items.size());
    case Kind::List:
      return fmt::format("a list of {}", items.size());
    case Kind::Dict:
      return fmt::format("a dictionary of {}", entries.size());
    case Kind::Call:
      return fmt::format("{}(...)", text);
  }
  return "";
}

bool operator==(Literal const& a, Literal const& b) {
  return a.kind == b.kind && a.text == b.text && a.items == b.items && a.entries == b.entries;
}

Literal parse_literal(std::string_view text, std::string const& name) { return Parser(text, name).whole_literal(); }

std::vector<Assignment> parse_assignments(std::string_view text, std::string const& name) {
  return Parser(text, name).assignments();
}

}  // namespace tessera::refs
