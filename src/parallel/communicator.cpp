#include "tessera/parallel/communicator.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "handle.hpp"
#include "tessera/core/contract.hpp"

namespace tessera::parallel {

namespace {

using Bytes = std::vector<std::byte>;

std::int64_t piece_bytes = std::int64_t{1} << 30;

/// Calls send(offset, count) for the pieces of `bytes` bytes, in order.
template <class Send>
void in_pieces(std::size_t bytes, Send const& send) {
  auto const piece = static_cast<std::size_t>(piece_bytes);
  for (std::size_t offset = 0; offset < bytes; offset += piece)
    send(offset, static_cast<int>(std::min(piece, bytes - offset)));
}

void broadcast_in_pieces(MPI_Comm comm, std::byte* bytes, std::size_t count, int root) {
  in_pieces(count, [&](std::size_t offset, int piece) { MPI_Bcast(bytes + offset, piece, MPI_BYTE, root, comm); });
}

/// Counts and displacements of Gatherv and Allgatherv; total is at most a piece, so that int holds them.
struct Layout {
  std::vector<int> counts, starts;
  explicit Layout(std::vector<std::int64_t> const& sizes) : counts(sizes.begin(), sizes.end()), starts(sizes.size()) {
    std::exclusive_scan(counts.begin(), counts.end(), starts.begin(), 0);
  }
};

std::vector<Bytes> cut(Bytes const& joined, Layout const& layout) {
  std::vector<Bytes> parts;
  parts.reserve(layout.counts.size());
  for (std::size_t rank = 0; rank < layout.counts.size(); ++rank) {
    auto const first = joined.begin() + layout.starts[rank];
    parts.emplace_back(first, first + layout.counts[rank]);
  }
  return parts;
}

std::vector<std::int64_t> gather_sizes(MPI_Comm comm, int ranks, std::size_t mine) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(ranks));
  auto const size = static_cast<std::int64_t>(mine);
  MPI_Allgather(&size, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, comm);
  return sizes;
}

std::int64_t total_of(std::vector<std::int64_t> const& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
}

}  // namespace

Communicator::Handle::Handle(MPI_Comm owned) : comm(owned) {
  MPI_Comm_rank(comm, &rank);
  MPI_Comm_size(comm, &size);
}

Communicator::Handle::~Handle() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (!finalized) MPI_Comm_free(&comm);
}

Communicator Communicator::world() {
  MPI_Comm duplicate = MPI_COMM_NULL;
  MPI_Comm_dup(MPI_COMM_WORLD, &duplicate);
  return Communicator(std::make_shared<Handle>(duplicate));
}

void Communicator::set_piece_bytes(std::int64_t bytes) {
  TESSERA_EXPECT(bytes > 0 && bytes <= std::numeric_limits<int>::max());
  piece_bytes = bytes;
}

int Communicator::rank() const { return handle_ ? handle_->rank : 0; }
int Communicator::size() const { return handle_ ? handle_->size : 1; }

void const* Communicator::native() const {
  static MPI_Comm const alone = MPI_COMM_SELF;
  return handle_ ? &handle_->comm : &alone;
}

void Communicator::barrier() const {
  if (handle_) MPI_Barrier(handle_->comm);
}

Communicator Communicator::split(int colour) const {
  if (!handle_) return {};
  MPI_Comm part = MPI_COMM_NULL;
  MPI_Comm_split(handle_->comm, colour < 0 ? MPI_UNDEFINED : colour, handle_->rank, &part);
  return part == MPI_COMM_NULL ? Communicator() : Communicator(std::make_shared<Handle>(part));
}

Bytes Communicator::broadcast(Bytes bytes, int root) const {
  if (!handle_) return bytes;
  auto size = static_cast<std::int64_t>(bytes.size());
  MPI_Bcast(&size, 1, MPI_INT64_T, root, handle_->comm);
  bytes.resize(static_cast<std::size_t>(size));
  broadcast_in_pieces(handle_->comm, bytes.data(), bytes.size(), root);
  return bytes;
}

std::string Communicator::broadcast(std::string text, int root) const {
  if (!handle_) return text;
  auto size = static_cast<std::int64_t>(text.size());
  MPI_Bcast(&size, 1, MPI_INT64_T, root, handle_->comm);
  text.resize(static_cast<std::size_t>(size));
  broadcast_in_pieces(handle_->comm, reinterpret_cast<std::byte*>(text.data()), text.size(), root);
  return text;
}

std::vector<Bytes> Communicator::gather(std::span<std::byte const> bytes, int root) const {
  if (!handle_) return {Bytes(bytes.begin(), bytes.end())};
  auto const comm = handle_->comm;
  auto const sizes = gather_sizes(comm, handle_->size, bytes.size());
  auto const total = total_of(sizes);
  if (total <= piece_bytes) {
    Layout const layout(sizes);
    Bytes joined(static_cast<std::size_t>(handle_->rank == root ? total : 0));
    MPI_Gatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, joined.data(), layout.counts.data(),
                layout.starts.data(), MPI_BYTE, root, comm);
    return handle_->rank == root ? cut(joined, layout) : std::vector<Bytes>{};
  }
  if (handle_->rank != root) {
    in_pieces(bytes.size(),
              [&](std::size_t offset, int piece) { MPI_Send(bytes.data() + offset, piece, MPI_BYTE, root, 0, comm); });
    return {};
  }
  std::vector<Bytes> parts;
  for (int rank = 0; rank < handle_->size; ++rank) {
    if (rank == root) {
      parts.emplace_back(bytes.begin(), bytes.end());
      continue;
    }
    auto& part = parts.emplace_back(static_cast<std::size_t>(sizes[static_cast<std::size_t>(rank)]));
    in_pieces(part.size(), [&](std::size_t offset, int piece) {
      MPI_Recv(part.data() + offset, piece, MPI_BYTE, rank, 0, comm, MPI_STATUS_IGNORE);
    });
  }
  return parts;
}

std::vector<Bytes> Communicator::all_gather(std::span<std::byte const> bytes) const {
  if (!handle_) return {Bytes(bytes.begin(), bytes.end())};
  auto const comm = handle_->comm;
  auto const sizes = gather_sizes(comm, handle_->size, bytes.size());
  auto const total = total_of(sizes);
  if (total <= piece_bytes) {
    Layout const layout(sizes);
    Bytes joined(static_cast<std::size_t>(total));
    MPI_Allgatherv(bytes.data(), static_cast<int>(bytes.size()), MPI_BYTE, joined.data(), layout.counts.data(),
                   layout.starts.data(), MPI_BYTE, comm);
    return cut(joined, layout);
  }
  std::vector<Bytes> parts;
  for (int rank = 0; rank < handle_->size; ++rank) {
    auto& part = parts.emplace_back(static_cast<std::size_t>(sizes[static_cast<std::size_t>(rank)]));
    if (rank == handle_->rank) std::copy(bytes.begin(), bytes.end(), part.begin());
    broadcast_in_pieces(comm, part.data(), part.size(), rank);
  }
  return parts;
}

std::vector<std::string> Communicator::all_gather(std::string const& text) const {
  std::vector<std::string> texts;
  for (auto const& part : all_gather(std::as_bytes(std::span(text))))
    texts.emplace_back(reinterpret_cast<char const*>(part.data()), part.size());
  return texts;
}

std::vector<Bytes> Communicator::all_to_all(std::vector<Bytes> const& to_each) const {
  TESSERA_EXPECT(to_each.size() == static_cast<std::size_t>(size()));
  if (!handle_) return to_each;
  auto const comm = handle_->comm;
  auto const ranks = to_each.size();
  std::vector<std::int64_t> sent(ranks), received(ranks);
  std::transform(to_each.begin(), to_each.end(), sent.begin(),
                 [](Bytes const& part) { return static_cast<std::int64_t>(part.size()); });
  MPI_Alltoall(sent.data(), 1, MPI_INT64_T, received.data(), 1, MPI_INT64_T, comm);
  std::vector<Bytes> parts(ranks);
  std::vector<MPI_Request> requests;
  for (std::size_t source = 0; source < ranks; ++source) {
    parts[source].resize(static_cast<std::size_t>(received[source]));
    in_pieces(parts[source].size(), [&](std::size_t offset, int piece) {
      MPI_Irecv(parts[source].data() + offset, piece, MPI_BYTE, static_cast<int>(source), 0, comm,
                &requests.emplace_back(MPI_REQUEST_NULL));
    });
  }
  // Each rank starts with its right neighbour, so that not all send to rank 0 first.
  for (std::size_t step = 1; step <= ranks; ++step) {
    auto const target = (static_cast<std::size_t>(handle_->rank) + step) % ranks;
    in_pieces(to_each[target].size(), [&](std::size_t offset, int piece) {
      MPI_Isend(to_each[target].data() + offset, piece, MPI_BYTE, static_cast<int>(target), 0, comm,
                &requests.emplace_back(MPI_REQUEST_NULL));
    });
  }
  MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE);
  return parts;
}

std::int64_t Communicator::sum(std::int64_t value) const {
  sum_in_place(std::span(&value, 1));
  return value;
}

void Communicator::sum_in_place(std::span<std::int64_t> values) const {
  if (!handle_) return;
  constexpr auto width = sizeof(std::int64_t);
  auto const piece = std::max<std::size_t>(1, static_cast<std::size_t>(piece_bytes) / width);
  for (std::size_t first = 0; first < values.size(); first += piece) {
    auto const count = static_cast<int>(std::min(piece, values.size() - first));
    MPI_Allreduce(MPI_IN_PLACE, values.data() + first, count, MPI_INT64_T, MPI_SUM, handle_->comm);
  }
}

std::int64_t Communicator::max(std::int64_t value) const {
  if (handle_) MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT64_T, MPI_MAX, handle_->comm);
  return value;
}

double Communicator::max(double value) const {
  // Adding +0 turns -0 into +0: which of the two a maximum keeps would depend on the order of the ranks.
  value = std::isnan(value) ? -std::numeric_limits<double>::infinity() : value + 0.0;
  if (handle_) MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_DOUBLE, MPI_MAX, handle_->comm);
  return value;
}

double Communicator::min(double value) const { return 0.0 - max(0.0 - value); }

}  // namespace tessera::parallel
