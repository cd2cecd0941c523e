package workflows

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// CreatedID is where a run keeps the id of the user it created.
const CreatedID = "createdId"

// CreateUser makes a user (POST /users). t.User is the user to be; without a given password one is
// generated and sealed first.
func CreateUser(t Target, s Sealer, u graphclient.NewUser, given string) jobs.Step {
	find := func(ctx context.Context) (graphclient.User, error) {
		return t.Graph.User(ctx, t.tid(), u.UserPrincipalName, "id", "userPrincipalName", "displayName", "mailNickname")
	}
	return jobs.Step{
		Name: createUserStep, Class: jobs.Verifiable,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: fmt.Sprintf("Create %s (%s), sign-in allowed", u.UserPrincipalName, jobs.Fence(u.DisplayName)), Before: "not there", After: "there"}
			if u.UsageLocation == "" {
				c.Warnings = append(c.Warnings, "no usageLocation: no licence can be assigned until it is set")
			}
			if given == "" {
				if err := s.Ready(); err != nil {
					c.Blockers = append(c.Blockers, err.Error())
				}
				c.After += ", with a generated password that is sealed for the operator"
			}
			if len(u.Properties) > 0 {
				c.After += ", with " + strings.Join(sortedNames(u.Properties), ", ")
			}
			c.Blockers = append(c.Blockers, t.delegatedOnly(u.Properties)...)
			blockers, err := nameBlockers(ctx, t, u.UserPrincipalName, "")
			c.Blockers = append(c.Blockers, blockers...)
			return c, err
		},
		Do: func(ctx context.Context, run *jobs.Run) (jobs.Handle, error) {
			secret, err := newSecret(ctx, s, "create-user", given, u.UserPrincipalName, run)
			if err != nil {
				return nil, err
			}
			n := u
			n.PasswordProfile.Password = secret.password
			created, err := t.Graph.CreateUser(ctx, t.tid(), n)
			if err := errors.Join(err, secret.settle(ctx, run, err)); err != nil {
				return nil, err
			}
			return jobs.Handle{"id": created.ID}, run.Put(CreatedID, created.ID)
		},
		Verify: func(ctx context.Context, run *jobs.Run) (jobs.Outcome, error) {
			got, err := find(ctx)
			var answered string // the id Microsoft gave, where its answer came
			run.Get(CreatedID, &answered)
			switch {
			case graphclient.KindOf(err) == graphclient.NotFound:
				return jobs.NotDone, nil
			case err != nil:
				return jobs.Unknown, err
			case answered != "" && got.ID != answered:
				return jobs.Unknown, nil
			case got.DisplayName != u.DisplayName || !equalFold(got.MailNickname, u.MailNickname):
				return jobs.Unknown, nil // somebody else's user under the same name
			default:
				return jobs.Done, run.Keep(ctx, CreatedID, got.ID)
			}
		},
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			made := t
			if !run.Get(CreatedID, &made.User.ID) || made.User.ID == "" {
				return nil, nil // who was created is not known for certain
			}
			made.User.UserPrincipalName, made.User.DisplayName = u.UserPrincipalName, u.DisplayName
			return undo(createUserStep, DeleteUser(made))
		},
	}
}

// nameBlockers says why a user principal name cannot be given: its domain is not verified here, is
// federated, or a living or deleted user holds it. except is the user's own id.
func nameBlockers(ctx context.Context, t Target, upn, except string) ([]string, error) {
	domains, err := t.Graph.Domains(ctx, t.tid())
	if err != nil {
		return nil, err
	}
	var verified []string
	found := false
	for _, d := range domains {
		if !d.IsVerified {
			continue
		}
		verified = append(verified, d.ID)
		if !equalFold(d.ID, domainOf(upn)) {
			continue
		}
		found = true
		if equalFold(d.AuthenticationType, "Federated") {
			return []string{d.ID + " is federated: users there are made at the identity provider"}, nil
		}
	}
	if !found {
		return []string{fmt.Sprintf("%s is no verified domain of %s; verified are: %s", domainOf(upn), t.Tenant.DefaultDomain, strings.Join(verified, ", "))}, nil
	}
	holders, err := t.Graph.UserConflicts(ctx, t.tid(), upn)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, h := range holders {
		switch {
		case h.ID == except:
		case h.DeletedDateTime != nil:
			out = append(out, fmt.Sprintf("%s is held by a deleted user (%s); restore or purge that one first", upn, h.ID))
		default:
			out = append(out, fmt.Sprintf("%s is taken by %s (%s)", upn, jobs.Fence(h.DisplayName), h.ID))
		}
	}
	return out, nil
}

// delegatedOnly says which of the properties Microsoft takes from a person only, where this server signs in as an
// application.
func (t Target) delegatedOnly(patch map[string]any) []string {
	if _, ok := patch["employeeHireDate"]; !ok || t.Graph.Mode() != graphclient.App {
		return nil
	}
	return []string{"employeeHireDate in " + t.Tenant.DefaultDomain + " needs a delegated sign-in (mode partner or user); this server signs in as an application. Nothing was changed. Ask the operator to configure auth.mode partner."}
}

func sortedNames(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// cloudOnly are the properties that the cloud masters even for a synchronised user.
var cloudOnly = map[string]bool{"usageLocation": true}

// EditUser changes the named properties and no other (PATCH /users/{id}); nil clears one.
func EditUser(t Target, patch map[string]any) jobs.Step {
	names := make([]string, 0, len(patch))
	for n := range patch {
		names = append(names, n)
	}
	sort.Strings(names)
	read := func(ctx context.Context) (map[string]any, error) {
		u, err := t.Graph.User(ctx, t.tid(), t.User.ID, append([]string{"id", "onPremisesSyncEnabled"}, names...)...)
		if err != nil {
			return nil, err
		}
		return asMap(u)
	}
	return jobs.Step{
		Name: "edit-user", Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			now, err := read(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			var before, after, locked []string
			for _, n := range names {
				if same(now[n], patch[n]) {
					continue
				}
				before, after = append(before, n+"="+shown(n, within(now[n], patch[n]))), append(after, n+"="+shown(n, patch[n]))
				if now["onPremisesSyncEnabled"] == true && !cloudOnly[n] {
					locked = append(locked, n)
				}
			}
			c := jobs.Change{Summary: fmt.Sprintf("Change %d of the user's properties", len(after)), Before: strings.Join(before, "; "), After: strings.Join(after, "; ")}
			if len(after) == 0 {
				c.Nothing = "the properties have these values already"
			}
			c.Blockers = append(c.Blockers, t.delegatedOnly(patch)...)
			if len(locked) > 0 {
				c.Blockers = append(c.Blockers, onPremisesSentence(t.User.UserPrincipalName, strings.Join(locked, ", ")))
			}
			if upn, ok := patch["userPrincipalName"].(string); ok && !equalFold(upn, t.User.UserPrincipalName) {
				blockers, err := nameBlockers(ctx, t, upn, t.User.ID)
				if err != nil {
					return c, err
				}
				c.Blockers = append(c.Blockers, blockers...)
				c.Warnings = append(c.Warnings, "the user signs in with the new name from now on; the mail address does not change with it")
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			return nil, t.Graph.UpdateUser(ctx, t.tid(), t.User.ID, patch)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			now, err := read(ctx)
			for _, n := range names {
				if !same(now[n], patch[n]) {
					return false, err
				}
			}
			return true, err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was map[string]any
			if !run.Before("edit-user", &was) {
				return nil, nil
			}
			back := make(map[string]any, len(names))
			for _, n := range names {
				if back[n] = within(was[n], patch[n]); back[n] == nil && (n == "businessPhones" || n == "otherMails") {
					back[n] = []string{} // Microsoft clears a list with an empty one
				}
			}
			return undo("edit-user", EditUser(t, back))
		},
	}
}

// manager is the user's manager, nil where there is none.
func (t Target) manager(ctx context.Context) (*graphclient.User, error) {
	m, err := t.Graph.Manager(ctx, t.tid(), t.User.ID)
	if graphclient.KindOf(err) == graphclient.NotFound {
		return nil, nil
	}
	return m, err
}

// SetManager names the user's manager (PUT /users/{id}/manager/$ref).
func SetManager(t Target, manager graphclient.User) jobs.Step {
	return managerStep(t, "set-manager", "Name the manager", &manager)
}

// ClearManager leaves the user without manager (DELETE /users/{id}/manager/$ref).
func ClearManager(t Target) jobs.Step {
	return managerStep(t, "clear-manager", "Remove the manager", nil)
}

func managerStep(t Target, name, summary string, to *graphclient.User) jobs.Step {
	who := func(m *graphclient.User) string {
		if m == nil {
			return "none"
		}
		return m.UserPrincipalName
	}
	is := func(m *graphclient.User) bool { return m == nil && to == nil || m != nil && to != nil && m.ID == to.ID }
	return jobs.Step{
		Name: name, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			m, err := t.manager(ctx)
			if err != nil {
				return jobs.Change{}, err
			}
			c := jobs.Change{Summary: summary, Before: who(m), After: who(to)}
			if to != nil {
				c.Target = to.ID
			}
			switch {
			case is(m):
				c.Nothing = "it is so already"
			case t.User.Synced():
				c.Blockers = append(c.Blockers, onPremisesSentence(t.User.UserPrincipalName, "the manager"))
			}
			return c, nil
		},
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, t.manager); err != nil {
				return nil, err
			}
			if to == nil {
				return nil, passing(t.Graph.RemoveManager(ctx, t.tid(), t.User.ID), graphclient.NotFound)
			}
			return nil, t.Graph.SetManager(ctx, t.tid(), t.User.ID, to.ID)
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			m, err := t.manager(ctx)
			return is(m), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was *graphclient.User
			if !run.Before(name, &was) || is(was) {
				return nil, nil
			}
			return undo(name, managerStep(t, name, "Bring the manager back", was))
		},
	}
}

func asMap(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("read the user: %w", err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fmt.Errorf("read the user: %w", err)
	}
	return m, nil
}

// same compares what was read with what was asked for; Microsoft shows a cleared property as absent.
func same(read, asked any) bool { return word(within(read, asked)) == word(asked) }

// within is what was read of that which is asked for: of an object only the properties that are named, each with nil
// where it has no value.
func within(read, asked any) any {
	a, ok := asked.(map[string]any)
	if !ok {
		return read
	}
	r, _ := read.(map[string]any)
	out := make(map[string]any, len(a))
	for n := range a {
		out[n] = r[n]
	}
	return out
}

// shown is a property's value in a plan: a person or the tenant wrote it.
func shown(property string, v any) string {
	w := word(v)
	if w == empty {
		return w
	}
	if phones[property] {
		w = MaskPhone(w)
	}
	return jobs.Fence(w)
}

const empty = "(empty)"

func word(v any) string {
	switch x := v.(type) {
	case nil:
		return empty
	case string:
		if x == "" {
			return empty
		}
		return x
	case []any:
		parts := make([]string, len(x))
		for i, p := range x {
			parts[i] = fmt.Sprint(p)
		}
		return word(strings.Join(parts, ", "))
	case []string:
		return word(strings.Join(x, ", "))
	case map[string]any:
		parts := make([]string, 0, len(x))
		for _, n := range sortedNames(x) {
			parts = append(parts, n+": "+word(x[n]))
		}
		return word(strings.Join(parts, ", "))
	default:
		return fmt.Sprint(x)
	}
}
