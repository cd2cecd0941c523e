package judge

import (
	"slices"
	"strings"

	"cipp-mcp/workflows/bec"
)

// order of the response: what stops the attacker first, what hands the account back last.
var responseOrder = []string{"snapshot", "litigationHold", "blockSignIn", "revokeSessions", "disableDevice", "resetPassword", "removeMethod", "removeAppPasswords", "removeGrant", "removeAppRoleAssignment", "disableServicePrincipal", "disableRule", "removeSweepRule",
	"removeForwarding", "removeDelegate", "removeSendAs", "removeSendOnBehalf", "removeFolderPermission", "restoreJunkList", "restoreAutoReply", "removeMobileDevice", "removeSharingLink", "restoreTenantItem", "revokeSessionsAgain", "issueAccessPass", "allowSignIn", "unblockSender"}

// plan is the proposed response. It holds what is the attacker's, by id; what might be the user's own is asked about
// instead.
func (q *inquiry) plan(v bec.Verdict) []bec.Step {
	if v != bec.Confirmed && v != bec.Likely {
		return []bec.Step{}
	}
	kind := q.incident(v)
	if kind == bec.SpoofOnly || kind == bec.NoneObserved {
		return []bec.Step{}
	}
	p := &planner{q: q, have: map[string]bool{}}
	user := q.f.User.ID
	p.add("snapshot", user, "containment changes the evidence", nil)
	p.add("litigationHold", user, "recoverable items expire within 14 to 30 days", &bec.Undo{Possible: true, Recipe: "set the previous value"})
	takeover := kind == bec.AccountTakeover || kind == bec.TenantCompromise
	if takeover {
		if why := q.mustBlock(); why != "" {
			p.add("blockSignIn", user, why, &bec.Undo{Possible: true, Recipe: "enable the account"})
		}
	}
	if kind != bec.AbuseByOtherPrincipal {
		p.add("revokeSessions", user, "it ends the refresh tokens that are in use", &bec.Undo{})
	}
	if takeover {
		p.add("resetPassword", user, "the attacker knows or can set the password", &bec.Undo{})
		if slices.ContainsFunc(q.findings, func(f *finding) bool { return f.Class == "AUTH_APP_PASSWORD" && f.counts() }) {
			p.manual("removeAppPasswords", user, "no interface deletes a single app password, and a password reset leaves them alive: delete them in the portal")
		}
	}
	for _, f := range q.findings {
		p.finding(f)
	}
	if kind != bec.AbuseByOtherPrincipal {
		p.add("revokeSessionsAgain", user, "a token may have been redeemed while the response ran", &bec.Undo{})
	}
	if takeover {
		p.wayBack()
	}
	return p.steps()
}

// wayBack are the steps by which the user gets the account again. They are for later, and nobody's default: each is asked
// for by its id, once the attacker's things are gone.
func (p *planner) wayBack() {
	q := p.q
	p.add("issueAccessPass", q.f.User.ID, "only on request, after the response: it is handed over in person or by a call back to a known number, and the user registers a method that cannot be phished with it; an endpoint that may hold malware is cleaned or replaced first", &bec.Undo{Possible: true, Recipe: "take the pass away"})
	if slices.ContainsFunc(p.list, func(s bec.Step) bool { return s.Action == "blockSignIn" }) || q.blockedNow() {
		p.add("allowSignIn", q.f.User.ID, "only on request, last: opening the account earlier lets the attacker in again", &bec.Undo{Possible: true, Recipe: "block sign-in again"})
	}
}

// blockedNow tells whether the account is blocked in the state that was read.
func (q *inquiry) blockedNow() bool {
	return slices.ContainsFunc(q.state["user"], func(r *row) bool {
		return (q.user(r.o.str("id")) || q.user(r.o.str("userPrincipalName"))) && r.o.has("accountEnabled") && !r.o.flag("accountEnabled")
	})
}

type planner struct {
	q    *inquiry
	list []bec.Step
	have map[string]bool
}

func (p *planner) add(action, target, why string, undo *bec.Undo) *bec.Step {
	k := action + "\x00" + strings.ToLower(target)
	if target == "" || p.have[k] {
		return nil
	}
	p.have[k] = true
	s := bec.Step{Action: action, TargetID: target, Status: "planned", Reason: why, Undo: undo}
	p.hybrid(&s)
	p.list = append(p.list, s)
	return &p.list[len(p.list)-1]
}

func (p *planner) manual(action, target, why string) {
	if s := p.add(action, target, why, nil); s != nil {
		s.Status = "manual_required"
	}
}

// hybrid changes the steps that a directory on the premises masters.
func (p *planner) hybrid(s *bec.Step) {
	q := p.q
	synced, federated := q.hybrid()
	manual := func(words string) { s.Status, s.Reason = "manual_required", words }
	const sync = "then start a delta synchronisation (Start-ADSyncSyncCycle -PolicyType Delta) and call again: the step is done once Microsoft shows it"
	switch {
	case s.Action == "blockSignIn" && q.breakGlass():
		manual("this is an emergency account: blocking it needs a second approver. " + s.Reason)
	case s.Action == "blockSignIn" && synced:
		manual("the user is synchronised, and the next synchronisation may overwrite a block in the cloud: disable the account in the local directory (Disable-ADAccount), " + sync + ". " + s.Reason)
	case s.Action == "resetPassword" && federated:
		manual("the domain is federated, so the password of the cloud opens nothing: reset it where it is mastered, twice, end the user's sessions at the identity provider, " + sync)
	case s.Action == "resetPassword" && synced && !q.writeback():
		manual("the user is synchronised: reset the password in the local directory (Set-ADAccountPassword), twice, since a hash may be cached, " + sync + "; with password writeback set up, a signed-in administrator can reset it in the portal instead")
	case s.Action == "allowSignIn" && synced:
		manual("the user is synchronised: enable the account in the local directory (Enable-ADAccount), last, " + sync)
	}
}

// finding adds the steps of a finding that is the attacker's, or of a state that decided the verdict and that nothing
// ties to the user.
func (p *planner) finding(f *finding) {
	q := p.q
	attacker := f.Attribution.Value == bec.ByAttacker
	orphan := !attacker && f.Attribution.Value == bec.Ambiguous && f.artefact && f.alive && !f.fromUser && !f.untested && rank(f.Severity) >= rank(bec.High)
	if !attacker && !orphan {
		return
	}
	for _, r := range f.Remediation {
		if orphan && !r.Reversible && r.Action != "unblockSender" {
			continue
		}
		if orphan && slices.Contains([]string{"disableDevice", "removeMobileDevice"}, r.Action) {
			continue // a phone or laptop may be the user's own
		}
		s := p.add(r.Action, r.TargetID, f.Title, &bec.Undo{Possible: r.Reversible, Recipe: or(r.Reversible, "restore it from the snapshot", "")})
		n := f.name()
		if _, entry, ok := strings.Cut(r.TargetID, "|"); ok && r.Action == "restoreJunkList" {
			n = entry
		}
		if s != nil && n != "" {
			s.TargetName = fence(n)
		}
	}
	if attacker && f.IndependenceGroup == "G4" {
		p.app(f)
	}
	switch f.Class {
	case "TRANSPORT_RULE", "CONNECTOR_CHANGE", "CA_CHANGE", "FEDERATION_CHANGE", "CONSENT_POLICY_CHANGE", "ROLE_CHANGE", "AUDIT_TAMPER", "MAILBOX_AUDIT_BYPASS", "SP_CREDENTIAL_ADDED":
		p.manual("restoreTenantItem", or(f.entity != "", f.entity, f.refs[0].id), "it concerns the whole tenant and needs a second approver: "+f.Title)
	}
	if f.Class == "SENDER_BLOCKED" {
		if s := p.add("unblockSender", q.f.User.UserPrincipalName, "last, once rules and methods were verified: Microsoft limits repeated releases", &bec.Undo{}); s != nil {
			s.Status = "planned"
		}
	}
}

// name is what a step's target is called, without the sentence around it.
func (f *finding) name() string {
	if i := strings.Index(f.Title, "«"); i >= 0 {
		if j := strings.Index(f.Title[i:], "»"); j > 0 {
			return f.Title[i+len("«") : i+j]
		}
	}
	return f.entity
}

// app adds the steps against an application: the user's assignment, and the application itself where it is nobody
// else's. A product that others use stays.
func (p *planner) app(f *finding) {
	q := p.q
	for _, r := range q.state["oauth2PermissionGrant"] {
		if r.source == bec.OtherAccounts || !slices.Contains(f.refs, r.ref()) {
			continue
		}
		client := r.o.str("clientId")
		for _, a := range q.state["appRoleAssignment"] {
			if same(a.o.str("resourceId"), client) && (a.o.str("principalId") == "" || q.user(a.o.str("principalId"))) {
				p.add("removeAppRoleAssignment", a.o.str("id"), "it gives the user the attacker's application", &bec.Undo{Possible: true, Recipe: "assign it again"})
			}
		}
		if v := q.vouchFor(client); v.known && v.catalogue != "abused" && !v.verified && !v.trusted() {
			if s := p.add("disableServicePrincipal", client, "a disabled application stays as evidence and cannot be consented to again", &bec.Undo{Possible: true, Recipe: "enable it"}); s != nil {
				s.TargetName = fence(v.name)
			}
		}
	}
}

// steps puts them in the order of the response; the second revocation is the same action again.
func (p *planner) steps() []bec.Step {
	slices.SortStableFunc(p.list, func(a, b bec.Step) int {
		return slices.Index(responseOrder, a.Action) - slices.Index(responseOrder, b.Action)
	})
	for i := range p.list {
		p.list[i].ID = "s" + itoa(i+1)
		if p.list[i].Action == "revokeSessionsAgain" {
			p.list[i].Action = "revokeSessions"
		}
	}
	return p.list
}

// mustBlock says why signing in has to be blocked, and not only the sessions revoked.
func (q *inquiry) mustBlock() string {
	for _, f := range q.findings {
		if f.Attribution.Value != bec.ByAttacker {
			continue
		}
		switch f.Class {
		case "MAIL_PAYMENT_FRAUD", "MAIL_SENT_BY_ATTACKER", "SHARING_LURE":
			return "a fraud may be under way"
		case "AUTH_METHOD_ADDED", "AUTH_TAP_ISSUED":
			return "the attacker holds a sign-in method and could reset the password"
		}
	}
	if !q.complete(bec.AuthMethods) {
		return "the sign-in methods could not be read: the attacker may hold one"
	}
	for _, r := range q.state["roleAssignment"] {
		if q.user(r.o.str("principalId")) {
			return "the user holds a directory role"
		}
	}
	return ""
}

func (q *inquiry) breakGlass() bool {
	return slices.ContainsFunc(q.f.BreakGlass, func(b string) bool { return q.user(b) })
}

// hybrid tells whether the user is mastered on the premises, and whether the domain is federated.
func (q *inquiry) hybrid() (synced, federated bool) {
	for _, r := range q.state["user"] {
		if q.user(r.o.str("id")) || q.user(r.o.str("userPrincipalName")) {
			synced = synced || r.o.flag("onPremisesSyncEnabled")
		}
	}
	for _, r := range q.state["domain"] {
		if same(r.o.str("id"), domainOf(q.f.User.UserPrincipalName)) && strings.EqualFold(r.o.str("authenticationType"), "Federated") {
			federated = true
		}
	}
	return synced, federated
}

// writeback tells whether the evidence shows that a reset in the cloud reaches the local directory.
func (q *inquiry) writeback() bool {
	for _, r := range q.state["onPremisesDirectorySynchronization"] {
		features := r.o.obj("features")
		if features.flag("passwordWritebackEnabled") {
			return true
		}
	}
	return false
}
