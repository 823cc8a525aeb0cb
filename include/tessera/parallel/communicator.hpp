// MPI in the few words we need. A default-constructed Communicator is one rank alone: code has no "if MPI".
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace tessera::parallel {

/// A group of ranks. Copies share the MPI communicator, which is freed with the last one.
///
/// All collectives give their result in rank order, so that it does not depend on timing. Every function except rank(),
/// size() and native() is collective over this communicator. Counts above 2^31 bytes are sent in pieces.
class Communicator {
 public:
  /// One rank alone.
  Communicator() = default;
  /// A duplicate of MPI_COMM_WORLD. MPI must be initialised.
  static Communicator world();

  int rank() const;
  int size() const;
  bool is_root() const { return rank() == 0; }

  /// Address of the MPI_Comm (as void const* to keep mpi.h out of this header); MPI_COMM_SELF for one rank alone.
  void const* native() const;

  void barrier() const;

  /// The communicator of the ranks that pass the same `colour` (>= 0), ordered by rank; a lone one for colour < 0.
  Communicator split(int colour) const;

  /// Bytes of root on all ranks.
  std::vector<std::byte> broadcast(std::vector<std::byte> bytes, int root = 0) const;
  std::string broadcast(std::string text, int root = 0) const;

  /// One part a rank, in rank order: on root only (others get none), or on all.
  std::vector<std::vector<std::byte>> gather(std::span<std::byte const> bytes, int root = 0) const;
  std::vector<std::vector<std::byte>> all_gather(std::span<std::byte const> bytes) const;
  std::vector<std::string> all_gather(std::string const& text) const;

  /// Part r of `to_each` goes to rank r; returns what each rank sent here, in rank order. `to_each` has size() parts.
  std::vector<std::vector<std::byte>> all_to_all(std::vector<std::vector<std::byte>> const& to_each) const;

  /// Concatenation in rank order of vectors of plain values.
  template <class T>
  requires std::is_trivially_copyable_v<T> std::vector<T> all_gather_values(std::span<T const> values)
  const {
    std::vector<T> joined;
    for (auto const& part : all_gather(std::as_bytes(values))) {
      auto const* first = reinterpret_cast<T const*>(part.data());
      joined.insert(joined.end(), first, first + part.size() / sizeof(T));
    }
    return joined;
  }

  /// Integer and maximum reductions: exact, so any order will do. Floating sums go through ordered partials instead.
  /// NaN takes no part in max and min (-inf and +inf when every rank gives NaN); a zero comes back as +0.
  std::int64_t sum(std::int64_t value) const;
  std::int64_t max(std::int64_t value) const;
  double max(double value) const;
  double min(double value) const;
  /// Element-wise sum over the ranks, left in `values` on all ranks (same size everywhere): histograms, radix counts.
  void sum_in_place(std::span<std::int64_t> values) const;

  /// Largest number of bytes in one MPI message, 2^30 at the start. MPI 3.1 counts are int; tests set it to a few bytes
  /// to send large parts in pieces. The same value on all ranks.
  static void set_piece_bytes(std::int64_t bytes);

 private:
  friend class SideChannel;
  struct Handle;
  explicit Communicator(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<Handle> handle_;
};

}  // namespace tessera::parallel
