package graphclient

import (
	"context"
	"iter"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/directory"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// DefaultUserSelect is what lists of users ask for when nothing else is said: enough to show, to tell kinds
// apart and to judge licences, without signInActivity, which needs a premium tenant.
var DefaultUserSelect = []string{"id", "displayName", "userPrincipalName", "mail", "givenName", "surname",
	"jobTitle", "department", "userType", "accountEnabled", "createdDateTime", "usageLocation",
	"onPremisesSyncEnabled", "onPremisesLastSyncDateTime", "assignedLicenses"}

// singleUserSelect is what User asks for when nothing else is said.
var singleUserSelect = append([]string{"mailNickname", "companyName", "employeeId", "employeeType",
	"officeLocation", "streetAddress", "city", "state", "postalCode", "country", "preferredLanguage",
	"businessPhones", "mobilePhone", "faxNumber", "otherMails", "proxyAddresses", "ageGroup",
	"showInAddressList", "employeeHireDate", "lastPasswordChangeDateTime", "signInSessionsValidFromDateTime",
	"passwordPolicies", "creationType", "externalUserState", "externalUserStateChangeDateTime",
	"onPremisesImmutableId", "onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesSamAccountName",
	"onPremisesExtensionAttributes", "onPremisesProvisioningErrors", "licenseAssignmentStates"}, DefaultUserSelect...)

const (
	largestPage         = 999
	largestActivityPage = 500
)

var (
	readUsers   = []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	writeUsers  = []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	deleteUsers = []string{"User.DeleteRestore.All", "User.ReadWrite.All"}
)

func (a *adapter) users() *users.UsersRequestBuilder {
	return users.NewUsersRequestBuilderInternal(a.path(), a)
}

// Users lists the users of a tenant, page by page, as q says.
//
// GET /users, or /directory/deletedItems/microsoft.graph.user for q.Deleted; least permission User.Read.All,
// with signInActivity also AuditLog.Read.All and a premium tenant. A failure ends the sequence.
//
// Reference: https://learn.microsoft.com/graph/api/user-list
func (c *Client) Users(ctx context.Context, tid string, q UserQuery) iter.Seq2[UserPage, error] {
	k := read(tid, readUsers...)
	activity := strings.Contains(strings.Join(q.Select, ",")+q.Filter, "signInActivity")
	if activity {
		k = k.limited(activityBudget)
	}
	build := func() (*abs.RequestInformation, error) { return c.usersRequest(ctx, q, activity) }
	return func(yield func(UserPage, error) bool) {
		if err := require(tid); err != nil {
			yield(UserPage{}, err)
			return
		}
		for p, err := range pages[User](ctx, c, k, c.v1, build) {
			if !yield(UserPage{p.Value, p.Next, p.Count}, err) {
				return
			}
		}
	}
}

func (c *Client) usersRequest(ctx context.Context, q UserQuery, activity bool) (*abs.RequestInformation, error) {
	sel := q.Select
	if len(sel) == 0 {
		sel = DefaultUserSelect
		if q.Deleted {
			sel = append([]string{"deletedDateTime"}, sel...)
		}
	}
	limit := largestPage
	if activity {
		limit = largestActivityPage
	}
	top := int32(limit)
	if q.Top > 0 {
		top = int32(min(q.Top, limit))
	}
	var order, expand []string
	if q.OrderBy != "" {
		order = []string{q.OrderBy}
	}
	if q.Expand != "" {
		expand = []string{q.Expand}
	}
	var headers *abs.RequestHeaders
	var count *bool
	if q.Advanced || q.Search != "" {
		headers, count = eventual(), opt(true)
	}
	if q.Deleted {
		b := directory.NewDeletedItemsGraphUserRequestBuilderInternal(c.v1.path(), c.v1)
		return b.ToGetRequestInformation(ctx, &directory.DeletedItemsGraphUserRequestBuilderGetRequestConfiguration{
			Headers: headers, QueryParameters: &directory.DeletedItemsGraphUserRequestBuilderGetQueryParameters{
				Count: count, Expand: expand, Filter: opt(q.Filter), Orderby: order, Search: opt(q.Search), Select: sel, Top: &top}})
	}
	return c.v1.users().ToGetRequestInformation(ctx, &users.UsersRequestBuilderGetRequestConfiguration{
		Headers: headers, QueryParameters: &users.UsersRequestBuilderGetQueryParameters{
			Count: count, Expand: expand, Filter: opt(q.Filter), Orderby: order, Search: opt(q.Search), Select: sel, Top: &top}})
}

// UsersPage goes on from a nextLink that an earlier page gave. A link that does not lead to the list of users
// on the configured Graph host is refused: it would carry the tenant's token there.
func (c *Client) UsersPage(ctx context.Context, tid, nextLink string) (UserPage, error) {
	k := read(tid, readUsers...)
	if err := require(tid, nextLink); err != nil {
		return UserPage{}, err
	}
	u, err := c.checkLink(k, c.v1, nextLink)
	if err != nil {
		return UserPage{}, err
	}
	if path := strings.TrimPrefix(u.Path, "/v1.0"); path != "/users" && !strings.HasPrefix(path, "/directory/deletedItems/") {
		return UserPage{}, &Error{Kind: Invalid, Service: string(graphService), Tenant: tid,
			Message: "The link to the next page does not lead to the list of users, so it was not followed."}
	}
	p, err := fetch[page[User]](ctx, c, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.following(k, c.v1, nextLink, nil)
		if err == nil {
			info.Headers.Add("ConsistencyLevel", "eventual") // must come again on each page, and never does harm
		}
		return info, err
	})
	return UserPage{p.Value, p.Next, p.Count}, err
}

// CreateUser makes a user and returns it with the default properties; the password never comes back.
// A taken name or address is kind Conflict (a user in the recycle bin can hold it too, see UserConflicts), a
// password against the policy WeakPassword.
//
// POST /users, 201; least permission User.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-post-users
func (c *Client) CreateUser(ctx context.Context, tid string, u NewUser) (User, error) {
	if err := require(tid, u.DisplayName, u.MailNickname, u.UserPrincipalName, u.PasswordProfile.Password); err != nil {
		return User{}, err
	}
	return fetch[User](ctx, c, change(ctx, tid, writeUsers...).posting().hiding(u.PasswordProfile.Password), c.v1, func() (*abs.RequestInformation, error) {
		body, err := u.body()
		if err != nil {
			return nil, err
		}
		info, err := c.v1.users().ToPostRequestInformation(ctx, models.NewUser(), nil)
		return withJSON(info, err, body)
	})
}

// UpdateUser changes the properties patch names, by Microsoft's names; nil clears one.
//
// PATCH /users/{id}, 204; least permission User.ReadWrite.All, for accountEnabled
// User.EnableDisableAccount.All and User.Read.All; administrators as targets need a higher directory role.
// Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/user-update
func (c *Client) UpdateUser(ctx context.Context, tid, id string, patch map[string]any) error {
	if err := require(tid, id); err != nil {
		return err
	}
	if len(patch) == 0 {
		return invalid("There is nothing to change.")
	}
	needs := writeUsers
	if _, ok := patch["accountEnabled"]; ok && len(patch) == 1 {
		needs = append([]string{"User.EnableDisableAccount.All"}, writeUsers...)
	}
	return c.patchUser(ctx, change(ctx, tid, needs...), id, patch)
}

func (c *Client) patchUser(ctx context.Context, k call, id string, patch any) error {
	return c.send(ctx, k, c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).ToPatchRequestInformation(ctx, models.NewUser(), nil)
		info, err = keyed(info, err, id)
		return withJSON(info, err, patch)
	}, nil)
}

// DeleteUser moves a user to the recycle bin, whence RestoreUser brings it back within 30 days.
//
// DELETE /users/{id}, 204; least permission User.DeleteRestore.All. Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/user-delete
func (c *Client) DeleteUser(ctx context.Context, tid, id string) error {
	if err := require(tid, id); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, deleteUsers...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(id).ToDeleteRequestInformation(ctx, nil)
		return keyed(info, err, id)
	}, nil)
}

// RestoreUser brings a user back from the recycle bin.
//
// POST /directory/deletedItems/{id}/restore, 200; least permission User.DeleteRestore.All.
//
// Reference: https://learn.microsoft.com/graph/api/directory-deleteditems-restore
func (c *Client) RestoreUser(ctx context.Context, tid, id string) (User, error) {
	if err := require(tid, id); err != nil {
		return User{}, err
	}
	return fetch[User](ctx, c, change(ctx, tid, deleteUsers...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		return directory.NewDirectoryRequestBuilderInternal(c.v1.path(), c.v1).DeletedItems().
			ByDirectoryObjectId(id).Restore().ToPostRequestInformation(ctx, nil)
	})
}
