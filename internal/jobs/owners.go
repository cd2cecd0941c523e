package jobs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"

	"cipp-mcp/internal/clock"
)

// owner is this process among those that share the ledger. It holds a lock on its own file for as
// long as it lives; whoever can take that lock knows that it is dead, and need not wait for its
// leases to run out. The lease stays the authority, the lock is a shortcut on one machine.
type owner struct {
	id    string
	dir   string
	lock  *flock.Flock
	alone bool // all processes that share the ledger have their files in dir
}

func takeOwner(stateDir string, machine clock.Clock, alone bool) (*owner, error) {
	dir := filepath.Join(stateDir, "owners")
	if err := os.MkdirAll(dir, 0o700); err != nil { //nolint:gosec // a folder of our own directory
		return nil, fmt.Errorf("announce this process: %w", err)
	}
	sweep(dir, machine.Now())
	o := &owner{id: fmt.Sprintf("%d-%s", os.Getpid(), uuid.NewString()), dir: dir, alone: alone}
	o.lock = flock.New(o.file(o.id), flock.SetPermissions(0o600))
	if ok, err := o.lock.TryLock(); err != nil || !ok {
		return nil, fmt.Errorf("announce this process: its lock cannot be taken: %w", err)
	}
	return o, nil
}

func (o *owner) file(id string) string { return filepath.Join(o.dir, id+".lock") }

// dead says whether another process is gone for certain. Of one that has no file here nothing is known
// where it may be on another machine; its lease has to run out.
func (o *owner) dead(id string) bool {
	if id == o.id || filepath.Base(id) != id {
		return false
	}
	if _, err := os.Stat(o.file(id)); err != nil && !o.alone {
		return false
	}
	return free(o.file(id))
}

// free takes a lock that nobody holds and clears it away.
func free(file string) bool {
	l := flock.New(file, flock.SetPermissions(0o600))
	ok, err := l.TryLock()
	if err != nil || !ok {
		return false
	}
	_ = os.Remove(file) //nolint:gosec // a file of our own directory; where it cannot be removed it is merely litter
	return l.Close() == nil
}

// sweep clears away what processes left that were killed. A file that is new may belong to one that
// is just about to lock it.
func sweep(dir string, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasSuffix(e.Name(), ".lock") && now.Sub(info.ModTime()) > time.Hour {
			free(filepath.Join(dir, e.Name()))
		}
	}
}

// release comes after the last lease was given back, so it does not matter who takes the lock next.
func (o *owner) release() error {
	err := o.lock.Close()
	_ = os.Remove(o.lock.Path()) //nolint:gosec // a file of our own directory; whoever was quicker has removed it
	return err
}
