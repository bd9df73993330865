// TLS upstream: who is believed, and what is said where nobody is. Certificates are made here.
#include "curl_tls.h"

#include "tls_fixture.h"

namespace larder::client {
namespace {

using larder::testing::Certified;
using larder::testing::Issue;
using larder::testing::MakeRevocationList;
using larder::testing::MakeSelfSigned;
using larder::testing::TlsUpstream;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using std::chrono_literals::operator""h;

class CurlTlsTest : public TlsFixture {
 protected:
  void UseClientCertificate(const Certified& identity) {
    provider_.tls.client_certificate = Write("client.pem", identity.certificate);
    provider_.tls.client_key = *Secret::Parse("${file:" + Write("client.key", identity.key) + "}");
  }
};

TEST_F(CurlTlsTest, CertificateOfOurOwnAuthorityIsTrusted) {
  const TlsUpstream upstream({.identity = Issue(root_, {})});
  EXPECT_THAT(Ask(upstream), StartsWith("sni=localhost host=localhost:"));
}

// As much as is read at a time; the rest of its record stays with OpenSSL, where no socket tells.
TEST_F(CurlTlsTest, AnAnswerTooManyIsNobodys) {
  const TlsUpstream upstream({.identity = Issue(root_, {}),
                              .answer_bytes = 8192,
                              .leftover = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"});
  EXPECT_THAT(Ask(upstream), StartsWith("sni=localhost"));
  EXPECT_THAT(Ask(upstream), StartsWith("sni=localhost"));
  EXPECT_EQ(upstream.connections(), 2);
}

TEST_F(CurlTlsTest, ConnectionWithNothingLeftIsUsedAgain) {
  const TlsUpstream upstream({.identity = Issue(root_, {}), .answer_bytes = 8192});
  EXPECT_THAT(Ask(upstream), StartsWith("sni=localhost"));
  EXPECT_THAT(Ask(upstream), StartsWith("sni=localhost"));
  EXPECT_EQ(upstream.connections(), 1);
}

TEST_F(CurlTlsTest, CertificateOfNobodyWeKnowIsRefused) {
  const TlsUpstream upstream({.identity = Issue(MakeSelfSigned({.name = "other"}), {})});
  EXPECT_EQ(
      Ask(upstream),
      "upstream's certificate is refused: unable to get local issuer certificate; tls.ca_file "
      "names the authorities to trust");
  EXPECT_EQ(upstream.connections(), 0);
}

TEST_F(CurlTlsTest, OwnAuthorityStandsInPlaceOfTheSystems) {
  provider_.tls.ca_file.clear();
  const TlsUpstream upstream({.identity = Issue(root_, {})});
  EXPECT_THAT(Ask(upstream), HasSubstr("refused: unable to get local issuer certificate"));
}

TEST_F(CurlTlsTest, SelfSignedCertificateIsRefusedUnlessItIsNamed) {
  const TlsUpstream upstream({.identity = MakeSelfSigned({})});
  EXPECT_THAT(Ask(upstream), StartsWith("upstream's certificate is refused: self-signed "
                                        "certificate; tls.ca_file names"));
}

TEST_F(CurlTlsTest, CertificateThatIsOverOrNotYetValidIsRefused) {
  const TlsUpstream expired({.identity = Issue(root_, {.from = -48h, .to = -24h})});
  EXPECT_EQ(Ask(expired), "upstream's certificate is refused: certificate has expired");
  service_.reset();
  const TlsUpstream early({.identity = Issue(root_, {.from = 24h, .to = 48h})});
  EXPECT_EQ(Ask(early), "upstream's certificate is refused: certificate is not yet valid");
}

TEST_F(CurlTlsTest, CertificateForAnotherNameIsRefused) {
  const TlsUpstream upstream({.identity = Issue(root_, {.name = "api.example.com"})});
  EXPECT_EQ(Ask(upstream),
            "upstream's certificate is for another name than `localhost`; tls.server_name says "
            "which it must be for");
}

TEST_F(CurlTlsTest, ServerNameIsSentAndChecked) {
  provider_.tls.server_name = "api.example.com";
  const TlsUpstream upstream({.identity = Issue(root_, {.name = "api.example.com"})});
  EXPECT_EQ(Ask(upstream), "sni=api.example.com host=localhost:" + std::to_string(upstream.port()) +
                               " authorization=none client=none\n");
  service_.reset();
  const TlsUpstream other({.identity = Issue(root_, {})});
  EXPECT_THAT(Ask(other), HasSubstr("for another name than `api.example.com`"));
}

TEST_F(CurlTlsTest, RevokedCertificateIsRefusedAnywhereInTheChain) {
  const Certified between = Issue(root_, {.name = "between", .authority = true});
  const Certified good = Issue(between, {});
  const Certified bad = Issue(between, {});
  const std::string none = MakeRevocationList(root_, {});
  provider_.tls.crl_file = Write("crl.pem", none + MakeRevocationList(between, {bad}));
  const TlsUpstream upstream({.identity = good, .chain = between.certificate});
  EXPECT_THAT(Ask(upstream), StartsWith("sni=localhost"));
  service_.reset();
  const TlsUpstream revoked({.identity = bad, .chain = between.certificate});
  EXPECT_EQ(Ask(revoked), "upstream's certificate is refused: certificate revoked");
  service_.reset();
  Write("crl.pem", MakeRevocationList(root_, {between}) + MakeRevocationList(between, {}));
  const TlsUpstream again({.identity = good, .chain = between.certificate});
  EXPECT_EQ(Ask(again), "upstream's certificate is refused: certificate revoked");
  service_.reset();
  Write("crl.pem", none);
  EXPECT_EQ(Ask(again),
            "upstream's certificate is refused: unable to get certificate CRL; tls.crl_file must "
            "have a list of each authority of the chain");
}

TEST_F(CurlTlsTest, OldVersionsOfTlsAreNotSpoken) {
  const TlsUpstream old({.identity = Issue(root_, {}), .most_version = TLS1_1_VERSION});
  EXPECT_THAT(Ask(old), AllOf(StartsWith("TLS with the upstream failed: "),
                              HasSubstr("TLS 1.2 or later is needed")));
  service_.reset();
  const TlsUpstream enough({.identity = Issue(root_, {}), .most_version = TLS1_2_VERSION});
  EXPECT_THAT(Ask(enough), StartsWith("sni=localhost"));
}

TEST_F(CurlTlsTest, ServerThatWantsACertificateOfOursGetsIt) {
  const Certified client = Issue(root_, {.name = "gateway"});
  UseClientCertificate(client);
  const TlsUpstream upstream({.identity = Issue(root_, {}), .client_issuer = root_.certificate});
  EXPECT_THAT(Ask(upstream), HasSubstr("client=gateway\n"));
}

// With TLS 1.3 it refuses us after our handshake: the request may meet a closed connection first,
// or the refusal be read in place of an answer.
TEST_F(CurlTlsTest, ServerThatWantsACertificateAndGetsNoneIsUnderstood) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TlsUpstream upstream({.identity = Issue(root_, {}),
                                .most_version = version,
                                .client_issuer = root_.certificate});
    for (int i = 0; i < 20; ++i) {
      service_.reset();
      EXPECT_THAT(Ask(upstream), AllOf(StartsWith("TLS with the upstream failed: "),
                                       EndsWith("it asked for a certificate of ours and got none: "
                                                "tls.client_certificate names it")));
    }
  }
}

TEST_F(CurlTlsTest, CertificateIsOnlyMissedWhereItWasAskedFor) {
  const TlsUpstream upstream({.identity = Issue(root_, {}), .most_version = TLS1_1_VERSION});
  EXPECT_THAT(Ask(upstream), Not(HasSubstr("client_certificate")));
}

TEST_F(CurlTlsTest, RenewedClientCertificateIsUsedByTheNextCallAndTheOldConnectionIsClosed) {
  UseClientCertificate(Issue(root_, {.name = "first"}));
  TlsUpstream upstream({.identity = Issue(root_, {}), .client_issuer = root_.certificate});
  EXPECT_THAT(Ask(upstream), HasSubstr("client=first\n"));
  EXPECT_THAT(Ask(upstream), HasSubstr("client=first\n"));
  EXPECT_EQ(upstream.connections(), 1);
  UseClientCertificate(Issue(root_, {.name = "second"}));  // the same files
  EXPECT_THAT(Ask(upstream), HasSubstr("client=second\n"));
  EXPECT_TRUE(upstream.WaitForClosed(1));
}

TEST_F(CurlTlsTest, FilesThatAreNoneAreNamed) {
  const TlsUpstream upstream({.identity = Issue(root_, {})});
  provider_.tls.ca_file = "/no/such/file";
  EXPECT_EQ(Ask(upstream),
            "providers.a: tls.ca_file: cannot read `/no/such/file`: No such file or directory");
  provider_.tls.ca_file = Write("junk", "hunter2");
  EXPECT_EQ(Ask(upstream), "tls.ca_file holds no certificates in PEM");
  service_.reset();
  provider_.tls.ca_file = Write("root.pem", root_.certificate);
  provider_.tls.crl_file = Write("junk", "hunter2");
  EXPECT_EQ(Ask(upstream), "tls.crl_file holds no lists of revoked certificates in PEM");
  service_.reset();
  provider_.tls.crl_file.clear();
  UseClientCertificate({.certificate = Issue(root_, {}).certificate, .key = Issue(root_, {}).key});
  EXPECT_EQ(Ask(upstream),
            "tls.client_certificate and tls.client_key are no certificate and its key in PEM");
  provider_.tls.client_key = *Secret::Parse("${file:/no/such/key}");
  service_.reset();
  EXPECT_THAT(Ask(upstream), AllOf(StartsWith("no certificate for provider a: tls.client_key"),
                                   HasSubstr("/no/such/key")));
}

}  // namespace
}  // namespace larder::client
