#include "nginx_process.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

namespace larder::testing {
namespace {

// Where a new nginx finds the sockets that an old one hands over to it.
constexpr int kHandedOver = 3;

std::string MainPart() {
  // Else its workers give up root's rights, and cannot write in a test's folder.
  const std::string user = ::geteuid() == 0 ? "user root;\n" : "";
  return user +
         "daemon off;\nworker_processes 1;\npid nginx.pid;\nerror_log error.log;\n"
         "events { }\nhttp {\naccess_log off;\nclient_body_temp_path body;\n"
         "proxy_temp_path proxy;\nfastcgi_temp_path fastcgi;\nuwsgi_temp_path uwsgi;\n"
         "scgi_temp_path scgi;\n";
}

// Only what may run between fork and exec in a program with threads.
[[noreturn]] void BecomeNginx(const char* program, const char* folder, int socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  ::dup2(socket, kHandedOver);
  const char* arguments[] = {"nginx", "-p", folder, "-c", "nginx.conf", "-e", "error.log", nullptr};
  const char* environment[] = {"NGINX=3;", nullptr};
  ::execve(program, const_cast<char**>(arguments), const_cast<char**>(environment));
  ::_exit(126);
}

}  // namespace

std::string NginxProcess::Program() {
  for (const char* program : {"/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"}) {
    if (::access(program, X_OK) == 0) return program;
  }
  return "";
}

NginxProcess::NginxProcess() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (::bind(socket_, raw, size) != 0 || ::listen(socket_, 128) != 0 ||
      ::getsockname(socket_, raw, &size) != 0) {
    throw std::runtime_error("no socket for nginx");
  }
  port_ = ntohs(address.sin_port);
}

NginxProcess::~NginxProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  ::close(socket_);
}

void NginxProcess::Start(const std::string& folder, const std::string& http) {
  folder_ = folder;
  std::ofstream(folder + "/nginx.conf") << MainPart() << http << "}\n";
  const std::string program = Program();
  pid_ = ::fork();
  if (pid_ == 0) BecomeNginx(program.c_str(), folder.c_str(), socket_);
}

std::string NginxProcess::ErrorText() const {
  std::ifstream file(folder_ + "/error.log", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace larder::testing
