package agent

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Fingerprint is the SHA-256 digest of a certificate, hexadecimal: what a client pins with https://HOST:PORT#sha256=FINGERPRINT.
func Fingerprint(c tls.Certificate) string {
	sum := sha256.Sum256(c.Certificate[0])
	return hex.EncodeToString(sum[:])
}

// SelfSigned makes a certificate and its key, PEM encoded, for clients that pin it.
func SelfSigned() (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "autotailor agent"}, DNSNames: []string{"autotailor-agent"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// pinned returns a transport for u. With a fingerprint in u's fragment the server must show that certificate, and nothing
// else of it is looked at: neither its name nor who signed it.
func pinned(u *url.URL) (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ForceAttemptHTTP2 = false
	if u.Fragment == "" {
		return t, nil
	}
	text, ok := strings.CutPrefix(u.Fragment, "sha256=")
	want, err := hex.DecodeString(text)
	if !ok || err != nil || len(want) != sha256.Size || u.Scheme != "https" {
		return nil, fmt.Errorf("agent: %q is not a fingerprint; write https://HOST:PORT#sha256=, then the 64 digits that the agent prints", u.Fragment)
	}
	t.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS13,
		InsecureSkipVerify: true, // VerifyConnection compares the whole certificate instead
		VerifyConnection: func(s tls.ConnectionState) error {
			if len(s.PeerCertificates) == 0 {
				return errors.New("the agent shows no certificate")
			}
			if sum := sha256.Sum256(s.PeerCertificates[0].Raw); !bytes.Equal(sum[:], want) {
				return fmt.Errorf("the agent's certificate has the fingerprint %x, not the one that was given", sum)
			}
			return nil
		},
	}
	return t, nil
}
