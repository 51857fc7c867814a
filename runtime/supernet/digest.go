package supernet

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"github.com/autotailor/autotailor/runtime/space"
)

// Digest identifies n's choices, operators and sites: latency tables are valid for one digest.
// MACs do not count, they follow from the operators.
func Digest(n *Net) string {
	d := digester{sha256.New()}
	d.text("autotailor supernet 1")
	d.choices(n.Choices)
	d.number(len(n.Ops))
	for _, op := range n.Ops {
		d.text(op.Steps, op.In, op.Params, op.Out)
	}
	d.number(len(n.Rules))
	for _, r := range n.Rules {
		d.text(r.Name)
		d.sites(r.Sites)
	}
	return d.sum()
}

// SpaceDigest identifies n's choices only: accuracy tables are valid for one source and space digest.
func SpaceDigest(n *Net) string {
	d := digester{sha256.New()}
	d.text("autotailor space 1")
	d.choices(n.Choices)
	return d.sum()
}

// digester hashes values so that different sequences of them hash differently: lengths come first.
type digester struct{ h hash.Hash }

func (d digester) sum() string { return hex.EncodeToString(d.h.Sum(nil)) }

func (d digester) number(n int) {
	d.h.Write(binary.AppendUvarint(nil, uint64(n)))
}

func (d digester) text(ss ...string) {
	for _, s := range ss {
		d.number(len(s))
		d.h.Write([]byte(s))
	}
}

func (d digester) choices(cs []space.Choice) {
	d.number(len(cs))
	for _, c := range cs {
		d.text(c.Name, c.Kind)
		d.number(len(c.Values))
		d.text(c.Values...)
		d.need(c.Live)
	}
}

func (d digester) need(n space.Need) {
	d.h.Write([]byte{n.Gene, n.Below})
}

func (d digester) sites(sites []Site) {
	d.number(len(sites))
	for _, s := range sites {
		d.text(s.Name, string(s.Deps))
		d.need(s.Live)
		d.number(len(s.Ops))
		ids := make([]byte, 0, 4*len(s.Ops))
		for _, id := range s.Ops {
			ids = binary.LittleEndian.AppendUint32(ids, id)
		}
		d.h.Write(ids)
	}
}
