#include "tessera/refs/expression.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <compare>
#include <variant>

namespace tessera::refs {

struct Expression::Node {
  enum class Kind { Text, Number, Bool, None, Name, Sequence, Compare, And, Or, Not, Negate, Conditional };
  Kind kind = Kind::None;
  std::string text;  ///< Text, Name
  double number = 0;
  bool flag = false;
  std::vector<std::string> operators;  ///< Compare: between the parts
  std::vector<Node> parts;
};

namespace {

using Node = Expression::Node;

/// What a node evaluates to.
struct Value {
  std::variant<std::monostate, bool, double, std::string, std::vector<Value>> data;

  bool is_true() const {
    if (auto const* flag = std::get_if<bool>(&data)) return *flag;
    if (auto const* number = std::get_if<double>(&data)) return *number != 0;
    if (auto const* text = std::get_if<std::string>(&data)) return !text->empty();
    if (auto const* items = std::get_if<std::vector<Value>>(&data)) return !items->empty();
    return false;
  }
  /// A number or a truth value, which counts as 0 or 1.
  double const* number(double& storage) const {
    if (auto const* flag = std::get_if<bool>(&data)) return storage = *flag ? 1.0 : 0.0, &storage;
    return std::get_if<double>(&data);
  }
};

bool are_equal(Value const& a, Value const& b) {
  double x = 0, y = 0;
  auto const *p = a.number(x), *q = b.number(y);
  if (p && q) return *p == *q;
  if (p || q || a.data.index() != b.data.index()) return false;
  if (auto const* text = std::get_if<std::string>(&a.data)) return *text == std::get<std::string>(b.data);
  if (auto const* items = std::get_if<std::vector<Value>>(&a.data)) {
    auto const& others = std::get<std::vector<Value>>(b.data);
    return std::equal(items->begin(), items->end(), others.begin(), others.end(), are_equal);
  }
  return true;
}

class Evaluation {
 public:
  Evaluation(ExpressionNames const& names, std::string const& name) : names_(names), name_(name) {}

  Value value(Node const& node) const {
    switch (node.kind) {
      case Node::Kind::Text:
        return {node.text};
      case Node::Kind::Number:
        return {node.number};
      case Node::Kind::Bool:
        return {node.flag};
      case Node::Kind::None:
        return {};
      case Node::Kind::Name:
        return named(node.text);
      case Node::Kind::Sequence: {
        std::vector<Value> items;
        for (auto const& part : node.parts) items.push_back(value(part));
        return {std::move(items)};
      }
      case Node::Kind::Compare:
        return {compare(node)};
      case Node::Kind::And:
      case Node::Kind::Or: {
        Value last;
        for (auto const& part : node.parts) {
          last = value(part);
          if (last.is_true() != (node.kind == Node::Kind::And)) break;
        }
        return last;
      }
      case Node::Kind::Not:
        return {!value(node.parts[0]).is_true()};
      case Node::Kind::Negate: {
        double storage = 0;
        auto const operand = value(node.parts[0]);
        if (auto const* number = operand.number(storage)) return {-*number};
        fail("a text has no negative");
      }
      case Node::Kind::Conditional:  // a if c else b: parts a, c, b
        return value(value(node.parts[1]).is_true() ? node.parts[0] : node.parts[2]);
    }
    return {};
  }

 private:
  ExpressionNames const& names_;
  std::string const& name_;

  [[noreturn]] void fail(std::string what) const { throw ExpressionError({std::move(what), name_, "", "", ""}); }

  Value named(std::string const& name) const {
    auto const found = names_.find(name);
    if (found == names_.end()) fail(fmt::format("unknown name {} in the expression", name));
    return {found->second};
  }

  bool compare(Node const& node) const {
    Value left = value(node.parts[0]);
    for (std::size_t k = 0; k < node.operators.size(); ++k) {
      Value right = value(node.parts[k + 1]);
      if (!holds(left, node.operators[k], right)) return false;
      left = std::move(right);
    }
    return true;
  }

  bool holds(Value const& a, std::string const& op, Value const& b) const {
    if (op == "==") return are_equal(a, b);
    if (op == "!=") return !are_equal(a, b);
    if (op == "in") return is_in(a, b);
    if (op == "not in") return !is_in(a, b);
    std::partial_ordering order = std::partial_ordering::unordered;
    double x = 0, y = 0;
    auto const *p = a.number(x), *q = b.number(y);
    auto const* s = std::get_if<std::string>(&a.data);
    auto const* t = std::get_if<std::string>(&b.data);
    if (p && q)
      order = *p <=> *q;
    else if (s && t)
      order = *s <=> *t;
    else
      fail(fmt::format("{} between a text and a number, or of something without an order", op));
    if (op == "<") return order < 0;
    if (op == "<=") return order <= 0;
    if (op == ">") return order > 0;
    return order >= 0;
  }

  bool is_in(Value const& member, Value const& whole) const {
    if (auto const* items = std::get_if<std::vector<Value>>(&whole.data))
      return std::any_of(items->begin(), items->end(), [&](Value const& item) { return are_equal(item, member); });
    auto const* text = std::get_if<std::string>(&whole.data);
    auto const* part = std::get_if<std::string>(&member.data);
    if (!text || !part) fail("'in' needs a list, or two texts");
    return text->find(*part) != std::string::npos;
  }
};

class Parser {
 public:
  Parser(std::string_view text, std::string const& name) : text_(text), name_(name) { next(); }

  Node whole() {
    Node node = conditional(0);
    if (!token_.empty()) fail("an operator or the end");
    return node;
  }

 private:
  enum class Token { End, Name, Text, Number, Symbol };
  static constexpr int DeepestNesting = 100;

  std::string_view text_;
  std::string const& name_;
  std::size_t at_ = 0;
  Token kind_ = Token::End;
  std::string token_;  ///< of a Text: its characters after a quote, so that it is never empty

  [[noreturn]] void fail(std::string const& expected) const {
    throw InputError({"broken expression", name_, expected,
                      token_.empty() ? std::string("the end") : fmt::format("'{}'", token_), ""});
  }

  void next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    auto const from = at_;
    token_.clear();
    kind_ = Token::End;
    if (at_ >= text_.size()) return;
    char const c = text_[at_];
    auto const is_word = [](char d) { return std::isalnum(static_cast<unsigned char>(d)) || d == '_' || d == '.'; };
    if (c == '\'' || c == '"') {
      auto const end = text_.find(c, at_ + 1);
      if (end == std::string_view::npos) {
        token_ = std::string(text_.substr(at_));
        fail("the end of the text");
      }
      kind_ = Token::Text;
      token_ = std::string(text_.substr(at_, end - at_));
      at_ = end + 1;
    } else if (std::isdigit(static_cast<unsigned char>(c)) || c == '.') {
      kind_ = Token::Number;
      while (at_ < text_.size() && (is_word(text_[at_]) || ((text_[at_] == '-' || text_[at_] == '+') &&
                                                            (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E'))))
        ++at_;
      token_ = std::string(text_.substr(from, at_ - from));
    } else if (std::isalpha(static_cast<unsigned char>(c)) || c == '_') {
      kind_ = Token::Name;
      while (at_ < text_.size() && is_word(text_[at_])) ++at_;
      token_ = std::string(text_.substr(from, at_ - from));
    } else {
      kind_ = Token::Symbol;
      std::string const two(text_.substr(at_, 2));
      bool const is_two = two == "==" || two == "!=" || two == "<=" || two == ">=";
      token_ = is_two ? two : std::string(1, c);
      at_ += token_.size();
    }
  }

  bool is_word(char const* word) const { return kind_ == Token::Name && token_ == word; }
  bool is_symbol(char const* symbol) const { return kind_ == Token::Symbol && token_ == symbol; }
  bool take_word(char const* word) {
    if (!is_word(word)) return false;
    next();
    return true;
  }
  bool take_symbol(char const* symbol) {
    if (!is_symbol(symbol)) return false;
    next();
    return true;
  }

  static Node joined(Node::Kind kind, std::vector<Node> parts) {
    if (parts.size() == 1) return std::move(parts.front());
    Node node;
    node.kind = kind;
    node.parts = std::move(parts);
    return node;
  }

  Node conditional(int depth) {
    if (depth > DeepestNesting) fail("fewer brackets inside each other");
    Node node = disjunction(depth);
    if (!take_word("if")) return node;
    Node condition = disjunction(depth);
    if (!take_word("else")) fail("else");
    Node otherwise = conditional(depth + 1);
    std::vector<Node> parts;
    parts.push_back(std::move(node));
    parts.push_back(std::move(condition));
    parts.push_back(std::move(otherwise));
    return joined(Node::Kind::Conditional, std::move(parts));
  }

  Node disjunction(int depth) {
    std::vector<Node> parts{conjunction(depth)};
    while (take_word("or")) parts.push_back(conjunction(depth));
    return joined(Node::Kind::Or, std::move(parts));
  }

  Node conjunction(int depth) {
    std::vector<Node> parts{negation(depth)};
    while (take_word("and")) parts.push_back(negation(depth));
    return joined(Node::Kind::And, std::move(parts));
  }

  Node negation(int depth) {
    if (depth > DeepestNesting) fail("fewer operators inside each other");
    if (!take_word("not")) return comparison(depth);
    Node node;
    node.kind = Node::Kind::Not;
    node.parts.push_back(negation(depth + 1));
    return node;
  }

  Node comparison(int depth) {
    std::vector<Node> parts{operand(depth)};
    std::vector<std::string> operators;
    for (;;) {
      static constexpr std::array symbols{"==", "!=", "<=", ">=", "<", ">"};
      std::string op;
      if (kind_ == Token::Symbol && std::find(symbols.begin(), symbols.end(), token_) != symbols.end()) {
        op = token_;
        next();
      } else if (take_word("in")) {
        op = "in";
      } else if (take_word("not")) {
        if (!take_word("in")) fail("in");
        op = "not in";
      } else {
        break;
      }
      operators.push_back(op);
      parts.push_back(operand(depth));
    }
    Node node = joined(Node::Kind::Compare, std::move(parts));
    if (!operators.empty()) node.operators = std::move(operators);
    return node;
  }

  Node operand(int depth) {
    if (depth > DeepestNesting) fail("fewer brackets inside each other");
    Node node;
    if (take_symbol("-")) {
      node.kind = Node::Kind::Negate;
      node.parts.push_back(operand(depth + 1));
      return node;
    }
    if (take_symbol("(")) return sequence(")", depth);
    if (take_symbol("[")) return sequence("]", depth);
    if (kind_ == Token::Text) {
      node.kind = Node::Kind::Text;
      while (kind_ == Token::Text) {  // strings that follow each other are one
        node.text += token_.substr(1);
        next();
      }
      return node;
    }
    if (kind_ == Token::Number) {
      node.kind = Node::Kind::Number;
      auto const [end, error] = std::from_chars(token_.data(), token_.data() + token_.size(), node.number);
      if (error != std::errc() || end != token_.data() + token_.size()) fail("a number");
    } else if (kind_ != Token::Name) {
      fail("a name, a text, a number or a bracket");
    } else if (token_ == "True" || token_ == "False") {
      node.kind = Node::Kind::Bool;
      node.flag = token_ == "True";
    } else if (token_ != "None") {
      static constexpr std::array words{"and", "or", "not", "in", "if", "else", "is"};
      if (std::find(words.begin(), words.end(), token_) != words.end()) fail("a value");
      node.kind = Node::Kind::Name;
      node.text = token_;
    }
    next();
    return node;
  }

  Node sequence(char const* close, int depth) {
    std::vector<Node> parts;
    bool has_comma = false;
    while (!is_symbol(close)) {
      parts.push_back(conditional(depth + 1));
      if (!take_symbol(",")) break;
      has_comma = true;
    }
    if (!take_symbol(close)) fail(fmt::format("'{}'", close));
    if (parts.size() == 1 && !has_comma && *close == ')') return std::move(parts.front());
    Node node;
    node.kind = Node::Kind::Sequence;
    node.parts = std::move(parts);
    return node;
  }
};

}  // namespace

Expression Expression::parse(std::string_view text, std::string const& name) {
  Expression expression;
  expression.name_ = fmt::format("{}: {}", name, text);
  expression.root_ = std::make_shared<Node>(Parser(text, expression.name_).whole());
  return expression;
}

bool Expression::is_true(ExpressionNames const& names) const {
  return Evaluation(names, name_).value(*root_).is_true();
}

}  // namespace tessera::refs
