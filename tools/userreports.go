package tools

import (
	"context"
	"path"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
)

// reportFilter is the sieve of one ready report, with what it needs selected. Reports look at one
// tenant's list and at no user singly.
func reportFilter(ctx context.Context, c *Call, report string, days int, q *userLook) (func(graphclient.User) bool, error) {
	before := func(standard int) time.Time {
		if days == 0 {
			days = standard
		}
		return c.Clock.Now().AddDate(0, 0, -days)
	}
	older := func(t *time.Time, than time.Time) bool { return t != nil && !t.IsZero() && t.Before(than) }
	sel := func(names ...string) { q.Select = append(q.Select, names...) }
	member := func(u graphclient.User) bool { return u.UserType != "Guest" }
	switch report {
	case "noMfa":
		return registered(ctx, c, "isMfaRegistered eq false", func(d graphclient.RegistrationDetail) bool { return !d.IsMfaRegistered })
	case "adminNoMfa":
		return q.adminsWithoutMFA(ctx, c)
	case "inactive":
		sel("signInActivity")
		t := before(90)
		return func(u graphclient.User) bool { return older(lastSuccess(u), t) }, nil
	case "neverSignedIn":
		sel("signInActivity")
		return func(u graphclient.User) bool { return lastSuccess(u) == nil }, nil
	case "unlicensed":
		return func(u graphclient.User) bool { return member(u) && len(u.AssignedLicenses) == 0 }, nil
	case "blockedButLicensed":
		return func(u graphclient.User) bool {
			return u.AccountEnabled != nil && !*u.AccountEnabled && len(u.AssignedLicenses) > 0
		}, nil
	case "licenseErrors":
		sel("licenseAssignmentStates")
		return func(u graphclient.User) bool {
			for _, s := range u.LicenseAssignmentStates {
				if s.State == "Error" || s.State == "ActiveWithError" {
					return true
				}
			}
			return false
		}, nil
	case "noUsageLocation":
		sel("usageLocation")
		return func(u graphclient.User) bool { return member(u) && u.UsageLocation == "" }, nil
	case "guestPending":
		sel("externalUserState", "createdDateTime")
		t := before(30)
		return func(u graphclient.User) bool {
			return u.ExternalUserState == "PendingAcceptance" && older(u.CreatedDateTime, t)
		}, nil
	case "guestStale":
		sel("signInActivity", "createdDateTime")
		t := before(90)
		return func(u graphclient.User) bool {
			last := lastSuccess(u)
			return !member(u) && (last == nil && older(u.CreatedDateTime, t) || older(last, t))
		}, nil
	case "newUsers":
		sel("createdDateTime")
		t := before(30)
		return func(u graphclient.User) bool { return u.CreatedDateTime != nil && u.CreatedDateTime.After(t) }, nil
	case "deletedSoon":
		// Microsoft purges 30 days after the deletion; days is how soon.
		if days == 0 {
			days = 7
		}
		t := c.Clock.Now().AddDate(0, 0, days-30)
		if _, err := kindFilter(ctx, c, "deleted", q); err != nil {
			return nil, err
		}
		return func(u graphclient.User) bool { return older(u.DeletedDateTime, t) }, nil
	case "passwordNeverExpires":
		sel("passwordPolicies")
		return func(u graphclient.User) bool { return matches("DisablePasswordExpiration", u.PasswordPolicies) }, nil
	case "passwordOld":
		sel("lastPasswordChangeDateTime")
		t := before(365)
		return func(u graphclient.User) bool { return older(u.LastPasswordChangeDateTime, t) }, nil
	case "noManager":
		q.Expand = "manager($select=id)"
		return func(u graphclient.User) bool { return member(u) && u.Manager == nil }, nil
	case "syncErrors":
		sel("onPremisesProvisioningErrors")
		return func(u graphclient.User) bool { return len(u.OnPremisesProvisioningErrors) > 0 }, nil
	case "forwardingOutside":
		return forwardsOutside(ctx, c)
	case "staleDevices":
		t := before(90)
		devices, err := c.Graph.AllManagedDevices(ctx, c.Tenant.ID)
		if err != nil {
			return nil, err
		}
		stale := map[string]bool{}
		for _, d := range devices {
			if older(d.LastSyncDateTime, t) {
				stale[d.UserID] = true
			}
		}
		return func(u graphclient.User) bool { return stale[u.ID] }, nil
	}
	return nil, nil
}

// notForwarding is what the report of forwarding cannot see. Microsoft has no report of inbox rules, only each mailbox's
// own list, and a tenant is not read mailbox by mailbox.
const notForwarding = "this is the mailboxes' own forwarding: inbox rules and mail-flow rules that forward are not seen, since Microsoft lists them for one mailbox at a time only; cipp_get_mailbox with sections=[\"rules\"] shows one user's, cipp_bec_check investigates one"

// forwardsOutside keeps the users whose mailbox forwards to an address outside the tenant, by itself or through a contact
// or guest.
func forwardsOutside(ctx context.Context, c *Call) (func(graphclient.User) bool, error) {
	boxes, err := c.Graph.Mailboxes(ctx, c.Tenant.ID)
	if err != nil {
		return nil, err
	}
	domains, err := c.Graph.Domains(ctx, c.Tenant.ID)
	if err != nil {
		return nil, err
	}
	outside := func(address string) bool {
		_, domain, _ := strings.Cut(address, "@")
		return address != "" && !slices.ContainsFunc(domains, func(d graphclient.Domain) bool { return d.IsVerified && strings.EqualFold(d.ID, domain) })
	}
	ids, leads := map[string]bool{}, map[string]bool{}
	for _, b := range boxes {
		ids[b.ExternalDirectoryObjectID] = outside(b.ForwardingSMTPAddress)
		if b.ForwardingAddress == "" {
			continue
		}
		if _, known := leads[b.ForwardingAddress]; !known { // many may forward to the same
			address, err := addressOutsideOf(ctx, c, b.ForwardingAddress)
			if err != nil {
				return nil, err
			}
			leads[b.ForwardingAddress] = outside(address)
		}
		ids[b.ExternalDirectoryObjectID] = ids[b.ExternalDirectoryObjectID] || leads[b.ForwardingAddress]
	}
	c.remark(notForwarding)
	return func(u graphclient.User) bool { return ids[u.ID] }, nil
}

// addressOutsideOf is where mail to a recipient goes who has no mailbox here: a contact, guest or mail user; "" of all
// others.
func addressOutsideOf(ctx context.Context, c *Call, recipient string) (string, error) {
	contact, err := c.Graph.MailContact(ctx, c.Tenant.ID, recipient)
	if graphclient.KindOf(err) != graphclient.NotFound {
		return contact.ExternalEmailAddress, err
	}
	r, err := c.Graph.Recipient(ctx, c.Tenant.ID, recipient)
	switch {
	case graphclient.KindOf(err) == graphclient.NotFound: // gone: mail goes nowhere
		return "", nil
	case err != nil:
		return "", err
	case strings.EqualFold(r.RecipientType, "MailUser"):
		return r.PrimarySMTPAddress, nil
	}
	return "", nil
}

// serviceAccount keeps the accounts that the operator's patterns call service accounts; Microsoft knows no such kind.
func serviceAccount(c *Call) (func(graphclient.User) bool, error) {
	patterns := c.Policy.Config.ServiceAccounts
	if len(patterns) == 0 {
		return nil, invalid("kind: Microsoft has no kind service, and the operator has not said which accounts it is (serviceAccounts in cipp-mcp.yaml, such as svc-*).")
	}
	return func(u graphclient.User) bool { return isService(patterns, u) }, nil
}

// isService says whether a name before the @, a whole name or an id is one of the patterns.
func isService(patterns []string, u graphclient.User) bool {
	upn := strings.ToLower(u.UserPrincipalName)
	local, _, _ := strings.Cut(upn, "@")
	return slices.ContainsFunc(patterns, func(p string) bool {
		p = strings.ToLower(p)
		for _, name := range []string{local, upn, u.ID} {
			if ok, err := path.Match(p, name); err == nil && ok {
				return true
			}
		}
		return false
	})
}
