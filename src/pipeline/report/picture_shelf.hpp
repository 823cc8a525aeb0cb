// Pictures inside the page, as large as all of them together may be.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace tessera::pipeline {

/// Shrinks pictures to data URIs. How large each may be follows from how many there will be; what is over the limit all
/// the same, or cannot be read, stays a link.
class PictureShelf {
 public:
  /// `pictures` will be asked for, with `limit_bytes` of the page for all of them.
  PictureShelf(std::filesystem::path page, std::int64_t limit_bytes, double pictures);

  /// A <figure> with the picture, linked to the full one beside the page. `share` of its side compared with the others.
  /// Nothing where there is no such file. `caption` is plain text, the picture's alternative text too.
  std::string figure(std::filesystem::path const& picture, std::string const& caption, double share = 1);

  int side() const { return side_; }

 private:
  std::filesystem::path page_;
  std::int64_t left_;
  int side_;
};

}  // namespace tessera::pipeline
