// RunCoroutine: runs a coroutine on an io_context until it is done, from a plain test.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace larder::testing {

template <typename T>
boost::asio::awaitable<void> KeepResult(boost::asio::awaitable<T> coroutine,
                                        std::optional<T>& result) {
  result.emplace(co_await std::move(coroutine));
}

template <typename T>
T RunCoroutine(boost::asio::io_context& io, boost::asio::awaitable<T> coroutine) {
  std::optional<T> result;
  boost::asio::co_spawn(io, KeepResult(std::move(coroutine), result),
                        [](const std::exception_ptr& error) {
                          if (error) std::rethrow_exception(error);
                        });
  io.restart();
  while (!result.has_value() && io.run_one() > 0) {
  }
  if (!result.has_value()) throw std::runtime_error("the coroutine never finished");
  return *std::move(result);
}

}  // namespace larder::testing
