#include "test_certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace larder::testing {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* thing) const {
    Free(thing);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Bio = std::unique_ptr<BIO, Deleter<BIO_free>>;

void Require(bool worked) {
  if (!worked) throw std::runtime_error("OpenSSL refused to make a certificate");
}

std::string Text(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

Bio Read(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

Certificate ReadCertificate(const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(Read(pem).get(), nullptr, nullptr, nullptr));
  Require(certificate != nullptr);
  return certificate;
}

Key ReadKey(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(Read(pem).get(), nullptr, nullptr, nullptr));
  Require(key != nullptr);
  return key;
}

void Extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  Require(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

void SetSubject(X509* certificate, const std::string& name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* bytes = reinterpret_cast<const unsigned char*>(name.c_str());
  Require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, bytes, -1, -1, 0) == 1);
}

// `issuer` null = itself.
Certified Make(const CertificateRequest& request, const Certified* issuer) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate(X509_new());
  Require(key != nullptr && certificate != nullptr);
  X509* made = certificate.get();
  X509_set_version(made, X509_VERSION_3);
  std::uint32_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial));
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(made), serial);
  X509_gmtime_adj(X509_getm_notBefore(made), std::chrono::seconds(request.from).count());
  X509_gmtime_adj(X509_getm_notAfter(made), std::chrono::seconds(request.to).count());
  X509_set_pubkey(made, key.get());
  SetSubject(made, request.name);
  const Certificate above = issuer == nullptr ? nullptr : ReadCertificate(issuer->certificate);
  X509* signer = issuer == nullptr ? made : above.get();
  X509_set_issuer_name(made, X509_get_subject_name(signer));
  Extend(made, signer, NID_basic_constraints, request.authority ? "critical,CA:TRUE" : "CA:FALSE");
  Extend(made, signer, NID_subject_key_identifier, "hash");
  if (request.authority) {
    Extend(made, signer, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    Extend(made, signer, NID_subject_alt_name, "DNS:" + request.name);
  }
  const Key signing = issuer == nullptr ? nullptr : ReadKey(issuer->key);
  Require(X509_sign(made, issuer == nullptr ? key.get() : signing.get(), EVP_sha256()) > 0);
  const Bio certificate_text(BIO_new(BIO_s_mem()));
  const Bio key_text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(certificate_text.get(), made);
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return {Text(certificate_text), Text(key_text)};
}

}  // namespace

Certified MakeSelfSigned(const CertificateRequest& request) { return Make(request, nullptr); }

Certified Issue(const Certified& issuer, const CertificateRequest& request) {
  return Make(request, &issuer);
}

std::string MakeRevocationList(const Certified& issuer, const std::vector<Certified>& revoked) {
  const std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>> list(X509_CRL_new());
  const Certificate above = ReadCertificate(issuer.certificate);
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(above.get()));
  const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> yesterday(
      X509_gmtime_adj(nullptr, -24L * 3600));
  const std::unique_ptr<ASN1_TIME, Deleter<ASN1_TIME_free>> tomorrow(
      X509_gmtime_adj(nullptr, 24L * 3600));
  X509_CRL_set1_lastUpdate(list.get(), yesterday.get());
  X509_CRL_set1_nextUpdate(list.get(), tomorrow.get());
  for (const Certified& one : revoked) {
    const Certificate certificate = ReadCertificate(one.certificate);
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
    X509_REVOKED_set_revocationDate(entry, yesterday.get());
    Require(X509_CRL_add0_revoked(list.get(), entry) == 1);
  }
  X509_CRL_sort(list.get());
  Require(X509_CRL_sign(list.get(), ReadKey(issuer.key).get(), EVP_sha256()) > 0);
  const Bio text(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_CRL(text.get(), list.get());
  return Text(text);
}

}  // namespace larder::testing
