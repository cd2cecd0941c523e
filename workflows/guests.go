package workflows

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const inviteGuest = "invite-guest"

// guestOf is the living guest with an address, nil where there is none.
func (t Target) guestOf(ctx context.Context, mail string) (guest *graphclient.User, others []graphclient.User, err error) {
	found, err := t.Graph.UserConflicts(ctx, t.tid(), mail)
	for _, u := range found {
		if u.DeletedDateTime == nil && foreign(u) {
			guest = &u
			continue
		}
		others = append(others, u)
	}
	return guest, others, err
}

// foreign says whether a user was invited from elsewhere, whatever it is called here.
func foreign(u graphclient.User) bool {
	return u.Guest() || strings.Contains(strings.ToUpper(u.UserPrincipalName), "#EXT#")
}

// InviteGuest makes a guest of somebody outside (POST /invitations). Where Microsoft sends no mail the link to accept is
// sealed for the operator: whoever has it can be taken for the guest.
func InviteGuest(t Target, s Sealer, n graphclient.NewInvitation) jobs.Step {
	return jobs.Step{
		Name: inviteGuest, Class: jobs.Verifiable,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Invite " + jobs.Fence(n.Mail) + " as a guest", Before: "not there", After: "guest, invited by Microsoft's mail"}
			if !n.SendMail {
				c.After = "guest, the link to accept sealed for the operator"
				if err := s.Ready(); err != nil {
					c.Blockers = append(c.Blockers, err.Error())
				}
			} else {
				c.NoWayBack = "a mail that was sent stays sent"
			}
			return c, t.judgeInvitation(ctx, n, &c)
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			made, err := t.Graph.Invite(ctx, t.tid(), n)
			if err != nil {
				return nil, err
			}
			err = run.Keep(ctx, CreatedID, made.InvitedUser.ID)
			if !n.SendMail && made.InviteRedeemURL != "" {
				handle, serr := s.Seal(ctx, "invitation link", n.Mail, made.InviteRedeemURL)
				if serr == nil {
					serr = errors.Join(run.Put(SecretStep, inviteGuest), run.Keep(ctx, SecretHandle, handle))
				}
				err = errors.Join(err, serr)
			}
			return jobs.Handle{"id": made.InvitedUser.ID}, err
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			guest, _, err := t.guestOf(ctx, n.Mail)
			switch {
			case err != nil:
				return jobs.Unknown, err
			case guest == nil:
				return jobs.NotDone, nil
			}
			return jobs.Done, run.Keep(ctx, CreatedID, guest.ID)
		},
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			g := t
			if !run.Get(CreatedID, &g.User.ID) || g.User.ID == "" {
				return nil, nil
			}
			g.User.UserPrincipalName = n.Mail
			return undo(inviteGuest, DeleteUser(g))
		},
	}
}

// judgeInvitation says what stands against an invitation, and what it lets in.
func (t Target) judgeInvitation(ctx context.Context, n graphclient.NewInvitation, c *jobs.Change) error {
	domains, err := t.Graph.Domains(ctx, t.tid())
	if err != nil {
		return err
	}
	for _, d := range domains {
		if d.IsVerified && equalFold(d.ID, domainOf(n.Mail)) {
			c.Blockers = append(c.Blockers, fmt.Sprintf("%s is a domain of %s itself: its people are members, made with cipp_create_user", d.ID, t.Tenant.DefaultDomain))
			return nil
		}
	}
	guest, others, err := t.guestOf(ctx, n.Mail)
	if err != nil {
		return err
	}
	if guest != nil {
		c.Blockers = append(c.Blockers, fmt.Sprintf("%s is a guest here already (%s); to send the invitation again call with userId and resend=true", jobs.Fence(n.Mail), guest.ID))
	}
	for _, o := range others {
		if o.DeletedDateTime == nil {
			c.Blockers = append(c.Blockers, fmt.Sprintf("%s has the address %s", o.UserPrincipalName, jobs.Fence(n.Mail)))
		} else {
			c.Warnings = append(c.Warnings, fmt.Sprintf("a deleted user (%s) had this address; cipp_restore_user brings that one back with its access", o.ID))
		}
	}
	// Where the policy cannot be read, Microsoft refuses by itself.
	if p, err := t.Graph.AuthorizationPolicy(ctx, t.tid()); err == nil && equalFold(p.AllowInvitesFrom, "none") {
		c.Blockers = append(c.Blockers, "invitations are switched off in "+t.Tenant.DefaultDomain+" (External collaboration settings)")
	}
	c.Warnings = append(c.Warnings, "a guest sees what guests may see in "+t.Tenant.DefaultDomain+", and what is shared with it later")
	return nil
}

// ResendInvitation invites a guest once more. Microsoft knows the guest by the address and keeps no trace of the mail
// that can be read back, so that it is never sent twice.
func ResendInvitation(t Target, n graphclient.NewInvitation) jobs.Step {
	return jobs.Step{
		Name: "resend-invitation", Class: jobs.Blind,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "mail", "userType", "userPrincipalName", "externalUserState", "externalUserStateChangeDateTime")
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: "Send the invitation to " + jobs.Fence(n.Mail) + " again", Before: "invited " + stamp(u.ExternalUserStateChangeDateTime), After: "invited again", NoWayBack: "a mail that was sent stays sent"}
			switch {
			case !foreign(u):
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" is no guest, so there is no invitation to send again")
			case n.Mail == "":
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" has no mail address to which an invitation could go")
			case equalFold(u.ExternalUserState, "Accepted"):
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" accepted the invitation "+stamp(u.ExternalUserStateChangeDateTime)+"; another would change nothing")
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			n.SendMail = true
			_, err := t.Graph.Invite(ctx, t.tid(), n)
			return nil, err
		},
	}
}
