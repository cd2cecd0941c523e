//go:build unix

package jobs

import "syscall"

const (
	sleepSignal = syscall.SIGSTOP
	wakeSignal  = syscall.SIGCONT
)
