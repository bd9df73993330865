// TestCertificates: a certificate authority for tests, in memory.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace larder::testing {

// A certificate and its key, in PEM.
struct Certified {
  std::string certificate;
  std::string key;
};

struct CertificateRequest {
  std::string name = "localhost";  // the subject, and the host it is for
  bool authority = false;          // may issue others
  // The validity, from now.
  std::chrono::hours from = std::chrono::hours(-24);
  std::chrono::hours to = std::chrono::hours(24);
};

Certified MakeSelfSigned(const CertificateRequest& request);
Certified Issue(const Certified& issuer, const CertificateRequest& request);
// What `issuer` says is revoked, in PEM.
std::string MakeRevocationList(const Certified& issuer, const std::vector<Certified>& revoked);

}  // namespace larder::testing
