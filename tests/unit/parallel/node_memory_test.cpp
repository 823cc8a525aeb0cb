#include "tessera/parallel/node_memory.hpp"

#include <fstream>
#include <map>

#include "support/test_files.hpp"
#include "tessera/core/error.hpp"

namespace tessera::parallel {
namespace {

constexpr std::int64_t MB = 1 << 20;

class NodeMemory : public testing::Test {
 protected:
  void write(std::string const& path, std::string const& text) {
    auto const file = folder_.path() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::int64_t bytes(std::map<std::string, std::string> const& variables = {}) {
    return node_memory_bytes(folder_.path(), [&](std::string const& name) {
      auto const found = variables.find(name);
      return found == variables.end() ? std::string() : found->second;
    });
  }
  test::ScratchFolder folder_{"node-memory"};
};

TEST_F(NodeMemory, IsWhatTheSystemSaysIsAvailable) {
  write("proc/meminfo", "MemTotal:  8192 kB\nMemFree: 1 kB\nMemAvailable:   4096 kB\n");
  EXPECT_EQ(bytes(), 4 * MB);
}

TEST_F(NodeMemory, IsNoMoreThanAnyControlGroupOfVersionTwoAllows) {
  write("proc/meminfo", "MemAvailable: 1048576 kB\n");
  write("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
  write("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
  write("sys/fs/cgroup/slurm/job_7/memory.max", std::to_string(100 * MB) + "\n");
  write("sys/fs/cgroup/slurm/memory.max", std::to_string(200 * MB) + "\n");
  EXPECT_EQ(bytes(), 100 * MB);
}

TEST_F(NodeMemory, IsNoMoreThanControlGroupsOfVersionOneAllow) {
  write("proc/meminfo", "MemAvailable: 1048576 kB\n");
  write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/not/mounted/here\n0::/\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", std::to_string(300 * MB) + "\n");
  EXPECT_EQ(bytes(), 300 * MB);
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // what version 1 says for "no limit"
  EXPECT_EQ(bytes(), 1024 * MB);
}

TEST_F(NodeMemory, IsNoMoreThanSlurmGranted) {
  write("proc/meminfo", "MemAvailable: 1048576 kB\n");
  EXPECT_EQ(bytes({{"SLURM_MEM_PER_NODE", "512"}}), 512 * MB);
  EXPECT_EQ(bytes({{"SLURM_MEM_PER_NODE", "0"}}), 1024 * MB);
  EXPECT_EQ(bytes({{"SLURM_MEM_PER_CPU", "100"}, {"SLURM_CPUS_ON_NODE", "4"}}), 400 * MB);
}

TEST_F(NodeMemory, SaysWhatToDoWhenNothingIsKnown) {
  try {
    bytes();
    FAIL();
  } catch (InputError const& error) {
    EXPECT_NE(std::string(error.what()).find("--memory-per-rank"), std::string::npos);
  }
}

TEST(NodeMemoryHere, IsSomeMemory) {
  EXPECT_GT(node_memory_bytes(), 64 * MB);
  EXPECT_LT(node_memory_bytes(), std::int64_t{1} << 50);
}

}  // namespace
}  // namespace tessera::parallel
