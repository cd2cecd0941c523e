package workflows

import (
	"context"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// defaultOf maps the beta preference to the type of method behind it.
var defaultOf = map[string]string{"push": "microsoftAuthenticator", "oath": "microsoftAuthenticator", "voiceMobile": "phone", "voiceAlternateMobile": "phone", "voiceOffice": "phone", "sms": "phone"}

// RemoveAuthMethods removes every registered method but the password, one step a method. Microsoft
// refuses to remove the default method while others remain, and the mobile number while there is an
// alternate one, so the steps are in that order.
func RemoveAuthMethods(ctx context.Context, t Target, run *jobs.Run) ([]jobs.Step, error) {
	methods, err := jobs.Found(ctx, run, "methods", t.methodsToRemove)
	if err != nil {
		return nil, err
	}
	var steps []jobs.Step
	for _, m := range methods {
		steps = append(steps, removeAuthMethod(t, "remove-"+m.Type()+"-"+m.ID, m))
	}
	return steps, nil
}

// methodsToRemove are the methods in the order in which Microsoft lets them be removed. Of each there is no
// more than has to be known: numbers and addresses stay out of what the run remembers.
func (t Target) methodsToRemove(ctx context.Context) ([]graphclient.AuthMethod, error) {
	methods, err := t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
	if err != nil {
		return nil, err
	}
	preferred := ""
	if p, err := t.Graph.SignInPreferences(ctx, t.tid(), t.User.ID); err == nil {
		preferred = p.UserPreferredMethodForSecondaryAuthentication
	}
	methods = slices.DeleteFunc(methods, func(m graphclient.AuthMethod) bool { return m.Type() == "password" })
	slices.SortStableFunc(methods, func(a, b graphclient.AuthMethod) int { return removalRank(a, preferred) - removalRank(b, preferred) })
	out := make([]graphclient.AuthMethod, len(methods))
	for i, m := range methods {
		out[i] = graphclient.AuthMethod{ODataType: m.ODataType, ID: m.ID, PhoneType: m.PhoneType, DisplayName: m.DisplayName}
	}
	return out, nil
}

func removalRank(m graphclient.AuthMethod, preferred string) int {
	rank := 0
	if m.Type() == "phone" {
		rank = map[string]int{"alternateMobile": 1, "office": 2, "mobile": 3}[m.PhoneType]
	}
	if preferred != "" && defaultOf[preferred] == m.Type() {
		rank += 10
	}
	return rank
}

func removeAuthMethod(t Target, name string, m graphclient.AuthMethod) jobs.Step {
	what := m.Type()
	if m.PhoneType != "" {
		what += " (" + m.PhoneType + ")"
	}
	if m.DisplayName != "" {
		what += " on " + jobs.Fence(m.DisplayName)
	}
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(context.Context, *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Remove the method " + what, Target: m.ID, Before: "registered", After: "removed", NoWayBack: "only the user can register it again"}
			if !m.CanDelete() {
				c.Manual = "this version does not know how methods of the type " + jobs.Fence(m.Type()) + " are removed, so it stays registered; remove it in the Entra admin centre"
				return c, nil
			}
			if strings.HasPrefix(m.Type(), "windowsHello") || m.Type() == "platformCredential" || m.Type() == "fido2" {
				c.Warnings = append(c.Warnings, what+" also signs the user in at a device; without it the user needs another way in there")
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			err := t.Graph.DeleteAuthMethod(ctx, t.tid(), t.User.ID, m)
			if isGone(err) {
				return nil, nil
			}
			return nil, err
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			methods, err := t.Graph.AuthMethods(ctx, t.tid(), t.User.ID)
			return !slices.ContainsFunc(methods, func(x graphclient.AuthMethod) bool { return x.ID == m.ID && x.Type() == m.Type() }), err
		}),
	}
}
