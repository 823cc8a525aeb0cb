// The weights of one group's image, in memory as far as they fit and then in a file. Private to the step.
#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <vector>

namespace tessera::steps {

/// Values in the order they were added, to be gone through again and again.
class WeightStore {
 public:
  /// Holds up to `most_bytes` in memory; what comes after goes to `file`, which is removed at the end.
  WeightStore(std::filesystem::path file, std::int64_t most_bytes);
  ~WeightStore();
  WeightStore(WeightStore const&) = delete;
  WeightStore& operator=(WeightStore const&) = delete;

  void clear();
  /// Throws IoError.
  void add(std::vector<float> values);
  void each_piece(std::function<void(std::span<float const>)> const& take) const;

 private:
  std::filesystem::path path_;
  std::int64_t most_bytes_, held_bytes_ = 0;
  std::vector<std::vector<float>> pieces_;  ///< the first ones
  std::vector<std::size_t> filed_;          ///< lengths of those in the file
  std::ofstream file_;
};

}  // namespace tessera::steps
