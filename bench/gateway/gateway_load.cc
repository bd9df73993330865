// A load generator for POST requests over kept connections, on one thread.
//
//   gateway_load PORT PATH [--connections N] [--seconds S] [--rate R] [--distinct] [--stream]
//                          [--header "NAME: VALUE"]...
//
// Without --rate each connection asks again as soon as it has its answer; with it so many requests
// begin each second, whatever becomes of the others, and times count from when a request was due.
// --distinct: no two bodies are the same, so all are misses. --stream: asks for event streams.
// --hold: opens the streams, waits for the first event of each, and holds them for S seconds.
// Prints a JSON object: {"per_second", "p50_us", "p99_us", "first_p50_us", "first_p99_us",
// "requests", "errors"}; first_...: until the first byte of the body.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace larder::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;

struct Arguments {
  int port = 0;
  std::string path;
  int connections = 16;
  double seconds = 5;
  double rate = 0;
  bool distinct = false;
  bool stream = false;
  bool hold = false;
  std::string headers = {};  // further ones, each with its CRLF
};

struct Connection {
  int socket = -1;
  bool busy = false;
  std::string in;
  Clock::time_point begin;
  bool has_first = false;
};

class Load {
 public:
  explicit Load(const Arguments& arguments) : arguments_(arguments), seed_(std::random_device{}()) {
    epoll_ = ::epoll_create1(0);
    connections_.resize(static_cast<std::size_t>(arguments.connections));
    for (std::size_t i = 0; i < connections_.size(); ++i) Connect(i);
  }

  void Run() {
    const auto start = Clock::now();
    const auto end =
        start + std::chrono::duration_cast<Clock::duration>(duration<double>(arguments_.seconds));
    auto due = start;
    if (arguments_.rate == 0) {
      for (Connection& connection : connections_) Begin(connection, start);
    }
    while (Clock::now() < end) {
      while (arguments_.rate > 0 && due <= Clock::now()) {
        waiting_.push_back(due);
        due += std::chrono::duration_cast<Clock::duration>(duration<double>(1 / arguments_.rate));
      }
      BeginWaiting();
      Wait(arguments_.rate > 0 ? std::min(due, end) : end);
    }
    seconds_ = duration<double>(Clock::now() - start).count();
  }

  void Print() {
    std::printf("{\"per_second\": %.1f, ", static_cast<double>(whole_.size()) / seconds_);
    std::printf("\"p50_us\": %.1f, \"p99_us\": %.1f, ", At(whole_, 0.5), At(whole_, 0.99));
    std::printf("\"first_p50_us\": %.1f, \"first_p99_us\": %.1f, ", At(first_, 0.5),
                At(first_, 0.99));
    std::printf("\"requests\": %zu, \"errors\": %llu}\n", whole_.size(),
                static_cast<unsigned long long>(errors_));
  }

 private:
  void Connect(std::size_t index) {
    Connection& connection = connections_[index];
    connection = Connection{};
    connection.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(arguments_.port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      std::perror("gateway_load: connect");
      std::exit(1);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
  }

  // About 2 KiB, as a prompt with a system message has.
  std::string Body() {
    std::string text = R"({"model":"gpt-4o","messages":[{"role":"user","content":")";
    if (arguments_.distinct) text += std::to_string(seed_) + "-" + std::to_string(++count_) + " ";
    text += std::string(1900, 'p') + "\"}]";
    if (arguments_.stream || arguments_.hold) text += R"(,"stream":true)";
    return text + "}";
  }

  void Begin(Connection& connection, Clock::time_point since) {
    if (request_.empty() || arguments_.distinct) {
      const std::string body = Body();
      request_ = "POST " + arguments_.path +
                 " HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer bench\r\n"
                 "content-type: application/json\r\n" +
                 arguments_.headers + "content-length: " + std::to_string(body.size()) +
                 "\r\n\r\n" + body;
    }
    connection.busy = true;
    connection.has_first = false;
    connection.in.clear();
    connection.begin = since;
    // 2 KiB always fit into the socket's buffer.
    if (::send(connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      ++errors_;
    }
  }

  void BeginWaiting() {
    for (Connection& connection : connections_) {
      if (waiting_.empty()) return;
      if (connection.busy) continue;
      Begin(connection, waiting_.front());
      waiting_.pop_front();
    }
  }

  void Wait(Clock::time_point until) {
    const auto left = std::max(Clock::duration::zero(), until - Clock::now());
    const timespec timeout{
        std::chrono::duration_cast<std::chrono::seconds>(left).count(),
        std::chrono::duration_cast<std::chrono::nanoseconds>(left % std::chrono::seconds(1))
            .count()};
    epoll_event events[256];
    const int count = ::epoll_pwait2(epoll_, events, 256, &timeout, nullptr);
    for (int i = 0; i < count; ++i) Read(events[i].data.u64);
  }

  void Read(std::size_t index) {
    Connection& connection = connections_[index];
    char bytes[65536];
    const ssize_t count = ::recv(connection.socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      ++errors_;
      ::close(connection.socket);
      Connect(index);
      return;
    }
    connection.in.append(bytes, static_cast<std::size_t>(count));
    const std::size_t head = connection.in.find("\r\n\r\n");
    if (head == std::string::npos) return;
    if (!connection.has_first && connection.in.size() > head + 4) {
      connection.has_first = true;
      first_.push_back(duration<double, std::micro>(Clock::now() - connection.begin).count());
    }
    if (arguments_.hold) {
      connection.in.resize(head + 4);  // the events are not looked at
    } else if (IsWhole(connection.in, head)) {
      Finish(connection);
    }
  }

  static bool IsWhole(const std::string& in, std::size_t head) {
    std::string_view name = "content-length: ";
    std::size_t at = in.find(name);
    if (at == std::string::npos || at > head) {
      name = "Content-Length: ";  // as nginx writes it
      at = in.find(name);
    }
    if (at == std::string::npos || at > head) return in.ends_with("0\r\n\r\n");
    std::size_t length = 0;
    std::from_chars(in.data() + at + name.size(), in.data() + head, length);
    return in.size() >= head + 4 + length;
  }

  void Finish(Connection& connection) {
    const auto now = Clock::now();
    if (connection.in.compare(9, 3, "200") != 0) ++errors_;
    whole_.push_back(duration<double, std::micro>(now - connection.begin).count());
    connection.busy = false;
    if (arguments_.rate == 0) Begin(connection, now);
  }

  static double At(std::vector<double>& times, double share) {
    if (times.empty()) return 0;
    const auto at =
        times.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(times.size() - 1) * share);
    std::nth_element(times.begin(), at, times.end());
    return *at;
  }

  const Arguments arguments_;
  const unsigned seed_;
  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::deque<Clock::time_point> waiting_;
  std::string request_;
  std::uint64_t count_ = 0;
  std::uint64_t errors_ = 0;
  std::vector<double> whole_;
  std::vector<double> first_;
  double seconds_ = 0;
};

bool Parse(int argc, char** argv, Arguments& arguments) {
  if (argc < 3) return false;
  arguments.port = std::atoi(argv[1]);
  arguments.path = argv[2];
  for (int i = 3; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool has_value = i + 1 < argc;
    if (word == "--distinct") {
      arguments.distinct = true;
    } else if (word == "--stream") {
      arguments.stream = true;
    } else if (word == "--hold") {
      arguments.hold = true;
    } else if (word == "--header" && has_value) {
      arguments.headers += std::string(argv[++i]) + "\r\n";
    } else if (word == "--connections" && has_value) {
      arguments.connections = std::atoi(argv[++i]);
    } else if (word == "--seconds" && has_value) {
      arguments.seconds = std::atof(argv[++i]);
    } else if (word == "--rate" && has_value) {
      arguments.rate = std::atof(argv[++i]);
    } else {
      return false;
    }
  }
  return true;
}

int Main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: gateway_load PORT PATH [--connections N] [--seconds S] [--rate R] "
                 "[--distinct] [--stream] [--hold] [--header \"NAME: VALUE\"]...\n");
    return 2;
  }
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  Load load(arguments);
  load.Run();
  load.Print();
  return 0;
}

}  // namespace
}  // namespace larder::bench

int main(int argc, char** argv) { return larder::bench::Main(argc, argv); }
