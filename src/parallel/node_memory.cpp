#include "tessera/parallel/node_memory.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <string_view>

#include "tessera/core/error.hpp"

namespace tessera::parallel {

namespace {

namespace fs = std::filesystem;

/// The whole number that `text` starts with; empty for "max", words and numbers beyond 64 bits.
std::optional<std::int64_t> leading_number(std::string const& text) {
  std::int64_t value = 0;
  auto const [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  return value;
}

std::string first_line(fs::path const& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

class LeastMemory {
 public:
  void consider(std::optional<std::int64_t> bytes) {
    if (bytes && *bytes > 0 && (!least_ || *bytes < *least_)) least_ = bytes;
  }
  std::optional<std::int64_t> least() const { return least_; }

 private:
  std::optional<std::int64_t> least_;
};

std::optional<std::int64_t> available_bytes(fs::path const& root) {
  std::ifstream meminfo(root / "proc/meminfo");
  for (std::string word; meminfo >> word;) {
    std::int64_t kilobytes = 0;
    if (word == "MemAvailable:" && meminfo >> kilobytes) return kilobytes * 1024;
  }
  return std::nullopt;
}

/// Limits of a control group and all groups above it. In a container the group's path may lie outside what is mounted:
/// the mount itself is looked at in any case.
void consider_group(LeastMemory& memory, fs::path const& mount, std::string const& group, char const* limit_file) {
  for (fs::path path = fs::path(group).relative_path();; path = path.parent_path()) {
    memory.consider(leading_number(first_line(mount / path / limit_file)));
    if (path.empty()) return;
  }
}

void consider_groups(LeastMemory& memory, fs::path const& root) {
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // number:controllers:path
    auto const first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string_view const controllers(line.data() + first + 1, second - first - 1);
    std::string const path(line, second + 1);
    if (controllers.empty()) {  // version 2
      consider_group(memory, root / "sys/fs/cgroup", path, "memory.max");
      consider_group(memory, root / "sys/fs/cgroup/unified", path, "memory.max");
    } else if (controllers.find("memory") != std::string_view::npos) {
      consider_group(memory, root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
    }
  }
}

void consider_slurm(LeastMemory& memory, Environment const& environment) {
  constexpr std::int64_t megabyte = 1024 * 1024;
  if (auto const node = leading_number(environment("SLURM_MEM_PER_NODE"))) {
    memory.consider(*node * megabyte);  // 0: all of the node
  } else if (auto const cpu = leading_number(environment("SLURM_MEM_PER_CPU"))) {
    if (auto const cpus = leading_number(environment("SLURM_CPUS_ON_NODE"))) memory.consider(*cpu * *cpus * megabyte);
  }
}

}  // namespace

std::int64_t node_memory_bytes(fs::path const& root, Environment const& environment) {
  LeastMemory memory;
  memory.consider(available_bytes(root));
  consider_groups(memory, root);
  consider_slurm(memory, environment);
  if (memory.least()) return *memory.least();
  throw InputError({.what = "the memory of this node is not known",
                    .where = (root / "proc/meminfo").string(),
                    .expected = "a line MemAvailable",
                    .remedy = "say how much a rank may use: --memory-per-rank 4G"});
}

std::int64_t node_memory_bytes() {
  return node_memory_bytes("/", [](std::string const& name) {
    char const* value = std::getenv(name.c_str());
    return std::string(value ? value : "");
  });
}

}  // namespace tessera::parallel
