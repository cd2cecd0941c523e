package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const removeLicenses = "remove-licenses"

// directLicences are the licences assigned to the user himself, with the service plans that are switched off.
func (t Target) directLicences(ctx context.Context) ([]graphclient.AssignedLicense, error) {
	u, err := t.licenceStates(ctx)
	return direct(u), err
}

// RemoveLicenses takes away every licence assigned directly (POST /users/{id}/assignLicense). needs
// are the steps that must be done first: a mailbox that is being converted would be lost.
func RemoveLicenses(t Target, names map[string]string, needs []string, look func(context.Context) ([]string, []string, error)) jobs.Step {
	return jobs.Step{
		Name: removeLicenses, Class: jobs.Idempotent, Needs: needs,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			held, err := t.directLicences(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Remove the licences that are assigned directly", Before: "none", After: "none"}
			if len(held) == 0 {
				c.Nothing = "no licence is assigned directly"
				return c, nil
			}
			c.Before = skuNames(names, held)
			c.Warnings, c.Blockers, err = look(ctx)
			return c, err
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, t.licencesBefore); err != nil {
				return nil, err
			}
			held, err := t.directLicences(ctx)
			if err != nil || len(held) == 0 {
				return nil, err
			}
			skus := make([]string, len(held))
			for i, l := range held {
				skus[i] = l.SkuID
			}
			return nil, t.Graph.AssignLicense(ctx, t.tid(), t.User.ID, nil, skus)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			held, err := t.directLicences(ctx)
			return len(held) == 0, err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was licencesBefore
			if !run.Before(removeLicenses, &was) || len(was.Licences) == 0 {
				return nil, nil
			}
			return undo(removeLicenses, assignLicences(t, names, was))
		},
	}
}

// licencesBefore is what goes with the licences.
type licencesBefore struct {
	Licences []graphclient.AssignedLicense `json:"licences"`
	Mailbox  bool                          `json:"mailbox"`
}

func (t Target) licencesBefore(ctx context.Context) (b licencesBefore, err error) {
	if b.Licences, err = t.directLicences(ctx); err != nil {
		return b, err
	}
	b.Mailbox, err = t.hasMailbox(ctx)
	return b, err
}

func (t Target) hasMailbox(ctx context.Context) (bool, error) {
	_, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	return err == nil, noMailbox(err)
}

// returnTime is how long a mailbox may take to come back with its licence: minutes as a rule.
const returnTime = 30 * time.Minute

// assignLicences gives licences back as they were, with the same service plans switched off, and waits for the
// mailbox where there was one.
func assignLicences(t Target, names map[string]string, was licencesBefore) jobs.Step {
	back := was.Licences
	missing := func(ctx context.Context) ([]graphclient.AssignedLicense, error) {
		held, err := t.directLicences(ctx)
		return slices.DeleteFunc(slices.Clone(back), func(l graphclient.AssignedLicense) bool {
			return slices.ContainsFunc(held, func(h graphclient.AssignedLicense) bool { return h.SkuID == l.SkuID && samePlans(h, l) })
		}), err
	}
	return jobs.Step{
		Name: removeLicenses, Class: jobs.Async, Settle: returnTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			want, err := missing(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Assign the licences again", Before: "without " + skuNames(names, want), After: "with them"}
			if len(want) == 0 {
				c.Before, c.Nothing = c.After, "the licences are there"
				return c, nil
			}
			c.Blockers, err = t.seatBlockers(ctx, names, want)
			return c, err
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			want, err := missing(ctx)
			if err != nil {
				return nil, err
			}
			return nil, order(ctx, run, removeLicenses, func() error {
				if len(want) == 0 { // an earlier order was taken
					return nil
				}
				return t.Graph.AssignLicense(ctx, t.tid(), t.User.ID, want, nil)
			})
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			want, err := missing(ctx)
			there := !was.Mailbox
			if err == nil && !there {
				there, err = t.hasMailbox(ctx)
			}
			switch {
			case err != nil:
				return jobs.Unknown, err
			case len(want) == 0 && there:
				return jobs.Done, nil
			default:
				return underWay(run, removeLicenses), nil
			}
		},
	}
}

func samePlans(a, b graphclient.AssignedLicense) bool {
	x, y := slices.Sorted(slices.Values(a.DisabledPlans)), slices.Sorted(slices.Values(b.DisabledPlans))
	return slices.EqualFunc(x, y, equalFold)
}

// seatBlockers says why licences cannot be assigned: no free seat, no such subscription any more, no usage location.
func (t Target) seatBlockers(ctx context.Context, names map[string]string, want []graphclient.AssignedLicense) ([]string, error) {
	skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
	if err != nil {
		return nil, err
	}
	var out []string
	for _, l := range want {
		i := slices.IndexFunc(skus, func(s graphclient.SubscribedSku) bool { return equalFold(s.SkuID, l.SkuID) })
		switch {
		case i < 0:
			out = append(out, fmt.Sprintf("%s is not subscribed to in %s any more", nameOr(names, l.SkuID), t.Tenant.DefaultDomain))
		case skus[i].Available() < 1:
			out = append(out, fmt.Sprintf("%s has no free seat left in %s", skus[i].SkuPartNumber, t.Tenant.DefaultDomain))
		}
	}
	u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "usageLocation")
	if err == nil && u.UsageLocation == "" {
		out = append(out, t.User.UserPrincipalName+" has no usageLocation, without which no licence can be assigned")
	}
	return out, err
}

func skuNames(names map[string]string, list []graphclient.AssignedLicense) string {
	out := make([]string, len(list))
	for i, l := range list {
		out[i] = nameOr(names, l.SkuID)
	}
	return strings.Join(out, ", ")
}

func nameOr(names map[string]string, id string) string {
	if n, ok := names[id]; ok {
		return n
	}
	return id
}

// looksAgain makes a step that takes a licence look once more right before it does: minutes may lie between
// plan and step, in which a hold may have come, or the mailbox turned back.
func looksAgain(s jobs.Step, t Target, converts bool, look lossLook) jobs.Step {
	do := s.Do
	s.Do = func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
		_, blockers, err := look(ctx)
		if err != nil {
			return nil, err
		}
		if len(blockers) > 0 {
			return nil, fmt.Errorf("not begun: %s", strings.Join(blockers, "; "))
		}
		if m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox()); converts && graphclient.KindOf(err) != graphclient.NoMailbox {
			if err != nil {
				return nil, err
			}
			if !m.Shared() {
				return nil, errNotShared
			}
		}
		return do(ctx, run)
	}
	return s
}

// losesLicence adds to a step's plan what stands against losing the licence that goes with it.
func losesLicence(s jobs.Step, look lossLook) jobs.Step {
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || !c.Runs() {
			return c, err
		}
		warnings, blockers, err := look(ctx)
		c.Warnings, c.Blockers = append(c.Warnings, warnings...), append(c.Blockers, blockers...)
		return c, err
	}
	return s
}

// lossLook says what stands against taking the licences away.
type lossLook = func(context.Context) (warnings, blockers []string, err error)

// sharedLimit is how much a shared mailbox without a licence may hold.
const sharedLimit = 50 * gib

// lossWords are how to keep what would be lost, in the words of the tool that was called.
type lossWords struct{ keep, unless string }

var offboardingWords = lossWords{"keep the licence (removeLicenses=false)", "without convertToShared"}

// licenceLoss says what stands against taking the licences away: holds, archive and size need one,
// and a mailbox that is not shared goes with it.
func licenceLoss(ctx context.Context, t Target, converts bool, w lossWords) (warnings, blockers []string, err error) {
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	if graphclient.KindOf(err) == graphclient.NoMailbox {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	stats, err := t.Graph.MailboxStatistics(ctx, t.tid(), t.mailbox())
	if err != nil {
		return nil, nil, err
	}
	upn := t.User.UserPrincipalName
	if m.Held() {
		blockers = append(blockers, "the mailbox of "+upn+" is on hold, which needs Exchange Online Plan 2: "+w.keep+", or have the hold lifted first")
	}
	if m.HasArchive() {
		blockers = append(blockers, "the mailbox of "+upn+" has an online archive, which needs a licence: "+w.keep)
	}
	if sizeUnreadable(stats) {
		blockers = append(blockers, "how much the mailbox of "+upn+" holds cannot be read, and a shared mailbox without a licence may hold 50 GB: "+w.keep)
	}
	if stats.TotalItemSize > sharedLimit {
		blockers = append(blockers, fmt.Sprintf("the mailbox of %s holds %.1f GB, and a shared mailbox without a licence may hold 50 GB: %s, or shrink it first", upn, float64(stats.TotalItemSize)/gib, w.keep))
	}
	if !converts && !m.Shared() {
		warnings = append(warnings, w.unless+" the mailbox of "+upn+" cannot be opened once the licence is gone, and is deleted after 30 days")
	}
	return warnings, blockers, nil
}

// sizeUnreadable says that Exchange's figures do not tell how much a mailbox holds.
func sizeUnreadable(s graphclient.MailboxStatistics) bool {
	return s.TotalItemSize < 0 || s.TotalItemSize == 0 && s.ItemCount > 0 || s == (graphclient.MailboxStatistics{})
}
