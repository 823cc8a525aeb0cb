// MPI for the life of the program, and the way out when a rank is lost.
#pragma once

namespace tessera::parallel {

/// Brings MPI up (FUNNELED) and, at the end of its life, down. One in a program.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(MpiSession const&) = delete;
  MpiSession& operator=(MpiSession const&) = delete;

  /// Waits up to `seconds` for every rank to call this; true when all did. Ranks that end with an error call it before
  /// they leave: if some rank is elsewhere (waiting for this one, perhaps), the job must be aborted instead.
  static bool everyone_is_leaving(double seconds);

  /// Ends the job on all ranks at once with this status.
  [[noreturn]] static void abort(int status);
};

/// Rank in the job as the launcher's environment says it, before MPI is up; 0 when there is no launcher.
int launcher_rank();

}  // namespace tessera::parallel
