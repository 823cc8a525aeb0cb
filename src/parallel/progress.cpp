#include "tessera/parallel/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>
#include <vector>

#include "side_channel.hpp"
#include "tessera/core/contract.hpp"
#include "tessera/core/log.hpp"

namespace tessera::parallel {

namespace {

/// Messages of a rank to rank 0 are at least this far apart.
constexpr double seconds_between_messages = 0.25;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct Progress::State {
  State(Communicator const& all, std::string text, std::int64_t items, ProgressOptions given)
      : communicator(all),
        channel(all, SideChannel::Subject::Progress),
        label(std::move(text)),
        total(items),
        options(std::move(given)),
        done_by_rank(static_cast<std::size_t>(all.size()), 0) {
    if (!options.clock) options.clock = steady_seconds;
    rewrites = !options.write_line && log::is_terminal();
    start = options.clock();
    last_line = last_message = start;
  }

  std::int64_t& mine() { return done_by_rank[static_cast<std::size_t>(communicator.rank())]; }

  void receive() {
    while (auto const message = channel.receive()) {
      known += message->value - std::exchange(done_by_rank[static_cast<std::size_t>(message->source)], message->value);
      if (message->is_last) ++finished_ranks;
    }
  }

  /// On rank 0: a line, if the last one is long enough ago and enough was done since.
  void show() {
    auto const now = options.clock();
    if (known == shown) return;
    if (rewrites) {
      if (now - last_line < options.seconds_between_redraws) return;
    } else {
      auto const least = options.fraction_between_lines * static_cast<double>(total);
      if (now - last_line < options.seconds_between_lines || static_cast<double>(known - shown) < least) return;
    }
    write(now);
  }

  void write(double now) {
    last_line = now;
    shown = known;
    auto const text = progress_text(label, known, total, now - start);
    if (options.write_line)
      options.write_line(text);
    else if (rewrites)
      log::progress_line(text);
    else
      log::info("{}", text);
  }

  Communicator communicator;
  SideChannel channel;
  std::string label;
  std::int64_t total;
  ProgressOptions options;
  bool rewrites = false;
  std::vector<std::int64_t> done_by_rank;
  std::int64_t known = 0;  ///< sum of done_by_rank
  std::int64_t shown = 0;  ///< known when the last line was written
  int finished_ranks = 0;  ///< of the others, on rank 0
  double start = 0, last_line = 0, last_message = 0;
};

Progress::Progress(Communicator const& communicator, std::string label, std::int64_t total_items,
                   ProgressOptions options)
    : state_(std::make_unique<State>(communicator, std::move(label), total_items, std::move(options))) {}
Progress::~Progress() = default;

void Progress::advance(std::int64_t items) {
  TESSERA_EXPECT(items >= 0);
  auto& state = *state_;
  state.mine() += items;
  state.known += items;
  if (state.communicator.is_root()) {
    state.receive();
    state.show();
    return;
  }
  auto const now = state.options.clock();
  if (now - state.last_message < seconds_between_messages) return;
  state.last_message = now;
  state.channel.send(0, state.mine());
}

std::int64_t Progress::done() const {
  if (state_->communicator.is_root()) state_->receive();
  return state_->known;
}

void Progress::finish() {
  auto& state = *state_;
  if (!state.communicator.is_root()) {
    state.channel.send(0, state.mine(), true);
    return;
  }
  // The last messages, not a collective, tell that all are done: so the waiting rank can go on writing.
  while (state.receive(), state.finished_ranks < state.communicator.size() - 1) {
    state.show();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  state.write(state.options.clock());
}

std::string format_duration(double seconds) {
  auto const whole = static_cast<std::int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string progress_text(std::string const& label, std::int64_t done, std::int64_t total, double elapsed_s) {
  auto const percent = total > 0 ? std::min<std::int64_t>(100, done * 100 / total) : 100;
  auto text = fmt::format("{}: {} of {} items ({} %)", label, done, total, percent);
  if (done >= total) return fmt::format("{}, {}", text, format_duration(elapsed_s));
  if (done <= 0) return text;
  auto const left_s = elapsed_s * static_cast<double>(total - done) / static_cast<double>(done);
  return fmt::format("{}, {} left", text, format_duration(left_s));
}

}  // namespace tessera::parallel
