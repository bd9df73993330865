// larderd and the service manager: readiness, signs of life, a socket that is handed over, the end.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fake_upstream.h"
#include "gate.h"
#include "heartbeat.h"
#include "init_system.h"
#include "larderd_process.h"
#include "run_program.h"
#include "temp_dir.h"
#include "wire_client.h"

namespace larder::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Json = nlohmann::json;

// What a service manager hears.
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) {
    socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~NotifySocket() { ::close(socket_); }

  // The next message; empty if none comes in time.
  std::string Next(int timeout_ms = 60'000) const {
    pollfd wait{socket_, POLLIN, 0};
    if (::poll(&wait, 1, timeout_ms) <= 0) return "";
    char bytes[256];
    const ssize_t count = ::recv(socket_, bytes, sizeof(bytes), 0);
    return {bytes, static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
  }

 private:
  int socket_ = -1;
};

// larderd as a service manager starts it: with variables, and with a socket as descriptor 3.
class Service {
 public:
  Service(const TempDir& dir, const std::vector<std::string>& variables, int socket = -1) {
    const std::string config = dir / "config.json";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::vector<std::string> all = variables;
      if (socket >= 0) {
        ::dup2(socket, 3);
        all.push_back("LISTEN_PID=" + std::to_string(::getpid()));
        all.push_back("LISTEN_FDS=1");
      }
      std::vector<char*> environment;
      for (std::string& variable : all) environment.push_back(variable.data());
      environment.push_back(nullptr);
      const int quiet = ::open("/dev/null", O_WRONLY);
      ::dup2(quiet, STDOUT_FILENO);
      ::dup2(quiet, STDERR_FILENO);
      ::execle(LARDERD_PROGRAM, "larderd", "--config", config.c_str(), nullptr, environment.data());
      ::_exit(126);
    }
  }
  ~Service() {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
    End();
  }
  void Signal(int number) const { ::kill(pid_, number); }
  int End() {
    int status = 0;
    if (pid_ > 0) ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_ = -1;
};

class LarderdLifeTest : public ::testing::Test {
 protected:
  LarderdLifeTest() {
    const Json config = {{"cache", {{"directory", dir_ / "data"}}},
                         {"providers", {{"openai", {{"base_url", "http://127.0.0.1:1"}}}}},
                         {"gateway", {{"listen", "127.0.0.1:0"}}}};
    std::ofstream(dir_ / "config.json") << config;
  }

  TempDir dir_;
  NotifySocket manager_{dir_ / "notify"};
  const std::string notify_ = "NOTIFY_SOCKET=" + (dir_ / "notify");
};

TEST_F(LarderdLifeTest, ManagerHearsOfReadinessLifeAndEnd) {
  Service service(dir_, {notify_, "WATCHDOG_USEC=200000"});
  EXPECT_EQ(manager_.Next(), "READY=1");
  EXPECT_EQ(manager_.Next(), "WATCHDOG=1");
  EXPECT_EQ(manager_.Next(), "WATCHDOG=1");
  service.Signal(SIGTERM);
  std::string last;
  while (last != "STOPPING=1") {
    last = manager_.Next();
    ASSERT_NE(last, "");
  }
  EXPECT_EQ(service.End(), 0);
}

TEST_F(LarderdLifeTest, WatchdogOfAnotherProcessIsNotOurs) {
  Service service(dir_, {notify_, "WATCHDOG_USEC=1000", "WATCHDOG_PID=1"});
  EXPECT_EQ(manager_.Next(), "READY=1");
  service.Signal(SIGTERM);
  EXPECT_EQ(manager_.Next(), "STOPPING=1");
}

// A socket that listens there, and how it is reached.
int ListenOn(in_addr_t host, std::string& url) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(host);
  EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  EXPECT_EQ(::listen(socket, 16), 0);
  socklen_t size = sizeof(address);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  return socket;
}

TEST_F(LarderdLifeTest, LastClientCannotGoWhileNamespacesAreTrustedBeyondThisMachine) {
  Json config = Json::parse(std::ifstream(dir_ / "config.json"));
  config["gateway"]["isolation"] = "namespace";
  config["gateway"]["clients"]["app"] = {{"key_sha256", std::string(64, '0')}};
  std::ofstream(dir_ / "config.json") << config;
  std::string url;
  const int socket = ListenOn(INADDR_ANY, url);
  Service service(dir_, {notify_}, socket);
  ASSERT_EQ(manager_.Next(), "READY=1");
  const ProgramEnd end = RunProgram(
      {.words = {CACHECTL_PROGRAM, "--socket", dir_ / "data/admin.sock", "client", "rm", "app"}});
  EXPECT_EQ(end.exit_status, 2);
  EXPECT_THAT(end.err, HasSubstr("gateway.clients"));
  EXPECT_EQ(Ask(url, "POST", "/v1/chat/completions", "{}").status, 401);
  service.Signal(SIGTERM);
  EXPECT_EQ(service.End(), 0);
  ::close(socket);
}

TEST_F(LarderdLifeTest, CallersWaitInTheSocketThatIsHandedOverWhileItRestarts) {
  std::string url;
  const int socket = ListenOn(INADDR_LOOPBACK, url);
  WireClient early(url);
  early.SendRequest("GET", "/healthz");
  for (int i = 0; i < 2; ++i) {
    Service service(dir_, {notify_}, socket);
    EXPECT_EQ(early.Read().status, 200);
    EXPECT_EQ(Ask(url, "GET", "/readyz").status, 200);
    service.Signal(SIGTERM);
    EXPECT_EQ(service.End(), 0);
    early = WireClient(url);
    early.SendRequest("GET", "/healthz");
  }
  ::close(socket);
}

TEST(InitSystemTest, ForeignOrMalformedVariablesMeanNothing) {
  const auto read = [](const char* name, const char* value) {
    ::setenv(name, value, 1);
    return gateway::InitSystem::FromEnvironment();
  };
  EXPECT_FALSE(read("WATCHDOG_USEC", "soon").watchdog());
  EXPECT_FALSE(read("WATCHDOG_USEC", "0").watchdog());
  EXPECT_FALSE(read("WATCHDOG_USEC", "-5").watchdog());
  EXPECT_EQ(read("WATCHDOG_USEC", "5").watchdog(), std::chrono::microseconds(5));
  EXPECT_FALSE(read("LISTEN_FDS", "1").socket()) << "for whom is not said";
  ::setenv("LISTEN_PID", "1", 1);
  EXPECT_FALSE(read("LISTEN_FDS", "1").socket());
  EXPECT_EQ(::getenv("LISTEN_FDS"), nullptr) << "it is not for our children";
  read("NOTIFY_SOCKET", "/no/such/socket").Notify("READY=1");
}

// It is due at once, so that it stands in the queue behind what stops it.
TEST(HeartbeatTest, BeatThatIsDueWhenItIsStoppedIsTheLast) {
  ::setenv("WATCHDOG_USEC", "1", 1);
  const gateway::InitSystem manager = gateway::InitSystem::FromEnvironment();
  boost::asio::io_context control(1);
  gateway::Heartbeat heartbeat(control, manager);
  heartbeat.Start({});
  boost::asio::post(control, [&] { heartbeat.Stop(); });
  control.run_for(std::chrono::seconds(10));
  EXPECT_TRUE(control.stopped()) << "it never ends";
}

// As logrotate does.
TEST(LarderdLogTest, GoesOnInANewFileWhenTheOldOneIsMovedAwayAndNoStreamBreaks) {
  Gate begun;
  Gate go;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/plain");
    exchange.Chunk("first");
    begun.Open();
    go.Wait();
    exchange.EndChunks();
  });
  GatewayFixture gateway(upstream.base_url(), {{"logging", R"({"file": "larderd.log"})"}});
  const std::filesystem::path file = gateway.directory() / "larderd.log";
  WireClient caller(gateway.url());
  caller.SendRequest("GET", "/v1/slow");
  ASSERT_TRUE(begun.Wait());
  int moved = 0;
  for (const int number : {SIGUSR1, SIGHUP}) {
    std::filesystem::rename(file, file.string() + "." + std::to_string(++moved));
    gateway.process().Signal(number);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (!std::filesystem::exists(file)) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::yield();
    }
  }
  go.Open();
  WireAnswer answer = caller.ReadHead();
  caller.ReadRest(answer);
  EXPECT_TRUE(answer.whole);
  gateway.process().Signal(SIGQUIT);
  EXPECT_EQ(gateway.process().Wait().exit_status, 0) << "it drains";
  const auto text = [](const std::string& name) {
    std::ifstream stream(name);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  EXPECT_THAT(text(file.string() + ".1"), HasSubstr("listening"));
  EXPECT_THAT(text(file), HasSubstr("draining"));
  EXPECT_THAT(text(file.string() + ".2"), Not(HasSubstr("draining")));
}

TEST(LarderdDrainTest, WhatDoesNotEndInTimeIsCutOff) {
  Gate begun;
  FakeUpstream upstream([&](UpstreamExchange& exchange) {
    exchange.BeginChunks(200, "text/plain");
    exchange.Chunk("first");
    begun.Open();
    exchange.WaitForHangUp();
  });
  GatewayFixture gateway(upstream.base_url(), {{"gateway", R"({"drain_timeout": "100ms"})"}});
  WireClient caller(gateway.url());
  caller.SendRequest("GET", "/v1/endless");
  ASSERT_TRUE(begun.Wait());
  gateway.process().Signal(SIGTERM);
  WireAnswer answer = caller.ReadHead();
  caller.ReadRest(answer);
  EXPECT_FALSE(answer.whole);
  const Ended end = gateway.process().Wait();
  EXPECT_EQ(end.exit_status, 0);
  EXPECT_THAT(end.err, HasSubstr("cutting off what still runs"));
}

}  // namespace
}  // namespace larder::testing
