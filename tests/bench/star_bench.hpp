// Benchmarks of what finds stars.
#pragma once

namespace tessera::bench {

void register_star_benchmarks();

}  // namespace tessera::bench
