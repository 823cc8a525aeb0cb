#include "cutout_cache.hpp"

namespace tessera::steps {

void CutoutCache::drop_oldest() {
  bytes_ -= items_.back().cutout->bytes();
  place_.erase(items_.back().exposure);
  items_.pop_back();
}

std::shared_ptr<MatchCutout const> CutoutCache::get(int exposure, std::function<MatchCutout()> const& make) {
  if (auto const found = place_.find(exposure); found != place_.end()) {
    items_.splice(items_.begin(), items_, found->second);
    return items_.front().cutout;
  }
  auto cutout = std::make_shared<MatchCutout const>(make());
  bytes_ += cutout->bytes();
  items_.push_front({exposure, cutout});
  place_[exposure] = items_.begin();
  while (bytes_ > capacity_ && items_.size() > 1) drop_oldest();
  return cutout;
}

void CutoutCache::clear() {
  items_.clear();
  place_.clear();
  bytes_ = 0;
}

}  // namespace tessera::steps
