package judge

import (
	"strconv"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// What happens by the hundred thousand is kept by the hour: reads, files, deletions, sending.

// group lets one event stand for those of an hour that have all of the context in common. It tells whether e is new.
func (q *inquiry) group(e *event, flavour string) (*event, bool) {
	if !e.mine && e.source != bec.OtherAccounts && e.by != byOther {
		return e, false // of a service, in somebody else's mailbox
	}
	hour := e.at.Truncate(time.Hour)
	key := q.key[:0]
	for _, part := range [...]string{flavour, e.actor, e.session, e.agent, e.app, e.device} {
		key = append(append(key, part...), 0)
	}
	key = strconv.AppendInt(e.ip.AppendTo(key), hour.Unix(), 36)
	q.key = key
	if g, ok := q.bulk[string(key)]; ok {
		g.n++
		if e.at.Before(g.at) {
			g.at, g.id, g.raw = e.at, e.id, e.raw
		}
		return g, false
	}
	e = e.kept()
	q.bulk[string(key)] = e
	if e.mine {
		q.add(e)
	} else {
		q.others = append(q.others, e)
	}
	return e, true
}

// takeReads groups MailItemsAccessed; the messages' ids are collected later, and only the attacker's.
func (q *inquiry) takeReads(e *event, d *object) {
	kind, throttled := "", false
	d.get("OperationProperties").ForEach(func(_, v gjson.Result) bool {
		switch n := v.Get("Name").Str; {
		case strings.EqualFold(n, "MailAccessType"):
			kind = q.str(strings.ToLower(text(v.Get("Value"))))
		case strings.EqualFold(n, "IsThrottled"):
			throttled = truth(v.Get("Value"))
		}
		return true
	})
	flavour := "read:" + kind
	if throttled {
		flavour += ":throttled"
	}
	if n := d.num("LogonType"); n != 0 {
		flavour += ":" + itoa(n)
	}
	g, fresh := q.group(e, flavour)
	if fresh {
		folder := d.into(&q.scratch[1], "Item").into(&q.scratch[2], "ParentFolder")
		g.params = map[string]string{"access": kind, "flavour": flavour}
		g.item = &item{folder: folder.str("Path", "Name")}
		if throttled {
			g.params["throttled"] = "true"
		}
	}
}

// readKey is the key under which takeReads grouped a record; affected reads the records a second time.
func readKey(e *event) string {
	return strings.Join([]string{e.session, e.ip.String(), e.agent, e.app, itoa(int(e.at.Truncate(time.Hour).Unix()))}, "\x00")
}

// touch is a file that was touched, and when.
type touch struct {
	at   int64
	file uint64
	e    *event
}

func (q *inquiry) takeFile(e *event, d *object) {
	file := d.str("ObjectId", "SourceFileName")
	at := e.at.Unix()
	g, _ := q.group(e, "file:"+e.op)
	if !e.mine || e.by != byUser {
		return
	}
	key := e.session
	if key == "" {
		key = e.ip.String()
	}
	q.touches[key] = append(q.touches[key], touch{at, hash64(file), g})
}

// takeDelete groups deletions, and keeps the subjects of those that look like evidence.
func (q *inquiry) takeDelete(e *event, d *object) {
	var telling []string
	look := func(s string) {
		if s != "" && len(telling) < 5 && holds(s, words().SecurityNotices) {
			telling = append(telling, s)
		}
	}
	count := 0
	d.get("AffectedItems").ForEach(func(_, v gjson.Result) bool {
		count++
		look(v.Get("Subject").String())
		return true
	})
	look(d.into(&q.scratch[1], "Item").str("Subject"))
	flavour := "delete:" + e.op
	if len(telling) > 0 {
		flavour += ":telling"
	}
	g, _ := q.group(e, flavour)
	if g.item == nil {
		g.item = new(item)
	}
	for _, s := range telling {
		if len(g.item.subjects) < 5 {
			g.item.subjects = append(g.item.subjects, strings.Clone(s))
		}
	}
	g.item.bytes += max(count, 1)
}

// takeSend groups what was sent, with the messages' ids; mail about changed payment details stands apart.
func (q *inquiry) takeSend(e *event, d *object) {
	it := q.itemOf(d)
	flavour := "send:" + e.op
	if it != nil {
		flavour += ":" + it.as
		if len(it.subjects) > 0 && holds(it.subjects[0], words().PaymentChange) {
			flavour += ":payment:" + e.id
		}
	}
	g, fresh := q.group(e, flavour)
	switch {
	case it == nil:
	case fresh:
		g.item = it
	case g.item != nil:
		g.item.msgs = append(g.item.msgs, it.msgs...)
		if len(g.item.subjects) < 3 {
			g.item.subjects = append(g.item.subjects, it.subjects...)
		}
	}
}
