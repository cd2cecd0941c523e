package graphclient

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"
	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// User finds one user by object id, user principal name or, failing that, any mail address. sel names the
// properties wanted; none means all this package knows but signInActivity and manager. A name that fits
// several users is kind UserAmbiguous, one that fits none NotFound, both with Candidates where there are any.
//
// GET /users/{id|upn}; least permission User.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-get
func (c *Client) User(ctx context.Context, tid, idOrUPN string, sel ...string) (User, error) {
	idOrUPN = strings.TrimSpace(idOrUPN)
	if err := require(tid, idOrUPN); err != nil {
		return User{}, err
	}
	if len(sel) == 0 {
		sel = singleUserSelect
	}
	if uuid.Validate(idOrUPN) == nil {
		return c.getUser(ctx, tid, idOrUPN, sel)
	}
	if !strings.Contains(idOrUPN, "@") {
		return User{}, c.nameIsNoUser(ctx, tid, idOrUPN)
	}
	// Graph gives signInActivity by id only.
	first := sel
	if containsFold(sel, "signInActivity") {
		first = []string{"id"}
	}
	u, err := c.getUser(ctx, tid, idOrUPN, first)
	if KindOf(err) == NotFound {
		u, err = c.userByAddress(ctx, tid, idOrUPN, first)
	}
	if err != nil || len(first) == len(sel) {
		return u, err
	}
	return c.getUser(ctx, tid, u.ID, sel)
}

// UsersNamed are those of many users whom Microsoft knows by the id or user principal name given, twenty to a request,
// under the names asked for. Who is not among them may still be found by User, or User says why not.
//
// GET /users/{id|upn} in POST /$batch; least permission User.Read.All.
func (c *Client) UsersNamed(ctx context.Context, tid string, names, sel []string) (map[string]User, error) {
	var known []string
	for _, n := range names {
		if n == strings.TrimSpace(n) && (uuid.Validate(n) == nil || strings.Contains(n, "@")) {
			known = append(known, n)
		}
	}
	if len(known) == 0 {
		return nil, nil
	}
	answers, err := c.getEach(ctx, read(tid, readUsers...), c.v1, known, func(n string) string {
		return userPath(n) + "?$select=" + strings.Join(sel, ",")
	})
	if err != nil {
		return nil, err
	}
	out := make(map[string]User, len(known))
	for n, a := range answers {
		var u User
		if a.err == nil && decodeItem(read(tid), a.body, &u) == nil && u.ID != "" {
			out[n] = u
		}
	}
	return out, nil
}

func (c *Client) getUser(ctx context.Context, tid, id string, sel []string) (User, error) {
	k := read(tid, readUsers...)
	var plain, expand []string
	for _, s := range sel {
		if strings.EqualFold(s, "manager") {
			expand = []string{"manager($select=id,displayName,userPrincipalName)"}
			continue
		}
		plain = append(plain, s)
		if strings.EqualFold(s, "signInActivity") {
			k = k.limited(activityBudget)
		}
	}
	return fetch[User](ctx, c, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).ToGetRequestInformation(ctx, &users.UserItemRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.UserItemRequestBuilderGetQueryParameters{Select: plain, Expand: expand}})
		return keyed(info, err, id)
	})
}

// userByAddress finds the holder of a mail address that is nobody's user principal name.
func (c *Client) userByAddress(ctx context.Context, tid, address string, sel []string) (User, error) {
	found, err := c.findUsers(ctx, tid, addressFilter(address))
	switch {
	case err != nil:
		return User{}, err
	case len(found) == 0:
		local, _, _ := strings.Cut(address, "@")
		return User{}, c.noSuchUser(tid, address, c.nearUsers(ctx, tid, strings.FieldsFunc(local, func(r rune) bool { return strings.ContainsRune("._-+", r) })))
	case len(found) > 1:
		return User{}, &Error{Kind: UserAmbiguous, Service: string(graphService), Tenant: tid, Candidates: names(found),
			Message: "Several users have the address " + cleanText(address, 120) + ". Name one by its user principal name or id."}
	}
	return c.getUser(ctx, tid, found[0].ID, sel)
}

// nameIsNoUser is the error for a name that is neither id nor address: users are never guessed by name.
func (c *Client) nameIsNoUser(ctx context.Context, tid, name string) error {
	filter := "displayName eq " + ODataString(name) + " or mailNickname eq " + ODataString(name)
	found, err := c.findUsers(ctx, tid, filter)
	if err != nil {
		return err
	}
	if len(found) > 1 {
		return &Error{Kind: UserAmbiguous, Service: string(graphService), Tenant: tid, Candidates: names(found),
			Message: "Several users are called " + cleanText(name, 120) + ". Name one by its user principal name or id."}
	}
	if len(found) == 0 {
		return c.noSuchUser(tid, name, c.nearUsers(ctx, tid, strings.Fields(name)))
	}
	return c.noSuchUser(tid, name, names(found))
}

// nearUsers are a few users whose name begins with the first word of one that is nobody's, none where that is too short
// to mean somebody. It is a hint, so that its failure is none.
func (c *Client) nearUsers(ctx context.Context, tid string, words []string) []string {
	if len(words) == 0 || len([]rune(words[0])) < 3 {
		return nil
	}
	w := ODataString(words[0])
	found, err := c.findUsers(ctx, tid, "startswith(displayName,"+w+") or startswith(userPrincipalName,"+w+")")
	if err != nil {
		return nil
	}
	return names(found[:min(len(found), 5)])
}

func (c *Client) noSuchUser(tid, name string, candidates []string) error {
	m := "There is no user " + cleanText(name, 120) + " in this tenant."
	if len(candidates) > 0 {
		m += " Did you mean " + cleanText(candidates[0], 120) + "?"
	}
	return &Error{Kind: NotFound, Service: string(graphService), Tenant: tid, Status: http.StatusNotFound,
		Code: "Request_ResourceNotFound", Message: m, Candidates: candidates}
}

// UserConflicts finds who holds a user principal name or mail address, among the living and in the recycle
// bin (DeletedDateTime is set there). Groups and contacts can hold an address too and are not seen here.
//
// GET /users and /directory/deletedItems/microsoft.graph.user; least permission User.Read.All.
func (c *Client) UserConflicts(ctx context.Context, tid, upn string) ([]User, error) {
	if err := require(tid, upn); err != nil {
		return nil, err
	}
	filter := "userPrincipalName eq " + ODataString(upn) + " or " + addressFilter(upn)
	found, err := c.findUsers(ctx, tid, filter)
	if err != nil {
		return nil, err
	}
	// A deleted user's UPN has the object's id, without dashes, put before it; its mail has not.
	for p, err := range c.Users(ctx, tid, UserQuery{Deleted: true, Advanced: true,
		Filter: "endsWith(userPrincipalName," + ODataString(upn) + ") or mail eq " + ODataString(upn)}) {
		if err != nil {
			return found, err
		}
		for _, u := range p.Users {
			if equalFold(deletedUPN(u), upn) || equalFold(u.Mail, upn) {
				found = append(found, u)
			}
		}
	}
	return found, nil
}

// deletedUPN is the UPN a user in the recycle bin had when it lived.
func deletedUPN(u User) string {
	return strings.TrimPrefix(strings.ToLower(u.UserPrincipalName), strings.ReplaceAll(strings.ToLower(u.ID), "-", ""))
}

func addressFilter(address string) string {
	return "mail eq " + ODataString(address) +
		" or proxyAddresses/any(p:p eq " + ODataString("smtp:"+address) + ")"
}

// findUsers is the first page of users that match filter: enough to see none, one or several.
func (c *Client) findUsers(ctx context.Context, tid, filter string) ([]User, error) {
	for p, err := range c.Users(ctx, tid, UserQuery{Filter: filter, Top: 10}) {
		return p.Users, err
	}
	return nil, nil
}

func names(found []User) []string {
	out := make([]string, len(found))
	for i, u := range found {
		out[i] = u.UserPrincipalName
	}
	return out
}
