package gen

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/space"
)

// How long the cause of a failed proof is looked for.
const (
	maxRounds = 8
	maxSearch = 30 * time.Second
)

// settled is a package that is proved as far as it can be.
type settled struct {
	compiled *Compiled
	view     *view.Package
	proof    *model.Proof
	frozen   []config.Frozen // by the proof
}

// settle proves a package. Where that fails, the choices that are the cause are frozen, and the package is made and proved again.
func (j Job) settle(c *Compiled, p *view.Package) (*settled, error) {
	s := &settled{compiled: c, view: p}
	start := time.Now()
	for round := 0; ; round++ {
		if j.tamper != nil {
			j.tamper(s.view)
		}
		prover, err := s.compiled.Prove(s.view, model.ProofOptions{Full: j.Prove == ProveFull})
		if err != nil {
			return nil, fmt.Errorf("the package's tables and its networks disagree: %w", err)
		}
		s.proof = prover.Run()
		if len(s.proof.Wrong) == 0 {
			return s, nil
		}
		found := causes(prover, s.proof.Wrong, start.Add(maxSearch))
		if len(found) == 0 || round == maxRounds || time.Since(start) > maxSearch {
			return nil, unproved(s.proof.Wrong[0])
		}
		for _, f := range found {
			s.frozen = append(s.frozen, config.Frozen{Choice: string(s.compiled.Net.Choices[f.choice].Kind), Node: s.compiled.Net.NodeOf(f.choice), Why: "the proof failed: " + f.why})
		}
		j.frozen = s.frozen
		if s.compiled, err = j.Compile(); err != nil {
			return nil, errors.Join(unproved(s.proof.Wrong[0]), err)
		}
		if s.view, err = s.compiled.View(p.Name); err != nil {
			return nil, errors.Join(unproved(s.proof.Wrong[0]), err)
		}
	}
}

// unproved is the error of a package that would be wrong.
func unproved(m *model.Mistake) error {
	return fmt.Errorf("the package would be wrong, and no choice that can be frozen is the cause: %w; please report the model, and see --prove=off", m)
}

// cause is a choice without which a SubNet is right.
type cause struct {
	choice int
	why    string
}

// causes finds the choices that make SubNets wrong, by changing choices back to the original's while they stay wrong.
func causes(p *model.Prover, wrong []*model.Mistake, deadline time.Time) []cause {
	var out []cause
	for _, m := range wrong {
		g := slices.Clone(m.Genes)
		for _, c := range out {
			g[c.choice] = 0
		}
		if now := still(p, g); now == nil {
			continue
		} else {
			m = now
		}
		for {
			var smaller bool
			if m, smaller = halved(p, m, deadline); !smaller {
				break
			}
		}
		at := slices.IndexFunc(m.Genes, func(v uint8) bool { return v > 0 })
		if at < 0 {
			return nil // the original itself
		}
		out = append(out, cause{at, m.What})
		if time.Now().After(deadline) {
			break
		}
	}
	return out
}

// still returns what is wrong with a SubNet, nil when nothing is.
func still(p *model.Prover, g space.Genes) *model.Mistake {
	var m *model.Mistake
	if _, err := p.SubNet(g); errors.As(err, &m) {
		return m
	}
	return nil
}

// halved finds a SubNet that is still wrong with fewer changes: half of them, then single ones are taken back.
func halved(p *model.Prover, m *model.Mistake, deadline time.Time) (*model.Mistake, bool) {
	var changed []int
	for i, v := range m.Genes {
		if v > 0 {
			changed = append(changed, i)
		}
	}
	for size := len(changed) / 2; size > 0; size /= 2 {
		for from := 0; from < len(changed) && time.Now().Before(deadline); from += size {
			g := slices.Clone(m.Genes)
			for _, i := range changed[from:min(from+size, len(changed))] {
				g[i] = 0
			}
			if now := still(p, g); now != nil {
				return now, true
			}
		}
	}
	return m, false
}

// withFrozen is the config's text with what the proof froze, nil when that is nothing.
func (s *settled) withFrozen() ([]byte, error) {
	if len(s.frozen) == 0 {
		return nil, nil
	}
	text, err := infile.Read(s.compiled.Config.File, infile.Text)
	if err != nil {
		return nil, err
	}
	return config.AppendFrozen(text, s.frozen), nil
}

// notes are warnings of what the proof found.
func (s *settled) notes() []string {
	var out []string
	for _, f := range s.frozen {
		where := ""
		if f.Node != "" {
			where = fmt.Sprintf(" at node %q", f.Node)
		}
		out = append(out, fmt.Sprintf("%s is FROZEN%s, and %s now says so: %s", f.Choice, where, s.compiled.Config.File, f.Why))
	}
	return out
}
