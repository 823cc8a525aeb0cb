// Stop requests and agreement on failure.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::parallel {

enum class StopRequest : int {
  None = 0,
  FinishItems = 1,  ///< USR1: finish the items in flight, exit with 75
  Abandon = 2,      ///< TERM, INT: abandon the items in flight, exit with 75
  Failure = 3,      ///< an error on some rank with --on-error stop, or one that cannot be quarantined
};

/// Installs handlers for USR1, TERM and INT that only raise a flag. Call once, on the main thread.
void install_signal_handlers();

/// The strongest request that signals of this process have made. Independent.
StopRequest signal_request();

/// Forgets the signals seen so far (between tests; a job never takes a request back).
void forget_signals();

/// Stop requests and failures of any rank, known on all ranks without a collective in the loops over items.
///
/// Construction and `agree` are collective; `poll`, `raise` and destruction are not. A raised request travels to rank 0
/// and from its next `poll` to all ranks, in small non-blocking messages: nobody ever waits for a rank that computes
/// (as passive one-sided access over TCP would), and a signal that reaches every rank costs two messages a rank. Main
/// thread only.
class ControlChannel {
 public:
  explicit ControlChannel(Communicator const& communicator);
  ~ControlChannel();
  ControlChannel(ControlChannel const&) = delete;
  ControlChannel& operator=(ControlChannel const&) = delete;

  /// The strongest request so far: of this rank's signals, of other ranks. Cheap: call between items.
  StopRequest poll();

  /// Tells all ranks. Independent.
  void raise(StopRequest request);

  /// The strongest request of any rank, the same on all: for the end of a step. Collective.
  StopRequest agree();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A failure of one item on one rank, gathered at the end of a step.
struct Failure {
  std::string item;     ///< exposure, pair or tile
  std::string message;  ///< one line
  int status = 1;       ///< ExitStatus
  int rank = 0;
};

/// All failures of all ranks, in rank order and then the order given, on all ranks. Collective.
std::vector<Failure> agree_on_failures(Communicator const& communicator, std::span<Failure const> mine);

/// Runs `work` on this rank and then agrees: if any rank threw, every rank throws the error of the lowest such rank (as
/// Error of the same kind and status, or with status InternalError for a bug). Collective. For sections that all ranks
/// enter and in which `work` itself makes no collective call: a rank that throws would leave the others in it.
void all_or_none(Communicator const& communicator, std::function<void()> const& work);

}  // namespace tessera::parallel
