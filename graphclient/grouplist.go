package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
)

// GroupQuery says which groups of a tenant. Search is as in UserQuery; a filter or search that Microsoft takes only as an
// advanced query sets Advanced.
type GroupQuery struct {
	Filter, Search string
	Advanced       bool
}

// Groups lists the groups of a tenant that Entra ID knows: Microsoft 365, security, mail-enabled security and
// distribution groups. Dynamic distribution lists are Exchange's alone.
//
// GET /groups; least permission GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-list
func (c *Client) Groups(ctx context.Context, tid string, q GroupQuery) ([]Group, error) {
	if err := require(tid); err != nil {
		return nil, err
	}
	var headers *abs.RequestHeaders
	var count *bool
	if q.Advanced || q.Search != "" {
		headers, count = eventual(), opt(true)
	}
	return all[Group](ctx, c, read(tid, readGroups...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ToGetRequestInformation(ctx, &groups.GroupsRequestBuilderGetRequestConfiguration{
			Headers: headers, QueryParameters: &groups.GroupsRequestBuilderGetQueryParameters{
				Count: count, Filter: opt(q.Filter), Search: opt(q.Search), Select: groupSelect, Top: opt(int32(largestPage))}})
	})
}

// GroupMembers are the direct members of a group, whatever they are.
//
// GET /groups/{id}/members; least permission GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-list-members
func (c *Client) GroupMembers(ctx context.Context, tid, groupID string) ([]DirectoryObject, error) {
	if err := require(tid, groupID); err != nil {
		return nil, err
	}
	return all[DirectoryObject](ctx, c, read(tid, readGroups...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ByGroupId(groupID).Members().ToGetRequestInformation(ctx, &groups.ItemMembersRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.ItemMembersRequestBuilderGetQueryParameters{Select: []string{"id", "displayName", "userPrincipalName", "mail"}, Top: opt(int32(largestPage))}})
	})
}
