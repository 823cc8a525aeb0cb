// Contracts for programmers: a broken one is a bug, always checked, and thrown as ContractViolation.
#pragma once
#include <stdexcept>

namespace tessera {

struct ContractViolation : std::logic_error {
  using std::logic_error::logic_error;
};

[[noreturn]] void fail_contract(char const* expression, char const* file, int line);

}  // namespace tessera

/// Precondition of a function. Cheap ones only: never inside a pixel loop.
#define TESSERA_EXPECT(condition) \
  ((condition) ? static_cast<void>(0) : ::tessera::fail_contract(#condition, __FILE__, __LINE__))
