package kernel

import "sync/atomic"

// Team is a number of threads and their scratch memory. It serves one operator at a time.
type Team struct {
	workers          []*worker
	helpers          []helper  // of all workers but the first, which is the caller
	sums             []float32 // of one operator
	totals           []float64 // of one operator's parts
	values, products []float32 // of one operator's tiles, see winograd
	back             bool      // the last operator went from the end to the start
}

// worker is the scratch memory of one thread: arguments of micro-kernels must not be allocated per call.
type worker struct {
	tile  tile
	row   dwRow
	off   []int64
	edge  [maxTile]float32
	patch []float32

	product Matrix // of two activations
	panels  []float32

	point    Matrix // of the weights at a point, see winograd
	pointRun [1]run

	columns          columns
	normRow          normRow
	sums             []float32 // zeros, between uses
	taps             tapSums
	cross            cross
	ahead            ahead
	grid             grid
	gridTemp         [points * 16]float32
	outside          []float32 // what is written to pixels that are not there
	values, products []float32 // of tiles, see winograd
	panel            []float32 // columns of derivatives
	patches          []float32 // of many rows
	dy               []float32 // derivatives of some rows
	operand          []float32 // some rows of a product's, or gradients with respect to them
}

const maxTile = 8 * 32

// room returns n floats of scratch memory, which grows where it has less: zeros at first, then what was left there.
func room(scratch *[]float32, n int) []float32 {
	if len(*scratch) < n {
		*scratch = make([]float32, n)
	}
	return (*scratch)[:n]
}

// NewTeam returns a Team of so many threads, at least one.
func NewTeam(threads int) *Team {
	threads = max(threads, 1)
	t := &Team{workers: make([]*worker, threads), helpers: make([]helper, threads-1)}
	for i := range t.workers {
		t.workers[i] = new(worker)
	}
	return t
}

// zeros returns n zeros that are an operator's until the next one runs.
func (t *Team) zeros(n int) []float32 {
	s := t.floats(n)
	clear(s)
	return s
}

// floats returns n floats of any value that are an operator's until the next one runs.
func (t *Team) floats(n int) []float32 { return room(&t.sums, n) }

// exact returns n zeros that are an operator's until the next one runs.
func (t *Team) exact(n int) []float64 {
	if len(t.totals) < n {
		t.totals = make([]float64, n)
	}
	clear(t.totals[:n])
	return t.totals[:n]
}

// Threads returns the number of threads.
func (t *Team) Threads() int { return len(t.workers) }

// splitWork is the least work, in multiply-accumulates, that is worth a second thread.
const splitWork = 1 << 17

// parts returns in how many parts to cut work of that size.
func (t *Team) parts(work int) int {
	if len(t.workers) == 1 || work < 2*splitWork {
		return 1
	}
	return 4 * min(len(t.workers), work/splitWork)
}

// run calls f once for each part of [0, n), cut at multiples of grain; work is the whole's size in multiply-accumulates. Every other operator
// goes from the end to the start: what the one before wrote last is still in the cache.
func (t *Team) run(n, grain, work int, f func(w *worker, lo, hi int)) {
	parts := t.parts(work)
	size := (n + parts*grain - 1) / (parts * grain) * grain
	if size >= n {
		f(t.workers[0], 0, n)
		t.workers[0].ahead.clear()
		return
	}
	t.back = !t.back
	pieces, back := (n+size-1)/size, t.back
	var next atomic.Int64
	loop := func(w *worker) {
		for {
			i := int(next.Add(1) - 1)
			if i >= pieces {
				w.ahead.clear()
				return
			}
			if back {
				i = pieces - 1 - i
			}
			f(w, i*size, min((i+1)*size, n))
		}
	}
	for i := range t.helpers {
		w := t.workers[i+1]
		t.helpers[i].start(func() { loop(w) })
	}
	loop(t.workers[0])
	for i := range t.helpers {
		t.helpers[i].wait()
	}
}

// Split calls f for parts of [0, n) on the Team's threads; work is the whole's size in multiply-accumulates or so.
func (t *Team) Split(n, work int, f func(lo, hi int)) {
	t.run(n, 1, work, func(_ *worker, lo, hi int) { f(lo, hi) })
}
