// "Did you mean": the nearest valid name to a mistyped one.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace tessera {

/// The candidate with the least Damerau-Levenshtein distance to `name` (letter case ignored), or empty when even the
/// best differs in more than a third of its letters (at least 1, at most 4).
std::string nearest_name(std::string_view name, std::span<std::string const> candidates);

/// "did you mean 'X'?" or, when nothing is near, "known: A, B, C" (at most 12 names). For Problem::remedy.
std::string suggest_name(std::string_view name, std::span<std::string const> candidates);

}  // namespace tessera
