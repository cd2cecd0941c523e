package judge

import (
	"slices"
	"strings"
	"time"

	"cipp-mcp/workflows/bec"
)

func consentOp(op string) bool {
	switch op {
	case "Consent to application", "Add delegated permission grant", "Add OAuth2PermissionGrant":
		return true
	}
	return false
}

// principal is the service principal of an object id or an application id.
func (q *inquiry) principal(id string) *row {
	for _, r := range q.state["servicePrincipal"] {
		if same(r.o.str("id"), id) || same(r.o.str("appId"), id) {
			return r
		}
	}
	return nil
}

// vouch is what speaks for an application.
type vouch struct {
	known     bool // its service principal was read
	appID     string
	name      string
	approved  bool
	microsoft bool
	own       bool // the tenant's own
	verified  bool
	created   time.Time
	catalogue string // abused, rogue
	deceptive string // how its name deceives
}

func (v vouch) trusted() bool { return v.approved || v.microsoft || v.own }

func (q *inquiry) vouchFor(id string) vouch {
	r := q.principal(id)
	if r == nil {
		v := vouch{appID: strings.ToLower(id)}
		v.microsoft = firstParty(v.appID) != ""
		v.approved = containsFold(q.f.ApprovedApps, id)
		if a, ok := catalogue().apps[v.appID]; ok {
			v.catalogue = a.Kind
		}
		return v
	}
	v := vouch{known: true, appID: r.o.lower("appId"), name: r.o.str("displayName", "appDisplayName")}
	owner := r.o.str("appOwnerOrganizationId")
	v.approved = containsFold(q.f.ApprovedApps, v.appID) || containsFold(q.f.ApprovedApps, r.o.str("id"))
	v.microsoft = microsoftOwned(owner) || same(v.appID, q.f.OwnAppID)
	v.own = same(owner, q.f.TenantID)
	pub := r.o.obj("verifiedPublisher")
	v.verified = pub.str("verifiedPublisherId") != ""
	v.created, _ = r.o.time("createdDateTime")
	if a, ok := catalogue().apps[v.appID]; ok {
		v.catalogue = a.Kind
	} else if slices.Contains(r.o.list("replyUrls"), catalogue().RcloneReplyURL) {
		v.catalogue = "abused"
	}
	v.deceptive = deceptive(v.name, v.microsoft || v.verified || v.own)
	return v
}

// deceptive says how an application's name misleads: invisible characters, a sentence to a machine, Microsoft's name
// on somebody else's application.
func deceptive(name string, vouched bool) string {
	if strange(name) {
		return "the name holds invisible characters"
	}
	f := unmask(flat(name))
	for _, s := range []string{"ignore previous", "ignore all", "previous instructions", "system prompt", "assistant:", "note to the assistant", "do not report", "do not mention", "already approved", "pre-approved by", "as an ai", "you are now", "administrator has approved", "mark this as safe", "treat as safe", "treat this as", "trusted by administrator"} {
		if strings.Contains(f, s) {
			return "the name speaks to whoever reads it, like an instruction"
		}
	}
	if vouched {
		return ""
	}
	for _, s := range []string{"microsoft", "office 365", "office365", "outlook", "onedrive", "sharepoint", "exchange online", "windows", "entra", "azure ad", "defender"} {
		if !word(f, s) {
			continue
		}
		i := strings.Index(f, s)
		lead := strings.Fields(f[:i])
		if len(lead) == 0 || !slices.Contains([]string{"for", "with", "to", "from", "and", "-", "by", "für", "pour", "para", "per", "voor"}, lead[len(lead)-1]) {
			return "the name is one that Microsoft's own applications bear, and it is not Microsoft's"
		}
	}
	return ""
}

// unmask turns letters of other scripts that look Latin into those they look like.
func unmask(s string) string {
	return strings.NewReplacer("а", "a", "е", "e", "о", "o", "р", "p", "с", "c", "х", "x", "і", "i", "ѕ", "s", "ο", "o", "α", "a", "ε", "e", "ι", "i", "ν", "v", "к", "k", "т", "t", "м", "m", "0", "o", "1", "l").Replace(s)
}

func riskyScopes(scope string) []string {
	var out []string
	for s := range strings.FieldsSeq(strings.NewReplacer(",", " ", ";", " ").Replace(scope)) {
		s = s[strings.LastIndexByte(s, '/')+1:]
		if containsFold(catalogue().MailScopes, s) {
			out = append(out, s)
		}
	}
	return out
}

// riskyConsent tells a consent that gives mail or files to an application nobody vouches for.
func (q *inquiry) riskyConsent(e *event) bool {
	scope := consentScope(e)
	if len(riskyScopes(scope)) == 0 {
		return false
	}
	v := q.vouchFor(e.params["targetid"])
	return v.known && !v.trusted() && !v.verified
}

// consentScope is what a consent gave, as its record writes it.
func consentScope(e *event) string {
	s := e.params["consentaction.permissions"] + " " + e.params["delegatedpermissiongrant.scope"] + " " + e.params["scope"]
	return strings.NewReplacer("[", " ", "]", " ", ",", " ", ";", " ", "\"", " ").Replace(s)
}

// grantDate is when the user first got the application, as well as the evidence tells.
func (q *inquiry) grantDate(client string, acts []*event) time.Time {
	for _, e := range acts {
		return e.at
	}
	for _, r := range q.state["appRoleAssignment"] {
		if same(r.o.str("resourceId"), client) && (r.o.str("principalId") == "" || q.user(r.o.str("principalId"))) {
			if at, _ := r.o.time("createdDateTime"); !at.IsZero() {
				return at
			}
		}
	}
	return time.Time{}
}

func (q *inquiry) consentsTo(client string) []*event {
	v := q.vouchFor(client)
	return those(q.events, func(e *event) bool {
		return consentOp(e.op) && e.ok && !e.dropped && e.who != bec.ByTool &&
			(same(e.params["targetid"], client) || same(e.target, client) || v.appID != "" && (same(e.target, v.appID) || strings.Contains(strings.ToLower(e.params["targetid.serviceprincipalnames"]), v.appID)))
	})
}

// findConsents looks at what the user, or an administrator for everybody, gave to applications.
func (q *inquiry) findConsents() {
	for _, r := range q.state["oauth2PermissionGrant"] {
		if r.source == bec.OtherAccounts {
			continue
		}
		all := strings.EqualFold(r.o.str("consentType"), "AllPrincipals")
		if p := r.o.str("principalId"); !all && p != "" && !q.user(p) {
			continue
		}
		q.findGrant(r, all)
	}
}

func (q *inquiry) findGrant(r *row, all bool) {
	client := r.o.str("clientId")
	v := q.vouchFor(client)
	scopes := riskyScopes(r.o.str("scope"))
	acts := q.consentsTo(client)
	if all {
		acts = those(acts, func(e *event) bool { return e.by == byUser })
	}
	date := q.grantDate(client, acts)
	recent := !date.IsZero() && q.inWindow(date) || date.IsZero() && !v.created.IsZero() && q.inWindow(v.created)
	if v.trusted() {
		return
	}
	if v.catalogue != "" {
		f := q.grantFinding("OAUTH_KNOWN_ABUSED_APP", r, v, acts, or(recent || v.catalogue == "rogue", bec.High, bec.Medium))
		f.Title = "The user gave access to " + fence(v.name) + ", which attackers use often"
		f.Why = or(v.catalogue == "rogue", "The application is known as an attacker's.", "It is a legitimate product that attackers use to copy mail or send it; the operator did not approve it here.")
		q.reportGrant(f, v)
	}
	if v.deceptive != "" {
		f := q.grantFinding("OAUTH_DECEPTIVE_NAME", r, v, acts, or(len(scopes) > 0, bec.High, bec.Medium))
		f.Title, f.Why = "The application "+fence(v.name)+" bears a misleading name", "Towards a reader, "+v.deceptive+"."
		q.reportGrant(f, v)
	}
	if len(scopes) == 0 || v.verified && !recent || all && len(acts) == 0 {
		return
	}
	class := or(all, "OAUTH_ADMIN_GRANT", "OAUTH_USER_GRANT_RISKY")
	sev := bec.High
	switch {
	case all && len(acts) > 0:
		sev = bec.Critical
	case v.verified:
		sev = bec.Medium
	}
	f := q.grantFinding(class, r, v, acts, sev)
	f.Title = "The application " + fence(v.name) + " may read or change " + fence(strings.Join(scopes, " "))
	f.Why = "Nobody verified its publisher. A grant works without the password and survives its reset."
	if v.verified {
		f.Why = "Its publisher is verified, but the application is new here."
	}
	if !v.known {
		f.Why = "Its service principal was not read: who owns it is unknown."
		f.untested = true
	}
	q.reportGrant(f, v)
}

func (q *inquiry) grantFinding(class string, r *row, v vouch, acts []*event, sev bec.Severity) *finding {
	f := q.found(class, "grant:"+r.o.str("id"), sev)
	f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, r.o.str("id")
	if f.entity == "" {
		f.entity = r.id
	}
	q.actedBy(f, acts)
	for _, e := range acts {
		delete(f.fields[e.ref()], "appId") // of the client the consent was given in
	}
	f.fields[r.ref()] = map[string]string{"appId": v.appID, "displayName": clean(v.name, longestField), "scope": clean(r.o.str("scope"), longestField)}
	for _, e := range acts {
		if e.who == bec.ByAttacker {
			f.Severity = bec.Critical
		}
	}
	f.BenignTested = []bec.BenignTest{result("approvedApp", v.approved, true, "the operator approved it", "not among the approved applications"),
		result("verifiedPublisher", v.verified, v.known, "Microsoft verified the publisher", "the publisher is not verified")}
	f.Remediation = []bec.Remediation{{Action: "removeGrant", TargetID: f.entity, Reversible: true, NeedsApproval: true}}
	return f
}

// reportGrant adds what the application did: an application that reads mail from a strange place is the attacker's.
func (q *inquiry) reportGrant(f *finding, v vouch) {
	if q.badApps[v.appID] != "" {
		if f.Attribution.Value != bec.ByAttacker {
			f.Attribution.Value, f.Attribution.Reason = bec.ByAttacker, q.badApps[v.appID]
			f.Attribution.EntityIDs = append(f.Attribution.EntityIDs, "app:"+v.appID)
		}
		f.Severity, f.Confidence = bec.Critical, bec.HighConfidence
	}
	if f.Attribution.Value == bec.ByUser || f.Attribution.Value == bec.ByAdmin {
		q.doubt(f, "the consent came from a usual place, which does not exonerate: consent phishing makes the user consent")
	}
	f.depends = []string{bec.Apps, bec.DirectoryAudits, bec.UAL}
	q.report(f)
}

// seedApps marks applications that are the attacker's: known rogue ones, and unvouched ones with access to mail that
// act from a place that is not the user's.
func (q *inquiry) seedApps(seed func(*event, string)) {
	for _, r := range q.state["oauth2PermissionGrant"] {
		if r.source == bec.OtherAccounts || len(riskyScopes(r.o.str("scope"))) == 0 {
			continue
		}
		v := q.vouchFor(r.o.str("clientId"))
		if v.trusted() || v.appID == "" || !v.known {
			continue
		}
		if v.catalogue == "rogue" {
			q.badApps[v.appID] = "the application is known as an attacker's"
		}
		if v.verified {
			continue
		}
		for _, e := range q.events {
			if e.mine && e.ok && !e.dropped && same(e.app, v.appID) && q.base.testable && e.place.anonymous() && !q.knownDevice(e) && q.explained(e) == "" && mailAct(e) {
				q.badApps[v.appID] = "the application acted on mail from a hoster, and nobody vouches for it"
				seed(e, q.badApps[v.appID])
			}
		}
	}
}

// mailAct tells an event in which mail was read or sent.
func mailAct(e *event) bool {
	switch e.op {
	case "MailItemsAccessed", "Send", "SendAs", "SendOnBehalf":
		return true
	}
	return e.sign != nil && (firstParty(e.resource) == "exchange" || firstParty(e.resource) == "graph")
}

// findApps looks at application-only rights, credentials and add-ins.
func (q *inquiry) findApps() {
	for _, e := range q.events {
		if e.dropped || !e.ok || e.who == bec.ByTool || e.by != byUser {
			continue
		}
		switch op := strings.ToLower(e.op); {
		case strings.HasPrefix(op, "add app role assignment to service principal"):
			q.powerAct("OAUTH_APPROLE_ASSIGNED", e, "An application was given rights of its own", "With them it reads mail or changes the directory without a user.")
		case strings.HasPrefix(op, "add service principal credentials"), strings.Contains(op, "certificates and secrets management"), strings.HasPrefix(op, "add owner to application"), strings.HasPrefix(op, "add owner to service principal"):
			q.powerAct("SP_CREDENTIAL_ADDED", e, "A credential or owner was added to an application", "Whoever holds it can act as the application.")
		case consentOp(e.op) && strings.EqualFold(strings.Trim(e.params["consentcontext.isadminconsent"], "\""), "true"):
			q.adminConsent(e)
		case e.op == "New-App":
			if e.who == bec.ByAttacker {
				q.oneAct("ADDIN_INSTALLED", e, bec.High, "An add-in was installed in the attacker's context", "Add-ins run code on the mailbox's content.")
			}
		}
	}
	for _, r := range q.state["appOnlyRole"] {
		q.findAppRole(r)
	}
	for _, r := range q.state["app"] {
		kind, scope := r.o.str("Type"), r.o.str("Scope")
		if strings.EqualFold(kind, "Default") || scope != "" && !strings.EqualFold(scope, "User") || !r.o.has("Type") && !r.o.has("Scope") || r.o.has("Enabled") && !r.o.flag("Enabled") {
			continue
		}
		if kind != "" && !strings.EqualFold(kind, "Private") && !strings.EqualFold(kind, "Custom") {
			continue // from the store
		}
		f := q.found("ADDIN_INSTALLED", "addin:"+r.o.str("AppId"), bec.Medium)
		f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, r.o.str("AppId")
		f.Title, f.Why = "The user's mailbox holds the add-in "+fence(r.o.str("DisplayName")), "It was installed for this user alone and not from Microsoft's set."
		q.report(f)
	}
}

// adminConsent is a consent for everybody whose grant is not there to look at, or that the user should not have given.
func (q *inquiry) adminConsent(e *event) {
	v := q.vouchFor(e.params["targetid"])
	if v.trusted() || e.who == bec.ByUser && v.verified || len(riskyScopes(consentScope(e))) == 0 && e.who != bec.ByAttacker {
		return
	}
	f := q.found("OAUTH_ADMIN_GRANT", "adminconsent:"+e.params["targetid"], bec.Critical)
	f.Title, f.Why, f.Status = "The user consented to "+fence(e.params["targetname"])+" for everybody", "A consent for everybody opens all mailboxes of the tenant to the application.", "historic"
	q.actedBy(f, []*event{e})
	if e.who == bec.ByUser {
		f.Severity = bec.High
		q.doubt(f, "the consent came from a usual place, which does not exonerate")
	}
	q.report(f)
}

func (q *inquiry) findAppRole(r *row) {
	role := r.o.str("appRoleValue", "value")
	if role == "" {
		role = catalogue().AppRoleIDs[r.o.lower("appRoleId")]
	}
	at, _ := r.o.time("createdDateTime")
	if !containsFold(catalogue().AppOnlyScopes, role) || at.IsZero() || !q.inWindow(at) {
		return
	}
	v := q.vouchFor(r.o.str("principalId"))
	if v.trusted() {
		return
	}
	made := those(q.events, func(e *event) bool {
		return e.by == byUser && e.at.Sub(at).Abs() <= 5*time.Minute && strings.HasPrefix(strings.ToLower(e.op), "add app role assignment to service principal")
	})
	if len(made) == 0 {
		return
	}
	f := q.found("OAUTH_APPROLE_ASSIGNED", "approle:"+r.o.str("id"), bec.Critical)
	f.refs, f.artefact, f.alive, f.entity = []ref{r.ref()}, true, true, r.o.str("id")
	f.Title, f.Why = "The application "+fence(v.name)+" was given "+fence(role)+" over the whole tenant", "The user of this case gave it; it works without any user."
	q.actedBy(f, made)
	if f.Attribution.Value == bec.ByUser {
		f.Severity = bec.Medium
	}
	f.Remediation = []bec.Remediation{{Action: "removeAppRoleAssignment", TargetID: f.entity, Reversible: true, NeedsApproval: true}}
	q.report(f)
}

// powerAct is an act of power by the user of the case: grave in the attacker's context, the user's work otherwise.
func (q *inquiry) powerAct(class string, e *event, title, why string) {
	switch e.who {
	case bec.ByUser, bec.ByService, bec.ByAdmin, bec.ByTool:
		return
	case bec.ByAttacker:
		q.oneAct(class, e, bec.Critical, title+" in the attacker's context", why)
	default:
		f := q.found(class, class+e.id, bec.High)
		f.Title, f.Why, f.Status = title, why, "historic"
		f.BenignTested = q.placeTests(e)
		q.actedBy(f, []*event{e})
		if !e.ip.IsValid() {
			f.Severity = bec.Medium
		}
		q.report(f)
	}
}
