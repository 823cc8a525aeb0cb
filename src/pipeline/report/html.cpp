#include "html.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "tessera/core/contract.hpp"

namespace tessera::pipeline {

namespace {

namespace fs = std::filesystem;

/// Bytes of the UTF-8 character at the start of `text`; 0: there is none.
std::size_t utf8_length(std::string_view text) {
  auto const at = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
  auto const lead = at(0);
  std::size_t const length = lead < 0x80                   ? 1
                             : lead >= 0xc2 && lead < 0xe0 ? 2
                             : (lead & 0xf0) == 0xe0       ? 3
                             : lead >= 0xf0 && lead < 0xf5 ? 4
                                                           : 0;
  if (length == 0 || length > text.size()) return 0;
  std::uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
  for (std::size_t k = 1; k < length; ++k) {
    if ((at(k) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(k) & 0x3fu);
  }
  bool const too_long = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  bool const forbidden = (code >= 0xd800 && code < 0xe000) || code > 0x10ffff || code == 0x7f ||
                         (code < 0x20 && code != '\n' && code != '\t') || (code >= 0x80 && code < 0xa0);
  return too_long || forbidden ? 0 : length;
}

bool stands_in_url(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         std::string_view("-._~/").find(letter) != std::string_view::npos;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    auto const length = utf8_length(text.substr(at));
    if (length == 0) {
      out += "\xef\xbf\xbd";
      ++at;
      continue;
    }
    switch (text[at]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += text.substr(at, length);
    }
    at += length;
  }
  return out;
}

std::string link_target(fs::path const& page, fs::path const& to) {
  std::error_code error;
  auto relative = fs::relative(to, page.parent_path(), error);
  auto const path = error || relative.empty() ? to.string() : relative.string();
  std::string url = path.empty() || path.front() == '/' || path.front() == '.' ? "" : "./";  // "a:b" is no scheme
  for (char const letter : path)
    url += stands_in_url(letter) ? std::string(1, letter) : fmt::format("%{:02X}", static_cast<unsigned char>(letter));
  return url;
}

std::string link_to_file(fs::path const& page, fs::path const& to, std::string_view text) {
  return fmt::format("<a href=\"{}\"><code>{}</code></a>", link_target(page, to),
                     escape_html(text.empty() ? to.filename().string() : std::string(text)));
}

std::string links_to(fs::path const& page, std::span<fs::path const> files) {
  std::string links;
  for (auto const& file : files)
    if (fs::exists(file)) links += (links.empty() ? "" : " ") + link_to_file(page, file);
  return links;
}

std::string number_text(std::optional<double> value, int digits) {
  return value && std::isfinite(*value) ? fmt::format("{:.{}g}", *value, digits) : "&ndash;";
}

std::string base64(std::span<std::byte const> bytes) {
  constexpr std::string_view Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    auto const there = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < there ? std::to_integer<std::uint32_t>(bytes[at + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k) text += k <= there ? Letters[group >> (18 - 6 * k) & 63u] : '=';
  }
  return text;
}

std::string side_by_side(std::string const& figures) {
  return figures.empty() ? "" : "<div class=\"figures\">" + figures + "</div>\n";
}

HtmlTable::HtmlTable(std::vector<std::string> heads) : heads_(std::move(heads)) {}

void HtmlTable::add(std::vector<std::string> cells) {
  TESSERA_EXPECT(cells.size() == heads_.size());
  rows_.push_back(std::move(cells));
}

std::string HtmlTable::html(std::size_t limit) const {
  if (rows_.empty()) return "";
  std::string html = "<div class=\"wide\"><table><thead><tr>";
  for (auto const& head : heads_) html += "<th scope=\"col\">" + escape_html(head) + "</th>";
  html += "</tr></thead><tbody>";
  for (std::size_t r = 0; r < std::min(limit, rows_.size()); ++r) {
    html += "<tr><th scope=\"row\">" + rows_[r].front() + "</th>";
    for (std::size_t c = 1; c < rows_[r].size(); ++c) html += "<td>" + rows_[r][c] + "</td>";
    html += "</tr>\n";
  }
  html += "</tbody></table></div>\n";
  if (rows_.size() > limit) html += fmt::format("<p>... and {} more rows.</p>\n", rows_.size() - limit);
  return html;
}

std::string list_section(std::string_view title, std::vector<std::string> const& lines, std::string_view heading) {
  constexpr std::size_t Long = 25;
  if (lines.empty()) return "";
  std::string list = "<ul>";
  for (auto const& line : lines) list += "<li>" + escape_html(line) + "</li>\n";
  list += "</ul>\n";
  if (lines.size() > Long)
    list = fmt::format("<details><summary>{} lines</summary>\n{}</details>\n", lines.size(), list);
  return fmt::format("<{0}>{1}</{0}>\n{2}", heading, title, list);
}

}  // namespace tessera::pipeline
