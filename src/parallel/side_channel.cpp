#include "side_channel.hpp"

#include "handle.hpp"

namespace tessera::parallel {

SideChannel::SideChannel(Communicator const& communicator, Subject subject) : tag_(static_cast<int>(subject)) {
  auto* handle = communicator.handle_.get();
  if (!handle || handle->size == 1) return;
  if (handle->side == MPI_COMM_NULL) MPI_Comm_dup(handle->comm, &handle->side);
  comm_ = handle->side;
  channel_ = ++handle->channels[static_cast<std::size_t>(subject)];
}

SideChannel::~SideChannel() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized) forget_delivered();
  // MPI may still read the buffer of a message that is not on its way: it is left to MPI, a few bytes at most.
  for (auto& sent : outbox_) {
    if (!finalized) MPI_Request_free(&sent->request);
    static_cast<void>(sent.release());
  }
}

void SideChannel::forget_delivered() {
  int done = 1;
  while (!outbox_.empty()) {
    MPI_Test(&outbox_.front()->request, &done, MPI_STATUS_IGNORE);
    if (!done) return;
    outbox_.pop_front();
  }
}

void SideChannel::send(int to, std::int64_t value, bool is_last) {
  if (comm_ == MPI_COMM_NULL) return;
  forget_delivered();
  auto sent = std::make_unique<Sent>(Sent{{channel_, value, is_last ? 1 : 0}, MPI_REQUEST_NULL});
  MPI_Isend(&sent->message, 3, MPI_INT64_T, to, tag_, comm_, &sent->request);
  outbox_.push_back(std::move(sent));
}

std::optional<SideChannel::Received> SideChannel::receive() {
  if (comm_ == MPI_COMM_NULL) return std::nullopt;
  forget_delivered();
  for (;;) {
    int waiting = 0;
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, tag_, comm_, &waiting, &status);
    if (!waiting) return std::nullopt;
    Message message;
    MPI_Recv(&message, 3, MPI_INT64_T, status.MPI_SOURCE, tag_, comm_, MPI_STATUS_IGNORE);
    if (message.channel == channel_) return Received{status.MPI_SOURCE, message.value, message.is_last != 0};
  }
}

}  // namespace tessera::parallel
