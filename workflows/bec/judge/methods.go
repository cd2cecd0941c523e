package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

// methodOp sorts the directory's names for changes of a user's sign-in methods.
func methodOp(op string) string {
	switch strings.ToLower(op) {
	case "user registered security info", "user registered all required security info", "admin registered security info", "user updated security info", "admin updated security info", "create temporary access pass method for user":
		return "added"
	case "user deleted security info", "admin deleted security info":
		return "removed"
	case "disable strong authentication":
		return "disabled"
	case "fraud reported - user is blocked for mfa", "fraud reported - no action taken", "suspicious activity reported":
		return "reported"
	}
	return ""
}

// passNow tells an event that is about a Temporary Access Pass.
func passNow(e *event) bool {
	s := strings.ToLower(e.op + " " + e.params["reason"] + " " + e.params["targetname"])
	return strings.Contains(s, "temporary access pass")
}

// findMethods compares the methods as they are with how they came.
func (q *inquiry) findMethods() {
	var added, removed []*event
	for _, e := range q.events {
		if !e.mine || e.dropped || !e.ok || e.who == bec.ByTool {
			continue
		}
		switch kind := methodOp(e.op); {
		case kind == "added" && passNow(e):
			q.findPass(e)
		case kind == "added", strongMethodAdded(e):
			added = append(added, e)
		case kind == "removed":
			removed = append(removed, e)
		case kind == "disabled", e.params["perusermfastate"] == "disabled" && e.params["old:perusermfastate"] != "":
			q.oneAct("AUTH_MFA_DISABLED", e, bec.High, "Multi-factor authentication was switched off for the user", "Per-user multi-factor authentication was disabled.")
		case kind == "reported":
			f := q.found("AUTH_FRAUD_REPORTED", "fraud:"+e.id, bec.High)
			f.Title, f.Why = "The user reported a sign-in prompt as fraud", "The user said no to a prompt: somebody else had the password."
			q.actedBy(f, []*event{e})
			f.Attribution = bec.Attribution{Value: bec.Ambiguous, Reason: "the report is the user's, what it reports is not", EntityIDs: f.Attribution.EntityIDs}
			f.Status = "historic"
			q.report(f)
		}
	}
	made, used := pairMethods(q.state["authenticationMethod"], added)
	for _, r := range q.state["authenticationMethod"] {
		q.findMethod(r, made[r])
	}
	for _, e := range added {
		if !used[e] && e.who == bec.ByAttacker {
			f := q.found("AUTH_METHOD_ADDED", "method:"+e.id, bec.High)
			f.Title, f.Why = "A sign-in method was added in the attacker's context", "The method that this record tells of could not be told apart among those that are there now, or is gone."
			q.actedBy(f, []*event{e})
			f.Status = "historic"
			q.report(f)
		}
	}
	for _, e := range removed {
		q.findMethodRemoved(e, added)
	}
}

func strongMethodAdded(e *event) bool {
	if !strings.EqualFold(e.op, "Update user") || e.by != byUser {
		return false
	}
	for _, n := range []string{"strongauthenticationmethod", "strongauthenticationphoneappdetail", "strongauthenticationuserdetails"} {
		if v, ok := e.params[n]; ok && len(v) > len(e.params["old:"+n]) {
			return true
		}
	}
	return false
}

func (q *inquiry) findMethodRemoved(e *event, added []*event) {
	follows := slices.ContainsFunc(added, func(a *event) bool {
		return a.at.After(e.at) && a.at.Sub(e.at) <= 24*time.Hour && a.who == bec.ByAttacker
	})
	if e.who != bec.ByAttacker && !follows {
		return
	}
	f := q.found("AUTH_METHOD_REMOVED", "removed:"+e.id, bec.High)
	f.Title, f.Why = "A sign-in method of the user was removed", or(follows, "Another method was added in the attacker's context afterwards.", "It was removed in the attacker's context.")
	q.actedBy(f, []*event{e})
	f.Status = "historic"
	q.report(f)
}

func (q *inquiry) oneAct(class string, e *event, sev bec.Severity, title, why string) *finding {
	f := q.found(class, class+":"+e.target+e.id, sev)
	f.Title, f.Why, f.Status = title, why, "historic"
	q.actedBy(f, []*event{e})
	q.report(f)
	return f
}

// methodWords are a kind of method by Graph's type, its name, and how the audit log calls it in its reasons.
type methodWords struct{ odata, name, words string }

var methodKinds = []methodWords{
	{"microsoftauthenticator", "Authenticator app", "authenticator"},
	{"phone", "phone", "phone|sms"},
	{"fido2", "security key", "fido|passkey|security key"},
	{"softwareoath", "one-time code app", "oath|token|code"},
	{"email", "e-mail address", "email|e-mail"},
	{"windowshello", "Windows Hello", "windows hello"},
	{"platformcredential", "platform credential", "platform"},
	{"temporaryaccesspass", "Temporary Access Pass", "temporary access pass"},
}

func methodKind(odata string) (name, phrases string) {
	l := strings.ToLower(odata)
	for _, k := range methodKinds {
		if strings.Contains(l, k.odata) {
			return k.name, k.words
		}
	}
	return "", ""
}

// findMethod looks at one method that is registered now: when it came, and by whose act.
func (q *inquiry) findMethod(r *row, made *event) {
	name, _ := methodKind(r.o.str("@odata.type"))
	if name == "" {
		return // a password is not a second factor
	}
	at, _ := r.o.time("createdDateTime", "startDateTime")
	label := r.o.str("displayName", "model", "deviceTag")
	if p := r.o.str("phoneNumber", "emailAddress"); p != "" {
		label = maskPhone(p)
	}
	f := q.found("AUTH_METHOD_ADDED", "method:"+r.o.str("id"), bec.Medium)
	f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, r.o.str("id")
	f.Title = "The sign-in method " + name + " " + fence(label) + " was added"
	if name == "Temporary Access Pass" {
		if !r.o.flag("isUsable") {
			return
		}
		f.Class = "AUTH_TAP_ISSUED"
	}
	if made != nil {
		q.actedBy(f, []*event{made})
	}
	if at.IsZero() && made == nil || !at.IsZero() && !q.inWindow(at) && (made == nil || made.who != bec.ByAttacker) {
		return
	}
	if f.FirstSeen == nil && !at.IsZero() {
		f.FirstSeen, f.LastSeen = ptr(at), ptr(at)
	}
	switch {
	case made != nil && made.who == bec.ByAttacker:
		f.Severity, f.Confidence = bec.High, bec.HighConfidence
		f.Why = "It was registered in the attacker's context. With it the attacker passes the second factor and can reset the password."
	case made != nil && made.by == byOther:
		q.methodByAdmin(f, made)
		return
	case made != nil && made.who == bec.ByUser:
		return // a new phone, from a usual place
	case made == nil && !q.complete(bec.DirectoryAudits) && !q.attackSeen():
		f.untested = true
		f.Why = "It is new, and the log that would tell who registered it was not read whole."
	case q.attackSeen() && q.afterAttack(at):
		f.Severity = or(made == nil, bec.High, bec.Medium)
		f.Why = "It appeared after the attacker's first event, and nothing says that the user registered it."
	case made != nil && q.context(made).hostile():
		f.Severity = q.weigh(bec.High)
		f.Why = "It was registered from a place that is not the user's."
		f.BenignTested = q.placeTests(made)
	default:
		f.Why = "It is new, and nothing says whether the user registered it."
	}
	f.Remediation = []bec.Remediation{{Action: "removeMethod", TargetID: r.o.str("id"), NeedsApproval: true}}
	f.BenignTested = append(f.BenignTested, result("usersOwnChange", false, made != nil || q.complete(bec.DirectoryAudits), "", "no record shows it registered from a usual place or device"))
	f.depends = []string{bec.DirectoryAudits, bec.UAL}
	q.report(f)
}

func (q *inquiry) methodByAdmin(f *finding, made *event) {
	if c := q.context(made); !passNow(made) && (!c.anon || !c.newASN) {
		return
	}
	f.Severity, f.Why = bec.Medium, "An administrator registered it. The administrator may have been deceived; ask whether there was a request."
	q.report(f)
}

// pairMethods says which record tells of which method's registration. A method that bears a date takes the record of its
// kind nearest to it. Of the others, one takes a record only if no second method could have been meant: a wrong pair
// would take away the user's own phone.
func pairMethods(methods []*row, added []*event) (map[*row]*event, map[*event]bool) {
	made, used := map[*row]*event{}, map[*event]bool{}
	for _, r := range methods {
		at, _ := r.o.time("createdDateTime", "startDateTime")
		if at.IsZero() {
			continue
		}
		var best *event
		for _, e := range added {
			d := e.at.Sub(at).Abs()
			if used[e] || d > 10*time.Minute || !speaks(e, r) {
				continue
			}
			if best == nil || d < best.at.Sub(at).Abs() {
				best = e
			}
		}
		if best != nil {
			made[r], used[best] = best, true
		}
	}
	for _, e := range added {
		if used[e] || bare(e) {
			continue
		}
		var fits []*row
		for _, r := range methods {
			if at, _ := r.o.time("createdDateTime", "startDateTime"); at.IsZero() && made[r] == nil && speaks(e, r) {
				fits = append(fits, r)
			}
		}
		if len(fits) == 1 {
			made[fits[0]], used[e] = e, true
		}
	}
	return made, used
}

// bare tells a record that does not say what kind of method it is about.
func bare(e *event) bool {
	s := said(e)
	return !slices.ContainsFunc(methodKinds, func(k methodWords) bool { return mentions(s, k.words) })
}

func said(e *event) string { return strings.ToLower(e.params["reason"] + " " + e.params["targetname"]) }

// mentions tells whether any of the phrases, parted by bars, is in s.
func mentions(s, phrases string) bool {
	for p := range strings.SplitSeq(phrases, "|") {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// speaks tells whether a record may be about a method: of its kind, and for phones of its type. A record that names no
// kind may be about any.
func speaks(e *event, r *row) bool {
	name, phrases := methodKind(r.o.str("@odata.type"))
	if name == "" {
		return false
	}
	s := said(e)
	if bare(e) {
		return true
	}
	if !mentions(s, phrases) {
		return false
	}
	if name == "phone" {
		other := mentions(s, "alternative|alternate")
		office := mentions(s, "office")
		switch r.o.lower("phoneType") {
		case "alternatemobile":
			return other || !office && !mentions(s, "mobile phone|mobile sms")
		case "office":
			return office
		case "mobile":
			return !other && !office
		}
	}
	return true
}

// findPass is a Temporary Access Pass: a password that is also the second factor.
func (q *inquiry) findPass(e *event) {
	used := q.passUsed(e.at)
	f := q.found("AUTH_TAP_ISSUED", "tap:"+e.id, bec.Low)
	f.Title, f.Why, f.Status = "A Temporary Access Pass was issued", "A pass stands for password and second factor together.", "historic"
	q.actedBy(f, []*event{e})
	switch {
	case used != nil && q.context(used).strange():
		f.Severity, f.Why = bec.High, "A pass was issued and used from a network that is not the user's. Whoever issued it may have been deceived."
		f.refs = append(f.refs, used.ref())
		f.BenignTested = q.placeTests(used)
		f.Attribution = bec.Attribution{Value: or(used.who == bec.ByAttacker, bec.ByAttacker, bec.Ambiguous), Reason: used.why, EntityIDs: f.Attribution.EntityIDs}
		if used.who == bec.ByAttacker {
			ids := map[string]bool{}
			q.tie(ids, used)
			for id := range ids {
				f.Attribution.EntityIDs = append(f.Attribution.EntityIDs, id)
			}
		}
	case e.who == bec.ByAttacker:
		f.Severity = bec.High
	case used == nil || q.context(used).device || !q.context(used).newASN:
		return // onboarding, a lost phone
	}
	q.report(f)
}

func (q *inquiry) passUsed(at time.Time) *event {
	for _, e := range q.events {
		if e.sign != nil && e.mine && e.ok && strings.EqualFold(e.sign.method, "Temporary Access Pass") && e.at.After(at) && e.at.Sub(at) <= 48*time.Hour {
			return e
		}
	}
	return nil
}

// attackSeen tells whether any event is held to be the attacker's.
func (q *inquiry) attackSeen() bool {
	return slices.ContainsFunc(q.events, func(e *event) bool { return e.who == bec.ByAttacker })
}

// inWindow tells a time since about when something suspicious happened; without that, the last month.
func (q *inquiry) inWindow(t time.Time) bool {
	from := q.start
	if from.IsZero() {
		from = q.f.Since
	}
	if from.IsZero() || q.now.Sub(from) < 0 {
		from = q.now.AddDate(0, 0, -30)
	}
	return t.After(from.Add(-before))
}
