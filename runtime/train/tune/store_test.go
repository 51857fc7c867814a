package tune

import (
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestEveryFamilyTrains: the store has what the trainer asks for, of the largest and of the smallest SubNet; also tables of indices, which
// LeViT's attention reads.
func TestEveryFamilyTrains(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, net := range families.All() {
		s, err := newStore(net, families.Model(t, net), true)
		if err != nil {
			t.Fatalf("%s: %v", net.Package, err)
		}
		largest, smallest := space.Ends(net.Choices)
		for _, genes := range []space.Genes{largest, smallest} {
			g, err := net.Record(genes)
			if err != nil {
				t.Fatal(err)
			}
			training, err := embedded.New(embedded.Options{}).Train(g, s.params)
			if err != nil {
				t.Errorf("%s: %v", net.Package, err)
				continue
			}
			if err := training.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
