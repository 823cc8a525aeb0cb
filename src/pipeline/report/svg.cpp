#include "svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

#include "html.hpp"

namespace tessera::pipeline {

namespace {

constexpr double Width = 440;  ///< of every drawing, in its own units: 12 are a line of text

std::string begin(std::string const& title, double height) {
  return fmt::format(
      "<svg class=\"drawing\" viewBox=\"0 0 {} {:.0f}\" role=\"img\" aria-label=\"{}\"><title>{}</title>\n", Width,
      height, escape_html(title), escape_html(title));
}

std::string label(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, escape_html(text));
}

/// Least and greatest of what was shown to it.
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool is_empty() const { return low > high; }
  double size() const { return high > low ? high - low : 1; }
};

/// Values on a stretch of the drawing.
struct Scale {
  Range range;
  double from = 0, to = 0;
  double operator()(double value) const { return from + (value - range.low) / range.size() * (to - from); }
};

/// Two numbers of a path, in tenths.
std::string point(double x, double y) { return fmt::format("{:.1f} {:.1f}", x, y); }

std::string frame(double x, double y, double width, double height) {
  return fmt::format("<rect class=\"frame\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n", x, y,
                     width, height);
}

/// A path of the class, or nothing.
std::string path(std::string_view kind, std::string const& course) {
  return course.empty() ? "" : fmt::format("<path class=\"{}\" d=\"{}\"/>\n", kind, course);
}

}  // namespace

std::string bar_chart_svg(std::string const& title, std::span<Bar const> bars) {
  if (bars.empty()) return "";
  constexpr double Line = 18, Left = 190, Right = 80;
  auto const length = [](Bar const& bar) { return std::isfinite(bar.value) ? std::max(0.0, bar.value) : 0.0; };
  double most = 0;
  for (auto const& bar : bars) most = std::max(most, length(bar));
  std::string svg = begin(title, Line * static_cast<double>(bars.size()) + 4);
  double y = 2;
  for (auto const& bar : bars) {
    double const width = most > 0 ? length(bar) / most * (Width - Left - Right) : 0;
    svg += label(Left - 6, y + 13, "end", bar.label);
    svg += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n", Left,
                       y + 2, width, Line - 4);
    svg += label(Left + width + 5, y + 13, "start", bar.note);
    y += Line;
  }
  return svg + "</svg>\n";
}

std::string sky_graph_svg(std::string const& title, SkyGraph const& graph) {
  constexpr int Shades = 5;
  constexpr double Margin = 14, Tallest = 280, Foot = 18;
  Range east, north;
  for (auto const& node : graph.nodes) {
    east.take(node.east);
    north.take(node.north);
  }
  if (east.is_empty() || north.is_empty()) return "";
  double const across = east.high - east.low, along = north.high - north.low;
  double scale =
      std::min((Width - 2 * Margin) / std::max(across, 1e-9), (Tallest - 2 * Margin) / std::max(along, 1e-9));
  if (across <= 0 && along <= 0) scale = 1;
  double const height = std::max(40.0, along * scale + 2 * Margin);
  auto const at = [&](SkyGraph::Node const& node) {
    return point(Width / 2 - (node.east - (east.low + east.high) / 2) * scale,
                 height / 2 - (node.north - (north.low + north.high) / 2) * scale);
  };
  double most = 0;
  for (auto const& edge : graph.edges)
    if (edge.is_used && std::isfinite(edge.left)) most = std::max(most, edge.left);
  std::array<std::string, Shades> used;
  std::string unused, nodes;
  for (auto const& edge : graph.edges) {
    double const shade = most > 0 && std::isfinite(edge.left) ? edge.left / most * Shades : 0;
    auto& course =
        edge.is_used ? used[static_cast<std::size_t>(std::clamp(static_cast<int>(shade), 0, Shades - 1))] : unused;
    course += "M" + at(edge.from) + "L" + at(edge.to);
  }
  for (auto const& node : graph.nodes) nodes += "M" + at(node) + "h0";
  std::string svg = begin(title, height + Foot) + path("unused", unused);
  for (std::size_t k = 0; k < Shades; ++k) svg += path(fmt::format("edge shade{}", k), used[k]);
  svg += path("node", nodes);
  svg += label(Margin, height + Foot - 5, "start",
               fmt::format("{:.3g} x {:.3g} arcsec, north up, east left", across, along));
  if (most > 0) svg += label(Width - Margin, height + Foot - 5, "end", fmt::format("darkest: {:.3g} left", most));
  return svg + "</svg>\n";
}

std::string before_after_svg(std::string const& title, std::span<double const> before, std::span<double const> after,
                             std::string const& unit) {
  constexpr double Left = 70, Top = 6, Height = 130, Foot = 18;
  Range range;
  range.take(0);
  for (double const value : before) range.take(value);
  for (double const value : after) range.take(value);
  auto const count = std::max(before.size(), after.size());
  if (count == 0) return "";
  Scale const y{range, Top + Height - 4, Top + 4};
  double const step = (Width - Left - 8) / static_cast<double>(count);
  auto const dots = [&](std::span<double const> values) {
    std::string course;
    for (std::size_t k = 0; k < values.size(); ++k)
      if (std::isfinite(values[k]))
        course += "M" + point(Left + step * (static_cast<double>(k) + 0.5), y(values[k])) + "h0";
    return course;
  };
  return begin(title, Top + Height + Foot) + frame(Left, Top, Width - Left - 4, Height) +
         path("zero", "M" + point(Left, y(0)) + "H" + fmt::format("{:.1f}", Width - 4)) + path("before", dots(before)) +
         path("after", dots(after)) + label(Left - 4, Top + 11, "end", fmt::format("{:.3g}", range.high)) +
         label(Left - 4, Top + Height, "end", fmt::format("{:.3g}", range.low)) +
         label(Left, Top + Height + 14, "start",
               "pairs; grey: before, black: after" + (unit.empty() ? "" : ", " + unit)) +
         "</svg>\n";
}

std::string histogram_svg(std::string const& title, std::span<std::int64_t const> counts, double low, double high,
                          std::string const& unit) {
  constexpr double Left = 50, Top = 6, Height = 90, Foot = 18;
  auto const most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  if (most <= 0) return "";
  double const step = (Width - Left - 4) / static_cast<double>(counts.size()), bottom = Top + Height;
  std::string course = "M" + point(Left, bottom);
  for (auto const count : counts)
    course += fmt::format(
        "V{:.1f}h{:.2f}",
        bottom - static_cast<double>(std::max<std::int64_t>(0, count)) / static_cast<double>(most) * (Height - 4),
        step);
  return begin(title, Top + Height + Foot) + path("bar", course + fmt::format("V{:.1f}Z", bottom)) +
         frame(Left, Top, Width - Left - 4, Height) + label(Left - 4, Top + 11, "end", fmt::format("{}", most)) +
         label(Left - 4, bottom, "end", "0") + label(Left, bottom + 14, "start", fmt::format("{:.3g}", low)) +
         label(Left + (Width - Left - 4) / 2, bottom + 14, "middle", unit) +
         label(Width - 4, bottom + 14, "end", fmt::format("{:.3g}", high)) + "</svg>\n";
}

std::string curves_svg(std::string const& title, std::span<std::vector<float> const> curves, std::string const& x_title,
                       std::string const& unit) {
  constexpr double Left = 70, Top = 6, Foot = 18;
  constexpr std::size_t MostSteps = 150;
  Range range;
  std::size_t longest = 0;
  for (auto const& curve : curves) {
    longest = std::max(longest, curve.size());
    for (float const value : curve) range.take(static_cast<double>(value));
  }
  if (range.is_empty()) return "";
  double const height = curves.size() > 1 ? 44 : 90;
  std::string svg = begin(title, Top + height * static_cast<double>(curves.size()) + Foot);
  double top = Top;
  for (auto const& curve : curves) {
    Scale const y{range, top + height - 3, top + 3};
    auto const steps = std::min(MostSteps, curve.size());
    std::string course;
    for (std::size_t k = 0; k < steps; ++k) {
      Range stretch;
      for (auto i = k * curve.size() / steps; i < (k + 1) * curve.size() / steps; ++i)
        stretch.take(static_cast<double>(curve[i]));
      if (stretch.is_empty()) continue;
      double const x = Left + (static_cast<double>(k) + 0.5) / static_cast<double>(steps) * (Width - Left - 4);
      course += (course.empty() ? "M" : "L") + point(x, y(stretch.low));
      if (stretch.high > stretch.low) course += fmt::format("V{:.1f}", y(stretch.high));
    }
    svg += frame(Left, top, Width - Left - 4, height) + path("curve", course);
    top += height;
  }
  svg += label(Left - 4, Top + 11, "end", fmt::format("{:.3g}", range.high)) +
         label(Left - 4, top, "end", fmt::format("{:.3g}", range.low)) +
         label(Left, top + 14, "start", fmt::format("{} 0 to {}", x_title, longest)) +
         label(Width - 4, top + 14, "end", unit);
  return svg + "</svg>\n";
}

}  // namespace tessera::pipeline
