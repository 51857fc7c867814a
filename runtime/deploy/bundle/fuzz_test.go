package bundle

import (
	"fmt"
	"path/filepath"
	"testing"
)

// FuzzListed: what is no list is an error, and what is one is written and read again.
func FuzzListed(f *testing.F) {
	f.Add(`{"package":"p","subnets":[{"subnet":"original","tensors":{"a":0,"b":1}}],"lengths":[2,1]}`, 12)
	f.Add(`{"subnets":[{"subnet":"original","tensors":{"a":-1}}],"lengths":[1]}`, 4)
	f.Add(`{"lengths":[9223372036854775807]}`, 8)
	f.Fuzz(func(t *testing.T, head string, numbers int) {
		l, err := decodeListed(sealed([]byte(head), make([]byte, min(max(numbers, 0), 1<<16))))
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "a.stats")
		if err := l.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		again, err := ReadListed(path)
		if err != nil || again.Len() != l.Len() || fmt.Sprint(again.Of) != fmt.Sprint(l.Of) {
			t.Errorf("%v %d %d", err, again.Len(), l.Len())
		}
	})
}
