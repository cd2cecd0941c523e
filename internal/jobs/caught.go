package jobs

import (
	"fmt"
	"runtime/debug"
)

// Panic is what a goroutine panicked with, and where.
type Panic struct {
	Value any
	Stack []byte
}

func (p *Panic) Error() string { return fmt.Sprintf("panic: %v\n%s", p.Value, p.Stack) }

// Caught runs f in a goroutine's stead and turns its panic into a *Panic. A panic that nobody catches there
// would end the whole server and every write that is under way in it.
func Caught(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Panic{r, debug.Stack()}
		}
	}()
	return f()
}
