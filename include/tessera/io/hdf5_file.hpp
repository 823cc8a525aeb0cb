// HDF5, thin: what the ledger (one writer) and the mosaics (many ranks, whole chunks) need.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tessera/model/blocks.hpp"
#include "tessera/parallel/communicator.hpp"

namespace tessera::io {

/// Element types we store.
enum class Hdf5Type { Float32, Float64, Int32, UInt32, Int64, UInt8 };

/// An HDF5 file. Opened by one rank, or by all ranks of a communicator (parallel driver). All failures are IoError
/// naming file and dataset. Collective over the communicator of a parallel file: open and close, nothing else (writes
/// and reads of whole blocks are independent), and flush. Opened by a communicator of one rank, a file is serial.
///
/// Image datasets are allocated in full when they are created, and a file that is closed and opened again for writing
/// pixels changes in nothing but pixels: it can be read even when a writer was killed. Pixels are handed to the file
/// system at once, never cached here: a journal may note a block as finished when write_box returns.
class Hdf5File {
 public:
  enum class Mode { Create, ReadWrite, ReadOnly };
  /// One rank alone.
  Hdf5File(std::filesystem::path const& path, Mode mode);
  /// Collective (ReadWrite or ReadOnly; files are created by one rank alone).
  Hdf5File(std::filesystem::path const& path, Mode mode, parallel::Communicator const& communicator);
  /// Closes without reporting; close() says what went wrong (a full disk is often only noticed then).
  ~Hdf5File();
  Hdf5File(Hdf5File const&) = delete;
  Hdf5File& operator=(Hdf5File const&) = delete;

  /// Closes and throws IoError when that fails. Collective for parallel files; nothing else may follow.
  void close();
  /// Hands arrays, attributes and structure written so far to the file system. Collective for parallel files.
  void flush();

  /// Image dataset, shape [ny][nx] (or [planes][ny][nx] with planes > 0), chunks of one 256x256 block (cut to the
  /// image), early allocation, no fill, no filter. Serial files only.
  void create_image(std::string const& name, Hdf5Type type, std::int64_t ny, std::int64_t nx, std::int64_t planes = 0);

  /// Pixels of `box`, row-major. Numbers are converted to the type of the dataset, too large ones to its largest.
  void write_box(std::string const& name, model::PixelBox const& box, std::span<float const> values,
                 std::int64_t plane = 0);
  void write_box(std::string const& name, model::PixelBox const& box, std::span<std::uint32_t const> values,
                 std::int64_t plane = 0);
  void read_box(std::string const& name, model::PixelBox const& box, std::span<float> values,
                std::int64_t plane = 0) const;
  void read_box(std::string const& name, model::PixelBox const& box, std::span<std::uint32_t> values,
                std::int64_t plane = 0) const;

  /// One-dimensional arrays in groups ("a/b/c" makes the groups); serial files only. Empty arrays are kept; an
  /// array of that name is replaced.
  void write_array(std::string const& name, std::span<double const> values);
  void write_array(std::string const& name, std::span<float const> values);
  void write_array(std::string const& name, std::span<std::int64_t const> values);
  void write_array(std::string const& name, std::span<std::uint8_t const> values, bool compress = false);
  std::vector<double> read_doubles(std::string const& name) const;
  std::vector<float> read_floats(std::string const& name) const;
  std::vector<std::int64_t> read_integers(std::string const& name) const;
  std::vector<std::uint8_t> read_bytes(std::string const& name) const;

  /// Attributes of a group or dataset ("" or "/" is the root); set in serial files only. One of that name is replaced.
  void set_attribute(std::string const& object, std::string const& name, std::string const& value);
  void set_attribute(std::string const& object, std::string const& name, double value);
  void set_attribute(std::string const& object, std::string const& name, std::int64_t value);
  void set_attribute(std::string const& object, std::string const& name, int value) {
    set_attribute(object, name, static_cast<std::int64_t>(value));
  }
  std::string text_attribute(std::string const& object, std::string const& name) const;
  double real_attribute(std::string const& object, std::string const& name) const;
  std::int64_t integer_attribute(std::string const& object, std::string const& name) const;

  bool has(std::string const& name) const;
  /// Names of the links of a group, sorted.
  std::vector<std::string> names(std::string const& group) const;
  /// {nx, ny} or {nx, ny, planes} of an image dataset.
  std::vector<std::int64_t> image_axes(std::string const& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tessera::io
