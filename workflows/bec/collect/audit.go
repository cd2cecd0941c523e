package collect

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// auditDays is how far back Audit Standard keeps the unified audit log.
// https://learn.microsoft.com/purview/audit-log-retention-policies
const auditDays = 180

// unifiedAudit reads the unified audit log once for the three sources made of it: sign-ins, mail access and the rest.
// The search is Exchange's, which answers at once; what it cannot give, Purview's query gives later.
func unifiedAudit(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	start, end := c.since(bec.UAL, auditDays*day), c.Clock.Now()
	a := &auditReading{c: c, rest: w, cover: bec.Coverage{From: from(start)}, seen: map[string]bool{}, from: start, to: end}
	var err error
	if a.logons, err = c.Reading.Create(bec.UALLogons); err != nil {
		return a.cover, err
	}
	if a.access, err = c.Reading.Create(bec.MailItemsAccessed); err != nil {
		return a.cover, err
	}
	readErr := a.read(ctx)
	if ctx.Err() != nil {
		a.logons.Drop()
		a.access.Drop()
		return a.cover, ctx.Err()
	}
	for _, part := range []struct {
		w        *casefile.Writer
		name, op string
	}{{a.logons, bec.UALLogons, "UserLoggedIn"}, {a.access, bec.MailItemsAccessed, "MailItemsAccessed"}} {
		cover := a.of(ctx, part.w, part.name, part.op, readErr)
		if err := part.w.Close(c.settled(part.name, cover, end)); err != nil {
			return a.cover, err
		}
	}
	return a.of(ctx, w, bec.UAL, "", readErr), nil
}

// auditReading sorts the records of one reading of the log into its sources.
type auditReading struct {
	c                    *Collector
	logons, access, rest *casefile.Writer
	cover                bec.Coverage
	seen                 map[string]bool // records another search may give again
	from, to             time.Time
	end                  graphclient.AuditSearchEnd
	second               bool // by Purview's queries, since the search is refused
	line                 []byte
}

// read asks for what the user did, then for what anybody did to his mailbox or to the tenant's defences.
func (a *auditReading) read(ctx context.Context) error {
	users := []string{a.c.User.UserPrincipalName}
	if err := a.search(ctx, "user", graphclient.AuditSearch{UserIDs: users}, func(graphclient.AuditRecord) bool { return true }); err != nil {
		return err
	}
	if err := a.search(ctx, "settings", graphclient.AuditSearch{Operations: adminOperations}, a.concerns); err != nil {
		return err
	}
	others := a.delegates()
	if len(others) == 0 {
		return nil
	}
	return a.search(ctx, "delegates", graphclient.AuditSearch{UserIDs: others, Operations: mailOperations}, a.concerns)
}

// search asks the log, by the search that answers at once, or by Purview where that is refused.
func (a *auditReading) search(ctx context.Context, family string, q graphclient.AuditSearch, wanted func(graphclient.AuditRecord) bool) error {
	q.From, q.To = a.from, a.to
	if !a.second {
		end, err := a.c.Graph.SearchAudit(ctx, a.c.Tenant, q, func(page []graphclient.AuditRecord) error { return a.keep(page, q, wanted) })
		a.end.Capped, a.end.Incomplete = a.end.Capped || end.Capped, a.end.Incomplete || end.Incomplete
		if !refused(err) {
			return err
		}
		a.second = true
	}
	return a.byQuery(ctx, family, q, wanted)
}

// keep takes the records that concern the case, each once.
func (a *auditReading) keep(page []graphclient.AuditRecord, q graphclient.AuditSearch, wanted func(graphclient.AuditRecord) bool) error {
	for _, r := range page {
		mine := len(q.Operations) > 0 && strings.EqualFold(r.UserID, a.c.User.UserPrincipalName) // the first search gave it
		if mine || !wanted(r) {
			continue
		}
		if err := a.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (a *auditReading) add(r graphclient.AuditRecord) error {
	w := a.rest
	switch {
	case strings.HasPrefix(r.Operation, "UserLog"): // UserLoggedIn, UserLoginFailed
		w = a.logons
	case r.Operation == "MailItemsAccessed":
		w = a.access
	}
	a.line = appendRecord(a.line[:0], r)
	return w.Add("auditRecord", r.ID, json.RawMessage(a.line))
}

// appendRecord writes a record as encoding/json does, without looking through its data once more.
func appendRecord(b []byte, r graphclient.AuditRecord) []byte {
	text := func(name, v string, always bool) {
		if v == "" && !always {
			return
		}
		b = append(append(append(b, '"'), name...), `":`...)
		plain := true
		for i := range len(v) {
			plain = plain && v[i] >= ' ' && v[i] < 0x7f && v[i] != '"' && v[i] != '\\'
		}
		if plain {
			b = append(append(append(b, '"'), v...), '"', ',')
			return
		}
		q, _ := json.Marshal(v) // a string always marshals
		b = append(append(b, q...), ',')
	}
	b = append(b, '{')
	text("id", r.ID, true)
	text("creationTime", r.CreationTime.Format(time.RFC3339Nano), true)
	text("recordType", r.RecordType, true)
	text("operation", r.Operation, true)
	text("userId", r.UserID, false)
	text("clientIp", r.ClientIP, false)
	text("objectId", r.ObjectID, false)
	text("service", r.Service, false)
	if len(r.Data) == 0 {
		return append(b, `"data":null}`...)
	}
	return append(append(append(b, `"data":`...), r.Data...), '}')
}

// concerns says whether a record of somebody else's act is about this mailbox, or about the tenant as a whole.
func (a *auditReading) concerns(r graphclient.AuditRecord) bool {
	if slices.Contains(tenantOperations, r.Operation) {
		return true
	}
	data := strings.ToLower(string(r.Data))
	for _, name := range a.names() {
		if strings.Contains(data, name) {
			return true
		}
	}
	return false
}

// names are what records call the user's mailbox by.
func (a *auditReading) names() []string {
	u := a.c.User
	out := []string{strings.ToLower(u.UserPrincipalName), strings.ToLower(u.ID)}
	for _, n := range []string{u.Mail, u.DisplayName} {
		if len(n) > 3 {
			if b, err := json.Marshal(strings.ToLower(n)); err == nil { // as it stands in JSON
				out = append(out, strings.Trim(string(b), `"`))
			}
		}
	}
	return out
}

// delegatesAtMost bounds whose acts on the mailbox are asked for.
const delegatesAtMost = 10

// delegates are the people who may use the mailbox, as the snapshot found them.
func (a *auditReading) delegates() []string {
	file, err := a.c.Reading.Case.Evidence()
	if err != nil {
		return nil
	}
	var out []string
	for row, err := range file.Rows(bec.Delegates) {
		if err != nil {
			return out
		}
		var p struct {
			User    string `json:"User"`
			Trustee string `json:"Trustee"`
		}
		if row.Kind == "mailboxAccess" || json.Unmarshal(row.Data, &p) != nil {
			continue
		}
		who := p.User + p.Trustee
		if strings.Contains(who, "@") && !a.c.owns(who) && !slices.Contains(out, who) && len(out) < delegatesAtMost {
			out = append(out, who)
		}
	}
	return out
}

// of is the coverage of one of the three sources. A log that shows nothing is only believed when it can be seen
// alive: another record of the same kind must be there, of whatever user.
func (a *auditReading) of(ctx context.Context, w *casefile.Writer, name, operation string, readErr error) bec.Coverage {
	cover := a.cover
	switch {
	case readErr != nil:
		return failed(cover, readErr, w.Rows())
	case a.end.Capped:
		cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.Capped, "one second held more records than a search hands out"
		return cover
	case a.end.Incomplete:
		cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.ReadError, "the search gave fewer records than it said there are, three times"
		return cover
	case w.Rows() > 0:
		return a.byPurview(cover)
	case a.second: // nobody can be asked for a sign of life without another of the day's queries
		cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.CanaryAbsent, "nothing is recorded of this user, and by Purview's query alone the log could not be seen alive"
		return cover
	}
	alive, err := a.alive(ctx, operation)
	switch {
	case err != nil:
		return failed(cover, err, 0)
	case !alive:
		cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.CanaryAbsent, "no record of this kind was found of any user, so the log could not be seen alive"
	}
	if name == bec.MailItemsAccessed && !alive && !a.audited(ctx) {
		cover.Status, cover.Reason, cover.Detail = bec.Unavailable, bec.NotEnabled, "the mailbox does not record mail access: what was read cannot be told"
	}
	return cover
}

// errEnough ends a search that has found what it looked for.
var errEnough = errors.New("enough")

// alive looks for a record of anybody: of the last day, of a week, of all the log keeps.
func (a *auditReading) alive(ctx context.Context, operation string) (bool, error) {
	q := graphclient.AuditSearch{To: a.to}
	if operation != "" {
		q.Operations = []string{operation}
	}
	for _, back := range []time.Duration{day, 7 * day, auditDays * day} {
		q.From = a.to.Add(-back)
		_, err := a.c.Graph.SearchAudit(ctx, a.c.Tenant, q, func([]graphclient.AuditRecord) error { return errEnough })
		if errors.Is(err, errEnough) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// audited says whether the mailbox records what its owner reads.
func (a *auditReading) audited(ctx context.Context) bool {
	row, err := a.c.theMailbox(ctx)
	if err != nil {
		return false
	}
	var m struct {
		AuditOwner []string `json:"AuditOwner"`
	}
	return json.Unmarshal(row, &m) == nil && slices.Contains(m.AuditOwner, "MailItemsAccessed")
}

// tenantOperations weaken the tenant's defences, or reach past a single mailbox; each concerns every case.
var tenantOperations = []string{
	"New-TransportRule", "Set-TransportRule", "Enable-TransportRule", "New-InboundConnector", "Set-InboundConnector", "New-OutboundConnector", "Set-OutboundConnector",
	"Set-RemoteDomain", "Set-HostedOutboundSpamFilterPolicy", "New-JournalRule", "Set-AdminAuditLogConfig", "Set-OrganizationConfig", "Set-MailboxAuditBypassAssociation",
	"New-ManagementRoleAssignment", "Add-RoleGroupMember", "New-AcceptedDomain", "Set-AcceptedDomain",
	"Add member to role.", "Add eligible member to role.", "Set domain authentication.", "Set federation settings on domain.", "Add unverified domain.", "Verify domain.",
	"Add conditional access policy", "Update conditional access policy", "Delete conditional access policy", "Update authorization policy.",
	"SearchExported", "SearchExportDownloaded", "SearchCreated", "CaseAdded",
}

// mailboxOperations change who can read a mailbox, or where its mail goes.
var mailboxOperations = []string{
	"New-InboxRule", "Set-InboxRule", "Enable-InboxRule", "Disable-InboxRule", "Remove-InboxRule", "UpdateInboxRules", "New-SweepRule",
	"Set-Mailbox", "Add-MailboxPermission", "Remove-MailboxPermission", "Add-RecipientPermission", "Remove-RecipientPermission", "Add-ADPermission",
	"Add-MailboxFolderPermission", "Set-MailboxFolderPermission", "Remove-MailboxFolderPermission", "AddFolderPermissions", "ModifyFolderPermissions", "UpdateFolderPermissions", "UpdateCalendarDelegation",
	"Set-MailboxJunkEmailConfiguration", "Set-MailboxAutoReplyConfiguration", "Set-MailboxMessageConfiguration", "Set-CASMailbox", "New-App",
	"Consent to application.", "Add delegated permission grant.", "Add OAuth2PermissionGrant.", "Add app role assignment grant to user.", "Add app role assignment to service principal.", "Add service principal.", "Add service principal credentials.", "Update application – Certificates and secrets management ",
	"Register device.", "Add device.", "Add registered owner to device.", "Add registered users to device.",
	"Update user.", "Reset user password.", "Change user password.", "Disable Strong Authentication.",
	"AnonymousLinkUsed", "SecureLinkUsed",
}

var adminOperations = slices.Concat(tenantOperations, mailboxOperations)

// mailOperations are what a delegate does in another's mailbox.
var mailOperations = []string{"MailItemsAccessed", "Send", "SendAs", "SendOnBehalf", "MoveToDeletedItems", "SoftDelete", "HardDelete", "Move", "Create", "UpdateInboxRules"}

// messageTrace is what the mailbox sent and received: 90 days, whatever the licence.
// https://learn.microsoft.com/powershell/module/exchange/get-messagetracev2
func messageTrace(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	start := c.since(bec.MessageTrace, traceDays*day)
	cover := bec.Coverage{From: from(start)}
	address := c.User.Mail
	if address == "" {
		address = c.User.UserPrincipalName
	}
	for _, q := range []graphclient.TraceQuery{{Sender: address}, {Recipient: address}} {
		q.From, q.To = start, c.Clock.Now()
		capped, err := c.Graph.EachMessageTrace(ctx, c.Tenant, q, func(page []graphclient.TraceRow) error {
			for _, r := range page {
				if err := w.Add("messageTrace", r.MessageTraceID+"/"+r.RecipientAddress, r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return cover, err
		}
		if capped {
			cover.Status, cover.Reason, cover.Detail = bec.ReadPartly, bec.Capped, "one second held more messages than a trace shows"
		}
	}
	return cover, nil
}

const traceDays = 90
