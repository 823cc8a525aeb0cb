#include "tessera/kernels/nearest_neighbour.hpp"

#include <algorithm>
#include <cmath>

#include "tessera/compute/views.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::kernels {

std::vector<Neighbour> find_nearest(std::span<double const> x, std::span<double const> y) {
  TESSERA_EXPECT(x.size() == y.size());
  std::vector<std::size_t> order;
  for (std::size_t k = 0; k < x.size(); ++k)
    if (std::isfinite(x[k]) && std::isfinite(y[k])) order.push_back(k);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return x[a] != x[b] ? x[a] < x[b] : a < b; });
  std::vector<Neighbour> nearest(x.size());
  // Along x to both sides, as far as a nearer one can be.
  Kokkos::parallel_for("tessera::find_nearest", Kokkos::RangePolicy<compute::HostExecution>(0, order.size()),
                       [&](std::size_t const at) {
                         auto const self = order[at];
                         auto best = std::numeric_limits<double>::infinity();
                         std::size_t index = x.size();
                         auto const look = [&](std::size_t other) {
                           double const dx = x[other] - x[self], dy = y[other] - y[self];
                           if (dx * dx > best) return false;
                           double const square = dx * dx + dy * dy;
                           if (square < best || (square == best && other < index)) {
                             best = square;
                             index = other;
                           }
                           return true;
                         };
                         for (auto k = at + 1; k < order.size() && look(order[k]);) ++k;
                         for (auto k = at; k > 0 && look(order[k - 1]);) --k;
                         if (index < x.size()) nearest[self] = {static_cast<std::ptrdiff_t>(index), std::sqrt(best)};
                       });
  return nearest;
}

}  // namespace tessera::kernels
