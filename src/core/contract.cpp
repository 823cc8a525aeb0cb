#include "tessera/core/contract.hpp"

#include <fmt/format.h>

namespace tessera {

void fail_contract(char const* expression, char const* file, int line) {
  throw ContractViolation(
      fmt::format("broken contract at {}:{}: {} (this is a bug of tessera: please report it)", file, line, expression));
}

}  // namespace tessera
