package workflows

import (
	"context"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// value is a step that gives something one value instead of another, and can give the other back.
type value[T comparable] struct {
	name, summary, back string // back is the summary of the way back
	to                  T
	word                func(T) string
	is                  func(now T) bool // whether what was read is what is wanted; nil: where it equals to
	read                func(context.Context) (T, error)
	write               func(context.Context, T) error
	// judge adds to the plan what stands against the step; nil adds nothing.
	judge func(ctx context.Context, now T, c *jobs.Change) error
	// hand is where a person does it, where this sign-in may not; "" where that is an error like others.
	hand   string
	settle time.Duration
}

func (v value[T]) met(now T) bool {
	if v.is != nil {
		return v.is(now)
	}
	return now == v.to
}

func (v value[T]) step() jobs.Step {
	return jobs.Step{
		Name: v.name, Class: jobs.Idempotent, Settle: v.settle,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			now, err := v.read(ctx)
			switch {
			case v.hand != "" && forbidden(err):
				return byHand(v.summary, v.hand, err), nil
			case graphclient.KindOf(err) == graphclient.NoDrive:
				return jobs.Change{Summary: v.summary, Nothing: "there is no OneDrive"}, nil
			case err != nil:
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: v.summary, Before: v.word(now), After: v.word(v.to)}
			switch {
			case v.met(now):
				c.Nothing = "it is so already"
			case v.judge != nil:
				return c, v.judge(ctx, now, &c)
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			was, err := jobs.KeepBefore(ctx, v.read)
			if err != nil || v.met(was) {
				return nil, err
			}
			return nil, v.write(ctx, v.to)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			now, err := v.read(ctx)
			return v.met(now), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was T
			if !run.Before(v.name, &was) || v.met(was) {
				return nil, nil
			}
			again := v
			again.summary, again.to, again.judge, again.is = v.back, was, nil, nil
			return undo(v.name, again.step())
		},
	}
}

// forbidden says whether an error means that this sign-in may not, whatever the target.
func forbidden(err error) bool {
	k := graphclient.KindOf(err)
	return k == graphclient.OtherSignIn || k == graphclient.Denied || k == graphclient.RoleMissing
}

// sharingTime is how long SharePoint may take until a change of a site is to be seen.
const sharingTime = 5 * time.Minute

// DisableDriveSharing ends that what lies in the leaver's OneDrive is shared with anybody outside (CSOM
// SiteProperties.SharingCapability). Links that were given out stop working; what is shared inside stays.
func DisableDriveSharing(t Target) jobs.Step {
	drive := func(ctx context.Context) (graphclient.Drive, error) {
		d, err := t.Graph.Drive(ctx, t.tid(), t.User.ID)
		if err == nil && d == nil {
			err = &graphclient.Error{Kind: graphclient.NoDrive, Tenant: t.tid(), Message: "The user has no OneDrive."}
		}
		if err != nil {
			return graphclient.Drive{}, err
		}
		return *d, nil
	}
	return value[graphclient.SharingCapability]{
		name: "disable-onedrive-sharing", summary: "End the external sharing of the OneDrive", back: "Allow the external sharing of the OneDrive again",
		to: graphclient.SharingDisabled, word: graphclient.SharingCapability.String, hand: "in the SharePoint admin centre", settle: sharingTime,
		read: func(ctx context.Context) (graphclient.SharingCapability, error) {
			d, err := drive(ctx)
			if err != nil {
				return 0, err
			}
			return t.Graph.DriveSharing(ctx, t.tid(), d)
		},
		write: func(ctx context.Context, to graphclient.SharingCapability) error {
			d, err := drive(ctx)
			if err != nil {
				return err
			}
			return t.Graph.SetDriveSharing(ctx, t.tid(), d, to)
		},
		judge: func(_ context.Context, _ graphclient.SharingCapability, c *jobs.Change) error {
			c.Warnings = append(c.Warnings, "people outside lose what was shared with them from the OneDrive of "+t.User.UserPrincipalName)
			return nil
		},
	}.step()
}

// ClearImmutableID takes away what ties a user to an object of Active Directory, so that no synchronisation takes the
// user over again (PATCH onPremisesImmutableId null). A user that is synchronised keeps it.
func ClearImmutableID(t Target) jobs.Step {
	return value[string]{
		name: "clear-immutable-id", summary: "Clear the immutable id", back: "Bring the immutable id back",
		word: func(id string) string {
			if id == "" {
				return "none"
			}
			return jobs.Fence(shortened(id))
		},
		read: func(ctx context.Context) (string, error) {
			u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "onPremisesImmutableId")
			return u.OnPremisesImmutableID, err
		},
		write: func(ctx context.Context, to string) error {
			patch := map[string]any{"onPremisesImmutableId": nil}
			if to != "" {
				patch["onPremisesImmutableId"] = to
			}
			return t.Graph.UpdateUser(ctx, t.tid(), t.User.ID, patch)
		},
		judge: func(ctx context.Context, _ string, c *jobs.Change) error {
			u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "userPrincipalName", "onPremisesSyncEnabled")
			switch {
			case err != nil:
				return err
			case u.Synced():
				c.Manual = t.User.UserPrincipalName + " is still synchronised: take the user out of the synchronisation's scope first, restore the user if that deleted it, and clear the immutable id then"
				return nil
			}
			domains, err := t.Graph.Domains(ctx, t.tid())
			for _, d := range domains {
				if equalFold(d.ID, domainOf(t.User.UserPrincipalName)) && equalFold(d.AuthenticationType, "Federated") {
					c.Blockers = append(c.Blockers, d.ID+" is federated, where users need an immutable id: give the user a name of another domain first")
				}
			}
			return err
		},
	}.step()
}
