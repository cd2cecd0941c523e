package tools

import (
	"context"
	"errors"
	"slices"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// right is one entry of add or remove, taken apart.
type right struct {
	word string // "" where only somebody is named
	who  string
}

// rights takes "right:who" apart, which may also stand the other way round. who alone does where bare is true.
func rights(argument string, given []string, known func(string) bool, bare bool, words string) (out []right, err error) {
	for _, g := range given {
		word, who, two := strings.Cut(g, ":")
		word, who = strings.TrimSpace(word), strings.TrimSpace(who)
		switch {
		case !two && bare && word != "":
			word, who = "", word
		case two && !known(word) && known(who):
			word, who = who, word
		case !two || who == "" || !known(word):
			return nil, invalid("%s: %q must be a right, a colon and who: %s.", argument, Clean(g, 120), words)
		}
		out = append(out, right{word, who})
	}
	return out, nil
}

// trustee is whom an entry names: a user or a mail-enabled security group, found once in the run's life.
func (c *Call) trustee(ctx context.Context, argument, name string) (workflows.Trustee, error) {
	return jobs.Found(ctx, c.Run, "trustee/"+strings.ToLower(name), func(ctx context.Context) (workflows.Trustee, error) {
		w, err := c.target().FindTrustee(ctx, name)
		var none *workflows.NoTrusteeError
		switch {
		case errors.As(err, &none):
			return workflows.Trustee{}, invalid("%s: %s.", argument, none)
		case err != nil:
			return workflows.Trustee{}, err
		case w == nil:
			hint := ""
			if _, err := c.Graph.User(ctx, c.Tenant.ID, name, "id"); len(meant(err)) > 0 {
				hint = "; near it: " + strings.Join(meant(err), ", ")
			}
			return workflows.Trustee{}, invalid("%s: there is no user or mail-enabled security group %q in %s%s.", argument, Clean(name, 120), c.Tenant.DefaultDomain, hint)
		case w.ID == c.User.ID:
			return workflows.Trustee{}, invalid("%s names the mailbox's own user.", argument)
		}
		return *w, nil
	})
}

// SetMailboxPermissionsIn are the arguments of cipp_set_mailbox_permissions.
type SetMailboxPermissionsIn struct {
	TenantArg
	UserArg
	Add         []string `json:"add,omitempty" jsonschema:"maxItems=20" jsonschema_description:"fullAccess:who, sendAs:who, sendOnBehalf:who."`
	Remove      []string `json:"remove,omitempty" jsonschema:"maxItems=20"`
	Automapping *bool    `json:"automapping,omitempty" jsonschema:"default=true"`
	WriteArgs
}

// mailboxRights are the rights on a mailbox by this product's names.
var mailboxRights = map[string]workflows.Grant{"fullaccess": workflows.FullAccess, "sendas": workflows.SendAs, "sendonbehalf": workflows.SendOnBehalf}

// mailboxRight is the right a word means; blanks and hyphens do not matter.
func mailboxRight(word string) (workflows.Grant, bool) {
	g, ok := mailboxRights[strings.ToLower(strings.NewReplacer(" ", "", "-", "", "_", "").Replace(word))]
	return g, ok
}

const mailboxRightWords = "fullAccess:priya@contoso.com, sendAs:… or sendOnBehalf:…"

var setMailboxPermissions = Write(Tool{
	Name: "cipp_set_mailbox_permissions", Title: "Set mailbox permissions", Toolset: "mail", Extra: true, Risk: policy.Destructive, Idempotent: true,
	Aliases:     with(userAliases, map[string]string{"automap": "automapping", "grant": "add", "revoke": "remove"}),
	Description: "Lets users or mail-enabled security groups open a mailbox or send as it, or ends that. Calendars: cipp_set_calendar_permissions.",
	Needs:       exchangeAnd("User.Read.All"),
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","add":["fullAccess:ben@contoso.com"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetMailboxPermissionsIn) (Work, error) {
	var w Work
	if err := c.needsMailbox(ctx); err != nil {
		return w, err
	}
	known := func(s string) bool { _, ok := mailboxRight(s); return ok }
	seen := map[string]string{}
	for _, l := range []struct {
		argument string
		given    []string
		give     bool
	}{{"remove", in.Remove, false}, {"add", in.Add, true}} {
		entries, err := rights(l.argument, l.given, known, false, mailboxRightWords)
		if err != nil {
			return w, err
		}
		for _, e := range entries {
			who, err := c.trustee(ctx, l.argument, e.who)
			if err != nil {
				return w, err
			}
			g, _ := mailboxRight(e.word)
			key := string(g) + who.ID
			if other, twice := seen[key]; twice && other != l.argument {
				return w, invalid("%q stands in add and in remove.", Clean(e.word+":"+e.who, 120))
			} else if twice {
				continue
			}
			seen[key] = l.argument
			if !l.give {
				w.Steps = append(w.Steps, workflows.EndAccess(c.target(), g, who.User))
				continue
			}
			if who.Guest() {
				return w, invalid("add: %s is a guest, who cannot open a mailbox here.", who.UserPrincipalName)
			}
			if who.AccountEnabled != nil && !*who.AccountEnabled {
				w.Warnings = append(w.Warnings, who.UserPrincipalName+" is blocked and cannot use the right before sign-in is allowed")
			}
			automap := (in.Automapping == nil || *in.Automapping) && !who.Group // Outlook opens no mailbox by itself for a group
			w.Steps = append(w.Steps, workflows.GiveAccess(c.target(), g, who.User, automap))
		}
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name at least one right in add or remove: %s.", mailboxRightWords)
	}
	if len(in.Add) > 0 {
		w.Warnings = append(w.Warnings, "Outlook may take up to an hour to see a right; automapping of one that is there already changes only when it is removed and added")
	}
	return w, nil
})

// SetCalendarPermissionsIn are the arguments of cipp_set_calendar_permissions.
type SetCalendarPermissionsIn struct {
	TenantArg
	UserArg
	Calendar string   `json:"calendar,omitempty" jsonschema:"maxLength=250" jsonschema_description:"By name; absent: the main one."`
	Add      []string `json:"add,omitempty" jsonschema:"maxItems=20" jsonschema_description:"right:who; none, freeBusy, titles, details, edit, delegate, delegatePrivate, owner; who may be default."`
	Remove   []string `json:"remove,omitempty" jsonschema:"maxItems=20" jsonschema_description:"who."`
	WriteArgs
}

const calendarRightWords = "none, freeBusy, titles, details, edit, delegate, delegatePrivate or owner, as in edit:priya@contoso.com"

var setCalendarPermissions = Write(Tool{
	Name: "cipp_set_calendar_permissions", Title: "Set calendar permissions", Toolset: "mail", Extra: true, Risk: policy.Destructive, Idempotent: true,
	Aliases:     with(userAliases, map[string]string{"folderName": "calendar", "FolderName": "calendar", "grant": "add", "revoke": "remove"}),
	Description: "Gives users, guests or groups a right on a calendar, or takes it. Mailboxes: cipp_set_mailbox_permissions.",
	Needs:       exchangeAnd("User.Read.All"),
	Example:     `{"tenantFilter":"contoso.onmicrosoft.com","userId":"anna@contoso.com","add":["edit:ben@contoso.com"],"dryRun":true}`,
}, func(ctx context.Context, c *Call, in SetCalendarPermissionsIn) (Work, error) {
	var w Work
	folder, err := c.calendar(ctx, in.Calendar)
	if err != nil {
		return w, err
	}
	known := func(s string) bool { _, _, ok := workflows.CalendarRightNamed(s); return ok }
	seen := map[string]bool{}
	for _, l := range []struct {
		argument string
		given    []string
		give     bool
	}{{"remove", in.Remove, false}, {"add", in.Add, true}} {
		entries, err := rights(l.argument, l.given, known, !l.give, calendarRightWords)
		if err == nil {
			entries, err = c.profileMembers(ctx, l.argument, entries)
		}
		if err != nil {
			return w, err
		}
		for _, e := range entries {
			who, err := c.calendarUser(ctx, l.argument, e.who)
			if err != nil {
				return w, err
			}
			if seen[who.UserPrincipalName] {
				return w, invalid("%s stands more than once in add and remove; one right replaces the other.", Clean(e.who, 120))
			}
			seen[who.UserPrincipalName] = true
			if !l.give {
				if who.UserPrincipalName == workflows.EverybodyInside {
					return w, invalid("remove: the right of default cannot be taken away; add none:default.")
				}
				w.Steps = append(w.Steps, workflows.SetCalendarRight(c.target(), folder, who, workflows.CalendarRight{}))
				continue
			}
			to, name, _ := workflows.CalendarRightNamed(e.word)
			if strings.HasPrefix(name, "delegate") && (who.Group || who.ID == "" || who.Guest()) {
				return w, invalid("add: only a user of %s can be a delegate, not %s.", c.Tenant.DefaultDomain, Clean(e.who, 120))
			}
			if who.Guest() {
				w.Warnings = append(w.Warnings, who.UserPrincipalName+" is a guest, so the calendar is seen outside "+c.Tenant.DefaultDomain)
			}
			w.Steps = append(w.Steps, workflows.SetCalendarRight(c.target(), folder, who, to))
		}
	}
	if len(w.Steps) == 0 {
		return w, invalid("Name at least one right in add, or somebody in remove: %s.", calendarRightWords)
	}
	return w, nil
})

// profileMembers puts those groups of a profile in its place that Exchange gives rights to.
func (c *Call) profileMembers(ctx context.Context, argument string, entries []right) ([]right, error) {
	var out []right
	for _, e := range entries {
		name, ok := strings.CutPrefix(strings.ToLower(e.who), "profile:")
		if !ok {
			out = append(out, e)
			continue
		}
		p, err := c.profile(name)
		if err != nil {
			return nil, err
		}
		groups, err := c.groupsNamed(ctx, "profile "+name, p.Groups)
		if err != nil {
			return nil, err
		}
		n := len(out)
		for _, g := range groups {
			if g.MailEnabled && g.SecurityEnabled {
				out = append(out, right{e.word, g.Mail})
			}
		}
		if len(out) == n {
			return nil, invalid("%s: the profile %q has no mail-enabled security group, and Exchange gives rights to no other kind.", argument, Clean(name, 60))
		}
	}
	return out, nil
}

// calendarUser is whom an entry names; "default" is everybody inside. What everybody outside sees is not changed here.
func (c *Call) calendarUser(ctx context.Context, argument, name string) (workflows.Trustee, error) {
	switch strings.ToLower(name) {
	case "default", "my organization", "everyone":
		return workflows.Trustee{User: graphclient.User{UserPrincipalName: workflows.EverybodyInside}}, nil
	case "anonymous":
		return workflows.Trustee{}, invalid("%s: what everybody outside sees is not set here.", argument)
	}
	return c.trustee(ctx, argument, name)
}

// calendar is the calendar an argument names, by name or path; without one the default calendar.
func (c *Call) calendar(ctx context.Context, name string) (graphclient.MailboxFolder, error) {
	all, err := jobs.Found(ctx, c.Run, "calendars", func(ctx context.Context) ([]graphclient.MailboxFolder, error) {
		return c.Graph.Calendars(ctx, c.Tenant.ID, c.Mailbox())
	})
	if err != nil {
		return graphclient.MailboxFolder{}, err
	}
	name = strings.Trim(strings.ReplaceAll(name, `\`, "/"), "/ ")
	i := slices.IndexFunc(all, func(f graphclient.MailboxFolder) bool {
		if name == "" {
			return strings.EqualFold(f.FolderType, "Calendar")
		}
		return strings.EqualFold(f.Name, name) || strings.EqualFold(strings.Trim(f.FolderPath, "/"), name)
	})
	if i < 0 {
		names := make([]string, len(all))
		for i, f := range all {
			names[i] = q(f.Name)
		}
		return graphclient.MailboxFolder{}, invalid("calendar: %s has no calendar %q; there are: %s.", c.User.UserPrincipalName, Clean(name, 80), strings.Join(names, ", "))
	}
	return all[i], nil
}
