package cloud

import (
	"sort"
	"strings"
)

// Role is a built-in Entra directory role. The template id is the same in every tenant and is also the
// role definition's id.
// https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
type Role struct{ Name, TemplateID string }

var builtInRoles = []Role{
	{"Application Administrator", "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"},
	{"Application Developer", "cf1c38e5-3621-4004-a7cb-879624dced7c"},
	{"Authentication Administrator", "c4e39bd9-1100-46d3-8c65-fb160da0071f"},
	{"Authentication Policy Administrator", "0526716b-113d-4c15-b2c8-68e3c22b9f80"},
	{"Billing Administrator", "b0f54661-2d74-4c50-afa3-1ec803f12efe"},
	{"Cloud App Security Administrator", "892c5842-a9a6-463a-8041-72aa08ca3cf6"},
	{"Cloud Application Administrator", "158c047a-c907-4556-b7ef-446551a6b5f7"},
	{"Cloud Device Administrator", "7698a772-787b-4ac8-901f-60d6b08affd2"},
	{"Compliance Administrator", "17315797-102d-40b4-93e0-432062caca18"},
	{"Conditional Access Administrator", "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"},
	{"Directory Readers", "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"},
	{"Directory Synchronization Accounts", "d29b2b05-8046-44ba-8758-1e26182fcf32"},
	{"Directory Writers", "9360feb5-f418-4baa-8175-e2a00bac4301"},
	{"Domain Name Administrator", "8329153b-31d0-4727-b945-745eb3bc5f31"},
	{"Exchange Administrator", "29232cdf-9323-42fd-ade2-1d097af3e4de"},
	{"Exchange Recipient Administrator", "31392ffb-586c-42d1-9346-e59415a2cc4e"},
	{"Global Administrator", "62e90394-69f5-4237-9190-012177145e10"},
	{"Global Reader", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"},
	{"Groups Administrator", "fdd7a751-b60b-444a-984c-02652fe8fa1c"},
	{"Guest Inviter", "95e79109-95c0-4d8e-aee3-d01accf2d47b"},
	{"Helpdesk Administrator", "729827e3-9c14-49f7-bb1b-9608f156bbb8"},
	{"Hybrid Identity Administrator", "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"},
	{"Intune Administrator", "3a2c62db-5318-420d-8d74-23affee5d9d5"},
	{"License Administrator", "4d6ac14f-3453-41d0-bef9-a3e0c569773a"},
	{"Lifecycle Workflows Administrator", "59d46f88-662b-457b-bceb-5c3809e5908f"},
	{"Message Center Reader", "790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b"},
	{"Password Administrator", "966707d0-3269-4727-9be2-8c3a10f19b9d"},
	{"Power Platform Administrator", "11648597-926c-4cf3-9c36-bcebb0ba8dcc"},
	{"Privileged Authentication Administrator", "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"},
	{"Privileged Role Administrator", "e8611ab8-c189-46e8-94e1-60213ab1f814"},
	{"Reports Reader", "4a5d8f65-41da-4de4-8968-e035b65339cf"},
	{"Security Administrator", "194ae4cb-b126-40b2-bd5b-6091b380977d"},
	{"Security Operator", "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"},
	{"Security Reader", "5d6b6bb7-de71-4623-b4af-96380a352509"},
	{"Service Support Administrator", "f023fd81-a637-4b56-95fd-791ac0226033"},
	{"SharePoint Administrator", "f28a1f50-f6e7-4571-818b-6a12f2af6b6c"},
	{"Skype for Business Administrator", "75941009-915a-4869-abe7-691bff18279e"},
	{"Teams Administrator", "69091246-20e8-4a56-aa4d-066075b2a7a8"},
	{"User Administrator", "fe930be7-5e62-47db-91af-98c3a49a38b1"},
}

// BuiltInRoles is every built-in role the cloud knows, by name.
func BuiltInRoles() []Role { return append([]Role(nil), builtInRoles...) }

// RoleByName is the built-in role with that display name or template id.
func RoleByName(nameOrID string) (Role, bool) {
	for _, r := range builtInRoles {
		if strings.EqualFold(r.Name, nameOrID) || strings.EqualFold(r.TemplateID, nameOrID) {
			return r, true
		}
	}
	return Role{}, false
}

// RolesOf is the built-in roles that are active for a principal in the whole directory: assigned
// directly or through a role-assignable group.
func (t *Tenant) RolesOf(principalID string) []Role {
	holders := map[string]bool{strings.ToLower(principalID): true}
	for _, g := range t.TransitiveGroupsOf(principalID) {
		if Bool(g, "isAssignableToRole") {
			holders[strings.ToLower(Str(g, "id"))] = true
		}
	}
	found := map[string]Role{}
	for _, a := range t.Collection("roleAssignments").All() {
		if !holders[strings.ToLower(Str(a, "principalId"))] {
			continue
		}
		if r, ok := RoleByName(Str(a, "roleDefinitionId")); ok {
			found[r.TemplateID] = r
		}
	}
	out := make([]Role, 0, len(found))
	for _, r := range found {
		out = append(out, r)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// DirectoryRoleID is the object id of an activated role in this tenant.
func (t *Tenant) DirectoryRoleID(templateID string) string {
	for _, d := range t.Collection("directoryRoles").All() {
		if strings.EqualFold(Str(d, "roleTemplateId"), templateID) {
			return Str(d, "id")
		}
	}
	return DerivedID(t.ID, "directoryRole", strings.ToLower(templateID))
}
