// Pieces of an HTML page: everything that was not written here is escaped.
#pragma once
#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tessera::pipeline {

/// Text for an HTML page, in elements and in quoted attributes. Bytes that are no UTF-8 and control characters, which a
/// page must not hold, become U+FFFD.
std::string escape_html(std::string_view text);

/// Value of an href: the way from the folder of `page` to a file, escaped as a URL and for HTML.
std::string link_target(std::filesystem::path const& page, std::filesystem::path const& to);

/// <a href=...><code>TEXT</code></a>; TEXT is the file's name unless given.
std::string link_to_file(std::filesystem::path const& page, std::filesystem::path const& to,
                         std::string_view text = {});

/// Links to those of the files that are there, separated by blanks.
std::string links_to(std::filesystem::path const& page, std::span<std::filesystem::path const> files);

/// A number with so many significant digits; an n-dash for nothing and for what is not finite.
std::string number_text(std::optional<double> value, int digits = 4);

/// RFC 4648, with padding.
std::string base64(std::span<std::byte const> bytes);

/// Figures side by side, as many as there is room for; nothing without any.
std::string side_by_side(std::string const& figures);

/// A table that scrolls by itself where the page is too narrow.
class HtmlTable {
 public:
  /// Plain texts.
  explicit HtmlTable(std::vector<std::string> heads);
  /// Pieces of HTML, as many as there are heads. The first cell is the head of its row.
  void add(std::vector<std::string> cells);
  std::size_t size() const { return rows_.size(); }
  /// At most `limit` rows; then a line says how many more there are. Nothing without rows.
  std::string html(std::size_t limit = 1000) const;

 private:
  std::vector<std::string> heads_;
  std::vector<std::vector<std::string>> rows_;
};

/// A heading with a list below it, folded up where it is longer than 25 lines. Nothing without lines. The title is
/// HTML.
std::string list_section(std::string_view title, std::vector<std::string> const& lines,
                         std::string_view heading = "h2");

}  // namespace tessera::pipeline
