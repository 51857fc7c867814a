package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Listed are the statistics of SubNets that were counted, verified or put on a front: means and variances of their batch normalisations, as they
// were when accuracies were counted. An export of such a SubNet needs neither the data set nor a sample of it. gen/doc/statistics.md has the format.
type Listed struct {
	Of      Circumstances
	subnets []listed    // the oldest first
	tensors [][]float32 // each once: SubNets share those before the first place where they differ
	known   map[[sha256.Size]byte]int
	dropped int // SubNets for which there was no room
}

// Circumstances are what statistics depend on beside the SubNet.
type Circumstances struct {
	Package string `json:"package"`
	Digest  string `json:"digest"`  // of the package's operator table
	Weights string `json:"weights"` // SHA-256 of the weights' file
	Model   string `json:"model"`   // that file's name
	Data    string `json:"data"`    // digest of the images that statistics come from
	Images  int    `json:"images"`  // how many these are
	Input   string `json:"input"`   // how images become input, see data.Transform.String
}

// listed is a SubNet with the tensors of its statistics, by the names of their parameters.
type listed struct {
	SubNet  string         `json:"subnet"`
	Tensors map[string]int `json:"tensors"`
}

// listedHead is the line of JSON of a file.
type listedHead struct {
	Circumstances
	SubNets []listed `json:"subnets"`
	Lengths []int    `json:"lengths"` // of the tensors
}

// MaxListed bounds the numbers of a file, in bytes. Where more are added, the oldest SubNets go.
const MaxListed = 64 << 20

const (
	listedFormat = "autotailor statistics 1\n"
	maxHead      = 16 << 20 // bytes of the line of JSON
)

// NewListed returns an empty list.
func NewListed(of Circumstances) *Listed {
	return &Listed{Of: of, known: map[[sha256.Size]byte]int{}}
}

// Add lists the statistics of a SubNet, which is given in text form: the parameters' tensors, in the shapes that the SubNet has. What is listed of it
// already is replaced.
func (l *Listed) Add(subnet string, statistics map[string]nn.Tensor) {
	s := listed{subnet, map[string]int{}}
	for name, t := range statistics {
		s.Tensors[name] = l.number(t.Float32s())
	}
	l.subnets = append(slices.DeleteFunc(l.subnets, func(k listed) bool { return k.SubNet == s.SubNet }), s)
}

// Order puts the SubNets first that are given in text form, in this order; the others follow as they were listed.
func (l *Listed) Order(subnets []string) {
	at := map[string]int{}
	for i, s := range subnets {
		at[s] = i + 1
	}
	rank := func(s listed) int {
		if i := at[s.SubNet]; i > 0 {
			return i
		}
		return len(subnets) + 1
	}
	slices.SortStableFunc(l.subnets, func(a, b listed) int { return rank(a) - rank(b) })
}

// number returns the index of a tensor.
func (l *Listed) number(v []float32) int {
	key := sha256.Sum256(nn.Bytes(v))
	if k, ok := l.known[key]; ok {
		return k
	}
	l.known[key] = len(l.tensors)
	l.tensors = append(l.tensors, slices.Clone(v))
	return l.known[key]
}

// Len returns how many SubNets are listed.
func (l *Listed) Len() int { return len(l.subnets) }

// Dropped returns how many SubNets had no room in the file that was written last.
func (l *Listed) Dropped() int { return l.dropped }

// Full tells whether the list has hardly room for more: then what is missing in it may have been dropped.
func (l *Listed) Full() bool { return len(l.bytes()) > MaxListed/10*9 }

// Has tells whether a SubNet is listed.
func (l *Listed) Has(subnet string) bool { return l.index(subnet) >= 0 }

func (l *Listed) index(text string) int {
	return slices.IndexFunc(l.subnets, func(k listed) bool { return k.SubNet == text })
}

// Weights returns w with the statistics that a SubNet of net has in the list; ok tells whether it is listed.
func (l *Listed) Weights(net *supernet.Net, subnet string, w nn.Weights) (own nn.Weights, ok bool, err error) {
	i := l.index(subnet)
	if i < 0 {
		return w, false, nil
	}
	g, err := net.Parse(subnet)
	if err != nil {
		return nil, false, err
	}
	graph, err := net.Record(g)
	if err != nil {
		return nil, false, err
	}
	over, err := whole(graph, w, func(name string) (nn.Tensor, error) {
		k, ok := l.subnets[i].Tensors[name]
		if !ok {
			return nn.Tensor{}, fmt.Errorf("there are none of %q", name)
		}
		return nn.FromFloat32s(nn.Shape{len(l.tensors[k])}, slices.Clone(l.tensors[k])), nil
	})
	if err != nil {
		return nil, false, fmt.Errorf("listed statistics of SubNet %s: %w", subnet, err)
	}
	return net.WithStatistics(nn.Overlay(w, over), g), true, nil
}

// WriteFile replaces the file at path by the list at once.
func (l *Listed) WriteFile(path string) error { return outfile.Write(path, l.bytes()) }

// bytes returns the file's content: the newest SubNets that there is room for.
func (l *Listed) bytes() []byte {
	head := listedHead{Circumstances: l.Of}
	renamed := map[int]int{}
	var numbers []byte
	l.dropped = 0
	for i, s := range slices.Backward(l.subnets) {
		size := len(numbers)
		for _, k := range s.Tensors {
			if _, ok := renamed[k]; !ok {
				size += 4 * len(l.tensors[k])
			}
		}
		if size > MaxListed && len(head.SubNets) > 0 {
			l.dropped = i + 1
			break
		}
		own := listed{s.SubNet, map[string]int{}}
		for _, name := range sortedKeys(s.Tensors) {
			k := s.Tensors[name]
			at, ok := renamed[k]
			if !ok {
				at = len(head.Lengths)
				renamed[k], head.Lengths = at, append(head.Lengths, len(l.tensors[k]))
				numbers = append(numbers, nn.Bytes(l.tensors[k])...)
			}
			own.Tensors[name] = at
		}
		head.SubNets = append(head.SubNets, own)
	}
	slices.Reverse(head.SubNets)
	text, err := json.Marshal(head)
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return sealed(text, numbers)
}

// sealed is a file of a line of JSON and numbers.
func sealed(text, numbers []byte) []byte {
	b := slices.Concat([]byte(listedFormat), text, []byte("\n"), numbers)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// ReadListed reads the file at path. Whether its circumstances are those of today, Match tells.
func ReadListed(path string) (*Listed, error) {
	i, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if i.Size() > MaxListed+maxHead {
		return nil, fmt.Errorf("%s: %d bytes are too many for a file of statistics", path, i.Size())
	}
	b, err := infile.Read(path, infile.Table)
	if err != nil {
		return nil, err
	}
	l, err := decodeListed(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

// decodeListed reads the content of a file.
func decodeListed(b []byte) (*Listed, error) {
	bad := errors.New("it is damaged or no file of statistics")
	if len(b) < len(listedFormat)+sha256.Size || string(b[:len(listedFormat)]) != listedFormat {
		return nil, bad
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return nil, bad
	}
	text, numbers, ok := bytes.Cut(body[len(listedFormat):], []byte("\n"))
	var head listedHead
	if !ok || len(text) > maxHead {
		return nil, bad
	}
	if err := json.Unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("%w (%w)", bad, err)
	}
	l := NewListed(head.Circumstances)
	for k, n := range head.Lengths {
		if n < 0 || n > len(numbers)/4 {
			return nil, fmt.Errorf("%w: tensor %d has %d numbers, there are %d", bad, k, n, len(numbers)/4)
		}
		v := make([]float32, n)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(numbers[4*i:]))
		}
		numbers = numbers[4*n:]
		l.known[sha256.Sum256(nn.Bytes(v))] = k
		l.tensors = append(l.tensors, v)
	}
	for _, s := range head.SubNets {
		for name, k := range s.Tensors {
			if k < 0 || k >= len(l.tensors) {
				return nil, fmt.Errorf("%w: %q of SubNet %.80s is tensor %d of %d", bad, name, s.SubNet, k, len(l.tensors))
			}
		}
	}
	l.subnets = head.SubNets
	return l, nil
}

// OtherError says that statistics belong to something else.
type OtherError struct {
	What       string // that differs, such as "package"
	Have, Want string
}

// Error implements error.
func (e *OtherError) Error() string {
	return fmt.Sprintf("its statistics belong to another %s (%.80s) than what is here (%.80s): move it away, or count again", e.What, e.Have, e.Want)
}

// Match refuses statistics that were computed under other circumstances than want, whose empty fields may be any, with an *OtherError.
func (l *Listed) Match(want Circumstances) error {
	for _, f := range []struct{ what, have, want string }{
		{"package", l.Of.Package, want.Package},
		{"configuration of the package", l.Of.Digest, want.Digest},
		{"file of weights", l.Of.Weights, want.Weights},
		{"set of images", l.Of.Data, want.Data},
		{"way in which images become input", l.Of.Input, want.Input},
	} {
		if f.want == "" || f.have == f.want {
			continue
		}
		if f.what == "file of weights" {
			f.have, f.want = identified(l.Of), identified(want)
		}
		return &OtherError{f.what, f.have, f.want}
	}
	return nil
}

func identified(c Circumstances) string {
	return fmt.Sprintf("%s, SHA-256 %.12s...", c.Model, c.Weights)
}
