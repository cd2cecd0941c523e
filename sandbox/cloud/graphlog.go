package cloud

import (
	"slices"
	"time"
)

// logIndex is a log among the graph's collections in the order of time. Rows are only ever appended to a log.
type logIndex struct {
	rows    int
	entries []logEntry // the newest first
	objects []Object   // the same
}

type logEntry struct {
	at  time.Time
	row Object
}

// Logged is the rows of a log of the graph (signIns, directoryAudits) that are not older than since, the newest
// first; key is the property that says when. The slice is the index's own.
func (t *Tenant) Logged(section, key string, since time.Time) []Object {
	all := t.Collection(section).All()
	t.auditMu.Lock()
	defer t.auditMu.Unlock()
	x := t.logIndexes[section]
	if x == nil || x.rows != len(all) {
		x = &logIndex{rows: len(all), entries: make([]logEntry, 0, len(all))}
		for _, row := range all {
			if at, ok := auditTime(Str(row, key)); ok {
				x.entries = append(x.entries, logEntry{at, row})
			}
		}
		slices.SortStableFunc(x.entries, func(a, b logEntry) int { return b.at.Compare(a.at) })
		x.objects = make([]Object, len(x.entries))
		for i, e := range x.entries {
			x.objects[i] = e.row
		}
		if t.logIndexes == nil {
			t.logIndexes = map[string]*logIndex{}
		}
		t.logIndexes[section] = x
	}
	end, _ := slices.BinarySearchFunc(x.entries, since, func(e logEntry, at time.Time) int {
		if e.at.Before(at) {
			return 1
		}
		return -1
	})
	return x.objects[:end:end]
}
