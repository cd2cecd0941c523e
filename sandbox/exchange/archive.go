package exchange

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// archiveLicensed says whether the owner's licences permit an online archive.
func (c *call) archiveLicensed(r recipient) bool {
	return r.user != nil && (c.tenant.HasPlan(r.user, "EXCHANGE_S_ENTERPRISE") || c.tenant.HasPlan(r.user, "EXCHANGE_S_ARCHIVE"))
}

// enableMailbox gives a mailbox an online archive, or lets the archive grow. Mailboxes themselves come with licences.
// https://learn.microsoft.com/powershell/module/exchange/enable-mailbox
func enableMailbox(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	r := c.mailboxRecipient(m)
	switch {
	case c.p.flag("Archive") == c.p.flag("AutoExpandingArchive"):
		return nil, badParameter("Parameter set cannot be resolved using the specified named parameters.")
	case c.p.flag("AutoExpandingArchive") && !hasArchive(m):
		return nil, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "The mailbox '%s' has no archive: enable the archive before auto-expanding archiving.", r.display)
	case c.p.flag("AutoExpandingArchive"):
		m["AutoExpandingArchiveEnabled"] = true
	case hasArchive(m):
		return nil, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "The user \"%s\" already has an archive.", r.display)
	case !c.archiveLicensed(r):
		return nil, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "The license of '%s' doesn't permit an archive: Exchange Online (Plan 2) or Exchange Online Archiving is required.", r.display)
	default:
		guid := cloud.DerivedID(c.tenant.ID, "archive", r.id)
		m["ArchiveGuid"], m["ArchiveStatus"], m["ArchiveState"] = guid, "Active", "Local"
	}
	m["WhenChanged"] = cloud.Stamp(c.tenant.Now())
	return []cloud.Object{c.mailboxView(m)}, nil
}

// disableMailbox takes the online archive away. Without -Archive it would take the mailbox, which is not simulated.
// https://learn.microsoft.com/powershell/module/exchange/disable-mailbox
func disableMailbox(c *call) ([]cloud.Object, error) {
	m, err := c.identified()
	if err != nil {
		return nil, err
	}
	if !c.p.flag("Archive") {
		c.service.unknown(c.def.name, "without -Archive")
		return nil, badParameter("The parameter set without -Archive is not simulated.")
	}
	r := c.mailboxRecipient(m)
	if !hasArchive(m) {
		return nil, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "The user \"%s\" doesn't have an archive.", r.display)
	}
	if v := c.mailboxView(m); cloud.Bool(v, "LitigationHoldEnabled") || heldByPolicy(v) {
		return nil, invalid("Microsoft.Exchange.Configuration.Tasks.RecipientTaskException", "The archive of '%s' can't be disabled because a hold is placed on the mailbox.", r.display)
	}
	m["ArchiveGuid"], m["ArchiveStatus"], m["ArchiveState"] = noGUID, "None", "None"
	m["WhenChanged"] = cloud.Stamp(c.tenant.Now())
	return nil, nil
}

func heldByPolicy(v cloud.Object) bool {
	for _, h := range cloud.Strings(v, "InPlaceHolds") {
		if h != "" && !strings.HasPrefix(h, "-") {
			return true
		}
	}
	return false
}
