#include "stripe_exchange.hpp"

#include <algorithm>
#include <cstring>

#include "tessera/core/contract.hpp"

namespace tessera::exchange {

namespace {

template <class T>
void append(std::vector<std::byte>& bytes, T const* values, std::size_t count) {
  auto const* first = reinterpret_cast<std::byte const*>(values);
  bytes.insert(bytes.end(), first, first + count * sizeof(T));
}

std::vector<int> read_numbers(std::vector<std::byte> const& bytes) {
  std::vector<int> numbers(bytes.size() / sizeof(int));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

}  // namespace

std::pair<int, int> owned_exposures(int exposures, int rank, int ranks) {
  auto const cut = [&](int r) { return static_cast<int>(std::int64_t{exposures} * r / ranks); };
  return {cut(rank), cut(rank + 1)};
}

StripeExchange::StripeExchange(parallel::Communicator const& communicator, std::span<int const> stripes,
                               StripeBlocks& blocks)
    : communicator_(communicator), stripes_(stripes.begin(), stripes.end()) {
  int const exposures = static_cast<int>(stripes_.size()), ranks = communicator_.size();
  std::tie(first_, end_) = owned_exposures(exposures, communicator_.rank(), ranks);
  std::vector<std::size_t> owner(stripes_.size());
  for (int rank = 0; rank < ranks; ++rank) {
    auto const [first, end] = owned_exposures(exposures, rank, ranks);
    std::fill(owner.begin() + first, owner.begin() + end, static_cast<std::size_t>(rank));
  }

  near_.resize(stripes_.size());
  needed_.resize(static_cast<std::size_t>(ranks));
  std::vector<std::size_t> doubles(static_cast<std::size_t>(ranks), 0);
  std::vector<bool> reaches(stripes_.size(), false);
  for (std::int64_t k = 0; k < blocks.count(); ++k) {
    auto& pieces = pieces_.emplace_back();
    for (auto const& cells : blocks.load(k).exposures) {
      auto const exposure = static_cast<std::size_t>(cells.exposure);
      TESSERA_EXPECT(exposure < stripes_.size());
      Piece piece{cells.exposure, touched_stripes(cells, stripes_[exposure]), owner[exposure],
                  doubles[owner[exposure]]};
      for (auto const& run : piece.runs) doubles[piece.rank] += static_cast<std::size_t>(run.end - run.begin);
      reaches[exposure] = true;
      pieces.push_back(std::move(piece));
    }
  }
  for (std::size_t exposure = 0; exposure < reaches.size(); ++exposure)
    if (reaches[exposure]) {
      needed_[owner[exposure]].push_back(static_cast<int>(exposure));
      near_[exposure].resize(static_cast<std::size_t>(stripes_[exposure]));
    }
  for (auto const count : doubles) outgoing_.emplace_back(count * sizeof(double));
  exchange_pieces();
}

std::vector<StripeExchange::Run> StripeExchange::touched_stripes(StripeCells const& cells, int stripes) {
  std::vector<bool> touched(static_cast<std::size_t>(stripes), false);
  for (std::size_t k = 0; k < cells.weight.size(); ++k) {
    if (cells.weight[k] == 0) continue;
    TESSERA_EXPECT(cells.stripe[k] + 1 < stripes);
    touched[cells.stripe[k]] = touched[cells.stripe[k] + 1u] = true;
  }
  std::vector<Run> runs;
  for (int i = 0; i < stripes; ++i) {
    if (!touched[static_cast<std::size_t>(i)]) continue;
    if (runs.empty() || runs.back().end != i) runs.push_back({i, i});
    runs.back().end = i + 1;
  }
  return runs;
}

void StripeExchange::exchange_pieces() {
  auto const ranks = static_cast<std::size_t>(communicator_.size());
  std::vector<std::vector<std::byte>> to_each(ranks);
  for (std::size_t rank = 0; rank < ranks; ++rank) append(to_each[rank], needed_[rank].data(), needed_[rank].size());
  for (auto const& part : communicator_.all_to_all(to_each)) wanted_.push_back(read_numbers(part));

  for (auto& part : to_each) part.clear();
  for (auto const& block : pieces_)
    for (auto const& piece : block) {
      int const head[] = {piece.exposure, static_cast<int>(piece.runs.size())};
      append(to_each[piece.rank], head, 2);
      append(to_each[piece.rank], piece.runs.data(), piece.runs.size());
    }
  for (auto const& part : communicator_.all_to_all(to_each)) {
    auto const numbers = read_numbers(part);
    auto& pieces = incoming_.emplace_back();
    for (std::size_t at = 0; at < numbers.size();) {
      auto& piece = pieces.emplace_back();
      piece.exposure = numbers[at];
      for (int left = numbers[at + 1]; left > 0; --left, at += 2)
        piece.runs.push_back({numbers[at + 2], numbers[at + 3]});
      at += 2;
    }
  }
}

Profiles StripeExchange::zeros() const {
  Profiles profiles;
  for (int k = first_; k < end_; ++k)
    profiles.emplace_back(static_cast<std::size_t>(stripes_[static_cast<std::size_t>(k)]));
  return profiles;
}

void StripeExchange::spread(Profiles const& owned) {
  std::vector<std::vector<std::byte>> to_each(wanted_.size());
  for (std::size_t rank = 0; rank < wanted_.size(); ++rank)
    for (int const exposure : wanted_[rank]) {
      auto const& profile = owned[static_cast<std::size_t>(exposure - first_)];
      append(to_each[rank], profile.data(), profile.size());
    }
  auto const parts = communicator_.all_to_all(to_each);
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    std::size_t at = 0;
    for (int const exposure : needed_[rank]) {
      auto& profile = near_[static_cast<std::size_t>(exposure)];
      std::memcpy(profile.data(), parts[rank].data() + at, profile.size() * sizeof(double));
      at += profile.size() * sizeof(double);
    }
  }
}

void StripeExchange::set_sums(std::int64_t k, std::size_t j, double const* sums) {
  auto const& piece = pieces_[static_cast<std::size_t>(k)][j];
  auto* out = outgoing_[piece.rank].data() + piece.place * sizeof(double);
  for (auto const& run : piece.runs) {
    auto const bytes = static_cast<std::size_t>(run.end - run.begin) * sizeof(double);
    std::memcpy(out, sums + run.begin, bytes);
    out += bytes;
  }
}

Profiles StripeExchange::add_up() {
  auto sums = zeros();
  auto const parts = communicator_.all_to_all(outgoing_);
  for (std::size_t rank = 0; rank < parts.size(); ++rank) {
    auto const* in = parts[rank].data();
    for (auto const& piece : incoming_[rank]) {
      auto& sum = sums[static_cast<std::size_t>(piece.exposure - first_)];
      for (auto const& run : piece.runs)
        for (int i = run.begin; i < run.end; ++i, in += sizeof(double)) {
          double value;
          std::memcpy(&value, in, sizeof(double));
          sum[static_cast<std::size_t>(i)] += value;
        }
    }
  }
  return sums;
}

double StripeExchange::add_in_order(std::vector<double> const& owned) const {
  double sum = 0;
  for (double const value : communicator_.all_gather_values<double>(owned)) sum += value;
  return sum;
}

double StripeExchange::dot(Profiles const& a, Profiles const& b) const {
  std::vector<double> owned;
  for (std::size_t k = 0; k < a.size(); ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < a[k].size(); ++i) sum += a[k][i] * b[k][i];
    owned.push_back(sum);
  }
  return add_in_order(owned);
}

}  // namespace tessera::exchange
