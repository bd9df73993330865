#include "connection.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace larder::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

bool WouldBlock(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again;
}

// Drops the first `count` bytes of the sequence.
std::span<asio::const_buffer> Consume(std::span<asio::const_buffer> buffers, std::size_t count) {
  while (!buffers.empty() && count >= buffers.front().size()) {
    count -= buffers.front().size();
    buffers = buffers.subspan(1);
  }
  if (!buffers.empty()) buffers.front() += count;
  return buffers;
}

}  // namespace

Connection::Connection(tcp::socket socket, std::span<char> scratch)
    : socket_(std::move(socket)), scratch_(scratch) {
  error_code ignored;  // A socket that is dead already shows it at its first read.
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

asio::awaitable<Filled> Connection::Fill() {
  error_code error;
  while (!std::exchange(cut_off_, false)) {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_wait(tcp::socket::wait_read, token);
    if (error) {
      if (!cut_off_) co_return Filled::kClosed;
      continue;
    }
    const std::size_t count =
        socket_.read_some(asio::buffer(scratch_.data(), scratch_.size()), error);
    if (WouldBlock(error)) continue;
    if (error) co_return Filled::kClosed;
    input_.append(scratch_.data(), count);
    co_return Filled::kBytes;
  }
  co_return Filled::kTimedOut;
}

asio::awaitable<bool> Connection::Write(std::span<asio::const_buffer> buffers, Duration timeout) {
  error_code error;
  buffers = Consume(buffers, 0);
  while (!buffers.empty()) {
    if (std::exchange(cut_off_, false)) co_return false;
    // The kernel nearly always has room: try first, wait only if it has not.
    const std::size_t count = socket_.write_some(buffers, error);
    if (!error) {
      buffers = Consume(buffers, count);
      continue;
    }
    if (!WouldBlock(error)) co_return false;
    SetDeadline(timeout);
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_wait(tcp::socket::wait_write, token);
    ClearDeadline();
    if (error) co_return false;
  }
  co_return true;
}

asio::awaitable<void> Connection::Linger(Duration timeout) {
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  input_ = {};
  SetDeadline(timeout);
  while (!error && !cut_off_) {
    auto token = asio::redirect_error(asio::use_awaitable, error);
    co_await socket_.async_wait(tcp::socket::wait_read, token);
    if (error) break;
    socket_.read_some(asio::buffer(scratch_.data(), scratch_.size()), error);
    if (WouldBlock(error)) error = {};
  }
  Close();
}

void Connection::Close() {
  error_code ignored;
  socket_.close(ignored);
}

void Connection::Reset() {
  error_code ignored;
  socket_.set_option(tcp::socket::linger(true, 0), ignored);
  socket_.close(ignored);
}

void Connection::SetDeadline(Duration timeout) {
  deadline_ = std::chrono::steady_clock::now() + timeout;
}

void Connection::Tick(Instant now) {
  if (now < deadline_) return;
  ClearDeadline();
  CutOff();
}

void Connection::CutOff() {
  cut_off_ = true;
  error_code ignored;
  socket_.cancel(ignored);
}

bool Connection::HasBytes() {
  char byte = 0;
  error_code error;
  return socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, error) > 0;
}

}  // namespace larder::gateway
