#include "tessera/exchange/open_together.hpp"

#include <optional>

#include "tessera/core/error.hpp"
#include "tessera/core/log.hpp"
#include "tessera/parallel/mpi_session.hpp"

namespace tessera::exchange {

std::unique_ptr<io::Hdf5File> open_together(parallel::Communicator const& group, std::filesystem::path const& path) {
  std::unique_ptr<io::Hdf5File> file;
  std::optional<IoError> failure;
  try {
    file = std::make_unique<io::Hdf5File>(path, io::Hdf5File::Mode::ReadWrite, group);
  } catch (IoError const& error) {
    failure = error;
  }
  auto const failed = group.sum(std::int64_t{failure.has_value()});
  if (failed == 0) return file;
  if (failed == group.size()) throw *failure;
  if (failure) log::error("{}", failure->what());
  parallel::MpiSession::abort(static_cast<int>(ExitStatus::InputOutput));
}

}  // namespace tessera::exchange
