// Small drawings for the report: inline SVG, a few kB each, the same text for the same numbers.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tessera::pipeline {

struct Bar {
  std::string label;
  double value = 0;
  std::string note;  ///< stands after the bar
};

/// Horizontal bars, one below the other; negative and not finite values are bars of no length. Texts are plain. Nothing
/// without bars.
std::string bar_chart_svg(std::string const& title, std::span<Bar const> bars);

/// Images on the sky, joined where they overlap.
struct SkyGraph {
  struct Node {
    double east = 0, north = 0;  ///< arcsec
  };
  struct Edge {
    Node from, to;
    double left = 0;  ///< size of the difference that is left
    bool is_used = false;
  };
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};

/// North up, east left; pairs that were not used dashed, the others the darker the larger the difference that is left.
/// Nothing without nodes.
std::string sky_graph_svg(std::string const& title, SkyGraph const& graph);

/// Two series of numbers over their place in the list: hollow and filled dots around zero. Nothing without numbers.
std::string before_after_svg(std::string const& title, std::span<double const> before, std::span<double const> after,
                             std::string const& unit);

/// Counts in equal bins between `low` and `high`. Nothing where all are zero.
std::string histogram_svg(std::string const& title, std::span<std::int64_t const> counts, double low, double high,
                          std::string const& unit);

/// Curves over their index, one below the other on a common scale; long ones are shown by the least and greatest value
/// of stretches. Nothing without a finite value.
std::string curves_svg(std::string const& title, std::span<std::vector<float> const> curves, std::string const& x_title,
                       std::string const& unit);

}  // namespace tessera::pipeline
