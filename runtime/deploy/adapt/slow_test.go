package adapt_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/httpguard"
	"github.com/autotailor/autotailor/internal/httpguard/slowclients"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
)

// TestSlowClients: 2,000 connections that send next to nothing do not keep the service from clients that work.
func TestSlowClients(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	s, _ := service(t, adapt.Options{Workers: 1})
	web := httptest.NewUnstartedServer(nil)
	web.Config = httpguard.Server(adapt.Handler(s, transform), httpguard.Options{Local: true, Refuse: adapt.Refuse})
	web.Start()
	t.Cleanup(web.Close)
	client, body, address := http.Client{Timeout: 30 * time.Second}, picture(t), web.Listener.Addr().String()
	slowclients.Beside(t, address, 2000, 2000, func() error {
		r, err := client.Post("http://"+address+"/predict", "image/png", bytes.NewReader(body))
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
