// Rows of delimited text: fields that may be quoted.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::io {

struct TextRow {
  std::size_t line = 0;  ///< 1-based, in the file
  std::vector<std::string> fields;
};

/// Rows of `text`, which begins in line `first_line` of the file. Lines that are blank or begin with '#' are left out.
/// A field in "" may hold delimiters and line breaks, and " as "". Delimiter ' ' is any run of blanks and tabs; of
/// others blanks around fields are taken off. Throws InputError for a quote that does not end.
std::vector<TextRow> parse_rows(std::string_view text, char delimiter, std::size_t first_line,
                                std::string const& where);

}  // namespace tessera::io
