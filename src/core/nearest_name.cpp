#include "tessera/core/nearest_name.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace tessera {

namespace {

char lower(char letter) { return static_cast<char>(std::tolower(static_cast<unsigned char>(letter))); }

/// Damerau-Levenshtein distance (optimal string alignment): insertions, deletions, substitutions, swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_previous(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t const substitution = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + substitution});
      bool const swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) current[j] = std::min(current[j], before_previous[j - 2] + 1);
    }
    before_previous = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view name, std::span<std::string const> candidates) {
  std::string const* best = nullptr;
  std::size_t least = 0;
  for (auto const& candidate : candidates) {
    std::size_t const distance = edit_distance(name, candidate);
    if (best && distance >= least) continue;
    best = &candidate;
    least = distance;
  }
  if (!best) return {};
  return least <= std::clamp<std::size_t>(best->size() / 3, 1, 4) ? *best : std::string{};
}

std::string suggest_name(std::string_view name, std::span<std::string const> candidates) {
  if (auto const near = nearest_name(name, candidates); !near.empty()) return "did you mean '" + near + "'?";
  if (candidates.empty()) return {};
  constexpr std::size_t most_listed = 12;
  std::string text = "known: ";
  for (std::size_t index = 0; index < std::min(candidates.size(), most_listed); ++index)
    text += (index ? ", " : "") + candidates[index];
  if (candidates.size() > most_listed) text += ", ...";
  return text;
}

}  // namespace tessera
