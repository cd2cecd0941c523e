package judge

import (
	"net/netip"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// mail is one line of the message trace: one message to one recipient.
type mail struct {
	at      time.Time
	id      string
	from    string
	to      string
	subject string
	msg     uint64
	ip      netip.Addr
	out     bool // sent by the user of the case
}

func (m *mail) ref() ref { return ref{bec.MessageTrace, m.id} }

func (q *inquiry) takeMail(source, id string, o *object) {
	at, _ := o.time("Received", "receivedDateTime")
	m := mail{at: at, id: id, from: q.str(o.lowerView("SenderAddress")), to: q.str(o.lowerView("RecipientAddress")), subject: q.str(clean(o.view("Subject"), longestField)), ip: address(o.view("FromIP"))}
	if m.id == "" {
		m.id = o.str("MessageTraceId", "id")
	}
	if mid := o.str("MessageId", "internetMessageId"); mid != "" {
		m.msg = hash64(strings.ToLower(mid))
	}
	m.out = q.user(m.from)
	if !m.out && !q.user(m.to) && source == bec.MessageTrace {
		q.saw(source, at)
		return // of somebody else
	}
	q.saw(source, at)
	q.trace = append(q.trace, m)
}
