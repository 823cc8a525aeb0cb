#include "text_rows.hpp"

#include "tessera/core/error.hpp"

namespace tessera::io {

namespace {

/// Takes one text apart, from its beginning to its end.
class RowParser {
 public:
  RowParser(std::string_view text, char delimiter, std::size_t first_line, std::string const& where)
      : text_(text), delimiter_(delimiter), line_(first_line), where_(where) {}

  std::vector<TextRow> parse() {
    std::vector<TextRow> rows;
    while (at_ < text_.size()) {
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (!at_end_of_line()) {
        rows.push_back(row());
        continue;
      }
      end_line();
    }
    return rows;
  }

 private:
  bool at_end_of_line() const {
    return at_ >= text_.size() || text_[at_] == '\n' || text_.substr(at_, 2) == "\r\n" ||
           (text_[at_] == '\r' && at_ + 1 == text_.size());
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || (text_[at_] == '\t' && delimiter_ != '\t'))) ++at_;
  }
  bool at_delimiter() const { return text_[at_] == delimiter_ || (delimiter_ == ' ' && text_[at_] == '\t'); }
  void end_line() {
    while (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size()) ++at_;
    ++line_;
  }

  TextRow row() {
    TextRow row;
    row.line = line_;
    while (true) {
      row.fields.push_back(text_[at_] == '"' ? quoted_field() : plain_field());
      skip_blanks();
      if (at_end_of_line()) break;
      if (delimiter_ == ' ') continue;
      if (!at_delimiter())
        throw InputError({"text after a quoted field", where_of(row), "a delimiter", fmt::format("'{}'", text_[at_]),
                          "write quotes within a quoted field twice"});
      ++at_;
      skip_blanks();
      if (at_end_of_line()) {
        row.fields.emplace_back();
        break;
      }
    }
    end_line();
    return row;
  }

  std::string plain_field() {
    auto const first = at_;
    while (!at_end_of_line() && !at_delimiter()) ++at_;
    auto field = text_.substr(first, at_ - first);
    while (!field.empty() && field.back() == ' ') field.remove_suffix(1);
    return std::string(field);
  }

  std::string quoted_field() {
    auto const first_line = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (text_.substr(at_, 2) != "\"\"") {
          ++at_;
          return field;
        }
        ++at_;
      }
      if (text_[at_] == '\n') ++line_;
      field += text_[at_];
    }
    throw InputError({"a quoted field does not end", fmt::format("{}, line {}", where_, first_line), "\"",
                      "the end of the file", "the file is truncated, or a quote is missing"});
  }

  std::string where_of(TextRow const& row) const { return fmt::format("{}, line {}", where_, row.line); }

  std::string_view text_;
  char delimiter_;
  std::size_t line_, at_ = 0;
  std::string const& where_;
};

}  // namespace

std::vector<TextRow> parse_rows(std::string_view text, char delimiter, std::size_t first_line,
                                std::string const& where) {
  return RowParser(text, delimiter, first_line, where).parse();
}

}  // namespace tessera::io
