#include "tls_upstream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string_view>

namespace larder::testing {
namespace {

X509* ReadCertificate(const std::string& pem) {
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return certificate;
}

void UseIdentity(SSL_CTX* context, const Certified& identity) {
  X509* certificate = ReadCertificate(identity.certificate);
  BIO* bio = BIO_new_mem_buf(identity.key.data(), static_cast<int>(identity.key.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  const bool worked = SSL_CTX_use_certificate(context, certificate) == 1 &&
                      SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  BIO_free(bio);
  X509_free(certificate);
  if (!worked) throw std::runtime_error("not a certificate and its key");
}

std::string SubjectOf(SSL* ssl) {
  const X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return "none";
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
  return name;
}

std::string Field(std::string_view head, const std::string& name) {
  const std::string begin = "\r\n" + name + ": ";
  const std::size_t at = head.find(begin);
  if (at == head.npos) return "none";
  head.remove_prefix(at + begin.size());
  return std::string(head.substr(0, head.find('\r')));
}

}  // namespace

TlsUpstream::TlsUpstream(const TlsUpstreamOptions& options)
    : answer_bytes_(options.answer_bytes),
      leftover_(options.leftover),
      context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX* context = context_.get();
  UseIdentity(context, options.identity);
  if (!options.chain.empty()) SSL_CTX_add_extra_chain_cert(context, ReadCertificate(options.chain));
  if (options.most_version != 0) {
    SSL_CTX_set_security_level(context, 0);  // or it would refuse to speak it
    SSL_CTX_set_min_proto_version(context, options.most_version);
    SSL_CTX_set_max_proto_version(context, options.most_version);
  }
  if (!options.client_issuer.empty()) {
    X509* issuer = ReadCertificate(options.client_issuer);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), issuer);
    X509_free(issuer);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 16) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no port");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { AcceptLoop(); });
}

TlsUpstream::~TlsUpstream() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) thread.join();
  ::close(listener_);
}

int TlsUpstream::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

bool TlsUpstream::WaitForClosed(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::minutes(1),
                           [this, count] { return closed_ >= count; });
}

void TlsUpstream::AcceptLoop() {
  while (true) {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    if (socket < 0 || stopping_) {
      if (socket >= 0) ::close(socket);
      return;
    }
    sockets_.push_back(socket);
    threads_.emplace_back([this, socket] { Serve(socket); });
  }
}

void TlsUpstream::Serve(int socket) {
  SSL* ssl = SSL_new(context_.get());
  SSL_set_fd(ssl, socket);
  const bool secured = SSL_accept(ssl) == 1;
  {
    const std::lock_guard lock(mutex_);
    if (secured) ++connections_;
  }
  if (secured) Talk(ssl);
  SSL_free(ssl);
  const std::lock_guard lock(mutex_);
  sockets_.remove(socket);
  ::close(socket);
  if (secured) ++closed_;
  changed_.notify_all();
}

void TlsUpstream::Talk(SSL* ssl) const {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const std::string sni = name == nullptr ? "none" : name;
  std::string text;
  char piece[4096];
  while (true) {
    const int got = SSL_read(ssl, piece, sizeof(piece));
    if (got <= 0) return;
    text.append(piece, static_cast<std::size_t>(got));
    if (text.find("\r\n\r\n") == text.npos) continue;
    std::string body = "sni=" + sni + " host=" + Field(text, "Host") +
                       " authorization=" + Field(text, "authorization") +
                       " client=" + SubjectOf(ssl) + "\n";
    const std::string head = "HTTP/1.1 200 OK\r\ncontent-length: ";
    // The length has four digits then.
    const std::size_t filled =
        answer_bytes_ < head.size() + 8 ? 0 : answer_bytes_ - head.size() - 8;
    body.resize(std::max(body.size(), filled), ' ');
    const std::string answer = head + std::to_string(body.size()) + "\r\n\r\n" + body + leftover_;
    if (SSL_write(ssl, answer.data(), static_cast<int>(answer.size())) <= 0) return;
    text.clear();  // GET has no body
  }
}

}  // namespace larder::testing
