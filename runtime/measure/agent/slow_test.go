package agent_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/httpguard/slowclients"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/measure/agent"
)

// TestSlowClients: 2,000 connections that send next to nothing do not keep the agent from clients that work.
func TestSlowClients(t *testing.T) {
	needs.Time(t)
	address, _ := start(t, &fake{}, agent.Options{})
	client := http.Client{Timeout: 30 * time.Second}
	slowclients.Beside(t, strings.TrimPrefix(address, "http://"), 2000, 8000, func() error {
		q, err := http.NewRequest(http.MethodGet, address+"/v1/device", nil)
		if err != nil {
			return err
		}
		q.Header.Set("Authorization", "Bearer "+token)
		r, err := client.Do(q)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if text, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d, %s, %v", r.StatusCode, text, err)
		}
		return nil
	})
}
