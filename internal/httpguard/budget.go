package httpguard

import "sync"

// budget is memory that many requests share.
type budget struct {
	mu   sync.Mutex
	left int64
}

func newBudget(bytes int64) *budget { return &budget{left: bytes} }

// take takes bytes if they are there.
func (b *budget) take(bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bytes > b.left {
		return false
	}
	b.left -= bytes
	return true
}

func (b *budget) give(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left += bytes
}
