//go:build !unix

package jobs

import "os"

// Where processes cannot be put to sleep, those tests fail and say so.
var sleepSignal, wakeSignal = os.Interrupt, os.Interrupt
