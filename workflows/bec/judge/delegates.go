package judge

import (
	"slices"
	"strings"

	"cipp-mcp/workflows/bec"
)

var delegateOps = set("Add-MailboxPermission", "Add-RecipientPermission", "Add-ADPermission")

// systemTrustee tells the trustees that Exchange itself puts on every mailbox.
func systemTrustee(s string) bool {
	l := strings.ToLower(s)
	return l == "" || strings.HasPrefix(l, "nt authority\\") || strings.HasPrefix(l, "s-1-5-") || strings.Contains(l, "microsoft.exchange.servicehost") || strings.HasPrefix(l, "discovery management") ||
		strings.HasPrefix(l, "exchange servers") || strings.HasPrefix(l, "exchange trusted subsystem") || strings.HasPrefix(l, "organization management") || strings.HasPrefix(l, "public folder management") ||
		strings.HasPrefix(l, "managed availability servers") || strings.HasPrefix(l, "domain admins") || strings.HasPrefix(l, "enterprise admins") || strings.Contains(l, "\\administrator") || strings.HasPrefix(l, "delegated setup")
}

// right is a right of somebody else on the mailbox, as state and history show it.
type right struct {
	trustee string
	kind    string // FullAccess, SendAs, SendOnBehalf
	action  string
	live    bool
	refs    []ref
	acts    []*event
}

// findDelegates reports rights that the attacker gave, and those of accounts that should hold none.
func (q *inquiry) findDelegates() {
	var rights []*right
	add := func(trustee, kind, action string, r *row) {
		if !systemTrustee(trustee) && !q.user(trustee) {
			rights = append(rights, &right{trustee: trustee, kind: kind, action: action, live: true, refs: []ref{r.ref()}})
		}
	}
	for _, r := range q.state["mailboxPermission"] {
		if !r.o.flag("Deny") && !r.o.flag("IsInherited") {
			for _, k := range r.o.list("AccessRights") {
				if strings.EqualFold(k, "FullAccess") || strings.EqualFold(k, "ReadPermission") {
					add(r.o.str("User"), "FullAccess", "removeDelegate", r)
					break
				}
			}
		}
	}
	for _, r := range q.state["recipientPermission"] {
		if !r.o.flag("IsInherited") && !strings.EqualFold(r.o.str("AccessControlType"), "Deny") {
			add(r.o.str("Trustee"), "SendAs", "removeSendAs", r)
		}
	}
	if m := q.mailbox(); m != nil {
		for _, t := range m.o.list("GrantSendOnBehalfTo") {
			add(t, "SendOnBehalf", "removeSendOnBehalf", m)
		}
	}
	for _, e := range q.events {
		if trustee, kind := delegation(e); trustee != "" && e.ok && !e.dropped && e.who != bec.ByTool && q.onMailbox(e) && !q.user(trustee) {
			i := slices.IndexFunc(rights, func(r *right) bool { return r.kind == kind && sameTrustee(r.trustee, trustee) })
			if i < 0 {
				rights = append(rights, &right{trustee: trustee, kind: kind})
				i = len(rights) - 1
			}
			rights[i].acts = append(rights[i].acts, e)
		}
	}
	for _, r := range rights {
		q.findRight(r)
	}
	q.findAbroad()
}

func delegation(e *event) (trustee, kind string) {
	if e.params == nil {
		return "", ""
	}
	switch {
	case e.op == "Add-MailboxPermission":
		return e.params["user"], "FullAccess"
	case e.op == "Add-RecipientPermission":
		return e.params["trustee"], "SendAs"
	case e.op == "Add-ADPermission":
		return e.params["user"], "SendAs"
	case e.op == "Set-Mailbox" && e.params["grantsendonbehalfto"] != "":
		return strings.Trim(strings.TrimPrefix(strings.TrimLeft(e.params["grantsendonbehalfto"], "@{ "), "add="), "{} \"'"), "SendOnBehalf"
	}
	return "", ""
}

// onMailbox tells a change of the user's own mailbox, not one that the user made on another's.
func (q *inquiry) onMailbox(e *event) bool {
	for _, n := range []string{e.params["identity"], e.target} {
		if n != "" {
			name, _, _ := strings.Cut(n, "\\")
			if q.user(name) {
				return true
			}
			if strings.Contains(n, "@") || strings.Count(n, "-") == 4 {
				return false
			}
		}
	}
	return e.mine
}

func sameTrustee(a, b string) bool {
	if same(a, b) {
		return true
	}
	short := func(s string) string {
		s = strings.ToLower(s[strings.LastIndexAny(s, "\\/")+1:])
		name, _, _ := strings.Cut(s, "@")
		return name
	}
	return short(a) != "" && short(a) == short(b)
}

func (q *inquiry) findRight(r *right) {
	f := q.found("DELEGATE_ADDED", "delegate:"+r.kind+":"+strings.ToLower(r.trustee), bec.Low)
	f.refs, f.artefact, f.alive, f.entity = r.refs, r.live, r.live, r.trustee
	f.Title = fence(r.trustee) + " may use the mailbox (" + r.kind + ")"
	odd := q.oddTrustee(r.trustee)
	q.actedBy(f, r.acts)
	outside := strings.Contains(r.trustee, "#ext#") || strings.Contains(r.trustee, "@") && !q.internal(domainOf(r.trustee))
	switch {
	case f.Attribution.Value == bec.ByAttacker:
		f.Severity, f.Confidence = bec.Critical, bec.HighConfidence
		f.Why = "The right was given in the attacker's context."
	case (odd != "" || outside) && (len(r.acts) > 0 && q.inWindow(r.acts[0].at) || odd != ""):
		f.Severity = bec.Critical
		f.Why = "The account that holds the right " + or(odd != "", odd, "is a guest") + "."
	case len(r.acts) > 0 && f.Attribution.Value == bec.Ambiguous && q.inWindow(r.acts[0].at) && slices.ContainsFunc(r.acts, func(e *event) bool { return q.context(e).hostile() }):
		f.Severity, f.Why, f.BenignTested = q.weigh(bec.High), "It was given from a place that is not the user's.", q.placeTests(r.acts[0])
	case len(r.acts) > 0 && r.acts[0].by == byOther && sameTrustee(r.acts[0].actor, r.trustee) && q.inWindow(r.acts[0].at):
		f.Severity, f.Why = bec.Medium, "The account gave the right to itself. Ask whether somebody wanted that."
		q.doubt(f, "another account gave itself the right")
	default:
		return // an assistant, a shared mailbox, a leaver's manager
	}
	if slices.ContainsFunc(r.acts, func(e *event) bool { return strings.EqualFold(e.params["automapping"], "false") }) {
		f.Why += " It was set not to show up in Outlook."
	}
	if !r.live {
		f.Status = "historic"
	} else {
		f.Remediation = []bec.Remediation{{Action: r.action, TargetID: r.trustee, Reversible: true, NeedsApproval: true}}
	}
	f.depends = []string{bec.UAL}
	q.report(f)
}

// oddTrustee says why an account should not hold rights on a mailbox.
func (q *inquiry) oddTrustee(name string) string {
	for _, r := range q.state["user"] {
		if q.user(r.o.str("id")) || !same(r.o.str("userPrincipalName"), name) && !same(r.o.str("id"), name) && !same(r.o.str("mail"), name) && !sameTrustee(r.o.str("userPrincipalName"), name) {
			continue
		}
		created, _ := r.o.time("createdDateTime")
		activity := r.o.obj("signInActivity")
		lastSeen, _ := activity.time("lastSignInDateTime", "lastSuccessfulSignInDateTime")
		switch {
		case strings.EqualFold(r.o.str("userType"), "Guest"):
			return "is a guest"
		case !created.IsZero() && q.inWindow(created):
			return "is new"
		case !lastSeen.IsZero() && q.now.Sub(lastSeen).Hours() > 90*24 && len(r.o.list("assignedLicenses")) > 0:
			return "did not sign in for months"
		}
	}
	return ""
}

// findAbroad looks at the other direction: rights on other mailboxes that the user took in the attacker's context.
func (q *inquiry) findAbroad() {
	for _, e := range q.events {
		if !delegateOps[e.op] || !e.ok || e.dropped || e.who != bec.ByAttacker || q.onMailbox(e) {
			continue
		}
		f := q.found("DELEGATE_ADDED", "abroad:"+e.params["identity"]+e.params["user"], bec.Critical)
		f.Title = "A right on the mailbox of " + fence(e.params["identity"]) + " was given in the attacker's context"
		f.Why = "The attacker reaches another mailbox with it. That account needs a case of its own."
		f.alive = slices.ContainsFunc(q.state["mailboxAccess"], func(r *row) bool { return same(r.o.str("Identity", "Mailbox"), e.params["identity"]) })
		f.Status = or(f.alive, "active", "historic")
		q.actedBy(f, []*event{e})
		q.report(f)
	}
}
