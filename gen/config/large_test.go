package config

import (
	"strings"
	"testing"
	"time"
)

// TestMarkOfUTF8: a file may start with one.
func TestMarkOfUTF8(t *testing.T) {
	if c, err := Read("autotailor.toml", []byte("\ufefftitle = \"x\"\n")); err != nil || c.Title != "x" {
		t.Errorf("%q, %v", c.Title, err)
	}
}

// TestLargeFiles: long lists, many keys and long keys are refused in little time and with short messages.
func TestLargeFiles(t *testing.T) {
	const many = 300_000
	for _, c := range []struct{ text, want string }{
		{"[var.block_vars]\nexpand = [1" + strings.Repeat(",\n1.5", many) + "]\n", "autotailor.toml:2: var.block_vars.expand has more than 4096 values"},
		{"a" + strings.Repeat(".a", 100_000) + " = 1\n", "autotailor.toml:1: unknown key a.a."},
		{"[var.block_vars]\n" + strings.Repeat("x", many) + ".kernel = [3]\n", "autotailor.toml:2: unknown block xxx"},
	} {
		start := time.Now()
		_, err := Read("autotailor.toml", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 1000 {
			t.Errorf("%.60s: %.200v", c.text, err)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%.60s: %v", c.text, d)
		}
	}
}
