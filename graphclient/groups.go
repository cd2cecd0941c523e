package graphclient

import (
	"context"
	"errors"
	"strings"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/groups"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

var groupSelect = []string{"id", "displayName", "description", "mail", "mailNickname", "mailEnabled",
	"securityEnabled", "groupTypes", "visibility", "isAssignableToRole", "membershipRule",
	"membershipRuleProcessingState", "onPremisesSyncEnabled", "resourceProvisioningOptions",
	"assignedLicenses", "createdDateTime"}

var (
	readGroups   = []string{"GroupMember.Read.All", "Group.Read.All", "Directory.Read.All", "Group.ReadWrite.All", "Directory.ReadWrite.All", "GroupMember.ReadWrite.All"}
	writeMembers = []string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	writeOwners  = []string{"Group.ReadWrite.All", "Directory.ReadWrite.All"}
)

func (a *adapter) groups() *groups.GroupsRequestBuilder {
	return groups.NewGroupsRequestBuilderInternal(a.path(), a)
}

// Group is one group by id.
//
// GET /groups/{id}; least permission GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-get
func (c *Client) Group(ctx context.Context, tid, id string) (Group, error) {
	if err := require(tid, id); err != nil {
		return Group{}, err
	}
	return fetch[Group](ctx, c, read(tid, readGroups...), c.v1, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ByGroupId(id).ToGetRequestInformation(ctx, &groups.GroupItemRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.GroupItemRequestBuilderGetQueryParameters{Select: groupSelect}})
	})
}

// GroupsOf are the groups a user is a direct member of, with everything that decides how the membership may
// be changed. Directory roles and administrative units are not among them.
//
// GET /users/{id}/memberOf/microsoft.graph.group, an advanced query and so a little behind; least permission
// GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-memberof
func (c *Client) GroupsOf(ctx context.Context, tid, userID string) ([]Group, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	return all[Group](ctx, c, read(tid, readGroups...), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).MemberOf().GraphGroup().ToGetRequestInformation(ctx, &users.ItemMemberOfGraphGroupRequestBuilderGetRequestConfiguration{
			Headers: eventual(), QueryParameters: &users.ItemMemberOfGraphGroupRequestBuilderGetQueryParameters{
				Count: opt(true), Select: groupSelect, Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	})
}

// PrivilegesOf are the directory roles a user holds, directly or through groups, and the role-assignable
// groups the user is in, nested ones included. Roles that are eligible but not active are not among them.
//
// GET /users/{id}/transitiveMemberOf; least permission GroupMember.Read.All and RoleManagement.Read.Directory.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-transitivememberof
func (c *Client) PrivilegesOf(ctx context.Context, tid, userID string) (Privileges, error) {
	var p Privileges
	if err := require(tid, userID); err != nil {
		return p, err
	}
	type member struct {
		ODataType string `json:"@odata.type"`
		Group
		RoleTemplateID string `json:"roleTemplateId"`
	}
	members, err := all[member](ctx, c, read(tid, "Directory.Read.All", "User.Read.All", "Group.Read.All", "GroupMember.Read.All", "Directory.ReadWrite.All"), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).TransitiveMemberOf().ToGetRequestInformation(ctx, &users.ItemTransitiveMemberOfRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemTransitiveMemberOfRequestBuilderGetQueryParameters{Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	})
	for _, m := range members {
		switch trimODataType(m.ODataType) {
		case "directoryRole":
			p.Roles = append(p.Roles, DirectoryRole{ID: m.ID, RoleTemplateID: m.RoleTemplateID, DisplayName: m.DisplayName})
		case "group":
			if m.DisplayName == "" {
				return p, &Error{Kind: Denied, Service: string(graphService), Tenant: tid,
					Message: "The user's groups are shown without their properties, so nobody can tell whether one is role-assignable. The application lacks the permission Directory.Read.All in this tenant."}
			}
			if m.RoleAssignable() {
				p.RoleGroups = append(p.RoleGroups, m.Group)
			}
		}
	}
	return p, err
}

// AddGroupMember makes a user a member of a Microsoft 365 or security group. Membership that exists is kind
// AlreadyMember, a mail-enabled group ExchangeManaged, a rule's group DynamicGroup, a synced one OnPremises.
//
// POST /groups/{id}/members/$ref, 204; least permission GroupMember.ReadWrite.All, for a role-assignable
// group RoleManagement.ReadWrite.Directory as well.
//
// Reference: https://learn.microsoft.com/graph/api/group-post-members
func (c *Client) AddGroupMember(ctx context.Context, tid, groupID, userID string) error {
	if err := require(tid, groupID, userID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeMembers...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.groups().ByGroupId(groupID).Members().Ref().ToPostRequestInformation(ctx, models.NewReferenceCreate(), nil)
		return withJSON(info, err, c.reference("directoryObjects", userID))
	}, nil)
}

// RemoveGroupMember takes a user out of a group; that the user was no member is kind NotMember.
//
// DELETE /groups/{id}/members/{id}/$ref, 204; least permission as AddGroupMember. Repeatable. Without
// "/$ref" the same path deletes the user: the identifiers are checked to be there and the path's end is
// fixed.
//
// Reference: https://learn.microsoft.com/graph/api/group-delete-members
func (c *Client) RemoveGroupMember(ctx context.Context, tid, groupID, userID string) error {
	if err := require(tid, groupID, userID); err != nil {
		return err
	}
	err := c.send(ctx, change(ctx, tid, writeMembers...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.groups().ByGroupId(groupID).Members().ByDirectoryObjectId(userID).Ref().ToDeleteRequestInformation(ctx, nil)
		if err == nil && !strings.HasSuffix(info.UrlTemplate, "/$ref") {
			return nil, invalid("The request would delete the user and was not sent.")
		}
		return info, err
	}, nil)
	var e *Error
	if errors.As(err, &e) && e.Kind == NotFound {
		e.Kind, e.Message = NotMember, "The user is not a member of this group."
	}
	return err
}

// GroupOwners are the owners of a group.
//
// GET /groups/{id}/owners; least permission GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-list-owners
func (c *Client) GroupOwners(ctx context.Context, tid, groupID string) ([]DirectoryObject, error) {
	if err := require(tid, groupID); err != nil {
		return nil, err
	}
	return all[DirectoryObject](ctx, c, read(tid, readGroups...), c.v1, 0, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ByGroupId(groupID).Owners().ToGetRequestInformation(ctx, &groups.ItemOwnersRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.ItemOwnersRequestBuilderGetQueryParameters{
				Select: []string{"id", "displayName", "userPrincipalName", "mail"}, Top: opt(int32(largestPage))}})
	})
}

// AddGroupOwner makes a user an owner of a Microsoft 365 or security group. Ownership that exists is kind
// AlreadyMember, a mail-enabled group ExchangeManaged, a synced one OnPremises.
//
// POST /groups/{id}/owners/$ref, 204; least permission Group.ReadWrite.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-post-owners
func (c *Client) AddGroupOwner(ctx context.Context, tid, groupID, userID string) error {
	if err := require(tid, groupID, userID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeOwners...).posting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.groups().ByGroupId(groupID).Owners().Ref().ToPostRequestInformation(ctx, models.NewReferenceCreate(), nil)
		return withJSON(info, err, c.reference("users", userID))
	}, nil)
}

// RemoveGroupOwner takes a user's ownership of a group away. Microsoft refuses to remove the last one.
//
// DELETE /groups/{id}/owners/{id}/$ref, 204; least permission Group.ReadWrite.All. Repeatable. Without
// "/$ref" the same path would reach the user.
//
// Reference: https://learn.microsoft.com/graph/api/group-delete-owners
func (c *Client) RemoveGroupOwner(ctx context.Context, tid, groupID, userID string) error {
	if err := require(tid, groupID, userID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, writeOwners...).deleting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.groups().ByGroupId(groupID).Owners().ByDirectoryObjectId(userID).Ref().ToDeleteRequestInformation(ctx, nil)
		if err == nil && !strings.HasSuffix(info.UrlTemplate, "/$ref") {
			return nil, invalid("The request would reach the user and was not sent.")
		}
		return info, err
	}, nil)
}

// GroupsOwnedBy are the groups a user owns.
//
// GET /users/{id}/ownedObjects/microsoft.graph.group; least permission GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/user-list-ownedobjects
func (c *Client) GroupsOwnedBy(ctx context.Context, tid, userID string) ([]Group, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	return all[Group](ctx, c, read(tid, readGroups...), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).OwnedObjects().GraphGroup().ToGetRequestInformation(ctx, &users.ItemOwnedObjectsGraphGroupRequestBuilderGetRequestConfiguration{
			Headers: eventual(), QueryParameters: &users.ItemOwnedObjectsGraphGroupRequestBuilderGetQueryParameters{
				Count: opt(true), Select: groupSelect, Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	})
}

// IsGroupMember reports whether a user is a direct member of a group. It reads the user's memberships
// without the lagging index of advanced queries, so that it can verify a change.
//
// GET /users/{id}/memberOf; least permission GroupMember.Read.All.
func (c *Client) IsGroupMember(ctx context.Context, tid, groupID, userID string) (bool, error) {
	if err := require(tid, groupID, userID); err != nil {
		return false, err
	}
	build := func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).MemberOf().ToGetRequestInformation(ctx, &users.ItemMemberOfRequestBuilderGetRequestConfiguration{
			QueryParameters: &users.ItemMemberOfRequestBuilderGetQueryParameters{Select: []string{"id"}, Top: opt(int32(largestPage))}})
		return keyed(info, err, userID)
	}
	for p, err := range pages[DirectoryObject](ctx, c, read(tid, readGroups...), c.v1, build) {
		if err != nil {
			return false, err
		}
		for _, o := range p.Value {
			if equalFold(o.ID, groupID) {
				return true, nil
			}
		}
	}
	return false, nil
}

// GroupsNamed are the groups that bear a display name, mail nickname or address, a few at the most: enough to see none,
// one or several.
//
// GET /groups; least permission GroupMember.Read.All.
//
// Reference: https://learn.microsoft.com/graph/api/group-list
func (c *Client) GroupsNamed(ctx context.Context, tid, name string) ([]Group, error) {
	if err := require(tid, name); err != nil {
		return nil, err
	}
	n := ODataString(name)
	filter := "displayName eq " + n + " or mailNickname eq " + n
	if strings.Contains(name, "@") {
		filter = "mail eq " + n
	}
	return all[Group](ctx, c, read(tid, readGroups...), c.v1, 10, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ToGetRequestInformation(ctx, &groups.GroupsRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.GroupsRequestBuilderGetQueryParameters{Filter: &filter, Select: groupSelect, Top: opt(int32(10))}})
	})
}

// GroupsNear are a few groups whose name or address begins with the first word of one that is no group's: a hint for
// whoever misspelt it.
//
// GET /groups; least permission GroupMember.Read.All.
func (c *Client) GroupsNear(ctx context.Context, tid, name string) ([]Group, error) {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" ._-@", r) })
	if len(words) == 0 || len([]rune(words[0])) < 3 {
		return nil, nil
	}
	w := ODataString(words[0])
	filter := "startswith(displayName," + w + ") or startswith(mail," + w + ")"
	return all[Group](ctx, c, read(tid, readGroups...), c.v1, 5, func() (*abs.RequestInformation, error) {
		return c.v1.groups().ToGetRequestInformation(ctx, &groups.GroupsRequestBuilderGetRequestConfiguration{
			QueryParameters: &groups.GroupsRequestBuilderGetQueryParameters{Filter: &filter, Select: groupSelect, Top: opt(int32(5))}})
	})
}
