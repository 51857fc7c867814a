package agent_test

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/agent"
)

// TestPinnedCertificate: a client that pins the agent's certificate reaches it, and nobody else does.
func TestPinnedCertificate(t *testing.T) {
	var certificates []tls.Certificate
	for range 2 {
		cert, key, err := agent.SelfSigned()
		if err != nil {
			t.Fatal(err)
		}
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		certificates = append(certificates, c)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "https://" + l.Addr().String()
	startOn(t, tls.NewListener(l, &tls.Config{Certificates: certificates[:1]}), &fake{}, agent.Options{})
	c := open(t, address+"#sha256="+agent.Fingerprint(certificates[0]), agent.ClientOptions{})
	results := 0
	if err := c.Measure(t.Context(), jobs(t, 1, 5), func(i int, m engine.Measurement) { results++; checkMeasurement(t, i+1, m) }); err != nil || results != 5 {
		t.Errorf("%v, %d results", err, results)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	for where, want := range map[string]string{
		address + "#sha256=" + agent.Fingerprint(certificates[1]): "not the one that was given", address: "certificate",
	} {
		if _, err := agent.Open(t.Context(), where, agent.ClientOptions{Token: token}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", where, err, want)
		}
	}
}

// TestToken: the variable comes first, a file has one token, and nothing is said of it in errors.
func TestToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	t.Setenv(agent.TokenVariable, "")
	t.Setenv(agent.TokenFileVariable, "")
	if _, err := agent.Token(); err != agent.ErrNoToken {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{"secret\n": "secret", "two secrets": "", "": ""} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(agent.TokenFileVariable, path)
		if got, err := agent.Token(); got != want || (err == nil) != (want != "") || err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	t.Setenv(agent.TokenVariable, "first")
	if got, err := agent.Token(); got != "first" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
