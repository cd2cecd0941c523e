package workflows

import (
	"context"
	"fmt"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// SetSourceOfAuthority says who owns a user that came from a local Active Directory: the cloud, or Active Directory again
// (PATCH /users/{id}/onPremisesSyncBehavior).
func SetSourceOfAuthority(t Target, cloud bool) jobs.Step {
	return value[bool]{
		name: "set-source-of-authority", summary: "Set the source of authority", back: "Bring the source of authority back", to: cloud,
		word: func(cloud bool) string { return map[bool]string{true: "the cloud", false: "Active Directory"}[cloud] },
		read: func(ctx context.Context) (bool, error) { return t.Graph.CloudManaged(ctx, t.tid(), t.User.ID) },
		write: func(ctx context.Context, to bool) error {
			return t.Graph.SetCloudManaged(ctx, t.tid(), t.User.ID, to)
		},
		judge: func(ctx context.Context, _ bool, c *jobs.Change) error {
			u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "onPremisesSyncEnabled", "onPremisesImmutableId", "onPremisesLastSyncDateTime")
			if err != nil {
				return err
			}
			upn := t.User.UserPrincipalName
			if u.OnPremisesSyncEnabled == nil && u.OnPremisesImmutableID == "" {
				c.Blockers = append(c.Blockers, upn+" never came from an Active Directory, so the cloud is its only source")
				return nil
			}
			if cloud {
				c.Warnings = append(c.Warnings, "changes of "+upn+" in Active Directory no longer reach the cloud, the password included, and nothing flows back by itself; the synchronisation agent has to be recent enough to know this setting")
				return nil
			}
			c.Warnings = append(c.Warnings, "the next synchronisation brings the values of Active Directory over what was changed in the cloud; last synchronised "+stamp(u.OnPremisesLastSyncDateTime))
			if u.OnPremisesImmutableID == "" {
				c.Blockers = append(c.Blockers, upn+" has no immutable id, by which Active Directory would find it again")
			}
			return nil
		},
	}.step()
}

// RefusedWhileSynced makes of what is left to a person in a longer plan what stops a plan of its own.
func RefusedWhileSynced(s jobs.Step) jobs.Step {
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if c.Manual != "" {
			c.Blockers, c.Manual = append(c.Blockers, c.Manual), ""
		}
		return c, err
	}
	return s
}

// PurgeUser deletes a user in the recycle bin for good (DELETE /directory/deletedItems/{id}), with mailbox and OneDrive
// unless something holds them. allowed says whether the operator lets that be done at all.
func PurgeUser(t Target, allowed bool) jobs.Step {
	e := effect{
		name: "purge-user", want: false,
		there: func(ctx context.Context) (bool, error) {
			u, err := t.deletedUser(ctx)
			return u != nil, err
		},
		change: jobs.Change{Summary: "Delete " + t.User.UserPrincipalName + " for good", Target: t.User.ID, Before: "in the recycle bin", After: "gone", NoWayBack: "nobody can bring a purged user back, not even Microsoft",
			Critical: "deleting for good cannot be undone"},
		judge: func(_ context.Context, c *jobs.Change) error {
			if !allowed {
				c.Blockers = append(c.Blockers, "this server deletes nobody for good; the operator allows it with guards.purge: allow. After 30 days Microsoft does it by itself")
			}
			if at := t.User.DeletedDateTime; at != nil {
				c.Warnings = append(c.Warnings, fmt.Sprintf("without this %s could be restored until %s", t.User.UserPrincipalName, RestorableUntil(*at).Format(time.DateOnly)))
			}
			return nil
		},
		do: func(ctx context.Context) error {
			return passing(t.Graph.PurgeUser(ctx, t.tid(), t.User.ID), graphclient.NotFound)
		},
	}
	return e.step()
}

// AssignDevice makes the user the primary user of a device of Intune (POST
// /beta/deviceManagement/managedDevices/{id}/users/$ref).
func AssignDevice(t Target, d graphclient.ManagedDevice) jobs.Step {
	who := func(ctx context.Context) (*graphclient.User, error) { return t.Graph.PrimaryUser(ctx, t.tid(), d.ID) }
	name := "assign-device-" + d.ID
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			now, err := who(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Make " + t.User.UserPrincipalName + " the primary user of " + jobs.Fence(shortened(d.DeviceName)), Target: d.ID, Before: "nobody's", After: t.User.UserPrincipalName}
			if now != nil {
				c.Before, c.People = now.UserPrincipalName, []string{now.ID}
				if now.ID == t.User.ID {
					c.Nothing = "it is so already"
					return c, nil
				}
				c.Warnings = append(c.Warnings, "what Intune gives "+now.UserPrincipalName+" on this device as its user goes to the new one; files and the sign-in there stay as they are")
			} else {
				c.NoWayBack = "that it was nobody's is not brought back"
			}
			return c, t.intuneBlockers(ctx, &c)
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, who); err != nil {
				return nil, err
			}
			return nil, t.Graph.SetPrimaryUser(ctx, t.tid(), d.ID, t.User.ID)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			now, err := who(ctx)
			return now != nil && now.ID == t.User.ID, err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was *graphclient.User
			if !run.Before(name, &was) || was == nil || was.ID == t.User.ID {
				return nil, nil
			}
			back := t
			back.User = *was
			return undo(name, AssignDevice(back, d))
		},
	}
}

// intuneBlockers stops what takes a licence of Intune.
func (t Target) intuneBlockers(ctx context.Context, c *jobs.Change) error {
	skus, err := t.Graph.SubscribedSkus(ctx, t.tid())
	if err != nil {
		return err
	}
	u, err := t.licenceStates(ctx)
	if err == nil && !brings(skus, u.AssignedLicenses, intunePlan) {
		c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" has no licence of Intune, which a device's primary user needs: assign one with cipp_manage_user_licenses first")
	}
	return err
}
