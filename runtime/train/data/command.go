package data

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/rows"
	"github.com/autotailor/autotailor/internal/words"
	"github.com/autotailor/autotailor/runtime/nn"
)

// commandPrefix begins the names of tasks that a program scores.
const commandPrefix = "cmd:"

// protocol is the version of what is said to such a program, see gen/doc/tasks.md.
const protocol = 1

// Command is a task that a program scores: mean average precision, word error rates, whatever the user has. The line is the program and its arguments,
// which may be quoted as in a shell. The program is started when the first batch is scored, and ends with this process.
func Command(line, metric string) (Task, error) { return commandWithin(line, metric, answerTime) }

// commandWithin is Command with the time that the program may take for an answer.
func commandWithin(line, metric string, limit time.Duration) (Task, error) {
	args, err := words.Split(line)
	if err != nil {
		return Task{}, fmt.Errorf("task %q: %w", commandPrefix+line, err)
	}
	if metric == "" {
		metric = "score"
	}
	p := &program{args: args, limit: limit}
	return Task{Name: commandPrefix + line, Metric: Metric{metric, "by " + filepath.Base(args[len(args)-1]), false}, Fit: func(of Signature, _ Samples) (*Judge, error) {
		s := &scoring{program: p}
		for _, out := range of.Outputs {
			s.names = append(s.names, out.Name)
		}
		return &Judge{Quality: s.batch, Whole: s.end}, nil
	}}, nil
}

// program is a scorer.
type program struct {
	args  []string
	cmd   *exec.Cmd // nil before it is started
	in    io.WriteCloser
	out   *bufio.Scanner
	said  tail
	ended error         // why it cannot be asked any more
	limit time.Duration // of an answer
}

// tail keeps the last bytes that a program writes to its standard error.
type tail struct{ bytes.Buffer }

const maxTail = 2000

func (t *tail) Write(b []byte) (int, error) {
	if t.Len() > 2*maxTail {
		t.Next(t.Len() - maxTail)
	}
	return t.Buffer.Write(b)
}

// line is what is said, in either direction.
type line struct {
	Type    string     `json:"type"`
	Version int        `json:"version,omitempty"`
	Samples []int      `json:"samples,omitempty"`
	Names   []string   `json:"names,omitempty"`
	Outputs []string   `json:"outputs,omitempty"`
	Targets string     `json:"targets,omitempty"`
	Quality []*float64 `json:"quality,omitempty"` // nil is null, which is no quality
	Error   string     `json:"error,omitempty"`
}

// maxLine bounds an answer, in bytes.
const maxLine = 1 << 26

func (p *program) start() error {
	if p.cmd != nil || p.ended != nil {
		return p.ended
	}
	c := exec.Command(p.args[0], p.args[1:]...)
	c.Stderr, c.WaitDelay = &p.said, patience
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		return fmt.Errorf("scorer %q: %w", strings.Join(p.args, " "), err)
	}
	p.cmd, p.in, p.out = c, in, bufio.NewScanner(out)
	p.out.Buffer(nil, maxLine)
	answer, err := p.ask(line{Type: "hello", Version: protocol})
	if err == nil && (answer.Type != "hello" || answer.Version != protocol) {
		err = p.end(fmt.Errorf("it answers the first line with %q, version %d; want \"hello\", version %d", answer.Type, answer.Version, protocol))
	}
	return err
}

// ask says a line and returns the answer. A program that does not answer as it should is not asked again.
func (p *program) ask(l line) (line, error) {
	if p.ended != nil {
		return line{}, p.ended
	}
	text, err := json.Marshal(l)
	if err != nil {
		return line{}, err
	}
	watch := time.AfterFunc(p.limit, func() { _ = p.cmd.Process.Kill() })
	_, err = p.in.Write(append(text, '\n'))
	said := p.out.Scan()
	switch inTime := watch.Stop(); {
	case !inTime:
		return line{}, p.end(fmt.Errorf("it has not answered the line %q for %v", l.Type, p.limit))
	case !said:
		return line{}, p.end(errors.Join(errors.New("it has ended, or closed its standard output"), p.out.Err(), err))
	}
	var answer line
	if err := json.Unmarshal(p.out.Bytes(), &answer); err != nil {
		return line{}, p.end(fmt.Errorf("it says %.200q, which is not a JSON object: %w", p.out.Text(), err))
	}
	if answer.Error != "" {
		return line{}, p.end(errors.New(answer.Error))
	}
	return answer, nil
}

// answerTime is how long a program may take for one answer: a batch of a slow metric, on a slow machine.
const answerTime = 10 * time.Minute

// patience is how long a program may take to end when it is not asked any more.
const patience = 2 * time.Second

// end stops the program, and returns why it is not asked any more, with what it wrote to its standard error.
func (p *program) end(why error) error {
	_ = p.in.Close() // it may have ended by itself, and what it makes of the end does not matter
	kill := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	_ = p.cmd.Wait()
	kill.Stop()
	said := strings.TrimSpace(p.said.String())
	if said != "" {
		said = "; it wrote\n" + said
	}
	if state := p.cmd.ProcessState; state != nil && !state.Success() {
		why = fmt.Errorf("%w (%v)", why, state)
	}
	p.ended = fmt.Errorf("scorer %q: %w%s", strings.Join(p.args, " "), why, said)
	return p.ended
}

// scoring is one network that a program scores.
type scoring struct {
	*program
	names         []string
	batches, told int // batches so far, and those whose qualities it has told
}

// batch lets the program score a batch. Its answer may have the quality of each sample, or none: then the program tells the mean in the end.
func (s *scoring) batch(b Batch) (list []float64, err error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "autotailor-score-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	l := line{Type: "batch", Samples: b.Samples, Names: s.names}
	for k, t := range b.Outputs {
		path, err := writeArray(filepath.Join(dir, fmt.Sprintf("output%d.npy", k)), t)
		if err != nil {
			return nil, err
		}
		l.Outputs = append(l.Outputs, path)
	}
	if b.Targets.Type != 0 {
		if l.Targets, err = writeArray(filepath.Join(dir, "targets.npy"), b.Targets); err != nil {
			return nil, err
		}
	}
	answer, err := s.ask(l)
	if err != nil {
		return nil, err
	}
	s.batches++
	if len(answer.Quality) > 0 {
		s.told++
	}
	if s.told != 0 && s.told != s.batches {
		return nil, s.program.end(errors.New("it has told the qualities of some batches, and not of others"))
	}
	return s.qualities(answer.Quality, b.Samples)
}

// qualities are the numbers of an answer, which must not be null: a sample without a quality would count as the worst.
func (s *scoring) qualities(told []*float64, samples []int) ([]float64, error) {
	list := make([]float64, len(told))
	for k, q := range told {
		if q == nil {
			return nil, s.program.end(fmt.Errorf("quality %d of the answer to samples %v is null, want a number from 0 to 1", k, samples))
		}
		list[k] = *q
	}
	return list, nil
}

// writeArray writes a tensor as an npy file for the program.
func writeArray(path string, t nn.Tensor) (string, error) {
	file, err := rows.AppendNPY(nil, onnx.Tensor{Type: t.Type, Shape: t.Shape, Raw: t.Raw})
	if err != nil {
		return "", err
	}
	return path, os.WriteFile(path, file, 0o600)
}

// end tells the program that all batches of a network are over, and returns its mean quality where it did not tell those of batches.
func (s *scoring) end() (quality float64, known bool, err error) {
	answer, err := s.ask(line{Type: "end"})
	if err != nil || s.told > 0 {
		return 0, false, err
	}
	if len(answer.Quality) != 1 {
		return 0, false, s.program.end(fmt.Errorf("it has told no qualities of batches, and %d in the end, want one", len(answer.Quality)))
	}
	list, err := s.qualities(answer.Quality, nil)
	if err != nil {
		return 0, false, err
	}
	return list[0], true, nil
}
