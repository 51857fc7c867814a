package lut

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Energy returns the energy of a run in nanojoules as a function of genes: the sum of what each operator was measured to
// take, or, when watts is above 0, that of a device that draws this constant power for as long as each operator runs. Like
// Sum it refuses a table that lacks operators; one that lacks energies is a *NoEnergyError.
func (t *Table) Energy(net *supernet.Net, watts float64) (*space.Sum, error) {
	if watts != 0 && !(watts > 0 && watts <= 1e5) {
		return nil, fmt.Errorf("a power of %v W, want one above 0 and at most 100000", watts)
	}
	if _, err := t.Sum(net); err != nil {
		return nil, err
	}
	if watts > 0 {
		return t.sum(net, watts)
	}
	lacking := &NoEnergyError{}
	told := map[supernet.ID]bool{}
	sum, err := net.Sum(t.Header.Rules, func(id supernet.ID) int64 {
		r := &t.Rows[id]
		if r.Energy <= 0 && !r.Elided && !told[id] {
			told[id] = true
			lacking.Keys = append(lacking.Keys, r.Key)
		}
		return r.Energy
	})
	if len(lacking.Keys) > 0 {
		return nil, lacking
	}
	return sum, err
}

// NoEnergyError lists operators whose energy a table does not have.
type NoEnergyError struct{ Keys []string }

// Error names the first one and the remedies.
func (e *NoEnergyError) Error() string {
	return fmt.Sprintf("latency table has no energy of %d operators, such as %s; profile with a device that tells it, with --meter, or state a constant power", len(e.Keys), e.Keys[0])
}
