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

// Addresses is a change of a mailbox's addresses. Each has its domain.
type Addresses struct {
	Add     []string `json:"add,omitempty"`     // aliases to be there
	Remove  []string `json:"remove,omitempty"`  // aliases to be gone
	Primary string   `json:"primary,omitempty"` // the address mail is sent from; "" leaves it, and the one before becomes an alias
	// Await: the mailbox is on its way (await-mailbox) and cannot be read yet.
	Await bool `json:"await,omitempty"`
}

const (
	setAddresses = "set-addresses"
	awaitMailbox = "await-mailbox"
)

// mailboxTime is how long Exchange may take to give a newly licensed user a mailbox: minutes as a rule.
const mailboxTime = 40 * time.Minute

// AwaitMailbox waits until Exchange has made the mailbox of a user who has just got a licence. Steps that need the
// mailbox name it in Needs.
func AwaitMailbox(t Target) jobs.Step {
	return jobs.Step{
		Name: awaitMailbox, Class: jobs.Reading, Settle: mailboxTime,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) {
			c := jobs.Change{Summary: "Wait until Exchange has made the mailbox", Before: "no mailbox yet", After: "there"}
			_, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			if err == nil {
				c.Before, c.Nothing = c.After, "the mailbox is there"
			}
			return c, noMailbox(err)
		},
		Do: func(context.Context, *jobs.Run) (jobs.Handle, error) { return nil, nil },
		Verify: func(ctx context.Context, _ *jobs.Run) (jobs.Outcome, error) {
			_, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
			switch {
			case err == nil:
				return jobs.Done, nil
			case graphclient.KindOf(err) == graphclient.NoMailbox:
				return jobs.Pending, nil
			default:
				return jobs.Unknown, err
			}
		},
	}
}

// SetAddresses changes the addresses of the mailbox (Set-Mailbox -EmailAddresses). The sign-in name stays: that is
// another thing. With Await it needs the step await-mailbox before it.
func SetAddresses(t Target, a Addresses) jobs.Step {
	read := func(ctx context.Context) ([]string, error) {
		m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
		return m.EmailAddresses, err
	}
	s := jobs.Step{
		Name: setAddresses, Class: jobs.Idempotent,
		Plan: func(ctx context.Context, _ *jobs.Run) (jobs.Change, error) { return t.planAddresses(ctx, a) },
		Do: func(ctx context.Context, _ *jobs.Run) (jobs.Handle, error) {
			if _, err := jobs.KeepBefore(ctx, read); err != nil {
				return nil, err
			}
			now, err := read(ctx)
			if err != nil || a.done(now) {
				return nil, err
			}
			return nil, t.Graph.SetMailbox(ctx, t.tid(), t.mailbox(), map[string]any{"EmailAddresses": a.parameter(now)})
		},
		Verify: readBack(func(ctx context.Context) (bool, error) {
			now, err := read(ctx)
			return a.done(now), err
		}),
		Undo: func(_ context.Context, run *jobs.Run) (*jobs.Step, error) {
			var was []string
			if !run.Before(setAddresses, &was) {
				return nil, nil
			}
			back := a.inverse(was)
			if back.empty() {
				return nil, nil
			}
			return undo(setAddresses, SetAddresses(t, back))
		},
	}
	if a.Await {
		s.Needs = []string{awaitMailbox}
	}
	return s
}

func (t Target) planAddresses(ctx context.Context, a Addresses) (jobs.Change, error) {
	c := jobs.Change{Summary: "Change the mail addresses"}
	m, err := t.Graph.Mailbox(ctx, t.tid(), t.mailbox())
	switch {
	case graphclient.KindOf(err) == graphclient.NoMailbox && a.Await:
		c.Before, c.After = "no mailbox yet", a.inWords()
	case graphclient.KindOf(err) == graphclient.NoMailbox:
		c.Nothing = withoutMailbox
		return c, nil
	case err != nil:
		return c, err
	default:
		c.Before, c.After = addressesInWords(m.EmailAddresses), addressesInWords(a.applied(m.EmailAddresses))
		if a.done(m.EmailAddresses) {
			c.Nothing = "it is so already"
			return c, nil
		}
		if m.IsDirSynced {
			c.Manual = onPremisesSentence(t.User.UserPrincipalName, "the mail addresses (proxyAddresses)")
			return c, nil
		}
		if p := primaryOf(a.applied(m.EmailAddresses)); slices.ContainsFunc(a.Remove, func(x string) bool { return equalFold(x, p) }) {
			c.Blockers = append(c.Blockers, jobs.Fence(p)+" is the primary address: name another primaryAddress first")
		}
		if len(a.Remove) > 0 {
			c.Warnings = append(c.Warnings, "mail to a removed address comes back to its sender")
		}
	}
	blockers, err := t.addressBlockers(ctx, slices.Concat(a.Add, present(a.Primary)))
	c.Blockers = append(c.Blockers, blockers...)
	return c, err
}

// addressBlockers says which addresses the mailbox cannot get: of a domain that takes no mail here, or somebody
// else's.
func (t Target) addressBlockers(ctx context.Context, wanted []string) (out []string, err error) {
	domains, err := t.Graph.Domains(ctx, t.tid())
	if err != nil {
		return nil, err
	}
	for _, a := range wanted {
		if !slices.ContainsFunc(domains, func(d graphclient.Domain) bool { return d.IsVerified && equalFold(d.ID, domainOf(a)) }) {
			out = append(out, jobs.Fence(a)+": "+jobs.Fence(domainOf(a))+" is no verified domain of "+t.Tenant.DefaultDomain)
			continue
		}
		r, err := t.Graph.Recipient(ctx, t.tid(), a)
		switch {
		case graphclient.KindOf(err) == graphclient.NotFound:
		case err != nil:
			return out, err
		case t.User.ID == "" || !equalFold(r.ExternalDirectoryObjectID, t.User.ID):
			out = append(out, fmt.Sprintf("%s is an address of %s already", jobs.Fence(a), jobs.Fence(shortened(firstOf(r.DisplayName, r.PrimarySMTPAddress)))))
		}
	}
	return out, nil
}

func (a Addresses) empty() bool { return len(a.Add) == 0 && len(a.Remove) == 0 && a.Primary == "" }

// applied is what becomes of a mailbox's addresses.
func (a Addresses) applied(now []string) []string {
	var out []string
	for _, x := range now {
		kind, address, _ := strings.Cut(x, ":")
		if kind == "SMTP" && a.Primary != "" {
			x = "smtp:" + address
		}
		if equalFold(kind, "smtp") && equalFold(address, a.Primary) {
			continue // it comes back as the primary one
		}
		out = append(out, x)
	}
	if a.Primary != "" {
		out = append([]string{"SMTP:" + a.Primary}, out...)
	}
	for _, x := range a.Add {
		if !hasAddress(out, x) {
			out = append(out, "smtp:"+x)
		}
	}
	return slices.DeleteFunc(out, func(x string) bool {
		kind, address, _ := strings.Cut(x, ":")
		return kind == "smtp" && slices.ContainsFunc(a.Remove, func(r string) bool { return equalFold(r, address) })
	})
}

// done says whether a mailbox's addresses are as they shall be.
func (a Addresses) done(now []string) bool {
	missing := slices.ContainsFunc(a.Add, func(x string) bool { return !hasAddress(now, x) })
	left := slices.ContainsFunc(a.Remove, func(x string) bool { return hasAddress(now, x) })
	return !missing && !left && (a.Primary == "" || equalFold(primaryOf(now), a.Primary))
}

// parameter is -EmailAddresses: what is to be added and removed, so that nothing else is touched, or the whole list
// where the primary address changes, which Exchange takes in no other way.
func (a Addresses) parameter(now []string) any {
	after := a.applied(now)
	if a.Primary != "" && !equalFold(primaryOf(now), a.Primary) {
		return after
	}
	change := map[string]any{"@odata.type": "#Exchange.GenericHashTable"}
	for key, list := range map[string][]string{"add": lacking(now, after), "remove": lacking(after, now)} {
		if len(list) > 0 {
			change[key] = list
		}
	}
	return change
}

// inverse takes back what the change did to addresses that were as in was.
func (a Addresses) inverse(was []string) (back Addresses) {
	for _, x := range slices.Concat(a.Add, present(a.Primary)) {
		if !hasAddress(was, x) {
			back.Remove = append(back.Remove, x)
		}
	}
	for _, x := range a.Remove {
		if hasAddress(was, x) {
			back.Add = append(back.Add, x)
		}
	}
	if p := primaryOf(was); a.Primary != "" && !equalFold(p, a.Primary) {
		back.Primary = p
	}
	return back
}

func (a Addresses) inWords() string {
	var out []string
	if a.Primary != "" {
		out = append(out, "primary "+a.Primary)
	}
	if len(a.Add) > 0 {
		out = append(out, "aliases "+strings.Join(a.Add, ", "))
	}
	return strings.Join(out, "; ")
}

// addressesInWords is a mailbox's mail addresses, the primary one first.
func addressesInWords(list []string) string {
	out := []string{"primary " + primaryOf(list)}
	for _, x := range list {
		if address, ok := strings.CutPrefix(x, "smtp:"); ok {
			out = append(out, address)
		}
	}
	return jobs.Fence(strings.Join(out, ", "))
}

func primaryOf(list []string) string {
	for _, x := range list {
		if address, ok := strings.CutPrefix(x, "SMTP:"); ok {
			return address
		}
	}
	return ""
}

func hasAddress(list []string, address string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return equalFold(x, "smtp:"+address) })
}

// lacking is what of wanted is not in list.
func lacking(list, wanted []string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(x string) bool {
		return slices.ContainsFunc(list, func(y string) bool { return equalFold(x, y) })
	})
}

// present is a list of what is there.
func present(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
