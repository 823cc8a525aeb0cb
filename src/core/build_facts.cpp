#include "tessera/core/build_facts.hpp"

// The build system gives these three; a build outside it still works.
#ifndef TESSERA_VERSION
#define TESSERA_VERSION "0.0.0"
#endif
#ifndef TESSERA_COMMIT
#define TESSERA_COMMIT "unknown"
#endif
#ifndef TESSERA_BUILD_FLAGS
#define TESSERA_BUILD_FLAGS "unknown"
#endif

namespace tessera {

namespace {
#if defined(__clang__)
constexpr char const* compiler = __VERSION__;  // already starts with "Clang"
#elif defined(__GNUC__)
constexpr char const* compiler = "GNU " __VERSION__;
#else
constexpr char const* compiler = "unknown compiler";
#endif
}  // namespace

BuildFacts const& build_facts() {
  static BuildFacts const facts{TESSERA_VERSION, TESSERA_COMMIT, compiler, TESSERA_BUILD_FLAGS};
  return facts;
}

}  // namespace tessera
