package graphclient

import (
	"context"
	"strings"
	"time"
)

// Limits of Get-MessageTraceV2: rows of a call, the time one call may span, and how far back it reaches.
const (
	tracePage = 5000
	traceSpan = 10 * 24 * time.Hour
	tracePast = 90 * 24 * time.Hour
)

// TraceRow is what became of one message for one recipient.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-messagetracev2
type TraceRow struct {
	MessageTraceID   string    `json:"messageTraceId"`
	MessageID        string    `json:"messageId,omitempty"` // the Message-ID header, by which audit records name a message
	Received         time.Time `json:"received"`
	SenderAddress    string    `json:"senderAddress"`
	RecipientAddress string    `json:"recipientAddress"`
	Subject          string    `json:"subject,omitempty"`
	Status           string    `json:"status,omitempty"` // Delivered | Failed | Pending | Expanded | FilteredAsSpam | Quarantined | GettingStatus
	FromIP           string    `json:"fromIp,omitempty"` // empty where a server submitted the message
	ToIP             string    `json:"toIp,omitempty"`
	Size             int       `json:"size,omitempty"`
}

// TraceQuery narrows a message trace; a row must match each field that is set. From is required; a zero To
// means now.
type TraceQuery struct {
	Sender, Recipient string // addresses; * stands for anything
	FromIP            string
	From, To          time.Time
}

// EachMessageTrace gives take the rows of a message trace page by page, the newest first, none twice. Exchange
// keeps 90 days: what q asks for beyond them is left out. capped says that rows are missing because more
// messages came to one recipient in one second than a call may show. An error of take ends it and is returned.
//
// Get-MessageTraceV2, in steps of ten days and 5,000 rows; Exchange role View-Only Recipients or Message
// Tracking. Messages appear after about 15 minutes; 100 calls in five minutes per tenant, which this client
// keeps to.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-messagetracev2
func (c *Client) EachMessageTrace(ctx context.Context, tid string, q TraceQuery, take func([]TraceRow) error) (capped bool, err error) {
	if err := require(tid); err != nil {
		return false, err
	}
	now := c.clock.Now().UTC()
	from, to := q.From.UTC(), q.To.UTC()
	if q.To.IsZero() || to.After(now) {
		to = now
	}
	if oldest := now.Add(-tracePast); from.Before(oldest) {
		from = oldest.Add(time.Minute) // Exchange's clock and ours are not the same
	}
	for to.After(from) {
		start := to.Add(-traceSpan)
		if start.Before(from) {
			start = from
		}
		t := traceSlice{c: c, tid: tid, q: q, start: start, take: take}
		if err := t.read(ctx, to); err != nil {
			return capped || t.capped, err
		}
		capped = capped || t.capped
		to = start
	}
	return capped, nil
}

// traceSlice is one span of at most ten days.
type traceSlice struct {
	c      *Client
	tid    string
	q      TraceQuery
	start  time.Time
	take   func([]TraceRow) error
	before map[string]bool // the rows of the page before: of these the next one may repeat some
	capped bool
}

// read goes from end back to the start. Microsoft has a next page asked for with the last row's time as EndDate
// and its recipient as StartingRecipientAddress. The recipient tells rows of one instant apart and no others,
// and it is not said how exact that instant is; so the second the last row stands in is asked for as a whole
// and known rows are passed over. The recipient is named only where one second fills a page.
func (t *traceSlice) read(ctx context.Context, end time.Time) error {
	recipient := ""
	for {
		found, fresh, err := t.page(ctx, end, recipient)
		if err != nil {
			return err
		}
		if len(fresh) > 0 {
			if err := t.take(fresh); err != nil {
				return err
			}
		}
		if len(found) < tracePage {
			return nil
		}
		last := found[len(found)-1]
		next := last.Received.Truncate(time.Second).Add(time.Second)
		switch {
		case next.Before(end):
			end, recipient = next, ""
		case recipient == "" || len(fresh) > 0 && !strings.EqualFold(recipient, last.RecipientAddress):
			recipient = last.RecipientAddress
		default:
			t.capped = true
			end, recipient = last.Received.Truncate(time.Second).Add(-time.Millisecond), ""
		}
		if !end.After(t.start) {
			return nil
		}
	}
}

// page is one call, and what of it is new.
func (t *traceSlice) page(ctx context.Context, end time.Time, recipient string) (found, fresh []TraceRow, err error) {
	params := map[string]any{"StartDate": stampOf(t.start), "EndDate": stampOf(end), "ResultSize": tracePage}
	for name, value := range map[string]string{"SenderAddress": t.q.Sender, "RecipientAddress": t.q.Recipient, "FromIP": t.q.FromIP, "StartingRecipientAddress": recipient} {
		if value != "" {
			params[name] = value
		}
	}
	found, err = rows[TraceRow](ctx, t.c, t.tid, cmdlet{name: "Get-MessageTraceV2", params: params, rate: traceBudget})
	if err != nil {
		return nil, nil, err
	}
	seen := make(map[string]bool, len(found))
	for _, r := range found {
		key := r.MessageTraceID + " " + strings.ToLower(r.RecipientAddress) + " " + r.Received.String()
		if !t.before[key] && !seen[key] {
			fresh = append(fresh, r)
		}
		seen[key] = true
	}
	t.before = seen
	return found, fresh, nil
}

func stampOf(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.999Z") }
