// How far a loop over items has come, over all ranks.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tessera/parallel/communicator.hpp"

namespace tessera::parallel {

/// When and where Progress writes. The defaults are right for programs; tests give a clock and a writer of their own.
struct ProgressOptions {
  double seconds_between_lines = 5;       ///< least time between two lines of a log
  double fraction_between_lines = 0.1;    ///< least part of the total between two lines of a log
  double seconds_between_redraws = 0.25;  ///< of the line that rewrites itself on a terminal
  /// Seconds since some fixed moment; empty: the steady clock.
  std::function<double()> clock = {};
  /// Writes a line; empty: tessera::log (the rewritten line on a terminal, else plain lines).
  std::function<void(std::string const& line)> write_line = {};
};

/// Counts the items of a step that are done. Rank 0 writes done, total and remaining time, on a terminal in one line
/// that rewrites itself, else as a plain line every tenth or so. The counts of other ranks come in small messages that
/// rank 0 picks up when it advances itself: no collectives in the loop, and nobody waits.
///
/// Construction and finish() are collective; advance() and destruction are not. Main thread only.
class Progress {
 public:
  /// `total_items` over all ranks; only rank 0's value counts.
  Progress(Communicator const& communicator, std::string label, std::int64_t total_items, ProgressOptions options = {});
  ~Progress();
  Progress(Progress const&) = delete;
  Progress& operator=(Progress const&) = delete;

  /// `items` more are done on this rank. Independent.
  void advance(std::int64_t items = 1);

  /// Items known to be done: on rank 0 by all ranks, elsewhere by this rank. Independent.
  std::int64_t done() const;

  /// Rank 0 waits for the others, goes on writing what they do, and ends with a last line. Collective.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "calibrate: 120 of 480 items (25 %), 2 min 10 s left": elapsed in seconds. Time left is not given before the first
/// item.
std::string progress_text(std::string const& label, std::int64_t done, std::int64_t total, double elapsed_s);

/// 5 -> "5 s", 130 -> "2 min 10 s", 7380 -> "2 h 3 min".
std::string format_duration(double seconds);

}  // namespace tessera::parallel
