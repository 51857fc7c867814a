package tune

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// A checkpoint is a line that names the format, a line of JSON, float32s, and the SHA-256 of all of that. The numbers are, for each
// trained tensor in the order of the original's graph: values, first moments, second moments (AdamW), averages (with EMA).
const format = "autotailor checkpoint 1\n"

// header is the JSON of a checkpoint.
type header struct {
	Run     map[string]string `json:"run"` // what must be the same when the run goes on
	Step    int               `json:"step"`
	Sum     float64           `json:"sum"`
	History []Evaluation      `json:"history"`
	Steps   []int             `json:"steps"` // of each tensor
}

// fingerprint is everything that the result depends on.
func (t *Tuner) fingerprint() map[string]string {
	out := map[string]string{
		"choices": supernet.SpaceDigest(t.Net), "model": t.Source, "images": t.Train.Digest(), "engine": t.Engine.Info().Name + " " + t.Engine.Info().Version,
		"every": fmt.Sprint(t.Every), "checked images": "none", "input": t.Train.String(),
	}
	if name := t.Task.Or().Name; name != data.Classification().Name { // checkpoints of older releases do not say it
		out["task"] = name
	}
	if t.Check != nil {
		out["checked images"] = t.Check.Digest()
	}
	text, err := json.Marshal(t.Options)
	var options map[string]any
	if err = errors.Join(err, json.Unmarshal(text, &options)); err != nil {
		panic("internal error: " + err.Error())
	}
	for k, v := range options {
		out["--"+strings.ReplaceAll(k, "_", "-")] = fmt.Sprint(v)
	}
	return out
}

// saver writes checkpoints beside the training.
type saver struct {
	path  string
	print map[string]string
	was   map[string]string // what of it version 1 wrote otherwise
	hold  *outfile.Hold     // keeps other runs away from the file
	busy  chan error        // the result of the write that is under way; nil when none is

	content []byte // what is written, without its SHA-256
}

func openSaver(path string, print map[string]string) (*saver, error) {
	s := &saver{path: path, print: print, hold: &outfile.Hold{}}
	if path == "" {
		return s, nil
	}
	var err error
	s.hold, err = outfile.Acquire(path)
	return s, err
}

// save writes the state. The write goes on while the next step is computed; the one before must be done.
func (s *saver) save(st *state) error {
	if s.path == "" {
		return nil
	}
	if err := s.wait(); err != nil {
		return err
	}
	if err := s.encode(st); err != nil {
		return err
	}
	busy, content := make(chan error, 1), s.content
	s.busy = busy
	go func() {
		sum := sha256.Sum256(content)
		busy <- s.hold.Write(s.path, append(content, sum[:]...))
	}()
	return nil
}

// close ends what save has begun and lets other runs write.
func (s *saver) close() error { return errors.Join(s.wait(), s.hold.Release()) }

// wait ends the write that is under way.
func (s *saver) wait() error {
	if s.busy == nil {
		return nil
	}
	err := <-s.busy
	s.busy = nil
	return err
}

// tensors calls visit with all numbers of a state, in the order of the file.
func (s *state) tensors(visit func(v []float32)) {
	for _, name := range s.store.trains {
		m := s.opt.state[name]
		for _, v := range [][]float32{s.store.params[name].Value, m.first, m.second, s.average[name]} {
			if v != nil {
				visit(v)
			}
		}
	}
}

// encode sets the content, in the memory of the one before.
func (s *saver) encode(st *state) error {
	h := header{Run: s.print, Step: st.step, Sum: st.sum, History: st.history}
	size := 0
	for _, name := range st.store.trains {
		h.Steps = append(h.Steps, st.opt.state[name].steps)
	}
	st.tensors(func(v []float32) { size += 4 * len(v) })
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	b := slices.Grow(s.content[:0], len(format)+len(text)+1+size+sha256.Size)
	b = append(append(append(b, format...), text...), '\n')
	st.tensors(func(v []float32) { b = append(b, nn.Bytes(v)...) })
	s.content = b
	return nil
}

// load brings st to where the checkpoint is; without one it stays.
func (s *saver) load(st *state) error {
	if s.path == "" {
		return nil
	}
	b, err := infile.Read(s.path, infile.Large)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = s.decode(b, st)
	}
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", s.path, err)
	}
	return nil
}

var errDamaged = errors.New("it is damaged or no checkpoint: remove it to start anew")

func (s *saver) decode(b []byte, st *state) error {
	if len(b) < len(format)+sha256.Size || string(b[:len(format)]) != format {
		return errDamaged
	}
	body, sum := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if got := sha256.Sum256(body); !bytes.Equal(got[:], sum) {
		return errDamaged
	}
	text, numbers, _ := bytes.Cut(body[len(format):], []byte("\n"))
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return fmt.Errorf("%w (%w)", errDamaged, err)
	}
	if err := s.same(h.Run); err != nil {
		return err
	}
	size := 0
	st.tensors(func(v []float32) { size += 4 * len(v) })
	if size != len(numbers) || len(h.Steps) != len(st.store.trains) {
		return errDamaged
	}
	st.tensors(func(v []float32) {
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(numbers[4*i:]))
		}
		numbers = numbers[4*len(v):]
	})
	for k, name := range st.store.trains {
		st.opt.state[name].steps = h.Steps[k]
	}
	st.step, st.sum, st.history = h.Step, h.Sum, h.History
	return nil
}

// same names everything that was different when the run was begun.
func (s *saver) same(begun map[string]string) error {
	var errs []error
	for _, k := range slices.Sorted(maps.Keys(s.print)) {
		if begun[k] != s.print[k] && (s.was[k] == "" || begun[k] != s.was[k]) {
			errs = append(errs, fmt.Errorf("%s is %s, the run was begun with %s", k, s.print[k], begun[k]))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("it is of another run: give the same settings, or remove it to start anew\n%w", errors.Join(errs...))
}
