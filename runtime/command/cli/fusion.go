package cli

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/runtime/measure/profile"
)

// fused is the result of `fusion`.
type fused struct {
	Engine    string             `json:"engine"`
	Version   string             `json:"version"`
	Rules     string             `json:"rules"`
	Sequences []profile.Sequence `json:"sequences"`
	File      string             `json:"rules_file,omitempty"` // content of a file with the rules that would agree
}

func runFusion(c *call) error {
	latencies := c.flags.String("lut", "", "`file` with latencies, from profile")
	if err := c.parse("lut"); err != nil {
		return err
	}
	t, err := c.latencies(*latencies)
	if err != nil {
		return err
	}
	r := fused{Engine: t.Header.Engine, Version: t.Header.Version, Rules: t.Header.Rules}
	if r.Sequences, err = profile.Fusion(t, c.net); err != nil {
		return err
	}
	if r.File, err = profile.RulesFile(t, c.net); err != nil {
		return err
	}
	if *c.json {
		return c.print(r)
	}
	if len(r.Sequences) == 0 {
		_, err := fmt.Fprintf(c.out, "the table does not tell which operators %s runs as one kernel; profile with --method covering\n", r.Engine)
		return err
	}
	fmt.Fprintf(c.out, "%s %s, fusion rules %q:\n", r.Engine, r.Version, r.Rules)
	for _, s := range r.Sequences {
		what, differs := "one kernel", ""
		if !s.Joined {
			what = "apart"
		}
		if s.Differs() {
			differs = "  differs from the rules"
		}
		fmt.Fprintf(c.out, "%8d  %-10s  %s%s\n", s.Count, what, strings.Join(s.Operators, " "), differs)
	}
	if r.File != "" {
		fmt.Fprintf(c.out, "\nThese rules agree with the runtime; name a file with them in the config's `fusion`, generate the package and profile again:\n\n%s", r.File)
	}
	return nil
}
