// Facts of this build, for --version, provenance and reports.
#pragma once
#include <string>

namespace tessera {

struct BuildFacts {
  std::string version;   ///< project version
  std::string commit;    ///< git commit the build was configured at, "unknown" outside a checkout
  std::string compiler;  ///< name, version
  std::string flags;     ///< build type and instruction set
};

BuildFacts const& build_facts();

}  // namespace tessera
