#include "running_config.h"

#include <boost/asio/post.hpp>
#include <future>

#include "config_report.h"

namespace larder::gateway {

void RunningConfig::Attach(ConfigReload& reload) {
  const std::lock_guard lock(mutex_);
  reload_ = &reload;
}

void RunningConfig::Detach() {
  const std::lock_guard lock(mutex_);
  reload_ = nullptr;
}

Result<std::string> RunningConfig::Show() {
  return Ask([](ConfigReload& reload) { return tools::ConfigToJson(reload.current()); });
}

Result<std::string> RunningConfig::Change(const std::string& patch) {
  return Ask([&patch](ConfigReload& reload) -> Result<std::string> {
    const Result<std::vector<client::ConfigChange>> changes = reload.Change(patch);
    if (!changes.ok()) return changes.status();
    return tools::ChangesToJson(reload.current().file(), *changes);
  });
}

Result<std::string> RunningConfig::Ask(
    const std::function<Result<std::string>(ConfigReload&)>& ask) {
  std::promise<Result<std::string>> answer;
  {
    // Under the lock: what is posted before Detach is run before the control thread ends.
    const std::lock_guard lock(mutex_);
    if (reload_ == nullptr) return Status(StatusCode::kUnavailable, "larderd begins or ends");
    boost::asio::post(control_, [&, reload = reload_] {
      try {
        answer.set_value(ask(*reload));
      } catch (...) {
        answer.set_exception(std::current_exception());
      }
    });
  }
  return answer.get_future().get();
}

}  // namespace larder::gateway
