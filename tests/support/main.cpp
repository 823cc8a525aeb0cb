// One main for every test program: MPI up, Kokkos up, tests, the ranks agree on the result.
#include <gtest/gtest.h>
#include <mpi.h>

#include "tessera/compute/session.hpp"
#include "tessera/core/log.hpp"

namespace {

/// Leaves the printing to rank 0; failures of other ranks are still printed, with their rank.
class PrintFailuresWithRank : public testing::EmptyTestEventListener {
 public:
  explicit PrintFailuresWithRank(int rank) : rank_(rank) {}
  void OnTestPartResult(testing::TestPartResult const& result) override {
    if (result.failed())
      std::fprintf(stderr, "[rank %d] %s:%d: %s\n", rank_, result.file_name() ? result.file_name() : "?",
                   result.line_number(), result.summary());
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  testing::InitGoogleTest(&argc, argv);
  if (rank != 0) {
    auto& listeners = testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new PrintFailuresWithRank(rank));
  }
  int result = 0;
  {
    tessera::compute::Session const session;
    tessera::log::set_rank(rank);
    result = RUN_ALL_TESTS();
  }
  int worst = 0;
  MPI_Allreduce(&result, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  MPI_Finalize();
  return worst;
}
