#include "tessera/refs/rule_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "tessera/core/error.hpp"
#include "tessera/refs/expression.hpp"
#include "tessera/refs/match_element.hpp"
#include "text_forms.hpp"

namespace tessera::refs {

namespace {

struct Selector;

/// What a rule leads to: a text (file name, N/A, OMIT) or another selector.
struct Choice {
  std::string text;
  std::shared_ptr<Selector const> selector;
  std::string unsupported;  ///< something else: said when it is chosen, not before
};

struct Rule {
  std::vector<MatchElement> key;
  Choice choice;
};

/// Values that the rules of a Match list for one parameter.
struct ListedValues {
  std::set<std::string> values;
  bool is_unchecked = false;  ///< an element takes values that it does not list
};

struct Selector {
  enum class Kind { Match, UseAfter } kind = Kind::Match;
  std::vector<std::string> parameters;
  std::vector<Rule> rules;              ///< Match, sorted by the text of their keys
  std::vector<ListedValues> listed;     ///< Match, [parameter]
  std::map<std::string, Choice> dates;  ///< UseAfter
};

/// Built-in substitutions of rule keys (spec 25, 2.4); those of a header replace the ones of the same parameter.
std::map<std::string, std::map<std::string, std::string>> const BuiltInSubstitutions{
    {"META.SUBARRAY.NAME", {{"GENERIC", "N/A"}}}, {"SUBARRAY", {{"GENERIC", "N/A"}}}};

InputError broken(std::string const& name, int line, std::string expected, std::string found) {
  return InputError({"broken mapping", line > 0 ? fmt::format("{}:{}", name, line) : name, std::move(expected),
                     std::move(found), ""});
}

class Compiler {
 public:
  Compiler(Literal const& header, std::string const& name) : name_(name), substitutions_(BuiltInSubstitutions) {
    auto const* parkey = header.find("parkey");
    if (!parkey || !parkey->is_sequence())
      throw broken(name_, header.line, "header['parkey']: a tuple of names for each selector",
                   parkey ? parkey->describe() : "none");
    for (auto const& level : parkey->items) {
      levels_.emplace_back();
      if (level.is_text()) levels_.back().push_back(level.text);
      for (auto const& parameter : level.items) {
        if (!parameter.is_text()) throw broken(name_, level.line, "names in parkey", parameter.describe());
        levels_.back().push_back(parameter.text);
      }
    }
    if (auto const* said = header.find("substitutions"); said && said->is_dict())
      for (auto const& [parameter, pairs] : said->entries) {
        auto& substitutions = substitutions_[parameter.scalar_text()];
        substitutions.clear();
        for (auto const& [from, to] : pairs.entries) substitutions[from.scalar_text()] = to.scalar_text();
      }
  }

  std::vector<std::vector<std::string>> const& levels() const { return levels_; }

  std::shared_ptr<Selector const> compile(Literal const& call, std::size_t level) const {
    bool const is_match = call.text == "Match", is_useafter = call.text == "UseAfter";
    if (call.kind != Literal::Kind::Call || (!is_match && !is_useafter))
      throw broken(name_, call.line, "Match({...}) or UseAfter({...}): other selectors are not supported",
                   call.describe());
    if (call.items.size() != 1 || !call.items[0].is_dict())
      throw broken(name_, call.line, fmt::format("one dictionary in {}(...)", call.text), call.describe());
    if (level >= levels_.size())
      throw broken(name_, call.line, fmt::format("at most {} selectors inside each other, as parkey says", level),
                   "one more");
    auto selector = std::make_shared<Selector>();
    selector->kind = is_match ? Selector::Kind::Match : Selector::Kind::UseAfter;
    selector->parameters = levels_[level];
    for (auto const& [key, value] : call.items[0].entries) {
      auto choice = compile_choice(value, level);
      if (is_match)
        selector->rules.push_back({compile_key(key, selector->parameters), std::move(choice)});
      else
        selector->dates[compile_date(key)] = std::move(choice);
    }
    if (is_match) finish(*selector);
    return selector;
  }

 private:
  std::string const& name_;
  std::vector<std::vector<std::string>> levels_;
  std::map<std::string, std::map<std::string, std::string>> substitutions_;

  Choice compile_choice(Literal const& value, std::size_t level) const {
    if (value.is_text()) return {value.text, nullptr, ""};
    if (value.kind == Literal::Kind::Call) return {"", compile(value, level + 1), ""};
    return {"", nullptr, fmt::format("{}:{}: {}", name_, value.line, value.describe())};
  }

  std::vector<MatchElement> compile_key(Literal const& key, std::vector<std::string> const& parameters) const {
    std::vector<Literal> const elements = key.is_sequence() ? key.items : std::vector<Literal>{key};
    if (elements.size() != parameters.size())
      throw broken(name_, key.line, fmt::format("a key of {} elements, one for each parameter", parameters.size()),
                   key.describe());
    std::vector<MatchElement> compiled;
    for (std::size_t k = 0; k < elements.size(); ++k) {
      std::string text = elements[k].scalar_text();
      if (auto const of = substitutions_.find(parameters[k]); of != substitutions_.end())
        if (auto const to = of->second.find(text); to != of->second.end()) text = to->second;
      try {
        compiled.push_back(MatchElement::compile(text));
      } catch (InputError const& error) {
        throw broken(name_, key.line, error.problem().expected, error.problem().where + ": " + error.problem().found);
      }
    }
    return compiled;
  }

  std::string compile_date(Literal const& key) const {
    try {
      if (!key.is_text()) throw broken(name_, key.line, "a date", key.describe());
      if (auto const normal = normal_date_time(key.text); normal == key.text) return normal;
    } catch (InputError const&) {  // said below, with the place
    }
    throw broken(name_, key.line, "the date of a UseAfter rule, 'YYYY-MM-DD HH:MM:SS'", key.describe());
  }

  static void finish(Selector& match) {
    auto const text_of = [](Rule const& rule) {
      std::vector<std::string> texts;
      for (auto const& element : rule.key) texts.push_back(element.text());
      return texts;
    };
    std::stable_sort(match.rules.begin(), match.rules.end(),
                     [&](Rule const& a, Rule const& b) { return text_of(a) < text_of(b); });
    match.listed.resize(match.parameters.size());
    for (auto const& rule : match.rules)
      for (std::size_t k = 0; k < rule.key.size(); ++k) {
        if (rule.key[k].is_esoteric()) match.listed[k].is_unchecked = true;
        for (auto& value : rule.key[k].listed_values()) match.listed[k].values.insert(std::move(value));
      }
    for (auto& listed : match.listed)
      if (listed.values.count("*") || listed.values.count("N/A")) listed.is_unchecked = true;
  }
};

/// Chooses along the selectors. No selection is no value; everything else that is wrong is thrown.
class Choosing {
 public:
  Choosing(ExpressionNames const& values, std::string const& name, bool merges)
      : values_(values), name_(name), merges_(merges) {}

  std::optional<std::string> choose(Selector const& selector) const {
    return selector.kind == Selector::Kind::Match ? choose_match(selector) : choose_date(selector);
  }

 private:
  ExpressionNames const& values_;
  std::string const& name_;
  bool merges_;

  std::optional<std::string> choose(Choice const& choice) const {
    if (choice.selector) return choose(*choice.selector);
    if (!choice.unsupported.empty())
      throw InputError({"a rule leads to something other than one file", choice.unsupported, "a file name", "", ""});
    return choice.text;
  }

  void check_values(Selector const& match) const {
    for (std::size_t k = 0; k < match.parameters.size(); ++k) {
      auto const& listed = match.listed[k];
      auto const& value = values_.at(match.parameters[k]);
      if (match.rules.empty() || listed.is_unchecked || value == "*" || value == "N/A" || listed.values.count(value))
        continue;
      std::vector<std::string> const known(listed.values.begin(), listed.values.end());
      throw InputError({fmt::format("no rule for {} = {}", match.parameters[k], value), name_,
                        fmt::format("one of {}", fmt::join(known, ", ")), "", ""});
    }
  }

  std::optional<std::string> choose_match(Selector const& match) const {
    check_values(match);
    std::map<int, std::vector<Rule const*>, std::greater<>> by_weight;
    for (auto const& rule : match.rules) {
      int weight = 0;
      bool fits = true;
      for (std::size_t k = 0; k < rule.key.size() && fits; ++k) {
        int const status = rule.key[k].status(values_.at(match.parameters[k]));
        fits = status >= 0;
        weight += status;
      }
      if (fits) by_weight[weight].push_back(&rule);
    }
    for (auto const& [weight, rules] : by_weight) {
      if (rules.size() > 1 && !merges_)
        throw InputError(
            {"several rules match equally well, and their header forbids to merge them", name_, "", "", ""});
      if (auto chosen = choose(merge(rules))) return chosen;
    }
    return std::nullopt;
  }

  /// One choice of equal rules: selectors become one; of plain values the first counts.
  static Choice merge(std::vector<Rule const*> const& rules) {
    auto const& first = rules.front()->choice;
    bool const are_selectors = std::all_of(rules.begin(), rules.end(), [&](Rule const* rule) {
      return rule->choice.selector && first.selector && rule->choice.selector->kind == first.selector->kind;
    });
    if (rules.size() == 1 || !are_selectors) return first;
    auto merged = std::make_shared<Selector>(*first.selector);
    for (std::size_t r = 1; r < rules.size(); ++r) {
      auto const& other = *rules[r]->choice.selector;
      merged->rules.insert(merged->rules.end(), other.rules.begin(), other.rules.end());
      for (std::size_t k = 0; k < merged->listed.size(); ++k) {
        merged->listed[k].values.insert(other.listed[k].values.begin(), other.listed[k].values.end());
        merged->listed[k].is_unchecked = merged->listed[k].is_unchecked || other.listed[k].is_unchecked;
      }
      for (auto const& [date, choice] : other.dates) {
        auto const [there, is_new] = merged->dates.emplace(date, choice);
        if (!is_new && choice.text > there->second.text) there->second = choice;
      }
    }
    return {"", merged, ""};
  }

  std::optional<std::string> choose_date(Selector const& useafter) const {
    std::string text;
    for (auto const& parameter : useafter.parameters) {
      auto const& value = values_.at(parameter);
      if (value == Undefined)
        throw InputError({fmt::format("the exposure has no {}", parameter), name_, "", "",
                          "DATE-OBS and TIME-OBS are needed to choose by date"});
      text += (text.empty() ? "" : " ") + value;
    }
    std::string date;
    try {
      date = normal_date_time(text);
    } catch (InputError const& error) {
      throw InputError(
          {"the date of the exposure cannot be read", name_, error.problem().expected, error.problem().found, ""});
    }
    auto after = useafter.dates.upper_bound(date);
    if (after == useafter.dates.begin()) return std::nullopt;
    return choose(std::prev(after)->second);
  }
};

/// "META.INSTRUMENT.FILTER = F770W, ..."
std::string described(ExpressionNames const& values) {
  std::string text;
  for (auto const& [parameter, value] : values)
    text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", parameter, value);
  return text;
}

std::string flag_text(Literal const& header, std::string_view key) {
  auto const* value = header.find(key);
  return value ? lower(strip(value->scalar_text())) : "";
}

/// An expression of the header. Letters outside brackets are folded as CRDS does, so that only texts in brackets work.
std::optional<Expression> header_expression(Literal const& header, std::string_view key, std::string const& name) {
  auto const* value = header.find(key);
  if (!value || !value->is_text()) return std::nullopt;
  std::string text(strip(value->text));
  if (!text.starts_with("(") || !text.ends_with(")")) text = lower(text);
  return Expression::parse(text, fmt::format("{}: {}", name, key));
}

}  // namespace

struct RuleTree::Rules {
  std::string name;
  std::shared_ptr<Selector const> selector;
  std::vector<std::string> parameters;
  std::optional<Expression> omit, relevance;
  std::map<std::string, Expression> parameter_relevance;
  bool merges = true;
  bool is_required = true;
};

RuleOutcome outcome_of_value(std::string const& value) {
  RuleOutcome outcome;
  if (value == "N/A" || value == "TEMP_N/A" || value == "n/a")
    outcome.kind = RuleOutcome::Kind::NotApplicable;
  else if (value == "OMIT" || value == "TEMP_OMIT" || value == "omit")
    outcome.kind = RuleOutcome::Kind::Omitted;
  else
    outcome.file = value;
  return outcome;
}

RuleTree RuleTree::compile(Literal const& header, Literal const& selector, std::string const& name) {
  auto rules = std::make_shared<Rules>();
  rules->name = name;
  Compiler const compiler(header, name);
  rules->selector = compiler.compile(selector, 0);
  std::set<std::string> seen;
  auto const add = [&](std::string const& parameter) {
    if (seen.insert(parameter).second) rules->parameters.push_back(parameter);
  };
  for (auto const& level : compiler.levels())
    for (auto const& parameter : level) add(parameter);
  if (auto const* extra = header.find("extra_keys"))
    for (auto const& parameter : extra->items) add(parameter.scalar_text());
  rules->omit = header_expression(header, "rmap_omit", name);
  if (flag_text(header, "rmap_relevance") != "always")
    rules->relevance = header_expression(header, "rmap_relevance", name);
  if (auto const* said = header.find("parkey_relevance"); said && said->is_dict())
    for (auto const& [parameter, expression] : said->entries)
      rules->parameter_relevance.emplace(
          upper(parameter.scalar_text()),
          Expression::parse(expression.scalar_text(), fmt::format("{}: parkey_relevance", name)));
  auto const merges = flag_text(header, "merge_overlaps"), required = flag_text(header, "reffile_required");
  rules->merges = merges != "false" && merges != "no" && merges != "f" && merges != "n" && merges != "0";
  rules->is_required = required != "no";
  RuleTree tree;
  tree.rules_ = std::move(rules);
  return tree;
}

std::vector<std::string> const& RuleTree::parameters() const { return rules_->parameters; }

RuleOutcome RuleTree::select(ExposureParameters const& exposure) const {
  ExpressionNames values;
  for (auto const& parameter : rules_->parameters) values[parameter] = condition_value(exposure.value(parameter));

  std::vector<std::string> warnings;
  auto const is_true = [&](std::optional<Expression> const& expression, bool otherwise) {
    if (!expression) return otherwise;
    try {
      return expression->is_true(values);
    } catch (ExpressionError const& error) {
      warnings.push_back(error.problem().line());
      return otherwise;
    }
  };
  auto const answer = [&](RuleOutcome outcome, std::string reason = {}) {
    outcome.reason = std::move(reason);
    outcome.warnings = std::move(warnings);
    return outcome;
  };
  if (is_true(rules_->omit, false)) return answer(outcome_of_value("OMIT"), rules_->name + ": omitted by rmap_omit");
  if (!is_true(rules_->relevance, true))
    return answer(outcome_of_value("N/A"), rules_->name + ": not relevant for this exposure");
  try {
    ExpressionNames irrelevant;
    for (auto const& [parameter, expression] : rules_->parameter_relevance)
      if (!expression.is_true(values)) irrelevant[parameter] = "N/A";
    for (auto& [parameter, value] : values)
      if (irrelevant.count(parameter)) value = "N/A";
    auto const chosen = Choosing(values, rules_->name, rules_->merges).choose(*rules_->selector);
    if (!chosen) throw InputError({"no rule matches", rules_->name, "", described(values), ""});
    auto outcome = outcome_of_value(*chosen);
    return answer(outcome, outcome.kind == RuleOutcome::Kind::File ? "" : rules_->name + ": a rule says so");
  } catch (InputError const& error) {
    if (rules_->is_required) throw;
    return answer(outcome_of_value("N/A"), error.problem().line());
  }
}

}  // namespace tessera::refs
