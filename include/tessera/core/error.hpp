// Errors a person can act on. Every message says what, where, what was expected, what was found, and what to do.
#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace tessera {

/// Exit statuses of the `tessera` command, the same on all ranks (docs/exit-status.md).
enum class ExitStatus : int {
  Complete = 0,       ///< everything asked for was made
  InternalError = 1,  ///< a bug: please report
  WrongUse = 2,       ///< command line or configuration
  Refused = 3,        ///< preflight: an input is missing or unusable, or the plan cannot fit memory or disk
  Incomplete = 4,     ///< finished, but something was quarantined or failed: the report says what
  InputOutput = 5,    ///< reading or writing failed while running
  Resumable = 75,     ///< stopped early on request; run the same command again to go on
};

/// The parts of a message about something a person gave us. Empty parts are left out of the text.
struct Problem {
  std::string what{};      ///< the problem, one short phrase
  std::string where{};     ///< file, extension, keyword, configuration key (with line)
  std::string expected{};  ///< what would have been right
  std::string found{};     ///< what was there instead
  std::string remedy{};    ///< what to do now

  /// One line: "WHERE: WHAT: expected E, found F (remedy: R)".
  std::string line() const;
};

/// Base of all errors that are not bugs. Carries the problem and the exit status it leads to.
class Error : public std::runtime_error {
 public:
  Error(ExitStatus status, Problem problem);
  ExitStatus status() const { return status_; }
  Problem const& problem() const { return problem_; }

 private:
  ExitStatus status_;
  Problem problem_;
};

/// A wrong command line or configuration (exit 2).
struct ConfigError : Error {
  explicit ConfigError(Problem problem) : Error(ExitStatus::WrongUse, std::move(problem)) {}
};
/// An input file that is missing, broken or unusable (exit 3 when it stops the run, else it is quarantined).
struct InputError : Error {
  explicit InputError(Problem problem) : Error(ExitStatus::Refused, std::move(problem)) {}
};
/// A plan that cannot work with the memory or disk there is (exit 3).
struct BudgetError : Error {
  explicit BudgetError(Problem problem) : Error(ExitStatus::Refused, std::move(problem)) {}
};
/// Reading or writing failed: full disk, lost file system (exit 5).
struct IoError : Error {
  explicit IoError(Problem problem) : Error(ExitStatus::InputOutput, std::move(problem)) {}
};

}  // namespace tessera
