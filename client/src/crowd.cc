#include "crowd.h"

#include <map>
#include <utility>

namespace larder::client {
namespace {

struct Crowds {
  std::mutex mutex;
  std::uint64_t last = 0;                             // guarded by mutex
  std::map<std::uint64_t, std::weak_ptr<Crowd>> all;  // guarded by mutex
};

Crowds& TheCrowds() {
  static Crowds crowds;
  return crowds;
}

}  // namespace

std::shared_ptr<Crowd> Crowd::Make() {
  Crowds& crowds = TheCrowds();
  const std::lock_guard lock(crowds.mutex);
  std::shared_ptr<Crowd> crowd(new Crowd(++crowds.last));
  crowds.all.emplace(crowd->number_, crowd);
  return crowd;
}

std::shared_ptr<Crowd> Crowd::Find(std::uint64_t number) {
  Crowds& crowds = TheCrowds();
  const std::lock_guard lock(crowds.mutex);
  const auto found = crowds.all.find(number);
  return found == crowds.all.end() ? nullptr : found->second.lock();
}

Crowd::~Crowd() {
  Crowds& crowds = TheCrowds();
  const std::lock_guard lock(crowds.mutex);
  crowds.all.erase(number_);
}

Crowd::Seat Crowd::Join() {
  const std::lock_guard lock(mutex_);
  ++seats_;
  return {this, [crowd = shared_from_this()](const void*) { crowd->Leave(); }};
}

void Crowd::OnDeserted(std::function<void()> callback) {
  const std::lock_guard lock(mutex_);
  on_deserted_ = std::move(callback);
}

void Crowd::Leave() {
  std::function<void()> deserted;
  {
    const std::lock_guard lock(mutex_);
    if (--seats_ == 0) deserted = std::exchange(on_deserted_, nullptr);
  }
  if (deserted) deserted();
}

}  // namespace larder::client
