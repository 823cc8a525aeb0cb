#include <array>
#include <string>

#include "tessera/core/error.hpp"
#include "tessera/kernels/drizzle.hpp"

namespace tessera::kernels {

DrizzleKernel parse_drizzle_kernel(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, DrizzleKernel>, 6> kernels{{{"square", DrizzleKernel::Square},
                                                                               {"turbo", DrizzleKernel::Turbo},
                                                                               {"point", DrizzleKernel::Point},
                                                                               {"gaussian", DrizzleKernel::Gaussian},
                                                                               {"lanczos2", DrizzleKernel::Lanczos2},
                                                                               {"lanczos3", DrizzleKernel::Lanczos3}}};
  for (auto const& [known, kernel] : kernels)
    if (name == known) return kernel;
  throw ConfigError({.what = "unknown drizzle kernel",
                     .where = "kernel",
                     .expected = "square, turbo, point, gaussian, lanczos2 or lanczos3",
                     .found = std::string(name),
                     .remedy = "choose one of these; square is the default"});
}

}  // namespace tessera::kernels
