package workflows

import (
	"context"
	"fmt"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// Trustee is who is given a right in Exchange: a user, or a mail-enabled security group, which stands here by its
// address as a user does by the sign-in name.
type Trustee struct {
	graphclient.User
	Group bool `json:"group,omitempty"`
}

// FindTrustee finds a user or a mail-enabled security group by name or id. A nil result means that there is neither;
// another kind of group is an error in words, since Exchange takes none.
func (t Target) FindTrustee(ctx context.Context, name string) (*Trustee, error) {
	u, err := t.Graph.User(ctx, t.tid(), name, "id", "userPrincipalName", "displayName", "mail", "mailNickname", "userType", "accountEnabled")
	if err == nil {
		return &Trustee{User: u}, nil
	}
	if k := graphclient.KindOf(err); k != graphclient.NotFound && k != graphclient.Invalid {
		return nil, err
	}
	r, err := t.Graph.Recipient(ctx, t.tid(), name)
	switch {
	case graphclient.KindOf(err) == graphclient.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case !r.SecurityGroup():
		return nil, &NoTrusteeError{Name: r.DisplayName, Kind: r.RecipientTypeDetails}
	}
	return &Trustee{Group: true, User: graphclient.User{ID: r.ExternalDirectoryObjectID, UserPrincipalName: r.PrimarySMTPAddress, DisplayName: r.DisplayName, Mail: r.PrimarySMTPAddress, MailNickname: r.Name}}, nil
}

// NoTrusteeError says that something that exists cannot be given rights.
type NoTrusteeError struct{ Name, Kind string }

func (e *NoTrusteeError) Error() string {
	return fmt.Sprintf("%s is a %s; rights are given to users and mail-enabled security groups", jobs.Fence(shortened(e.Name)), e.Kind)
}

// called is how a trustee is named in a plan.
func (w Trustee) called() string {
	if w.Group {
		return "the group " + jobs.Fence(shortened(w.UserPrincipalName))
	}
	return w.UserPrincipalName
}

// CalendarRight is what somebody may do in a calendar: Exchange's role, and the flags that make a delegate.
type CalendarRight struct {
	Rights []string `json:"rights"`
	Flags  string   `json:"flags,omitempty"`
}

// calendarWords are the roles by this product's names. https://learn.microsoft.com/powershell/module/exchange/add-mailboxfolderpermission
var calendarWords = map[string]CalendarRight{
	"none":            {[]string{"None"}, ""},
	"freeBusy":        {[]string{"AvailabilityOnly"}, ""},
	"titles":          {[]string{"LimitedDetails"}, ""},
	"details":         {[]string{"Reviewer"}, ""},
	"edit":            {[]string{"Editor"}, ""},
	"delegate":        {[]string{"Editor"}, "Delegate"},
	"delegatePrivate": {[]string{"Editor"}, "Delegate,CanViewPrivateItems"},
	"owner":           {[]string{"Owner"}, ""},
}

// otherCalendarWords are what other products and Exchange call the same.
var otherCalendarWords = map[string]string{
	"can view when i'm busy": "freeBusy", "busy": "freeBusy", "availabilityonly": "freeBusy", "freebusyread": "freeBusy", "can view titles and locations": "titles", "titles and locations": "titles", "limiteddetails": "titles", "limitedread": "titles",
	"can view all details": "details", "all details": "details", "reviewer": "details", "read": "details", "can edit": "edit", "editor": "edit", "write": "edit",
	"delegatewithoutprivateeventaccess": "delegate", "delegatewithprivateeventaccess": "delegatePrivate",
}

// exchangeRoles are roles of Exchange's own that have no other name.
var exchangeRoles = []string{"Author", "NonEditingAuthor", "Contributor", "PublishingAuthor", "PublishingEditor"}

// CalendarRightNamed is the right that a word means, in whatever vocabulary, and its name.
func CalendarRightNamed(word string) (CalendarRight, string, bool) {
	word = strings.ToLower(strings.TrimSpace(strings.ReplaceAll(word, "’", "'")))
	for name, r := range calendarWords {
		if equalFold(name, word) || equalFold(name, otherCalendarWords[word]) {
			return r, name, true
		}
	}
	for _, role := range exchangeRoles {
		if equalFold(role, word) {
			return CalendarRight{Rights: []string{role}}, role, true
		}
	}
	return CalendarRight{}, "", false
}

// inWords is a right by this product's name, or by Exchange's where there is none.
func (r CalendarRight) inWords() string {
	if len(r.Rights) == 0 {
		return "no right of its own"
	}
	for name, w := range calendarWords {
		if r.same(w) {
			return name
		}
	}
	s := strings.Join(r.Rights, "+")
	if r.Flags != "" {
		s += " (" + r.Flags + ")"
	}
	return s
}

// same compares two rights, whatever the order of their parts and spelling of their flags.
func (r CalendarRight) same(o CalendarRight) bool {
	flags := func(s string) string {
		s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
		if s == "none" {
			return ""
		}
		return s
	}
	return len(lacking(r.Rights, o.Rights)) == 0 && len(lacking(o.Rights, r.Rights)) == 0 && flags(r.Flags) == flags(o.Flags)
}
