package view

import "testing"

// TestLeaders: blocks that use the weights of another one of their stage are built by its choices.
func TestLeaders(t *testing.T) {
	_, p := compiled(t, models["same weights"])
	var blocks []*Block
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if it.Block != nil {
				blocks = append(blocks, it.Block)
			}
		}
	}
	if len(blocks) != 4 || len(blocks[0].Genes) != 1 {
		t.Fatalf("%d blocks, the first with the choices %v", len(blocks), blocks[0].Genes)
	}
	for k, b := range blocks[1:] {
		want := blocks[0]
		if k == 2 { // of another stage
			want = nil
		}
		if len(b.Genes) != 0 || b.Leader != want {
			t.Errorf("block %d has the choices %v and the leader %v", k+1, b.Genes, b.Leader)
		}
	}
	runs := 0
	for _, s := range p.Sections {
		for _, piece := range s.Pieces {
			if piece.Run != nil && piece.Run.Instances[0].Block == blocks[1] {
				runs++
				if got := piece.Run.Receiver(s.Stage); got != "s.Blocks[0]" || len(piece.Run.Instances) != 2 {
					t.Errorf("%d blocks are built by %s", len(piece.Run.Instances), got)
				}
			}
		}
	}
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
}
