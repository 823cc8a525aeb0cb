// HDF5 identifiers with an owner, and HDF5's failures as our errors.
#pragma once
#include <hdf5.h>

#include <string>
#include <utility>

namespace tessera::io::hdf5 {

/// Throws IoError: `what` went wrong at `where`, found: the innermost message of HDF5's error stack.
[[noreturn]] void fail(std::string const& what, std::string const& where);

/// `result` unless it is negative, which is how HDF5 says that it failed.
template <class Result>
Result checked(Result result, char const* what, std::string const& where) {
  if (result < 0) fail(what, where);
  return result;
}

/// An HDF5 identifier that is closed at its end of life.
class Id {
 public:
  using Close = herr_t (*)(hid_t);
  Id() = default;
  Id(hid_t id, Close closer) : id_(id), close_(closer) {}
  Id(Id&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), close_(other.close_) {}
  Id& operator=(Id&& other) noexcept {
    std::swap(id_, other.id_);
    std::swap(close_, other.close_);
    return *this;
  }
  ~Id() { close(); }

  operator hid_t() const { return id_; }
  /// HDF5's answer; 0 when there is nothing to close.
  herr_t close() { return id_ < 0 ? 0 : close_(std::exchange(id_, H5I_INVALID_HID)); }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Close close_ = nullptr;
};

/// The identifier in its owner; negative ones throw as in checked().
inline Id own(hid_t id, Id::Close closer, char const* what, std::string const& where) {
  return {checked(id, what, where), closer};
}

}  // namespace tessera::io::hdf5
