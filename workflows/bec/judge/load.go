package judge

import (
	"context"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unsafe"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// sources in the order they are read: the state first, because it says by which names the user is known.
var sources = []string{
	bec.Profile, bec.Forwarding, bec.InboxRules, bec.HiddenRules, bec.SweepRules, bec.Delegates, bec.FolderPermissions, bec.JunkConfig, bec.AutoReplies,
	bec.Protocols, bec.AuthMethods, bec.Devices, bec.MobileDevices, bec.Grants, bec.Apps, bec.AddIns, bec.BlockedSender, bec.Roles, bec.ConditionalAccess,
	bec.Federation, bec.TransportRules, bec.Connectors, bec.AuditConfig, bec.ConsentPolicy, bec.PartnerAccess, bec.SharingLinks, bec.AppPasswords, bec.OutlookForms,
	bec.SignInsInteractive, bec.SignInsNonInteractive, bec.DirectoryAudits, bec.UALLogons, bec.UAL, bec.MailItemsAccessed, bec.MessageTrace, bec.Risk, bec.Alerts, bec.OtherAccounts,
}

var seed = maphash.MakeSeed()

// hash64 is only compared within one judging.
func hash64(s string) uint64 { return maphash.String(seed, s) }

// read takes in every row of every source once. A source that breaks off is partial, and the case goes on.
func (q *inquiry) read(ctx context.Context) error {
	var o object
	for _, s := range sources {
		n := 0
		for r, err := range q.file.Rows(s) {
			if n++; n%1024 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				q.broke(s, err)
				break
			}
			o.open(parsed(s, r))
			q.take(s, r, &o)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// parsed is a row's data. Of a log, of which the evidence has hundreds of thousands of rows, it is no copy: what is kept of
// such a row is cloned, field by field.
func parsed(source string, r bec.Row) gjson.Result {
	switch kindOf(source, r.Kind) {
	case "signIn", "directoryAudit", "auditRecord", "messageTrace":
		return gjson.Parse(unsafe.String(unsafe.SliceData(r.Data), len(r.Data))) //nolint:gosec // nobody writes to it before the next row
	}
	return gjson.ParseBytes(r.Data)
}

func (q *inquiry) broke(source string, err error) {
	c := &q.coverage[q.covered[source]]
	if c.Status == bec.ReadWhole || c.Status == bec.ReadPartly {
		c.Status, c.Reason, c.Detail = bec.ReadPartly, bec.ReadError, clean("the stored rows could not be read on: "+err.Error(), longestField)
	}
}

func (q *inquiry) take(source string, r bec.Row, o *object) {
	id := r.ID
	if len(q.pending) > 0 {
		delete(q.pending, source+"/"+id)
	}
	switch kind := kindOf(source, r.Kind); kind {
	case "signIn":
		q.takeSignIn(source, id, o)
	case "directoryAudit":
		q.takeDirectoryAudit(source, id, o)
	case "auditRecord":
		q.takeAudit(source, id, o)
	case "messageTrace":
		q.takeMail(source, id, o)
	default:
		keep := object{keys: slices.Clone(o.keys), vals: slices.Clone(o.vals)}
		if id == "" {
			id = keep.str("id", "Identity", "Guid", "RuleIdentity", "Name")
		}
		q.state[kind] = append(q.state[kind], &row{source: source, kind: kind, id: id, o: keep})
		q.learnNames(kind, &keep)
	}
}

// kindOf is the row's kind, or that of its source where a collector left it out.
func kindOf(source, kind string) string {
	if kind != "" {
		return kind
	}
	switch source {
	case bec.SignInsInteractive, bec.SignInsNonInteractive:
		return "signIn"
	case bec.DirectoryAudits:
		return "directoryAudit"
	case bec.UAL, bec.UALLogons, bec.MailItemsAccessed:
		return "auditRecord"
	case bec.MessageTrace:
		return "messageTrace"
	}
	return source
}

// learnNames takes the user's other names from what the directory and Exchange say of the user.
func (q *inquiry) learnNames(kind string, o *object) {
	switch kind {
	case "user":
		if !q.user(o.str("id")) && !q.user(o.str("userPrincipalName")) {
			return
		}
		q.isUser(o.str("id"))
		q.isUser(o.str("userPrincipalName"))
		q.isUser(o.str("mail"))
		for _, p := range o.list("proxyAddresses") {
			q.isUser(smtp(p))
		}
	case "mailbox":
		if id := o.str("ExternalDirectoryObjectId"); id != "" && !q.user(id) {
			return
		}
		for _, n := range []string{"UserPrincipalName", "PrimarySmtpAddress", "ExternalDirectoryObjectId", "ExchangeGuid", "Guid", "LegacyExchangeDN", "WindowsEmailAddress"} {
			q.isUser(o.str(n))
		}
		for _, p := range o.list("EmailAddresses") {
			q.isUser(smtp(p))
		}
	case "domain":
		if id := o.lower("id"); id != "" && (!o.has("isVerified") || o.flag("isVerified")) {
			q.own[id] = true
		}
	}
}

// where is what is known of an address; asn and country as the sign-in log gives them, or the enrichment.
func (q *inquiry) where(ip netip.Addr, asn int, country string) *place {
	if !ip.IsValid() {
		return &place{asn: asn, country: country}
	}
	key := ip.String()
	p, ok := q.places[key]
	if !ok {
		p = &place{service: ofMicrosoft(ip)}
		if q.f.Intel != nil {
			if i, ok := q.f.Intel(ip); ok {
				p.asn, p.country, p.kind = i.ASN, strings.ToUpper(i.Country), strings.ToLower(i.Type)
			}
		}
		q.places[key] = p
	}
	if p.asn == 0 {
		p.asn = asn
	}
	if p.kind == "" && p.asn != 0 && slices.Contains(catalogue().HostingASNs, p.asn) {
		p.kind = "hosting"
	}
	if p.country == "" {
		p.country = strings.ToUpper(country)
	}
	return p
}

// add keeps an event of the user or of the tenant.
func (q *inquiry) add(e *event) {
	if e.n == 0 {
		e.n = 1
	}
	q.events = append(q.events, e)
}

// saw notes that a log is alive and how far back it shows something.
func (q *inquiry) saw(source string, at time.Time) {
	q.alive[source] = true
	if old, ok := q.earliest[source]; !at.IsZero() && (!ok || at.Before(old)) {
		q.earliest[source] = at
	}
}

// rawTime keeps a time's own writing where the parsed one does not show it.
func rawTime(at time.Time, raw string) string {
	if raw == "" || strings.HasSuffix(raw, "Z") || at.IsZero() {
		return ""
	}
	return raw
}

// order sorts the events by time and lets one record stand for an event that several logs hold.
func (q *inquiry) order() {
	byTime := func(a, b *event) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.source+a.id, b.source+b.id)
	}
	slices.SortFunc(q.events, byTime)
	slices.SortFunc(q.others, byTime)
	q.dedupe()
	q.bulk, q.seen = nil, nil
}

// dedupe drops a record whose event another log holds more fully: the sign-in log over the audit log's logon, the
// directory audit over its record of type 8, Exchange's own record over a second one of the same minute.
func (q *inquiry) dedupe() {
	signed := map[string]*event{}
	for _, e := range q.events {
		if e.sign != nil {
			signed[e.id] = e
			if e.corr != "" {
				signed[e.corr] = e
			}
		}
	}
	type key struct{ op, actor, target string }
	directory := map[key][]*event{}
	for _, e := range q.events {
		if e.source == bec.DirectoryAudits {
			k := key{strings.ToLower(e.op), e.actor, ""}
			directory[k] = append(directory[k], e)
			if e.corr != "" {
				directory[key{strings.ToLower(e.op), "", e.corr}] = append(directory[key{strings.ToLower(e.op), "", e.corr}], e)
			}
		}
	}
	for _, e := range q.events {
		if e.source == bec.DirectoryAudits || e.sign != nil {
			continue
		}
		if logon(e.op) {
			if t := first(signed[e.id], signed[e.corr]); t != nil && t != e {
				merge(t, e)
			}
			continue
		}
		twins := directory[key{strings.ToLower(e.op), e.actor, ""}]
		if e.corr != "" {
			twins = append(slices.Clone(twins), directory[key{strings.ToLower(e.op), "", e.corr}]...)
		}
		for _, t := range twins {
			if d := t.at.Sub(e.at); d.Abs() <= time.Minute {
				merge(t, e)
				break
			}
		}
	}
}

// merge gives what the dropped record knows more to the one that stays.
func merge(stay, drop *event) {
	drop.dropped = true
	drop.root = stay
	fill := func(a *string, b string) {
		if *a == "" {
			*a = b
		}
	}
	fill(&stay.session, drop.session)
	fill(&stay.token, drop.token)
	fill(&stay.device, drop.device)
	fill(&stay.app, drop.app)
	if !stay.ip.IsValid() {
		stay.ip, stay.place = drop.ip, drop.place
	}
	for k, v := range drop.params {
		if _, ok := stay.params[k]; !ok && stay.params != nil {
			stay.params[k] = v
		}
	}
}

func first(list ...*event) *event {
	for _, e := range list {
		if e != nil {
			return e
		}
	}
	return nil
}
