package tools

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/workflows"
)

const gb = 1 << 30

// shownFolders is how many folders the storage section names.
const shownFolders = 10

func storageOf(ctx context.Context, c *Call, m graphclient.Mailbox) (*MailboxStorage, error) {
	st, err := c.Graph.MailboxStatistics(ctx, c.Tenant.ID, c.Mailbox())
	if err != nil {
		return nil, err
	}
	s := &MailboxStorage{SizeGB: inGB(st.TotalItemSize), Items: st.ItemCount, DeletedGB: inGB(st.TotalDeletedItemSize), WarnQuotaGB: quotaGB(m.IssueWarningQuota), SendQuotaGB: quotaGB(m.ProhibitSendQuota),
		ReceiveQuotaGB: quotaGB(m.ProhibitSendReceiveQuota), AutoExpanding: m.AutoExpandingArchiveEnabled, LastLogon: st.LastLogonTime, LargestFolders: []FolderRow{}}
	if m.HasArchive() {
		a, err := c.Graph.ArchiveStatistics(ctx, c.Tenant.ID, c.Mailbox())
		if err != nil {
			return nil, err
		}
		size := inGB(a.TotalItemSize)
		s.ArchiveGB, s.ArchiveItems = &size, &a.ItemCount
	}
	folders, err := c.Graph.MailboxFolders(ctx, c.Tenant.ID, c.Mailbox(), "All")
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(folders, func(a, b graphclient.MailboxFolder) int { return int(b.FolderSize>>10) - int(a.FolderSize>>10) })
	for _, f := range folders[:min(len(folders), shownFolders)] {
		if f.ItemsInFolder > 0 {
			s.LargestFolders = append(s.LargestFolders, FolderRow{f.FolderPath, f.ItemsInFolder, inGB(f.FolderSize)})
		}
	}
	return s, nil
}

func (s *MailboxStorage) lines(l *lines) {
	limit := func(f *float64) string {
		if f == nil {
			return "no limit"
		}
		return fmt.Sprintf("%.1f GB", *f)
	}
	l.add("holds %.2f GB in %d items, %.2f GB deleted | warns at %s, sends no more at %s, takes no more at %s | last opened %s", s.SizeGB, s.Items, s.DeletedGB, limit(s.WarnQuotaGB), limit(s.SendQuotaGB), limit(s.ReceiveQuotaGB), date(s.LastLogon))
	if s.ArchiveGB != nil {
		l.add("archive %.2f GB in %d items, growing %t", *s.ArchiveGB, *s.ArchiveItems, s.AutoExpanding)
	}
	for _, f := range s.LargestFolders {
		l.add("folder %s: %d items, %.2f GB", q(f.Path), f.Items, f.SizeGB)
	}
}

func inGB(n int64) float64 { return float64(n) / gb }

func quotaGB(n int64) *float64 {
	if n == graphclient.Unlimited {
		return nil
	}
	f := inGB(n)
	return &f
}

func forwardingFull(ctx context.Context, c *Call, m graphclient.Mailbox) (*MailboxForwarding, error) {
	f := &MailboxForwarding{Address: m.ForwardingAddress, SMTPAddress: m.ForwardingSMTPAddress, DeliverToBoth: m.DeliverToMailboxAndForward, ByRules: []RuleRow{}}
	rules, err := ruleRows(ctx, c)
	for _, r := range rules {
		if len(r.SendsTo) > 0 {
			f.ByRules = append(f.ByRules, r)
		}
	}
	return f, err
}

func repliesOf(ctx context.Context, c *Call) (*MailboxReplies, error) {
	r, err := c.Graph.AutoReply(ctx, c.Tenant.ID, c.Mailbox())
	if err != nil {
		return nil, err
	}
	out := &MailboxReplies{State: strings.ToLower(r.AutoReplyState), Internal: workflows.PlainText(r.InternalMessage), External: workflows.PlainText(r.ExternalMessage), Audience: strings.ToLower(r.ExternalAudience)}
	if out.State == "scheduled" { // Exchange shows times that were never set
		out.Start, out.End = r.StartTime, r.EndTime
	}
	return out, nil
}

func ruleRows(ctx context.Context, c *Call) ([]RuleRow, error) {
	out := []RuleRow{}
	rules, err := c.Graph.InboxRules(ctx, c.Tenant.ID, c.Mailbox())
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		out = append(out, RuleRow{ID: r.Identity, Name: r.Name, Kind: "inbox", Enabled: r.Enabled, Hidden: r.Hidden, SendsTo: slices.Concat(r.ForwardTo, r.ForwardAsAttachmentTo, r.RedirectTo),
			Deletes: r.DeleteMessage || r.SoftDeleteMessage || r.PermanentDelete, MovesTo: r.MoveToFolder, Described: r.Description})
	}
	sweeps, err := c.Graph.SweepRules(ctx, c.Tenant.ID, c.Mailbox())
	for _, r := range sweeps {
		out = append(out, RuleRow{ID: r.Identity, Name: r.Name, Kind: "sweep", Enabled: r.Enabled, MovesTo: r.DestinationFolder, Described: "mail of " + r.Sender})
	}
	return out, err
}

func (r RuleRow) line() string {
	state := map[bool]string{true: "enabled", false: "disabled"}[r.Enabled]
	if r.Hidden {
		state += ", HIDDEN"
	}
	return fmt.Sprintf("%s rule %s (%s) | sends to %s | deletes %t | moves to %s | %s | %s", r.Kind, q(r.Name), state, q(orNone(r.SendsTo)), r.Deletes, orNone(some(r.MovesTo)), q(r.Described), r.ID)
}

func protocolWords(ctx context.Context, c *Call) (map[string]string, error) {
	m, err := c.Graph.CASMailbox(ctx, c.Tenant.ID, c.Mailbox())
	out := map[string]string{}
	for p, on := range workflows.ProtocolsOf(m) {
		switch {
		case on == nil:
			out[p] = "as the organization says"
		case *on:
			out[p] = "on"
		default:
			out[p] = "off"
		}
	}
	return out, err
}

func mobileRows(ctx context.Context, c *Call) ([]MobileRow, error) {
	devices, err := c.Graph.MobileDevices(ctx, c.Tenant.ID, c.Mailbox())
	out := []MobileRow{}
	for _, d := range devices {
		out = append(out, MobileRow{ID: d.GUID, Name: d.FriendlyName, Model: d.DeviceModel, System: d.DeviceOS, Client: d.ClientType, State: d.DeviceAccessState, FirstSync: d.FirstSyncTime})
	}
	return out, err
}

func holdsFull(m graphclient.Mailbox) *MailboxHolds {
	h := &MailboxHolds{LitigationHold: m.LitigationHoldEnabled, LitigationSince: m.LitigationHoldDate, LitigationFor: m.LitigationHoldDuration, RetentionHold: m.RetentionHoldEnabled, ComplianceTag: m.ComplianceTagHoldApplied,
		Policies: []HoldRow{}, RetentionPolicy: m.RetentionPolicy, KeepsDeleted: m.RetainDeletedItemsFor, Archive: m.HasArchive(), AutoExpanding: m.AutoExpandingArchiveEnabled}
	for _, id := range m.InPlaceHolds {
		if id != "" {
			h.Policies = append(h.Policies, HoldRow{id, holdKind(id)})
		}
	}
	return h
}

// holdKind is what the beginning of a hold's id says.
// https://learn.microsoft.com/purview/ediscovery-identify-a-hold-on-an-exchange-online-mailbox
func holdKind(id string) string {
	switch lower := strings.ToLower(id); {
	case strings.HasPrefix(id, "-"):
		return "excluded"
	case strings.HasPrefix(lower, "unih"):
		return "eDiscovery"
	case strings.HasPrefix(lower, "mbx"), strings.HasPrefix(lower, "skp"), strings.HasPrefix(lower, "grp"):
		return "retention"
	}
	return "inPlace"
}

func junkOf(ctx context.Context, c *Call) (*MailboxJunk, error) {
	j, err := c.Graph.JunkConfig(ctx, c.Tenant.ID, c.Mailbox())
	if err != nil {
		return nil, err
	}
	return &MailboxJunk{j.Enabled, j.TrustedListsOnly, j.ContactsTrusted, append([]string{}, j.TrustedSendersAndDomains...), append([]string{}, j.BlockedSendersAndDomains...)}, nil
}

func bookingOf(ctx context.Context, c *Call) (*BookingRules, error) {
	p, err := c.Graph.CalendarProcessing(ctx, c.Tenant.ID, c.Mailbox())
	if err != nil {
		return nil, err
	}
	return &BookingRules{p.AutomateProcessing, p.AllowConflicts, p.AllowRecurringMeetings, p.BookingWindowInDays, p.MaximumDurationInMinutes, p.ScheduleOnlyDuringWorkHours, p.ProcessExternalMeetingMessages, p.AllBookInPolicy, append([]string{}, p.ResourceDelegates...)}, nil
}
