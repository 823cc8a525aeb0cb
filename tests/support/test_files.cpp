#include "support/test_files.hpp"

#include <mpi.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace tessera::test {

namespace {
std::filesystem::path from_environment(char const* name, char const* otherwise) {
  char const* value = std::getenv(name);
  return value && *value ? value : otherwise;
}
int world_rank() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}
}  // namespace

std::filesystem::path data_dir() { return from_environment("TESSERA_TEST_DATA", "tests/data"); }
std::filesystem::path shared_dir() { return from_environment("TESSERA_SHARED", "../shared"); }
bool has_shared(std::string const& relative) { return std::filesystem::exists(shared_dir() / relative); }

nlohmann::json read_vector(std::string const& name) {
  auto const path = data_dir() / "vectors" / name;
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("no vector " + path.string());
  return nlohmann::json::parse(stream);
}

ScratchFolder::ScratchFolder(std::string const& name)
    : path_(std::filesystem::temp_directory_path() / ("tessera-test-" + name)) {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  path_ += "-" + std::to_string(size);
  if (world_rank() == 0) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  MPI_Barrier(MPI_COMM_WORLD);
}

ScratchFolder::~ScratchFolder() {
  MPI_Barrier(MPI_COMM_WORLD);
  if (world_rank() == 0) std::filesystem::remove_all(path_);
}

}  // namespace tessera::test
