#include "tessera/refs/match_element.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <regex>

#include "tessera/core/error.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

struct MatchElement::Expression {
  std::regex regex;
};

namespace {

/// [-+]?[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?  or  [+-]?[0-9]+\.
bool is_number_text(std::string_view text) {
  std::size_t at = 0;
  auto const digits = [&] {
    auto const first = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    return at - first;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  auto const whole = digits();
  bool const has_point = at < text.size() && text[at] == '.';
  if (has_point) ++at;
  auto const fraction = has_point ? digits() : 0;
  if (has_point && fraction == 0) return whole > 0 && at == text.size();
  if (whole + fraction == 0) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  return digits() > 0 && at == text.size();
}

std::optional<double> number_of(std::string_view text) {
  auto const stripped = strip(text);
  if (!is_number_text(stripped)) return std::nullopt;
  auto const* first = stripped.data() + (stripped.front() == '+' ? 1 : 0);
  double value = 0;
  auto const [end, error] = std::from_chars(first, stripped.data() + stripped.size(), value);
  if (error == std::errc::result_out_of_range) {  // as Python: too large is infinite, too small is zero
    bool const is_small =
        stripped.find("E-") != std::string_view::npos || stripped.find("e-") != std::string_view::npos;
    return std::copysign(is_small ? 0.0 : INFINITY, stripped.front() == '-' ? -1.0 : 1.0);
  }
  if (error != std::errc() || end != stripped.data() + stripped.size()) return std::nullopt;
  return value;
}

/// Shortest decimal text of a float, as Python prints it.
std::string float_text(double value) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

double require_number(std::string_view text, std::string_view element) {
  auto const number = number_of(text);
  if (!number)
    throw InputError({"broken rule", fmt::format("element '{}'", element), "a number", fmt::format("'{}'", text), ""});
  return *number;
}

bool is_wrapped(std::string_view text, char open, char close) {
  return text.size() >= 2 && text.front() == open && text.back() == close;
}

}  // namespace

std::string condition_value(std::string_view raw) {
  std::string text = upper(strip(raw));
  if (auto const number = number_of(text)) text = float_text(*number);
  if (text.starts_with("N/A") || text == "NOT APPLICABLE" || text == "NOT_APPLICABLE" || text == "()" ||
      text == "-2147483648.0")
    return "N/A";
  if (text == "ANY") return "*";
  if (text == "4294967295.0") return "-1.0";
  if (text == "TRUE") return "T";
  if (text == "FALSE") return "F";
  return text;
}

bool matches_glob(std::string_view value, std::string_view pattern) {
  std::size_t v = 0, p = 0, star = std::string_view::npos, resume = 0;
  /// Length of the set that starts at `at` and whether it holds `c`; 0 where the bracket is not closed.
  auto const in_set = [&](std::size_t at, char c, std::size_t& length) {
    std::size_t k = at + 1;
    bool const is_negated = k < pattern.size() && pattern[k] == '!';
    if (is_negated) ++k;
    auto const first = k;
    bool found = false;
    for (; k < pattern.size() && (pattern[k] != ']' || k == first); ++k) {
      if (k + 2 < pattern.size() && pattern[k + 1] == '-' && pattern[k + 2] != ']') {
        found = found || (pattern[k] <= c && c <= pattern[k + 2]);
        k += 2;
      } else {
        found = found || pattern[k] == c;
      }
    }
    length = k < pattern.size() ? k + 1 - at : 0;
    return found != is_negated;
  };
  while (v < value.size()) {
    std::size_t length = 1;
    bool matched = false;
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = v;
      continue;
    }
    if (p < pattern.size() && pattern[p] == '[') {
      matched = in_set(p, value[v], length);
      if (length == 0) {
        length = 1;
        matched = value[v] == '[';
      }
    } else if (p < pattern.size()) {
      matched = pattern[p] == '?' || pattern[p] == value[v];
    }
    if (matched) {
      p += length;
      ++v;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      v = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

MatchElement MatchElement::compile(std::string_view raw) {
  std::string const stripped(strip(raw));
  bool const is_kept = is_wrapped(stripped, '{', '}') || is_wrapped(stripped, '(', ')');
  std::string const folded = upper(stripped);
  bool const is_esoteric =
      is_kept || is_wrapped(stripped, '#', '#') || folded.starts_with("BETWEEN") || folded.starts_with("NOT");
  MatchElement element;
  if (is_kept && stripped != "()") {
    element = compile_part(stripped);
  } else if (is_esoteric || stripped.find('|') == std::string::npos) {
    element = compile_part(condition_value(stripped));
  } else {
    std::vector<std::string> parts;
    for (auto const& part : split(stripped, '|')) parts.push_back(std::string(strip(part)));
    std::sort(parts.begin(), parts.end());
    std::string joined;
    for (auto const& part : parts) joined += (joined.empty() ? "" : "|") + condition_value(part);
    element.kind_ = Kind::Glob;
    element.text_ = joined;
    element.alternatives_ = split(joined, '|');
  }
  element.is_esoteric_ = is_esoteric && element.kind_ != Kind::NotApplicable;
  return element;
}

MatchElement MatchElement::compile_part(std::string const& text) {
  MatchElement element;
  element.text_ = text;
  if (text == "N/A") {
    element.kind_ = Kind::NotApplicable;
  } else if (text.starts_with("NOT ")) {
    element.kind_ = Kind::Not;
    element.parts_.push_back(compile(text.substr(4)));
  } else if (text.starts_with("BETWEEN ")) {
    element.kind_ = Kind::Between;
    auto const bounds = words(text.substr(8));
    if (bounds.size() == 2) {
      element.low_ = require_number(bounds[0], text);
      element.high_ = require_number(bounds[1], text);
    }
    if (bounds.size() != 2 || element.low_ > element.high_)
      throw InputError({"broken rule", fmt::format("element '{}'", text), "BETWEEN low high", "", ""});
  } else if (is_wrapped(text, '#', '#')) {
    std::string const inner(strip(std::string_view(text).substr(1, text.size() - 2)));
    auto const both = inner.find(" AND "), either = inner.find(" OR ");
    auto const at = std::min(both, either);
    if (at == std::string::npos)
      throw InputError({"broken rule", fmt::format("element '{}'", text), "# a AND b # or # a OR b #", "", ""});
    element.kind_ = both < either ? Kind::Both : Kind::Either;
    auto const rest = at + (both < either ? 5 : 4);
    // What follows may again be joined: a AND b OR c is read from the left to the first word, then the rest.
    for (auto const& part : {inner.substr(0, at), inner.substr(rest)}) {
      std::string const stripped(strip(part));
      bool const is_joined = stripped.find(" AND ") != std::string::npos || stripped.find(" OR ") != std::string::npos;
      element.parts_.push_back(compile_part(is_joined ? "#" + stripped + "#" : condition_value(stripped)));
    }
  } else if (is_wrapped(text, '{', '}')) {
    element.kind_ = Kind::Literal;
    element.text_ = text;
    element.alternatives_ = {text.substr(1, text.size() - 2)};
  } else if (is_wrapped(text, '(', ')')) {
    element.kind_ = Kind::Regex;
    try {
      element.expression_ = std::make_shared<Expression>(Expression{std::regex(text)});
    } catch (std::regex_error const& error) {
      throw InputError({"broken rule", fmt::format("element '{}'", text), "a regular expression", error.what(), ""});
    }
  } else if (text.starts_with(">") || text.starts_with("<")) {
    element.kind_ = Kind::Relation;
    element.operator_ = text.substr(0, text.size() > 1 && text[1] == '=' ? 2 : 1);
    element.low_ = require_number(std::string_view(text).substr(element.operator_.size()), text);
  } else if (text.find_first_of("*|") != std::string::npos) {
    element.kind_ = Kind::Glob;
    element.alternatives_ = split(text, '|');
  }
  return element;
}

int MatchElement::status(std::string_view value) const {
  if (kind_ == Kind::NotApplicable) return 0;
  if (kind_ == Kind::Not) return -parts_.front().status(value);
  if (value == "*") return 1;
  if (value == "N/A") return 0;
  auto const answer = [](bool is_match) { return is_match ? 1 : -1; };
  switch (kind_) {
    case Kind::Equal:
      return answer(value == text_);
    case Kind::Literal:
      return answer(value == alternatives_.front());
    case Kind::Glob:
      return answer(std::any_of(alternatives_.begin(), alternatives_.end(),
                                [&](auto const& pattern) { return matches_glob(value, pattern); }));
    case Kind::Regex:
      return answer(
          std::regex_search(value.begin(), value.end(), expression_->regex, std::regex_constants::match_continuous));
    case Kind::Both:
      return answer(parts_[0].status(value) > 0 && parts_[1].status(value) > 0);
    case Kind::Either:
      return answer(parts_[0].status(value) > 0 || parts_[1].status(value) > 0);
    default:
      break;
  }
  auto const number = number_of(value);
  if (!number) return -1;
  if (kind_ == Kind::Between) return answer(low_ <= *number && *number < high_);
  if (operator_ == ">") return answer(*number > low_);
  if (operator_ == ">=") return answer(*number >= low_);
  if (operator_ == "<") return answer(*number < low_);
  return answer(*number <= low_);
}

std::vector<std::string> MatchElement::listed_values() const {
  return kind_ == Kind::Glob ? alternatives_ : std::vector<std::string>{text_};
}

}  // namespace tessera::refs
