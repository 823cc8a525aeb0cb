#include "tessera/parallel/control.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>

#include "side_channel.hpp"

namespace tessera::parallel {

namespace {

std::atomic<int> strongest_signal{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may only touch lock-free atomics");

extern "C" void note_signal(int number) {
  int const request = static_cast<int>(number == SIGUSR1 ? StopRequest::FinishItems : StopRequest::Abandon);
  int known = strongest_signal.load();
  while (known < request && !strongest_signal.compare_exchange_weak(known, request)) {
  }
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;  // reads and writes in flight go on
  sigemptyset(&action.sa_mask);
  for (int const number : {SIGUSR1, SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
}

StopRequest signal_request() { return static_cast<StopRequest>(strongest_signal.load()); }

void forget_signals() { strongest_signal.store(0); }

struct ControlChannel::State {
  explicit State(Communicator const& all) : communicator(all), channel(all, SideChannel::Subject::Control) {}

  /// Takes note of a request and passes it on if it is news: to rank 0, and from there to the others. `source` knows
  /// it.
  void learn(StopRequest request, int source) {
    if (request <= strongest) return;
    strongest = request;
    auto const value = static_cast<std::int64_t>(request);
    if (communicator.is_root()) {
      for (int rank = 1; rank < communicator.size(); ++rank)
        if (rank != source) channel.send(rank, value);
    } else if (source != 0) {
      channel.send(0, value);
    }
  }

  Communicator communicator;
  SideChannel channel;
  StopRequest strongest = StopRequest::None;
};

ControlChannel::ControlChannel(Communicator const& communicator) : state_(std::make_unique<State>(communicator)) {}
ControlChannel::~ControlChannel() = default;

StopRequest ControlChannel::poll() {
  while (auto const message = state_->channel.receive())
    state_->learn(static_cast<StopRequest>(message->value), message->source);
  raise(signal_request());
  return state_->strongest;
}

void ControlChannel::raise(StopRequest request) { state_->learn(request, state_->communicator.rank()); }

StopRequest ControlChannel::agree() {
  auto const strongest = static_cast<StopRequest>(state_->communicator.max(static_cast<std::int64_t>(poll())));
  state_->strongest = std::max(state_->strongest, strongest);  // all know it now: nothing to send
  return strongest;
}

}  // namespace tessera::parallel
