package workflows

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// driveTime is how long SharePoint may take to make a OneDrive that was ordered.
const driveTime = 30 * time.Minute

// signInBlocker is why this sign-in cannot do something, with what would help; "" for any other error.
func (t Target) signInBlocker(err error, next string) string {
	if !forbidden(err) {
		return ""
	}
	s := err.Error()
	var e *graphclient.Error
	if errors.As(err, &e) {
		s = e.Message
	}
	s = strings.Replace(s, " needs ", " in "+t.Tenant.DefaultDomain+" needs ", 1)
	return strings.TrimSuffix(s, ".") + ". " + next
}

// ProvisionOneDrive makes a OneDrive before the user has ever opened it (CSOM Tenant.RequestPersonalSites), and waits
// until it is there.
func ProvisionOneDrive(t Target) jobs.Step {
	const name = "provision-onedrive"
	upn := t.User.UserPrincipalName
	return jobs.Step{
		Name: name, Class: jobs.Async, Settle: driveTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Make the OneDrive of " + upn, Before: "not there", After: "there", NoWayBack: "a OneDrive that was made stays; it is empty until it is used"}
			d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
			if err != nil {
				return c, err
			}
			if d != nil {
				c.Before, c.NoWayBack, c.Nothing = c.After, "", "the OneDrive is there"
				return c, nil
			}
			if err := t.Graph.CanProvisionDrives(ctx, t.tid()); err != nil {
				why := t.signInBlocker(err, "Ask the operator to configure auth.mode partner")
				if why == "" {
					return c, err
				}
				c.Blockers = append(c.Blockers, why)
			}
			return c, t.driveBlockers(ctx, &c)
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			return nil, order(ctx, run, name, func() error { return t.Graph.ProvisionDrive(ctx, t.tid(), upn) })
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case d != nil:
				return jobs.Done, nil
			default:
				return underWay(run, name), nil
			}
		},
	}
}

// driveBlockers says why SharePoint would make no OneDrive, which it does without a word.
func (t Target) driveBlockers(ctx context.Context, c *jobs.Change) error {
	u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "accountEnabled", "userType", "userPrincipalName")
	if err != nil {
		return err
	}
	if u.AccountEnabled != nil && !*u.AccountEnabled {
		c.Blockers = append(c.Blockers, "the sign-in of "+t.User.UserPrincipalName+" is blocked, and SharePoint makes no OneDrive for who cannot sign in")
	}
	held, err := t.Graph.LicenseDetails(ctx, t.tid(), t.User.ID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(held, func(l graphclient.LicenseDetail) bool {
		return slices.ContainsFunc(l.ServicePlans, func(p graphclient.ServicePlan) bool {
			n := strings.ToUpper(p.ServicePlanName)
			return (strings.HasPrefix(n, "SHAREPOINT") || strings.HasPrefix(n, "ONEDRIVE")) && !equalFold(p.ProvisioningStatus, "Disabled")
		})
	}) {
		c.Blockers = append(c.Blockers, "no licence of "+t.User.UserPrincipalName+" holds SharePoint or OneDrive: assign one first")
	}
	return nil
}

// AddShortcut puts a shortcut to a site's library, or a folder of it, into the root of the user's OneDrive
// (POST /users/{id}/drive/root/children).
func AddShortcut(t Target, name string, to graphclient.ShortcutTarget) jobs.Step {
	return shortcut(t, name, to, true)
}

func shortcut(t Target, name string, to graphclient.ShortcutTarget, want bool) jobs.Step {
	title := jobs.Fence(shortened(name))
	find := func(ctx context.Context) (driveID string, items []graphclient.DriveItem, err error) {
		d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
		if err != nil || d == nil {
			return "", nil, err
		}
		all, err := t.Graph.DriveItems(ctx, t.tid(), d.ID, "")
		return d.ID, slices.DeleteFunc(all, func(i graphclient.DriveItem) bool { return i.RemoteItem == nil || !i.RemoteItem.Is(to) }), err
	}
	e := effect{
		name: "onedrive-shortcut", want: want,
		change: jobs.Change{Summary: "Add a shortcut to " + title + " to the OneDrive of " + t.User.UserPrincipalName, Before: "no shortcut", After: "shortcut"},
		there:  func(ctx context.Context) (bool, error) { _, items, err := find(ctx); return len(items) > 0, err },
		back:   func() jobs.Step { return shortcut(t, name, to, !want) },
	}
	if want {
		e.do = func(ctx context.Context) error {
			_, err := t.Graph.AddShortcut(ctx, t.tid(), t.User.ID, name, to)
			return err
		}
		e.judge = func(ctx context.Context, c *jobs.Change) error {
			d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
			if err == nil && d == nil {
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" has no OneDrive: cipp_provision_onedrive makes it")
			}
			c.Warnings = append(c.Warnings, "a shortcut gives no right: "+t.User.UserPrincipalName+" needs access to the site already (cipp_set_site_access)")
			return err
		}
	} else {
		e.change.Summary = "Remove the shortcut to " + title + " from the OneDrive of " + t.User.UserPrincipalName
		e.change.Before, e.change.After = e.change.After, e.change.Before
		e.do = func(ctx context.Context) error {
			drive, items, err := find(ctx)
			for _, i := range items {
				err = errors.Join(err, passing(t.Graph.DeleteDriveItem(ctx, t.tid(), drive, i.ID), graphclient.NotFound))
			}
			return err
		}
	}
	s := e.step()
	if want {
		s.Class = jobs.Verifiable // added twice there are two
	}
	return s
}
