package device

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// maxLine bounds what a driver may write in one line, in bytes.
const maxLine = 1 << 20

// process is a running driver.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan []byte // complete ones; closed when output ends
	end    error       // why output ended, when lines is closed
	stderr tail
}

// startProcess starts a driver.
func startProcess(args []string) (*process, error) {
	p := &process{cmd: exec.Command(args[0], args[1:]...), lines: make(chan []byte)}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := startGroup(p.cmd); err != nil {
		return nil, fmt.Errorf("the driver cannot be started: %w", err)
	}
	p.in = in
	go p.read(out)
	return p, nil
}

// read passes lines on until the output ends.
func (p *process) read(out io.Reader) {
	defer close(p.lines)
	r := bufio.NewReaderSize(out, maxLine)
	for {
		line, err := r.ReadSlice('\n')
		switch {
		case err == nil:
			p.lines <- bytes.Clone(bytes.TrimSpace(line))
			continue
		case errors.Is(err, bufio.ErrBufferFull):
			p.end = fmt.Errorf("the driver wrote a line of more than %d bytes: %q", maxLine, clip(line))
		case len(line) > 0:
			p.end = fmt.Errorf("the driver's output ended in the middle of the line %q", clip(line))
		default:
			p.end = errors.New("the driver ended without an answer")
		}
		return
	}
}

// ask sends one line and waits for one. After an error the process is of no use.
func (p *process) ask(ctx context.Context, question any, timeout time.Duration) ([]byte, error) {
	text, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(text, '\n')); err != nil {
		select { // the end of its output says more
		case _, open := <-p.lines:
			if !open {
				return nil, p.end
			}
		case <-time.After(time.Second):
		}
		return nil, fmt.Errorf("the driver does not read its input: %w", err)
	}
	patience := time.NewTimer(timeout)
	defer patience.Stop()
	select {
	case line, open := <-p.lines:
		if !open {
			return nil, p.end
		}
		return line, nil
	case <-patience.C:
		return nil, &timeoutError{timeout}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// timeoutError says that a driver did not answer.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("the driver gave no answer in %v and was killed", e.after)
}

// stop ends the process, at once or by closing its input, and returns how it ended and what it said last.
func (p *process) stop(kill bool) string {
	if kill {
		killGroup(p.cmd)
	}
	_ = p.in.Close() // it may have ended already
	timer := time.AfterFunc(5*time.Second, func() { killGroup(p.cmd) })
	defer timer.Stop()
	for range p.lines { // Wait must come after the last read
	}
	said := ""
	if err := p.cmd.Wait(); err != nil && !kill {
		said = "; it ended with " + err.Error()
	}
	if text := p.stderr.String(); text != "" {
		said += "; its last words on standard error: " + text
	}
	return said
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	const most = 2048
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	if len(t.text) > most {
		t.text = bytes.Clone(t.text[len(t.text)-most:])
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
