package rows

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// maxMarks bounds the positions that an index keeps.
const maxMarks = 1 << 20

// mark is where a record begins.
type mark struct {
	at   int64 // in bytes
	line int   // from 1
}

// index knows where records of a file begin: every one of a short file, one of several of a long one.
type index struct {
	every  int64 // records from one mark to the next
	marks  []mark
	n      int64   // records, with the broken ones
	broken []int64 // that are left out, in order
}

// add notes the next record.
func (x *index) add(m mark) {
	if x.every == 0 {
		x.every = 1
	}
	if x.n%x.every == 0 {
		if len(x.marks) == maxMarks {
			for i := range maxMarks / 2 {
				x.marks[i] = x.marks[2*i]
			}
			x.marks, x.every = x.marks[:maxMarks/2], 2*x.every
		}
		if x.n%x.every == 0 {
			x.marks = append(x.marks, m)
		}
	}
	x.n++
}

// leaveOut drops the record that was added last.
func (x *index) leaveOut() { x.broken = append(x.broken, x.n-1) }

// rows is the number of records that are not left out.
func (x *index) rows() int { return int(x.n) - len(x.broken) }

// record is the number, among all records, of the row i.
func (x *index) record(i int) int64 {
	at := int64(i)
	for _, b := range x.broken {
		if b > at {
			break
		}
		at++
	}
	return at
}

// before is the last mark at or before a record, and the record that begins there.
func (x *index) before(record int64) (mark, int64) {
	k := record / x.every
	return x.marks[k], k * x.every
}

// records are the lines of a file, by number.
type records struct {
	path   string
	comma  rune // of CSV
	index  index
	faults faults

	mutex sync.Mutex
	idle  []*place
}

// place is a reader before some record.
type place struct {
	next int64
	from *lines
	file *os.File
}

// maxIdle bounds the readers that wait for somebody who goes on where they are.
const maxIdle = 16

// scan reads all lines of the file: where they begin, and what is wrong with them. check tells the latter.
func (x *records) scan(check func(text []byte, line int) error) error {
	f, _, err := openFile(x.path)
	if err != nil {
		return err
	}
	defer f.Close()
	l := newLines(f, mark{line: 1}, x.comma)
	for {
		from := l.mark
		text, line, err := l.read()
		if err == io.EOF {
			break
		}
		var broken *brokenLine
		if err != nil && !errors.As(err, &broken) {
			return fmt.Errorf("%s:%d: %w", x.path, line, err)
		}
		x.index.add(from)
		if err == nil {
			err = check(text, line)
		}
		if err == errHeader {
			x.index = index{}
			continue
		}
		if err != nil {
			x.index.leaveOut()
			if err := x.faults.add(fmt.Errorf("%s:%d: %w", x.path, line, err)); err != nil {
				return err
			}
		}
	}
	if err := x.faults.err(false); err != nil {
		return err
	}
	if x.Len() == 0 {
		return fmt.Errorf("%s: it has no rows", x.path)
	}
	return nil
}

// errHeader says that a line is no row and no fault: rows begin after it.
var errHeader = errors.New("internal error: a header")

// Len implements File.
func (x *records) Len() int { return x.index.rows() }

// Skipped implements File.
func (x *records) Skipped() []error { return x.faults.skipped }

// Where implements File.
func (x *records) Where(i int) string {
	_, line, err := x.row(i)
	if err != nil {
		return x.path
	}
	return fmt.Sprintf("%s:%d", x.path, line)
}

// row returns the record of a row, and its line.
func (x *records) row(i int) (text []byte, line int, err error) {
	if i < 0 || i >= x.Len() {
		return nil, 0, fmt.Errorf("%s: there is no row %d of %d", x.path, i, x.Len())
	}
	want := x.index.record(i)
	p, err := x.at(want)
	if err != nil {
		return nil, 0, err
	}
	for ; p.next <= want; p.next++ {
		text, line, err = p.from.read()
		var broken *brokenLine
		if err != nil && (p.next == want || !errors.As(err, &broken)) {
			_ = p.file.Close() // it was only read
			return nil, line, fmt.Errorf("%s: it has changed since it was opened: %w", x.path, err)
		}
	}
	x.leave(p)
	return text, line, nil
}

// at returns a reader that is at a record or a little before.
func (x *records) at(want int64) (*place, error) {
	x.mutex.Lock()
	k := slices.IndexFunc(x.idle, func(p *place) bool { return p.next == want })
	if k >= 0 {
		p := x.idle[k]
		x.idle = slices.Delete(x.idle, k, k+1)
		x.mutex.Unlock()
		return p, nil
	}
	x.mutex.Unlock()
	f, _, err := openFile(x.path)
	if err != nil {
		return nil, err
	}
	m, first := x.index.before(want)
	if _, err := f.Seek(m.at, io.SeekStart); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &place{first, newLines(f, m, x.comma), f}, nil
}

// leave keeps a reader for the record after the one that it read.
func (x *records) leave(p *place) {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	if len(x.idle) == maxIdle {
		_ = x.idle[0].file.Close() // it was only read
		x.idle = slices.Delete(x.idle, 0, 1)
	}
	x.idle = append(x.idle, p)
}
