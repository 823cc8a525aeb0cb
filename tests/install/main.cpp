// An outside project on the installed tessera: an eighth of the sphere has a solid angle of pi/2.
#include <cmath>
#include <cstdio>
#include <numbers>

#include "tessera/core/build_facts.hpp"
#include "tessera/sky/footprint.hpp"

int main() {
  double const area = tessera::sky::polygon_area({{0, 0}, {90, 0}, {0, 90}});
  std::printf("tessera %s: %.12f sr\n", tessera::build_facts().version.c_str(), area);
  return std::abs(area - std::numbers::pi / 2) < 1e-12 ? 0 : 1;
}
