// Benchmarks of what makes calibrated exposures of count rates.
#pragma once

namespace tessera::bench {

void register_level2_benchmarks();

}  // namespace tessera::bench
