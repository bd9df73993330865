#include "http_worker.h"

#include <poll.h>
#include <pthread.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace larder::gateway {
namespace {

namespace asio = boost::asio;

// What one read takes at most: large enough for nearly all requests, small enough to stay in L2.
constexpr std::size_t kScratchBytes = std::size_t{64} << 10;
// Callers that are seen off at a time; the others are closed at once.
constexpr int kMostLeaving = 64;

}  // namespace

HttpWorker::HttpWorker(const ServerLimits& limits)
    : limits_(limits), work_(io_.get_executor()), tick_(io_), scratch_(kScratchBytes) {}

HttpWorker::~HttpWorker() {
  if (thread_.joinable()) thread_.join();
}

void HttpWorker::Start(Handler& handler) {
  handler_ = &handler;
  Tick();
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "larder-io");
    io_.run();
    ended_.set_value();
  });
}

void HttpWorker::Adopt(asio::ip::tcp::socket socket, TicketPtr ticket) {
  ++connections_;
  asio::post(io_, [this, socket = std::move(socket), ticket = std::move(ticket)]() mutable {
    Serve(std::move(socket), std::move(ticket));
  });
}

void HttpWorker::Serve(asio::ip::tcp::socket socket, TicketPtr ticket) {
  visitors_.push_back({std::move(ticket),
                       std::make_unique<HttpSession>(std::move(socket), std::span<char>(scratch_),
                                                     limits_, *handler_, draining_)});
  const auto visitor = std::prev(visitors_.end());
  HttpSession& session = *visitor->session;
  auto slot = session.hang_up().slot();
  asio::co_spawn(io_, session.Run(),
                 asio::bind_cancellation_slot(
                     slot, [this, visitor](const std::exception_ptr&) { End(visitor); }));
}

void HttpWorker::End(Visitors::iterator visitor) {
  // The slot belongs to the session, and its handler is what runs here.
  asio::post(io_, [this, visitor] {
    visitors_.erase(visitor);
    --connections_;
    if (draining_ && visitors_.empty()) tick_.cancel();
  });
}

void HttpWorker::SeeOff(asio::ip::tcp::socket socket) {
  if (leaving_count_.fetch_add(1) >= kMostLeaving) {
    --leaving_count_;
    return;
  }
  asio::post(io_, [this, socket = std::move(socket)]() mutable {
    const auto caller =
        leaving_.emplace(leaving_.end(), std::move(socket), std::span<char>(scratch_));
    if (draining_) caller->CutOff();
    asio::co_spawn(io_, caller->Linger(limits_.linger_timeout),
                   [this, caller](const std::exception_ptr&) {
                     leaving_.erase(caller);
                     --leaving_count_;
                   });
  });
}

void HttpWorker::Tick() {
  if (draining_ && visitors_.empty()) return;
  tick_.expires_after(kTick);
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto now = std::chrono::steady_clock::now();
    for (const Visitor& visitor : visitors_) visitor.session->Tick(now);
    for (Connection& caller : leaving_) caller.Tick(now);
    FindHangUps();
    Tick();
  });
}

void HttpWorker::FindHangUps() {
  std::vector<pollfd> polled;
  std::vector<HttpSession*> owners;
  for (const Visitor& visitor : visitors_) {
    if (!visitor.session->handling()) continue;
    polled.push_back({visitor.session->descriptor(), POLLRDHUP, 0});
    owners.push_back(visitor.session.get());
  }
  if (polled.empty() || ::poll(polled.data(), polled.size(), 0) <= 0) return;
  for (std::size_t i = 0; i < polled.size(); ++i) {
    const bool broken = (polled[i].revents & (POLLHUP | POLLERR)) != 0;
    const bool half_closed = (polled[i].revents & POLLRDHUP) != 0;
    if (broken || (half_closed && !owners[i]->HasInput())) owners[i]->HangUp();
  }
}

void HttpWorker::Drain() {
  asio::post(io_, [this] {
    draining_ = true;
    for (const Visitor& visitor : visitors_) visitor.session->CloseIfIdle();
    for (Connection& caller : leaving_) caller.CutOff();
    if (visitors_.empty()) tick_.cancel();
    work_.reset();
  });
}

void HttpWorker::Abort() {
  asio::post(io_, [this] {
    for (const Visitor& visitor : visitors_) visitor.session->HangUp();
  });
}

bool HttpWorker::WaitForEnd(Duration timeout) {
  return end_.wait_for(timeout) == std::future_status::ready;
}

}  // namespace larder::gateway
