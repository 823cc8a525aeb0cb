// How much memory this job may use on this node.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace tessera::parallel {

/// Value of an environment variable, empty when unset.
using Environment = std::function<std::string(std::string const& name)>;

/// Bytes this job may use on this node: the least of MemAvailable, the memory limits of the control groups this process
/// is in (versions 1 and 2, with their parents) and what Slurm granted (SLURM_MEM_PER_NODE, else SLURM_MEM_PER_CPU
/// times the CPUs on the node; both in MB). `root` is where /proc and /sys are found. Independent. Throws InputError
/// when none of them can be read.
std::int64_t node_memory_bytes(std::filesystem::path const& root, Environment const& environment);

/// The same for this process on this machine.
std::int64_t node_memory_bytes();

}  // namespace tessera::parallel
