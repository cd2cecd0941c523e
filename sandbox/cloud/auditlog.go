package cloud

import (
	"slices"
	"strings"
	"time"
)

// AuditEntry is a record of the unified audit log with what searches look at.
type AuditEntry struct {
	At                                    time.Time
	RecordType, User, Operation, Identity string
	Workload, Object                      string
	IPs                                   [3]string
	Row                                   Object // as the state holds it
}

// auditIndex is the unified audit log in the order of time. Rows are only ever appended to the state, so the
// index is good as far as it goes.
type auditIndex struct {
	rows    int // of the state that are in entries
	entries []AuditEntry
}

// AuditLogOn says whether the tenant keeps a unified audit log now.
func (t *Tenant) AuditLogOn() bool {
	if v, ok := Child(t.Exchange, "adminAuditLogConfig")["UnifiedAuditLogIngestionEnabled"].(bool); ok {
		return v
	}
	v, ok := t.Features["unifiedAuditLog"].(bool)
	return !ok || v
}

// AuditEntries is the log's records of an interval, both ends included, the oldest first, as far as a search
// finds them now: the retention is over for those older than features.ualDays (180), those younger than
// features.ualLagMinutes (0; Microsoft names 60 to 90 minutes and promises nothing) have not arrived, and
// MailItemsAccessed is not there without features.mailItemsAccessed. The slice is the index's own.
func (t *Tenant) AuditEntries(from, to time.Time) []AuditEntry {
	days := int(Num(t.Features, "ualDays"))
	if days == 0 {
		days = 180
	}
	now := t.Now()
	if oldest := now.AddDate(0, 0, -days); from.Before(oldest) {
		from = oldest
	}
	if lag := time.Duration(Num(t.Features, "ualLagMinutes") * float64(time.Minute)); lag > 0 && to.After(now.Add(-lag)) {
		to = now.Add(-lag)
	}
	entries := t.indexAudit()
	first, _ := slices.BinarySearchFunc(entries, from, func(e AuditEntry, at time.Time) int { return e.At.Compare(at) })
	end, _ := slices.BinarySearchFunc(entries, to, func(e AuditEntry, at time.Time) int {
		if e.At.After(at) {
			return 1
		}
		return -1
	})
	if first >= end {
		return nil
	}
	found := entries[first:end:end]
	if v, ok := t.Features["mailItemsAccessed"].(bool); ok && !v {
		found = slices.DeleteFunc(slices.Clone(found), func(e AuditEntry) bool { return e.Operation == "MailItemsAccessed" })
	}
	return found
}

// indexAudit brings the index up to the state. Readers hold the tenant's lock for reading only, hence the
// index's own; what a reader was given stays as it is.
func (t *Tenant) indexAudit() []AuditEntry {
	list := List(t.Exchange, "unifiedAuditLog")
	t.auditMu.Lock()
	defer t.auditMu.Unlock()
	x := &t.auditIndex
	if x.rows == len(list) {
		return x.entries
	}
	if x.rows > len(list) {
		*x = auditIndex{}
	}
	entries := slices.Grow(slices.Clip(x.entries), len(list)-x.rows)
	for _, v := range list[x.rows:] {
		row, ok := v.(map[string]any)
		if !ok {
			continue
		}
		at, ok := auditTime(Str(row, "CreationDate"))
		if !ok {
			continue
		}
		e := AuditEntry{At: at, RecordType: Str(row, "RecordType"), User: Str(row, "UserIds"), Operation: Str(row, "Operations"), Identity: Str(row, "Identity"), Row: row}
		auditTexts(row, e.note)
		entries = append(entries, e)
	}
	if !slices.IsSortedFunc(entries, byTime) {
		slices.SortStableFunc(entries, byTime)
	}
	x.rows, x.entries = len(list), entries
	return entries
}

// note takes what stands in the record itself.
func (e *AuditEntry) note(name, value string) {
	switch name {
	case "Workload":
		e.Workload = value
	case "ObjectId":
		e.Object = value
	case "ClientIP":
		e.IPs[0] = value
	case "ClientIPAddress":
		e.IPs[1] = value
	case "ActorIpAddress":
		e.IPs[2] = value
	}
}

func byTime(a, b AuditEntry) int { return a.At.Compare(b.At) }

func auditTime(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(form, s); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// AuditQuery narrows the log; an empty list or text does not.
type AuditQuery struct {
	Users, Operations, RecordTypes, IPs, Objects, Workloads []string
	Text                                                    string
}

// Find is the entries that a search with q is answered with.
func (q AuditQuery) Find(entries []AuditEntry) []AuditEntry {
	text := strings.ToLower(q.Text)
	out := make([]AuditEntry, 0, min(len(entries), 1024))
	for i := range entries {
		e := &entries[i]
		if !anyFold(q.Users, e.User) || !anyFold(q.Operations, e.Operation) || !anyFold(q.RecordTypes, e.RecordType) || !anyFold(q.Workloads, e.Workload) ||
			!anyFold(q.Objects, e.Object) || len(q.IPs) > 0 && !e.from(q.IPs) {
			continue
		}
		if text != "" && !strings.Contains(strings.ToLower(AuditJSON(e.Row)), text) {
			continue
		}
		out = append(out, *e)
	}
	return out
}

// from says whether the record came from one of the addresses; some workloads write a port behind them.
func (e *AuditEntry) from(ips []string) bool {
	for _, have := range e.IPs {
		if have == "" {
			continue
		}
		for _, ip := range ips {
			if rest, ok := strings.CutPrefix(strings.TrimPrefix(have, "["), ip); ok && (rest == "" || rest[0] == ':' || rest[0] == ']') {
				return true
			}
		}
	}
	return false
}

func anyFold(list []string, s string) bool {
	if len(list) == 0 {
		return true
	}
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}
