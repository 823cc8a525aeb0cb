// Small messages beside the collectives: control and progress.
#pragma once
#include <mpi.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "tessera/parallel/communicator.hpp"

namespace tessera::parallel {

/// Non-blocking messages of two numbers between ranks. Construction is collective; nothing else is, and nothing waits.
///
/// Destruction does not wait either, so messages may be left unread. They carry the number of their channel, and a
/// later channel drops those of earlier ones. For the same reason the MPI communicator below lives until MPI_Finalize:
/// a late message for a freed one could be taken for one of a new communicator that got the same context number.
class SideChannel {
 public:
  enum class Subject : int { Control = 0, Progress = 1 };
  struct Received {
    int source = 0;
    std::int64_t value = 0;
    bool is_last = false;
  };

  SideChannel(Communicator const& communicator, Subject subject);
  ~SideChannel();
  SideChannel(SideChannel const&) = delete;
  SideChannel& operator=(SideChannel const&) = delete;

  void send(int to, std::int64_t value, bool is_last = false);
  /// The next message that has arrived.
  std::optional<Received> receive();

 private:
  struct Message {
    std::int64_t channel = 0, value = 0, is_last = 0;
  };
  struct Sent {
    Message message;
    MPI_Request request = MPI_REQUEST_NULL;
  };
  void forget_delivered();

  MPI_Comm comm_ = MPI_COMM_NULL;  ///< null for one rank alone
  int tag_ = 0;
  std::int64_t channel_ = 0;
  std::deque<std::unique_ptr<Sent>> outbox_;
};

}  // namespace tessera::parallel
