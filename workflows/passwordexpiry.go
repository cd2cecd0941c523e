package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

const (
	neverExpires = "DisablePasswordExpiration"
	noPolicies   = "None" // what the admin centre writes; Graph's own pages name no word for it
)

// SetPasswordExpiration says whether the user's password expires by the rule of its domain (PATCH /users/{id}
// passwordPolicies). What else stands in the policies stays.
func SetPasswordExpiration(t Target, expires bool) jobs.Step {
	word := func(policies string) string {
		if slices.ContainsFunc(policyWords(policies), func(p string) bool { return equalFold(p, neverExpires) }) {
			return "never expires"
		}
		return "expires by the domain's rule"
	}
	to := map[bool]string{true: "expires by the domain's rule", false: "never expires"}[expires]
	return value[string]{
		name: "set-password-expiration", summary: "Set whether the password expires", back: "Bring back whether the password expires",
		to: to, is: func(now string) bool { return word(now) == to },
		word: func(now string) string {
			if now == to {
				return to
			}
			return word(now)
		},
		read: func(ctx context.Context) (string, error) {
			u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "passwordPolicies")
			if u.PasswordPolicies == "" {
				u.PasswordPolicies = noPolicies
			}
			return u.PasswordPolicies, err
		},
		write: func(ctx context.Context, to string) error {
			policies := to // what was there before, word for word
			if to == word(neverExpires) || to == word("") {
				u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "passwordPolicies")
				if err != nil {
					return err
				}
				policies = withExpiry(u.PasswordPolicies, expires)
			}
			return t.Graph.UpdateUser(ctx, t.tid(), t.User.ID, map[string]any{"passwordPolicies": policies})
		},
		judge: func(ctx context.Context, _ string, c *jobs.Change) error {
			if t.User.Guest() {
				c.Blockers = append(c.Blockers, t.User.UserPrincipalName+" is a guest, whose password is kept in the home organisation")
				return nil
			}
			if t.User.Synced() {
				c.Warnings = append(c.Warnings, t.User.UserPrincipalName+" is synchronised: the rule of the on-premises directory counts, and this one for the cloud's copy of the password only")
			}
			if !expires {
				return nil
			}
			return t.expirySoon(ctx, c)
		},
	}.step()
}

// expirySoon warns where the password is older than its domain lets it be, or never expires for all that.
func (t Target) expirySoon(ctx context.Context, c *jobs.Change) error {
	domains, err := t.Graph.Domains(ctx, t.tid())
	if err != nil {
		return err
	}
	for _, d := range domains {
		if !equalFold(d.ID, domainOf(t.User.UserPrincipalName)) || d.PasswordValidityPeriodInDays == nil {
			continue
		}
		days := *d.PasswordValidityPeriodInDays
		if days >= never {
			c.Warnings = append(c.Warnings, "passwords of "+d.ID+" never expire by the domain's rule, so this changes nothing until that is changed")
			return nil
		}
		u, err := t.Graph.User(ctx, t.tid(), t.User.ID, "id", "lastPasswordChangeDateTime")
		if err != nil {
			return err
		}
		if at := u.LastPasswordChangeDateTime; at != nil && t.Clock.Now().After(at.AddDate(0, 0, days)) {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the password was last changed %s and %s lets passwords live for %d days: the user is asked for a new one at the next sign-in", stamp(at), d.ID, days))
		}
	}
	return nil
}

// never is the number of days by which Microsoft says never.
const never = 2147483647

func policyWords(policies string) []string {
	var out []string
	for _, p := range strings.Split(policies, ",") {
		if p = strings.TrimSpace(p); p != "" && !equalFold(p, noPolicies) {
			out = append(out, p)
		}
	}
	return out
}

// withExpiry is the policies with or without the one that keeps a password from expiring.
func withExpiry(policies string, expires bool) string {
	out := slices.DeleteFunc(policyWords(policies), func(p string) bool { return equalFold(p, neverExpires) })
	if !expires {
		out = append([]string{neverExpires}, out...)
	}
	if len(out) == 0 {
		return noPolicies
	}
	return strings.Join(out, ", ")
}

// ExpirePassword makes the user choose another password at the next sign-in (PATCH /users/{id} passwordProfile); until then
// the old one signs in, and open sessions go on.
func ExpirePassword(t Target) jobs.Step {
	return value[bool]{
		name: "expire-password", summary: "Expire the password now", back: "No longer ask for a new password", to: true,
		word: func(must bool) string {
			return map[bool]string{true: "a new one is asked for at the next sign-in", false: "as it is"}[must]
		},
		read: func(ctx context.Context) (bool, error) {
			return t.Graph.MustChangePassword(ctx, t.tid(), t.User.ID)
		},
		write: func(ctx context.Context, to bool) error {
			return t.Graph.RequirePasswordChange(ctx, t.tid(), t.User.ID, to)
		},
		judge: func(ctx context.Context, _ bool, c *jobs.Change) error {
			blockers, err := passwordBlockers(ctx, t, graphclient.User{OnPremisesSyncEnabled: t.User.OnPremisesSyncEnabled, UserType: t.User.UserType})
			c.Blockers = append(c.Blockers, blockers...)
			c.Warnings = append(c.Warnings, "the old password still signs in until the user has chosen another, and open sessions go on; cipp_revoke_sessions ends them")
			return err
		},
	}.step()
}
