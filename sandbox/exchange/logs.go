package exchange

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

// audit writes down what a cmdlet changed, as the unified audit log does for administrators.
func (c *call) audit() {
	var given []any
	names := make([]string, 0, len(c.p))
	for name := range c.p {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		given = append(given, cloud.Object{"Name": name, "Value": auditValue(name, c.p[name])})
	}
	object := c.p.text("Identity")
	if m := c.p.text("Mailbox"); m != "" {
		object = m + `\` + object
	}
	c.tenant.AuditUnified(c.by, "ExchangeAdmin", c.def.name, "Exchange", cloud.Object{"RecordType": float64(1), "Version": float64(1), "UserType": float64(2), "ObjectId": object, "Parameters": orEmptyList(given),
		"OrganizationName": c.tenant.InitialDomain(), "ExternalAccess": c.who.Foreign, "OriginatingServer": "LO2P265MB0001 (15.20.8511.021)", "AppId": c.who.AppID})
}

func auditValue(name string, v any) string {
	if strings.Contains(strings.ToLower(name), "password") {
		return "******"
	}
	switch v := v.(type) {
	case nil:
		return ""
	case bool:
		if v {
			return "True"
		}
		return "False"
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, scalar(x))
		}
		return strings.Join(parts, ";")
	case map[string]any:
		b, err := json.Marshal(v)
		if err != nil {
			return ""
		}
		return string(b)
	}
	return scalar(v)
}

const (
	auditRowsByDefault, auditRowsAtMost = 100, 5000
	traceRowsByDefault, traceRowsAtMost = 1000, 5000
	auditRowsOfSession                  = 50000
)

// searchUnifiedAuditLog is Search-UnifiedAuditLog. What a session finds is found when it begins. Where the tenant
// keeps no log the call is refused with 400 Bad Request (https://github.com/T0pCyber/hawk/issues/303); the text is
// not known.
// https://learn.microsoft.com/powershell/module/exchange/search-unifiedauditlog
func searchUnifiedAuditLog(c *call) ([]cloud.Object, error) {
	size := c.p.number("ResultSize", auditRowsByDefault)
	if size < 1 || size > auditRowsAtMost {
		return nil, badParameter("Cannot validate argument on parameter 'ResultSize'. The %d argument is not between 1 and %d.", size, auditRowsAtMost)
	}
	from, _ := c.p.date("StartDate")
	to, _ := c.p.date("EndDate")
	if !from.Before(to) {
		return nil, invalid("System.ArgumentException", "The StartDate must be earlier than the EndDate.")
	}
	if !c.tenant.AuditLogOn() {
		return nil, badRequest("The unified audit log is not enabled for this organization.")
	}
	page, at, total := c.auditPage(from, to, size)
	out := make([]cloud.Object, 0, len(page))
	for i := range page {
		row := page[i].Row
		out = append(out, cloud.Object{"RecordType": row["RecordType"], "CreationDate": row["CreationDate"], "UserIds": row["UserIds"], "Operations": row["Operations"], "Identity": row["Identity"],
			"AuditData": cloud.AuditJSON(row), "ResultIndex": float64(at + i + 1), "ResultCount": float64(total), "IsValid": true, "ObjectState": "Unchanged"})
	}
	return out, nil
}

// auditSession is a search under way.
type auditSession struct {
	rows      []cloud.AuditEntry
	at, total int
}

// auditPage is the next rows of the call's session, where they begin, and how many were found; without a session
// the first rows.
func (c *call) auditPage(from, to time.Time, size int) (page []cloud.AuditEntry, at, total int) {
	find := func() []cloud.AuditEntry {
		q := cloud.AuditQuery{Users: c.p.texts("UserIds"), Operations: c.p.texts("Operations"), IPs: c.p.texts("IPAddresses"), Objects: c.p.texts("ObjectIds"), Text: c.p.text("FreeText")}
		if record := c.p.text("RecordType"); record != "" {
			q.RecordTypes = []string{record}
		}
		rows := q.Find(c.tenant.AuditEntries(from, to))
		if !strings.EqualFold(c.p.text("SessionCommand"), "ReturnLargeSet") {
			slices.Reverse(rows) // sorted, the newest first; a large set comes in no order that anybody may count on
		}
		return rows
	}
	id := c.p.text("SessionId")
	if id == "" {
		rows := find()
		return rows[:min(len(rows), size)], 0, len(rows)
	}
	s := c.service
	s.mu.Lock()
	defer s.mu.Unlock()
	key := c.tenant.ID + "/" + id
	session := s.sessions[key]
	if session == nil {
		rows := find()
		session = &auditSession{rows: rows[:min(len(rows), auditRowsOfSession)], total: len(rows)}
		s.sessions[key] = session
	}
	at = session.at
	page = session.rows[at:min(len(session.rows), at+size)]
	if session.at += len(page); len(page) == 0 {
		session.rows, session.at = nil, 0 // its end was seen
	}
	return page, at, session.total
}

func getMessageTraceV2(c *call) ([]cloud.Object, error) {
	size := c.p.number("ResultSize", traceRowsByDefault)
	if size < 1 || size > traceRowsAtMost {
		return nil, badParameter("Cannot validate argument on parameter 'ResultSize'. The %d argument is not between 1 and %d.", size, traceRowsAtMost)
	}
	now := c.tenant.Now()
	from, a := c.p.date("StartDate")
	to, b := c.p.date("EndDate")
	switch {
	case !a && !b:
		from, to = now.Add(-48*time.Hour), now
	case a != b:
		return nil, invalid("System.ArgumentException", "Both StartDate and EndDate must be specified.")
	case to.Before(from):
		return nil, invalid("System.ArgumentException", "The StartDate must be earlier than the EndDate.")
	case to.Sub(from) > 10*24*time.Hour:
		return nil, invalid("System.ArgumentException", "The time range must not be more than 10 days.")
	case from.Before(now.AddDate(0, 0, -90).Add(-time.Hour)):
		return nil, invalid("System.ArgumentException", "The StartDate must not be more than 90 days ago.")
	}
	test := c.traceTest()
	edge, start := to.Truncate(time.Second), strings.ToLower(c.p.text("StartingRecipientAddress"))
	var rows []cloud.Object
	for _, e := range c.tenant.TraceEntries(from, to) {
		if start != "" && e.Recipient < start && e.At.Truncate(time.Second).Equal(edge) || !test(&e) {
			continue
		}
		if len(rows) == size {
			c.warn("There are more results, use the following command to get more. Continue with StartingRecipientAddress and EndDate of the last row.")
			break
		}
		rows = append(rows, e.Row)
	}
	return rows, nil
}

// traceTest is whether a row is what the call asks for.
func (c *call) traceTest() func(*cloud.TraceEntry) bool {
	senders, recipients, states, ids := patterns(c.p.texts("SenderAddress")), patterns(c.p.texts("RecipientAddress")), c.p.texts("Status"), c.p.texts("MessageId")
	trace, fromIP, toIP := c.p.text("MessageTraceId"), c.p.text("FromIP"), c.p.text("ToIP")
	subject, kind := strings.ToLower(c.p.text("Subject")), strings.ToLower(c.p.text("SubjectFilterType"))
	return func(e *cloud.TraceEntry) bool {
		row := e.Row
		if !senders.match(e.Sender) || !recipients.match(e.Recipient) || len(states) > 0 && !inList(states, cloud.Str(row, "Status")) || len(ids) > 0 && !inList(ids, cloud.Str(row, "MessageId")) {
			return false
		}
		if trace != "" && !strings.EqualFold(trace, cloud.Str(row, "MessageTraceId")) || fromIP != "" && fromIP != cloud.Str(row, "FromIP") || toIP != "" && toIP != cloud.Str(row, "ToIP") {
			return false
		}
		if subject == "" {
			return true
		}
		have := strings.ToLower(cloud.Str(row, "Subject"))
		switch kind {
		case "startswith":
			return strings.HasPrefix(have, subject)
		case "endswith":
			return strings.HasSuffix(have, subject)
		}
		return strings.Contains(have, subject)
	}
}

// addressPatterns are addresses in lower case, in which * stands for anything; none at all match all.
type addressPatterns []string

func patterns(list []string) addressPatterns {
	out := make(addressPatterns, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	return out
}

func (p addressPatterns) match(address string) bool {
	return len(p) == 0 || slices.ContainsFunc(p, func(s string) bool { return s == address || strings.Contains(s, "*") && like(address, s) })
}
