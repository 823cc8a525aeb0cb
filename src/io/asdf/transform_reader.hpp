// Nodes of the transform schema to sky transforms (spec 25, 1.6 and 1.7).
#pragma once
#include <string>

#include "tessera/io/asdf_document.hpp"
#include "tessera/sky/transform.hpp"

namespace tessera::io {

/// Builds the transform at `node`. Tags are matched without their versions. Throws InputError naming the node.
class TransformReader {
 public:
  explicit TransformReader(AsdfDocument const& document) : document_(document) {}
  sky::TransformPointer read(AsdfValue const& node, std::string const& path, int depth = 0) const;

 private:
  AsdfDocument const& document_;

  [[noreturn]] void fail(std::string const& path, std::string what, std::string expected = {},
                         std::string found = {}) const;
  AsdfValue const& member(AsdfValue const& node, std::string const& path, char const* key) const;
  double number(AsdfValue const& value, std::string const& path) const;
  double number_at(AsdfValue const& node, std::string const& path, char const* key) const;
  std::string text_at(AsdfValue const& node, std::string const& path, char const* key) const;
  long whole_at(AsdfValue const& node, std::string const& path, char const* key, long otherwise) const;
  std::vector<double> numbers_at(AsdfValue const& node, std::string const& path, char const* key,
                                 std::vector<std::size_t>* shape = nullptr) const;

  std::shared_ptr<sky::Transform> read_kind(AsdfValue const& node, std::string const& path, int depth) const;
  std::shared_ptr<sky::Transform> read_pair(std::string_view kind, AsdfValue const& node, std::string const& path,
                                            int depth) const;
  std::shared_ptr<sky::Transform> read_fix_inputs(AsdfValue const& node, std::string const& path, int depth) const;
  std::shared_ptr<sky::Transform> read_polynomial(AsdfValue const& node, std::string const& path) const;
  std::shared_ptr<sky::Transform> read_remap(AsdfValue const& node, std::string const& path) const;
  std::shared_ptr<sky::Transform> read_affine(AsdfValue const& node, std::string const& path) const;
  std::shared_ptr<sky::Transform> read_fits_imaging(AsdfValue const& node, std::string const& path, int depth) const;
  std::shared_ptr<sky::Transform> read_on_sphere(std::string_view kind, AsdfValue const& node,
                                                 std::string const& path) const;
  void read_common(AsdfValue const& node, std::string const& path, int depth, sky::Transform& transform) const;
  void read_bounding_box(AsdfValue const& box, std::string const& path, sky::Transform& transform) const;
};

}  // namespace tessera::io
