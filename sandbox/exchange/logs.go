package exchange

import (
	"cmp"
	"encoding/json"
	"fmt"
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
	rows := c.auditRows(from, to)
	session, large := c.p.text("SessionId"), strings.EqualFold(c.p.text("SessionCommand"), "ReturnLargeSet")
	if !large {
		slices.SortStableFunc(rows, func(a, b cloud.Object) int {
			return cmp.Compare(cloud.Str(b, "CreationDate"), cloud.Str(a, "CreationDate"))
		})
	}
	total, at := len(rows), 0
	if session != "" {
		rows = rows[:min(len(rows), auditRowsOfSession)]
		at = c.service.take(c.tenant.ID+"/"+session, size, len(rows))
	}
	page := rows[at:min(len(rows), at+size)]
	out := make([]cloud.Object, 0, len(page))
	for i, row := range page {
		data, err := json.Marshal(row["AuditData"])
		if err != nil {
			return nil, err
		}
		out = append(out, cloud.Object{"RecordType": row["RecordType"], "CreationDate": row["CreationDate"], "UserIds": row["UserIds"], "Operations": row["Operations"], "Identity": row["Identity"],
			"AuditData": string(data), "ResultIndex": float64(at + i + 1), "ResultCount": float64(total), "IsValid": true, "ObjectState": "Unchanged"})
	}
	return out, nil
}

// take hands out the next rows of a search session: where they begin.
func (s *Service) take(session string, size, total int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := min(s.sessions[session], total)
	s.sessions[session] = at + size
	return at
}

func (c *call) auditRows(from, to time.Time) []cloud.Object {
	days := int(cloud.Num(c.tenant.Features, "ualDays"))
	if days == 0 {
		days = 180
	}
	if oldest := c.tenant.Now().AddDate(0, 0, -days); from.Before(oldest) {
		from = oldest
	}
	users, operations, ips, objects := c.p.texts("UserIds"), c.p.texts("Operations"), c.p.texts("IPAddresses"), c.p.texts("ObjectIds")
	record, free := c.p.text("RecordType"), strings.ToLower(c.p.text("FreeText"))
	var out []cloud.Object
	for _, row := range cloud.Objects(c.tenant.Exchange, "unifiedAuditLog") {
		at, err := parseDate(cloud.Str(row, "CreationDate"))
		if err != nil || at.Before(from) || !at.Before(to) && !at.Equal(to) {
			continue
		}
		if !inList(users, cloud.Str(row, "UserIds")) || !inList(operations, cloud.Str(row, "Operations")) || record != "" && !strings.EqualFold(record, cloud.Str(row, "RecordType")) {
			continue
		}
		data := cloud.Child(row, "AuditData")
		if len(ips) > 0 && !slices.ContainsFunc(ips, func(ip string) bool {
			return strings.HasPrefix(cloud.Str(data, "ClientIP"), ip) || cloud.Str(data, "ActorIpAddress") == ip || cloud.Str(data, "ClientIPAddress") == ip
		}) {
			continue
		}
		if !inList(objects, cloud.Str(data, "ObjectId")) || free != "" && !strings.Contains(strings.ToLower(fmt.Sprint(data)), free) {
			continue
		}
		out = append(out, row)
	}
	return out
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
	senders, recipients, states := c.p.texts("SenderAddress"), c.p.texts("RecipientAddress"), c.p.texts("Status")
	var rows []cloud.Object
	for _, row := range cloud.Objects(c.tenant.Exchange, "messageTrace") {
		at, err := parseDate(cloud.Str(row, "Received"))
		if err != nil || at.Before(from) || at.After(to) || !addressIn(senders, cloud.Str(row, "SenderAddress")) || !addressIn(recipients, cloud.Str(row, "RecipientAddress")) ||
			!inList(states, cloud.Str(row, "Status")) || !inList(c.p.texts("MessageId"), cloud.Str(row, "MessageId")) || !c.traceRow(row) {
			continue
		}
		rows = append(rows, row)
	}
	slices.SortStableFunc(rows, func(a, b cloud.Object) int {
		return cmp.Or(cmp.Compare(cloud.Str(b, "Received"), cloud.Str(a, "Received")), cmp.Compare(strings.ToLower(cloud.Str(a, "RecipientAddress")), strings.ToLower(cloud.Str(b, "RecipientAddress"))))
	})
	if start := strings.ToLower(c.p.text("StartingRecipientAddress")); start != "" {
		edge := to.Truncate(time.Second)
		rows = slices.DeleteFunc(rows, func(row cloud.Object) bool {
			at, err := parseDate(cloud.Str(row, "Received"))
			return err == nil && at.Truncate(time.Second).Equal(edge) && strings.ToLower(cloud.Str(row, "RecipientAddress")) < start
		})
	}
	if len(rows) > size {
		rows = rows[:size]
		c.warn("There are more results, use the following command to get more. Continue with StartingRecipientAddress and EndDate of the last row.")
	}
	return rows, nil
}

func (c *call) traceRow(row cloud.Object) bool {
	if id := c.p.text("MessageTraceId"); id != "" && !strings.EqualFold(id, cloud.Str(row, "MessageTraceId")) {
		return false
	}
	if ip := c.p.text("FromIP"); ip != "" && ip != cloud.Str(row, "FromIP") {
		return false
	}
	if ip := c.p.text("ToIP"); ip != "" && ip != cloud.Str(row, "ToIP") {
		return false
	}
	due, subject := strings.ToLower(c.p.text("Subject")), strings.ToLower(cloud.Str(row, "Subject"))
	switch strings.ToLower(c.p.text("SubjectFilterType")) {
	case "startswith":
		return strings.HasPrefix(subject, due)
	case "endswith":
		return strings.HasSuffix(subject, due)
	}
	return strings.Contains(subject, due)
}

// addressIn says whether an address is in a list, in which * stands for anything; an empty list holds all.
func addressIn(list []string, address string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(p string) bool { return like(address, p) })
}
