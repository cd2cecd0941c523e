package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows/bec"
	"cipp-mcp/workflows/bec/casefile"
)

// theMailbox is Get-Mailbox of the user, read once for the sources that need it.
func (c *Collector) theMailbox(ctx context.Context) (json.RawMessage, error) {
	return c.mailbox.get(func() (json.RawMessage, error) {
		list, err := c.Graph.ExchangeRows(ctx, c.Tenant, c.mailboxRef(), "Get-Mailbox", "Identity", nil)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, &graphclient.Error{Kind: graphclient.NoMailbox, Tenant: c.Tenant, Message: "The user has no Exchange Online mailbox."}
		}
		return list[0], nil
	})
}

// inboxRules are the rules mail programs show, as Exchange and as Graph tell them: Graph names the folder a rule moves
// to by its id, which no language changes. Exchange alone is enough where Graph is not allowed.
func inboxRules(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	if err := c.rows(ctx, w, c.mailboxRef(), "inboxRule", "Get-InboxRule", "Mailbox", nil); err != nil {
		if k := graphclient.KindOf(err); k != graphclient.Denied && k != graphclient.RoleMissing {
			return bec.Coverage{}, err
		}
		if gerr := c.graph(ctx, w, "messageRule", "/users/"+c.User.ID+"/mailFolders/inbox/messageRules", false); gerr != nil {
			return bec.Coverage{}, err
		}
		return bec.Coverage{Status: bec.ReadPartly, Reason: bec.NoPermission, Detail: "visible rules only, by Graph; Get-InboxRule is refused"}, nil
	}
	if err := c.graph(ctx, w, "messageRule", "/users/"+c.User.ID+"/mailFolders/inbox/messageRules", false); err != nil {
		return bec.Coverage{Detail: "by Exchange; Graph did not add its own view"}, nil //nolint:nilerr // Exchange has told them all
	}
	if err := c.graph(ctx, w, "mailFolder", "/users/"+c.User.ID+"/mailFolders", false); err != nil {
		return bec.Coverage{Detail: "folders were not resolved"}, nil //nolint:nilerr // the rules are whole
	}
	return bec.Coverage{}, nil
}

func forwarding(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	row, err := c.theMailbox(ctx)
	if err != nil {
		return bec.Coverage{}, err
	}
	if err := w.Add("mailbox", c.User.ID, row); err != nil {
		return bec.Coverage{}, err
	}
	var m struct {
		ForwardingAddress string `json:"ForwardingAddress"`
	}
	if err := json.Unmarshal(row, &m); err != nil {
		return bec.Coverage{}, fmt.Errorf("read where the mail goes: %w", err)
	}
	if m.ForwardingAddress == "" {
		return bec.Coverage{}, nil
	}
	// A contact of the tenant may stand for an address outside it.
	list, err := c.Graph.ExchangeRows(ctx, c.Tenant, graphclient.MailboxRef{}, "Get-Recipient", "", map[string]any{"Identity": m.ForwardingAddress})
	if err != nil {
		return bec.Coverage{Status: bec.ReadPartly, Reason: bec.ReadError, Detail: "whom ForwardingAddress stands for could not be read"}, nil //nolint:nilerr // said so
	}
	return bec.Coverage{}, addAll(w, "mailContact", list)
}

// delegates are who has rights on the mailbox, and on which mailboxes the user has some.
func delegates(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	ref := c.mailboxRef()
	var who []string
	for kind, cmdlet := range map[string]string{"mailboxPermission": "Get-MailboxPermission", "recipientPermission": "Get-RecipientPermission"} {
		list, err := c.Graph.ExchangeRows(ctx, c.Tenant, ref, cmdlet, "Identity", nil)
		if err != nil {
			return bec.Coverage{}, err
		}
		if err := addAll(w, kind, list); err != nil {
			return bec.Coverage{}, err
		}
		who = append(who, trustees(list)...)
	}
	if err := c.grantees(ctx, w, who); err != nil {
		return bec.Coverage{}, err
	}
	elsewhere, err := c.Graph.MailboxAccessOf(ctx, c.Tenant, ref)
	if err != nil {
		return bec.Coverage{Detail: "rights on this mailbox; where the user has rights himself could not be read"}, nil //nolint:nilerr // the other direction
	}
	for _, a := range elsewhere {
		if err := w.Add("mailboxAccess", a.Mailbox.ExchangeGUID, a); err != nil {
			return bec.Coverage{}, err
		}
	}
	return bec.Coverage{}, nil
}

// trustees are whom rows of rights name by their address.
func trustees(list []json.RawMessage) []string {
	var out []string
	for _, row := range list {
		var p struct {
			User    string `json:"User"`
			Trustee string `json:"Trustee"`
		}
		if json.Unmarshal(row, &p) == nil && strings.Contains(p.User+p.Trustee, "@") {
			out = append(out, p.User+p.Trustee)
		}
	}
	return out
}

// grantees are the people with rights on the mailbox: one who is new, a guest or long idle is a reason to look.
func (c *Collector) grantees(ctx context.Context, w *casefile.Writer, who []string) error {
	slices.Sort(who)
	who = slices.Compact(who)
	for _, upn := range who[:min(len(who), delegatesAtMost)] {
		if c.owns(upn) {
			continue
		}
		row, err := c.Graph.GraphRow(ctx, c.Tenant, "/users/"+graphclient.EscapeSegment(upn)+"?$select=id,displayName,userPrincipalName,createdDateTime,userType,accountEnabled,assignedLicenses", false)
		if err != nil {
			continue // somebody of elsewhere, or a group: the right itself stands there
		}
		if err := w.Add("user", upn, row); err != nil {
			return err
		}
	}
	return nil
}

// coreFolders are the folders whose permissions are always read, by the type Exchange gives them in any language.
var coreFolders = []string{"Root", "Inbox", "SentItems", "DeletedItems", "Drafts", "Calendar", "Contacts"}

// moreFolders bounds how many other folders are looked at.
const moreFolders = 40

func folderPermissions(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	ref := c.mailboxRef()
	folders, err := c.Graph.MailboxFolders(ctx, c.Tenant, ref, "All")
	if err != nil {
		return bec.Coverage{}, err
	}
	var cover bec.Coverage
	more := 0
	for _, f := range folders { // by their type, which no language changes, rules' folders are known
		if err := w.Add("mailFolder", f.FolderID, f); err != nil {
			return bec.Coverage{}, err
		}
	}
	for _, f := range folders {
		core := false
		for _, t := range coreFolders {
			core = core || strings.EqualFold(f.FolderType, t)
		}
		if !core && !strings.EqualFold(f.FolderType, "User Created") {
			continue
		}
		if !core {
			if more++; more > moreFolders {
				cover = bec.Coverage{Status: bec.ReadPartly, Reason: bec.Capped, Detail: "the core folders and the first forty of the user's own"}
				break
			}
		}
		id := ref.UPN + ":" + strings.ReplaceAll(f.FolderPath, "/", `\`)
		if strings.EqualFold(f.FolderType, "Root") {
			id = ref.UPN + `:\`
		}
		list, err := c.Graph.ExchangeRows(ctx, c.Tenant, graphclient.MailboxRef{ID: id, UPN: ref.UPN}, "Get-MailboxFolderPermission", "Identity", nil)
		if k := graphclient.KindOf(err); k == graphclient.NotFound || k == graphclient.NoMailbox {
			continue // gone, or of a kind that has no permissions
		}
		if err != nil {
			return cover, err
		}
		for _, row := range list {
			if err := w.Add("folderPermission", f.FolderType+"/"+idOf(row), within(row, "Folder", id, "FolderType", f.FolderType)); err != nil {
				return cover, err
			}
		}
		if strings.EqualFold(f.FolderType, "Calendar") {
			if list, err := c.Graph.ExchangeRows(ctx, c.Tenant, graphclient.MailboxRef{ID: id, UPN: ref.UPN}, "Get-MailboxCalendarFolder", "Identity", nil); err == nil {
				if err := addAll(w, "calendarFolder", list); err != nil {
					return cover, err
				}
			}
		}
	}
	return cover, nil
}

// within is a row with properties beside its own, names and values by turns.
func within(row json.RawMessage, pairs ...string) json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(row, &m) != nil || m == nil {
		return row
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if v, err := json.Marshal(pairs[i+1]); err == nil {
			m[pairs[i]] = v
		}
	}
	out, err := json.Marshal(m)
	if err != nil {
		return row
	}
	return out
}

// mobileDevices are the partnerships and when each last synchronised.
func mobileDevices(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	if err := c.rows(ctx, w, c.mailboxRef(), "mobileDevice", "Get-MobileDevice", "Mailbox", nil); err != nil || w.Rows() == 0 {
		return bec.Coverage{}, err
	}
	if err := c.rows(ctx, w, c.mailboxRef(), "mobileDeviceStatistics", "Get-MobileDeviceStatistics", "Mailbox", nil); err != nil {
		return bec.Coverage{Detail: "without the statistics of each device"}, nil //nolint:nilerr // the partnerships are whole
	}
	return bec.Coverage{}, nil
}

func protocols(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	if err := c.rows(ctx, w, c.mailboxRef(), "casMailbox", "Get-CASMailbox", "Identity", nil); err != nil {
		return bec.Coverage{}, err
	}
	return bec.Coverage{}, c.rows(ctx, w, graphclient.MailboxRef{}, "transportConfig", "Get-TransportConfig", "", nil)
}

func blockedSender(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	list, err := c.Graph.ExchangeRows(ctx, c.Tenant, graphclient.MailboxRef{}, "Get-BlockedSenderAddress", "", nil)
	if err != nil {
		return bec.Coverage{}, err
	}
	for _, row := range list {
		var b struct {
			SenderAddress string `json:"SenderAddress"`
		}
		if json.Unmarshal(row, &b) == nil && c.owns(b.SenderAddress) {
			if err := w.Add("blockedSenderAddress", b.SenderAddress, row); err != nil {
				return bec.Coverage{}, err
			}
		}
	}
	return bec.Coverage{}, nil
}

// owns says whether an address is the user's.
func (c *Collector) owns(address string) bool {
	if strings.EqualFold(address, c.User.UserPrincipalName) || c.User.Mail != "" && strings.EqualFold(address, c.User.Mail) {
		return true
	}
	for _, p := range c.User.ProxyAddresses {
		if _, a, ok := strings.Cut(p, ":"); ok && strings.EqualFold(a, address) {
			return true
		}
	}
	return false
}

func organisation(kind, cmdlet string) func(context.Context, *Collector, *casefile.Writer) (bec.Coverage, error) {
	return func(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
		return bec.Coverage{}, c.rows(ctx, w, graphclient.MailboxRef{}, kind, cmdlet, "", nil)
	}
}

func connectors(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	for _, s := range []struct{ kind, cmdlet string }{
		{"inboundConnector", "Get-InboundConnector"}, {"outboundConnector", "Get-OutboundConnector"}, {"remoteDomain", "Get-RemoteDomain"},
		{"hostedOutboundSpamFilterPolicy", "Get-HostedOutboundSpamFilterPolicy"}, {"journalRule", "Get-JournalRule"},
	} {
		if err := c.rows(ctx, w, graphclient.MailboxRef{}, s.kind, s.cmdlet, "", nil); err != nil {
			return bec.Coverage{}, err
		}
	}
	return bec.Coverage{}, nil
}

func auditConfig(ctx context.Context, c *Collector, w *casefile.Writer) (bec.Coverage, error) {
	if err := c.rows(ctx, w, graphclient.MailboxRef{}, "adminAuditLogConfig", "Get-AdminAuditLogConfig", "", nil); err != nil {
		return bec.Coverage{}, err
	}
	if err := c.rows(ctx, w, graphclient.MailboxRef{}, "organizationConfig", "Get-OrganizationConfig", "", nil); err != nil {
		return bec.Coverage{}, err
	}
	if err := c.rows(ctx, w, c.mailboxRef(), "mailboxAuditBypass", "Get-MailboxAuditBypassAssociation", "Identity", nil); err != nil {
		return bec.Coverage{}, err
	}
	row, err := c.theMailbox(ctx)
	if err != nil {
		return bec.Coverage{}, err
	}
	return bec.Coverage{}, w.Add("mailbox", c.User.ID, row)
}
