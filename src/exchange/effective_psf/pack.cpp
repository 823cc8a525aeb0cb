#include <cstring>
#include <type_traits>

#include "tessera/core/error.hpp"
#include "tessera/exchange/effective_psf.hpp"

namespace tessera::exchange {

namespace {

static_assert(std::is_trivially_copyable_v<model::Star>);

/// Plain values one after the other, as they are in memory: journals are read by the program that wrote them.
class Packer {
 public:
  template <class T>
  void add(T const& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    add_bytes(&value, sizeof value);
  }
  template <class T>
  void add_all(std::vector<T> const& values) {
    static_assert(std::is_trivially_copyable_v<T>);
    add(static_cast<std::int64_t>(values.size()));
    add_bytes(values.data(), values.size() * sizeof(T));
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void add_bytes(void const* from, std::size_t count) {
    auto const* const first = static_cast<std::byte const*>(from);
    bytes_.insert(bytes_.end(), first, first + count);
  }
  std::vector<std::byte> bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::span<std::byte const> bytes) : bytes_(bytes) {}
  template <class T>
  T next() {
    T value;
    take(&value, sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> next_all() {
    auto const count = next<std::int64_t>();
    if (count < 0 || static_cast<std::size_t>(count) > bytes_.size() / sizeof(T)) fail();
    std::vector<T> values(static_cast<std::size_t>(count));
    if (count > 0) take(values.data(), values.size() * sizeof(T));
    return values;
  }

 private:
  [[noreturn]] static void fail() {
    throw IoError({"stamps of stars cannot be read back", "the journal of the step", "a whole item", "a part of one",
                   "remove the scratch folder of the step and run again"});
  }
  void take(void* to, std::size_t count) {
    if (count > bytes_.size()) fail();
    std::memcpy(to, bytes_.data(), count);
    bytes_ = bytes_.subspan(count);
  }
  std::span<std::byte const> bytes_;
};

}  // namespace

std::vector<std::byte> pack_stamps(StampList const& list) {
  Packer packer;
  packer.add_all(list.stars);
  packer.add(static_cast<std::int64_t>(list.stamps.size()));
  for (auto const& stamp : list.stamps) {
    packer.add(stamp.star);
    packer.add(stamp.x0);
    packer.add(stamp.y0);
    packer.add(stamp.side);
    packer.add_all(stamp.value);
    packer.add_all(stamp.error);
  }
  return packer.take();
}

StampList unpack_stamps(std::span<std::byte const> bytes) {
  Unpacker unpacker(bytes);
  StampList list;
  list.stars = unpacker.next_all<model::Star>();
  auto const count = unpacker.next<std::int64_t>();
  for (std::int64_t k = 0; k < count; ++k) {
    StarStamp stamp;
    stamp.star = unpacker.next<model::Star>();
    stamp.x0 = unpacker.next<std::int64_t>();
    stamp.y0 = unpacker.next<std::int64_t>();
    stamp.side = unpacker.next<int>();
    stamp.value = unpacker.next_all<float>();
    stamp.error = unpacker.next_all<float>();
    list.stamps.push_back(std::move(stamp));
  }
  return list;
}

std::vector<std::byte> pack_psf(MeasuredPsf const& measured) {
  Packer packer;
  packer.add(measured.psf.radius());
  packer.add_all(measured.psf.samples());
  packer.add(measured.psf.centre_x());
  packer.add(measured.psf.centre_y());
  packer.add(measured.model_error);
  packer.add_all(std::vector<char>(measured.account.begin(), measured.account.end()));
  return packer.take();
}

MeasuredPsf unpack_psf(std::span<std::byte const> bytes) {
  Unpacker unpacker(bytes);
  MeasuredPsf measured;
  int const radius = unpacker.next<int>();
  auto samples = unpacker.next_all<double>();
  if (!samples.empty()) measured.psf = kernels::EffectivePsf(radius, std::move(samples));
  double const centre_x = unpacker.next<double>();
  measured.psf.set_centre(centre_x, unpacker.next<double>());
  measured.model_error = unpacker.next<double>();
  auto const account = unpacker.next_all<char>();
  measured.account.assign(account.begin(), account.end());
  return measured;
}

}  // namespace tessera::exchange
