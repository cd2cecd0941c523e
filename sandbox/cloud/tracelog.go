package cloud

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// TraceEntry is a row of the message trace with what queries look at.
type TraceEntry struct {
	At                time.Time
	Sender, Recipient string // lower case
	Row               Object
}

type traceIndex struct {
	rows    int
	entries []TraceEntry
}

// TraceEntries is the message trace of an interval, both ends included, the newest first and then by recipient.
// The slice is the index's own.
func (t *Tenant) TraceEntries(from, to time.Time) []TraceEntry {
	entries := t.indexTrace()
	first, _ := slices.BinarySearchFunc(entries, to, func(e TraceEntry, at time.Time) int { return at.Compare(e.At) })
	end, _ := slices.BinarySearchFunc(entries, from, func(e TraceEntry, at time.Time) int {
		if e.At.Before(at) {
			return 1
		}
		return -1
	})
	return entries[first:max(first, end)]
}

func (t *Tenant) indexTrace() []TraceEntry {
	list := List(t.Exchange, "messageTrace")
	t.auditMu.Lock()
	defer t.auditMu.Unlock()
	x := &t.traceIndex
	if x.rows == len(list) && x.entries != nil {
		return x.entries
	}
	entries := make([]TraceEntry, 0, len(list))
	for _, v := range list {
		row, ok := v.(map[string]any)
		if !ok {
			continue
		}
		if at, ok := auditTime(Str(row, "Received")); ok {
			entries = append(entries, TraceEntry{at, strings.ToLower(Str(row, "SenderAddress")), strings.ToLower(Str(row, "RecipientAddress")), row})
		}
	}
	slices.SortStableFunc(entries, func(a, b TraceEntry) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(a.Recipient, b.Recipient)) })
	x.rows, x.entries = len(list), entries
	return entries
}
