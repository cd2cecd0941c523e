package workflows

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// conversionTime is how long Exchange may take to turn a mailbox into another kind.
const conversionTime = 10 * time.Minute

const gib = 1 << 30

const convertToShared = "convert-to-shared"

// MailboxKind is a kind of mailbox: what Set-Mailbox -Type and RecipientTypeDetails call it.
type MailboxKind struct{ Set, Details, word string }

// MailboxKinds are the kinds into which a mailbox can be turned, by this product's names.
var MailboxKinds = map[string]MailboxKind{
	"user":      {"Regular", "UserMailbox", "a user's"},
	"shared":    {"Shared", "SharedMailbox", "a shared one"},
	"room":      {"Room", "RoomMailbox", "a room's"},
	"equipment": {"Equipment", "EquipmentMailbox", "a piece of equipment's"},
}

// kindOfDetails is the kind that RecipientTypeDetails means.
func kindOfDetails(details string) (MailboxKind, bool) {
	for _, k := range MailboxKinds {
		if equalFold(k.Details, details) {
			return k, true
		}
	}
	return MailboxKind{}, false
}

// conversion is how a mailbox becomes another kind.
type conversion struct {
	name, summary string
	to            MailboxKind
	// judge adds to the plan what stands against it; nil adds nothing.
	judge func(context.Context, graphclient.Mailbox, *jobs.Change) error
	// first looks right before the call whether the mailbox may be converted; nil looks at nothing.
	first func(context.Context) error
}

// ConvertToShared turns the mailbox into a shared one (Set-Mailbox -Type Shared) and waits until it
// is one: a licence taken away before that loses the mailbox.
func ConvertToShared(t Target) jobs.Step {
	s := convert(t, conversion{name: convertToShared, summary: "Convert the mailbox to a shared one", to: MailboxKinds["shared"]})
	s.Undo = func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
		var was string
		if !run.Before(convertToShared, &was) || was != "UserMailbox" {
			return nil, nil // a room or a piece of equipment was never a leaver's
		}
		return undo(convertToShared, convert(t, conversion{name: convertToShared, summary: "Convert the mailbox back to a user's", to: MailboxKinds["user"], first: t.needsMailboxPlan}))
	}
	return s
}

// ConvertMailbox turns the mailbox into another kind (Set-Mailbox -Type) and waits until it is one. What a mailbox
// without a licence may not have (a hold, an archive, more than 50 GB) stops the plan, unless the licence stays; a
// user's mailbox that no licence would keep stops it in any case.
func ConvertMailbox(t Target, to MailboxKind, licenceStays bool) jobs.Step {
	const name = "convert-mailbox"
	user := to == MailboxKinds["user"]
	k := conversion{name: name, summary: "Convert the mailbox to " + to.word, to: to}
	if user {
		k.first = t.needsMailboxPlan
	}
	k.judge = func(ctx context.Context, m graphclient.Mailbox, c *jobs.Change) error {
		if user {
			has, err := t.hasPlan(ctx, mailboxPlans)
			if err != nil {
				return err
			}
			if !has {
				c.Blockers = append(c.Blockers, "no licence of "+t.User.UserPrincipalName+" gives a mailbox, so a user's mailbox would be lost: assign a licence with Exchange Online first")
			}
			return nil
		}
		if equalFold(m.RecipientTypeDetails, "UserMailbox") {
			c.Warnings = append(c.Warnings, "the account keeps its sign-in: block it with cipp_disable_user where nobody is to sign in to it any more",
				"a licence that is not needed any more may be taken away once the conversion is done, not before")
		}
		return t.licenceNeeds(ctx, m, licenceStays, c)
	}
	s := convert(t, k)
	s.Undo = func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
		var was string
		back, known := MailboxKind{}, false
		if run.Before(name, &was) {
			back, known = kindOfDetails(was)
		}
		if !known || back == to {
			return nil, nil
		}
		return undo(name, ConvertMailbox(t, back, licenceStays))
	}
	return s
}

// licenceNeeds says what of a mailbox needs a licence although it is no user's.
func (t Target) licenceNeeds(ctx context.Context, m graphclient.Mailbox, stays bool, c *jobs.Change) error {
	stats, err := t.Graph.MailboxStatistics(ctx, t.tid(), t.mailbox())
	if err != nil {
		return err
	}
	upn := t.User.UserPrincipalName
	var why []string
	if m.Held() {
		why = append(why, "the mailbox of "+upn+" is on hold, which needs Exchange Online Plan 2 or archiving as long as it lasts")
	}
	if m.HasArchive() {
		why = append(why, "the mailbox of "+upn+" has an online archive, which needs Exchange Online Plan 2 or archiving")
	}
	switch {
	case sizeUnreadable(stats):
		why = append(why, "how much the mailbox of "+upn+" holds cannot be read, and without a licence it may hold 50 GB")
	case stats.TotalItemSize > sharedLimit:
		why = append(why, fmt.Sprintf("the mailbox of %s holds %.1f GB, and without Exchange Online Plan 2 it may hold 50 GB", upn, float64(stats.TotalItemSize)/gib))
	}
	if len(why) == 0 {
		return nil
	}
	has, err := t.hasPlan(ctx, largePlans)
	if err != nil {
		return err
	}
	for _, w := range why {
		switch {
		case !has:
			c.Blockers = append(c.Blockers, w+"; no licence of the user gives it: assign one, or remove the reason first")
		case !stays:
			c.Blockers = append(c.Blockers, w+": say keepLicense=true if the licence stays, or remove the reason first")
		default:
			c.Warnings = append(c.Warnings, w+": keep the licence")
		}
	}
	return nil
}

// convert makes the mailbox another kind.
func convert(t Target, k conversion) jobs.Step {
	read := func(ctx context.Context) (string, error) {
		m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
		return m.RecipientTypeDetails, err
	}
	return jobs.Step{
		Name: k.name, Class: jobs.Async, Settle: conversionTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if graphclient.KindOf(err) == graphclient.NoMailbox {
				return jobs.Change{Summary: k.summary, Nothing: withoutMailbox}, nil
			}
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: k.summary, Before: m.RecipientTypeDetails, After: k.to.Details}
			if equalFold(m.RecipientTypeDetails, k.to.Details) {
				c.Nothing = "it is so already"
				return c, nil
			}
			if m.IsDirSynced {
				c.Warnings = append(c.Warnings, onPremisesSentence(t.User.UserPrincipalName, "the mailbox type")+" as well, or the next synchronisation may turn it back")
			}
			if k.judge == nil {
				return c, nil
			}
			return c, k.judge(ctx, m, &c)
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			if k.first != nil {
				if err := k.first(ctx); err != nil {
					return nil, err
				}
			}
			return nil, order(ctx, run, k.name, func() error {
				return t.Graph.SetMailbox(ctx, t.tid(), t.mailbox(), map[string]any{"Type": k.to.Set})
			})
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			now, err := read(ctx)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case equalFold(now, k.to.Details):
				return jobs.Done, nil
			default:
				return underWay(run, k.name), nil
			}
		},
	}
}

// needsMailboxPlan refuses to make a mailbox a user's again that no licence would keep: it would be lost.
func (t Target) needsMailboxPlan(ctx context.Context) error {
	has, err := t.hasPlan(ctx, mailboxPlans)
	if err != nil || has {
		return err
	}
	return errors.New("not begun: no licence of the user gives a mailbox, so it would be lost; bring the licence back first")
}

// hasPlan says whether a licence of the user gives one of the service plans.
func (t Target) hasPlan(ctx context.Context, plans map[string]bool) (bool, error) {
	held, err := t.Graph.LicenseDetails(ctx, t.tid(), t.User.ID)
	return slices.ContainsFunc(held, func(l graphclient.LicenseDetail) bool {
		return slices.ContainsFunc(l.ServicePlans, func(p graphclient.ServicePlan) bool {
			return plans[strings.ToUpper(p.ServicePlanName)] && !equalFold(p.ProvisioningStatus, "Disabled")
		})
	}), err
}

// mailboxPlans are the service plans that come with a mailbox, of which EXCHANGE_S_FOUNDATION and the archiving
// plans are none (https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference).
var mailboxPlans = map[string]bool{"EXCHANGE_S_STANDARD": true, "EXCHANGE_S_ENTERPRISE": true, "EXCHANGE_S_DESKLESS": true, "EXCHANGE_S_ESSENTIALS": true,
	"EXCHANGE_S_STANDARD_GOV": true, "EXCHANGE_S_ENTERPRISE_GOV": true, "EXCHANGE_S_DESKLESS_GOV": true, "EXCHANGE_L_STANDARD": true, "EXCHANGE_B_STANDARD": true}

// largePlans permit holds, archives and more than 50 GB, whatever kind the mailbox is.
var largePlans = map[string]bool{"EXCHANGE_S_ENTERPRISE": true, "EXCHANGE_S_ENTERPRISE_GOV": true, "EXCHANGE_S_ARCHIVE": true, "EXCHANGE_S_ARCHIVE_ADDON": true,
	"EXCHANGE_S_ARCHIVE_GOV": true, "EXCHANGE_S_ARCHIVE_ADDON_GOV": true}
