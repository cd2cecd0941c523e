package workflows

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// SetPerUserMFA sets the legacy per-user state of MFA (PATCH /beta/users/{id}/authentication/requirements): disabled, enabled
// or enforced. Microsoft itself turns enabled into enforced once the user has registered a method.
func SetPerUserMFA(t Target, state string) jobs.Step {
	return value[string]{
		name: "set-mfa-state", summary: "Set the per-user MFA state", back: "Bring the per-user MFA state back", to: state, word: plainWord,
		is: func(now string) bool {
			return equalFold(now, state) || state == "enabled" && equalFold(now, "enforced")
		},
		read: func(ctx context.Context) (string, error) { return t.Graph.PerUserMFAState(ctx, t.tid(), t.User.ID) },
		write: func(ctx context.Context, to string) error {
			return t.Graph.SetPerUserMFAState(ctx, t.tid(), t.User.ID, to)
		},
		judge: func(ctx context.Context, _ string, c *jobs.Change) error {
			c.Warnings = append(c.Warnings, "this is the legacy setting of one user, beside security defaults and Conditional Access, which go on as they are")
			if state == "disabled" {
				c.Warnings = append(c.Warnings, "where nothing else asks for MFA, the password alone is enough from now on")
				return nil
			}
			on, err := t.Graph.SecurityDefaults(ctx, t.tid())
			if err == nil && on {
				c.Warnings = append(c.Warnings, "security defaults are on here, with which Microsoft advises against per-user MFA")
			}
			return nil //nolint:nilerr // a note more or less
		},
	}.step()
}

func plainWord(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// defaultMethods are the defaults a user can have, and the registered method each takes.
var defaultMethods = map[string]string{"push": "Microsoft Authenticator", "oath": "an authenticator's code", "sms": "a mobile phone", "voiceMobile": "a mobile phone", "voiceAlternateMobile": "an alternate mobile phone", "voiceOffice": "an office phone"}

// DefaultMethods are their names, in order.
func DefaultMethods() []string {
	return []string{"push", "oath", "sms", "voiceMobile", "voiceAlternateMobile", "voiceOffice"}
}

// bears says whether a registered method can serve as a default.
func bears(m graphclient.AuthMethod, preference string) bool {
	switch preference {
	case "push":
		return m.Type() == "microsoftAuthenticator"
	case "oath":
		return m.Type() == "microsoftAuthenticator" || m.Type() == "softwareOath" || m.Type() == "hardwareOath"
	case "sms", "voiceMobile":
		return m.PhoneType == "mobile"
	case "voiceAlternateMobile":
		return m.PhoneType == "alternateMobile"
	case "voiceOffice":
		return m.PhoneType == "office"
	}
	return false
}

// SetDefaultMFAMethod sets which method the user is asked for first (PATCH /beta/users/{id}/authentication/signInPreferences).
func SetDefaultMFAMethod(t Target, method string) jobs.Step {
	preferences := func(ctx context.Context) (graphclient.SignInPreferences, error) {
		return t.Graph.SignInPreferences(ctx, t.tid(), t.User.ID)
	}
	s := value[string]{
		name: "set-default-method", summary: "Set the default MFA method", back: "Bring the default MFA method back", to: method, word: plainWord,
		read: func(ctx context.Context) (string, error) {
			p, err := preferences(ctx)
			return p.UserPreferredMethodForSecondaryAuthentication, err
		},
		write: func(ctx context.Context, to string) error {
			return t.Graph.SetDefaultMethod(ctx, t.tid(), t.User.ID, to)
		},
		judge: func(ctx context.Context, now string, c *jobs.Change) error {
			methods, err := t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(methods, func(m graphclient.AuthMethod) bool { return bears(m, method) }) {
				c.Blockers = append(c.Blockers, fmt.Sprintf("%s has not registered %s, which the default %s takes", t.User.UserPrincipalName, defaultMethods[method], method))
			}
			if now == "" {
				c.NoWayBack = "there was no default, and Microsoft has no call that takes one away"
			}
			p, err := preferences(ctx)
			if p.IsSystemPreferredAuthenticationMethodEnabled {
				c.Warnings = append(c.Warnings, "the tenant lets the system prefer the strongest method, so that this default counts only with the NPS extension and the AD FS adapter; the user can also choose another method at sign-in")
			} else {
				c.Warnings = append(c.Warnings, "the user can change it, and choose another registered method at sign-in")
			}
			return err
		},
	}.step()
	back := s.Undo
	s.Undo = func(ctx context.Context, run *jobs.Run) (*jobs.Step, error) {
		var was string
		if run.Before("set-default-method", &was) && was == "" {
			return nil, nil
		}
		return back(ctx, run)
	}
	return s
}

// AllowedMethods says which methods the tenant's policy allows to whom: nothing else decides, and not for one user.
func AllowedMethods(ctx context.Context, t Target) (string, error) {
	p, err := t.Graph.AuthenticationMethodsPolicy(ctx, t.tid())
	if err != nil {
		return "", err
	}
	var out []string
	for _, m := range p.AuthenticationMethodConfigurations {
		if !equalFold(m.State, "enabled") {
			continue
		}
		var to []string
		for _, x := range m.IncludeTargets {
			if equalFold(x.ID, "all_users") {
				to = append(to, "everybody")
				continue
			}
			g, err := t.Graph.Group(ctx, t.tid(), x.ID)
			switch {
			case graphclient.KindOf(err) == graphclient.NotFound:
				to = append(to, x.ID)
			case err != nil:
				return "", err
			default:
				to = append(to, jobs.Fence(shortened(g.DisplayName)))
			}
		}
		if len(to) == 0 {
			to = []string{"nobody"}
		}
		out = append(out, m.ID+" for "+strings.Join(to, " and "))
	}
	if len(out) == 0 {
		return "no method at all", nil
	}
	slices.Sort(out)
	return strings.Join(out, ", "), nil
}

// AddMFAPhone registers a telephone as a second factor (POST /users/{id}/authentication/phoneMethods). number is written
// as Microsoft takes it; it is never shown whole.
func AddMFAPhone(t Target, number, kind string) jobs.Step {
	of := func(ctx context.Context, kind string) (*graphclient.AuthMethod, error) {
		methods, err := t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
		i := slices.IndexFunc(methods, func(m graphclient.AuthMethod) bool { return m.Type() == "phone" && equalFold(m.PhoneType, kind) })
		if err != nil || i < 0 {
			return nil, err
		}
		return &methods[i], nil
	}
	name := "add-phone-" + kind
	there := func(ctx context.Context) (bool, error) {
		m, err := of(ctx, kind)
		return m != nil && samePhone(m.PhoneNumber, number), err
	}
	return effect{
		name: name, want: true, there: there,
		change: jobs.Change{Summary: fmt.Sprintf("Register the %s telephone %s as a second factor", kind, MaskPhone(number)), Target: kind, Before: "not registered", After: "registered"},
		judge: func(ctx context.Context, c *jobs.Change) error {
			upn := t.User.UserPrincipalName
			old, err := of(ctx, kind)
			switch {
			case err != nil:
				return err
			case t.User.Guest():
				c.Blockers = append(c.Blockers, upn+" is a guest, whose methods are kept in the home organisation")
			case old != nil:
				c.Blockers = append(c.Blockers, fmt.Sprintf("%s has another %s telephone, %s: remove that one first with cipp_remove_mfa_method (%s)", upn, kind, MaskPhone(old.PhoneNumber), old.ID))
			case kind == "alternateMobile":
				first, err := of(ctx, "mobile")
				if err != nil {
					return err
				}
				if first == nil {
					c.Blockers = append(c.Blockers, upn+" has no mobile telephone, which an alternate one needs first")
				}
			}
			c.Warnings = append(c.Warnings, "whoever holds this telephone can confirm sign-ins of "+upn+", and where the policy allows it reset the password: make sure whose it is")
			return nil
		},
		do: func(ctx context.Context) error { return t.Graph.AddPhoneMethod(ctx, t.tid(), t.User.ID, number, kind) },
		back: func() jobs.Step {
			return effect{
				name: name, want: false, there: there,
				change: jobs.Change{Summary: "Remove the " + kind + " telephone " + MaskPhone(number), Target: kind, Before: "registered", After: "not registered"},
				do: func(ctx context.Context) error {
					m, err := of(ctx, kind)
					if err != nil || m == nil {
						return err
					}
					return t.Graph.DeleteAuthMethod(ctx, t.tid(), t.User.ID, *m)
				},
			}.step()
		},
	}.step()
}

// samePhone compares two numbers by their digits. Where the sign-in may not see them Microsoft puts an X or a star for
// digits, which then say nothing.
func samePhone(shown, number string) bool {
	a, b := phoneDigits(shown), phoneDigits(number)
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && a[i] != 'X' && a[i] != '*' {
			return false
		}
	}
	return true
}

func phoneDigits(n string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == 'X' || r == '*' || r == 'x' {
			return r
		}
		return -1
	}, n)
}

// RemoveMFAMethods removes the methods with these ids, one step each, in the order in which Microsoft lets them go.
func RemoveMFAMethods(ctx context.Context, t Target, run *jobs.Run, ids []string) ([]jobs.Step, []string, error) {
	all, err := jobs.Found(ctx, run, "methods", t.methodsToRemove)
	if err != nil {
		return nil, nil, err
	}
	chosen := func(m graphclient.AuthMethod) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return equalFold(id, m.ID) })
	}
	var unknown []string
	for _, id := range ids {
		if !slices.ContainsFunc(all, func(m graphclient.AuthMethod) bool { return equalFold(id, m.ID) }) {
			unknown = append(unknown, id)
		}
	}
	stay := slices.DeleteFunc(slices.Clone(all), chosen)
	var steps []jobs.Step
	for _, m := range all {
		if chosen(m) {
			steps = append(steps, t.judgedRemoval(m, stay))
		}
	}
	return steps, unknown, nil
}

// judgedRemoval is the removal of one method while others stay.
func (t Target) judgedRemoval(m graphclient.AuthMethod, stay []graphclient.AuthMethod) jobs.Step {
	s := removeAuthMethod(t, "remove-"+m.Type()+"-"+m.ID, m)
	plan := s.Plan
	s.Plan = func(ctx context.Context, run *jobs.Run) (jobs.Change, error) {
		c, err := plan(ctx, run)
		if err != nil || !c.Runs() {
			return c, err
		}
		p, err := t.Graph.SignInPreferences(ctx, t.tid(), t.User.ID)
		if err != nil && graphclient.KindOf(err) != graphclient.NotFound {
			return c, err
		}
		now := p.UserPreferredMethodForSecondaryAuthentication
		factors := slices.DeleteFunc(slices.Clone(stay), func(x graphclient.AuthMethod) bool { return x.Type() == "email" })
		switch {
		case len(factors) == 0:
			c.Warnings = append(c.Warnings, t.User.UserPrincipalName+" has no second factor left after this, and is asked to register only where the tenant demands it")
		case now != "" && bears(m, now) && !slices.ContainsFunc(stay, func(x graphclient.AuthMethod) bool { return bears(x, now) }):
			c.Blockers = append(c.Blockers, fmt.Sprintf("this is the default method (%s), which Microsoft removes only after all others: set another default with cipp_set_user_mfa first, or remove all with cipp_reset_mfa", now))
		}
		if m.PhoneType == "mobile" && slices.ContainsFunc(stay, func(x graphclient.AuthMethod) bool { return x.PhoneType == "alternateMobile" }) {
			c.Blockers = append(c.Blockers, "the mobile telephone cannot go while there is an alternate one: remove that one as well")
		}
		return c, nil
	}
	return s
}
