#include "hdf5_id.hpp"

#include "tessera/core/error.hpp"

namespace tessera::io::hdf5 {

namespace {

/// Keeps the first message it is shown, which is the innermost one when the stack is walked upward.
herr_t keep_first(unsigned depth, H5E_error2_t const* entry, void* text) {
  if (depth == 0 && entry->desc) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

/// "unable to open file: name = 'x', errno = 2, error message = 'No such file or directory', flags = 0" -> the words of
/// the system; other messages as they are.
std::string shorten(std::string const& message) {
  static std::string const mark = "error message = '";
  auto const start = message.find(mark);
  if (start == std::string::npos) return message;
  auto const first = start + mark.size();
  return message.substr(first, message.find('\'', first) - first);
}

}  // namespace

void fail(std::string const& what, std::string const& where) {
  std::string message;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &message);
  H5Eclear2(H5E_DEFAULT);
  throw IoError({.what = what, .where = where, .found = shorten(message)});
}

}  // namespace tessera::io::hdf5
