package graphclient

import (
	"context"
	"errors"
	"iter"
)

type Client struct{ cfg Config }

var errPending = errors.New("pending")

func New(cfg Config) (*Client, error) { return nil, errPending }
func (c *Client) Close()              {}
func (c *Client) Mode() Mode          { return c.cfg.Auth.Mode }

// Repeatable marks the writes made with the returned context as harmless to send twice.
func Repeatable(ctx context.Context) context.Context { return ctx }

// tenants
func (c *Client) Tenants(ctx context.Context) ([]Tenant, error) { return nil, errPending }
func (c *Client) ResolveTenant(ctx context.Context, filter string) (Tenant, error) {
	return Tenant{}, errPending
}
func (c *Client) Organization(ctx context.Context, tid string) (Organization, error) {
	return Organization{}, errPending
}
func (c *Client) Domains(ctx context.Context, tid string) ([]Domain, error) { return nil, errPending }
func (c *Client) SecurityDefaults(ctx context.Context, tid string) (bool, error) {
	return false, errPending
}
func (c *Client) AuthenticationMethodsPolicy(ctx context.Context, tid string) (AuthMethodsPolicy, error) {
	return AuthMethodsPolicy{}, errPending
}
func (c *Client) ConditionalAccessPolicies(ctx context.Context, tid string) ([]CAPolicy, error) {
	return nil, errPending
}

// TenantResult is the outcome of one tenant.
type TenantResult[T any] struct {
	Tenant Tenant
	Value  T
	Err    error
}

func ForEachTenant[T any](ctx context.Context, c *Client, tenants []Tenant, f func(context.Context, Tenant) (T, error)) []TenantResult[T] {
	return nil
}

// users
func (c *Client) Users(ctx context.Context, tid string, q UserQuery) iter.Seq2[UserPage, error] {
	return nil
}
func (c *Client) UsersPage(ctx context.Context, tid, nextLink string) (UserPage, error) {
	return UserPage{}, errPending
}
func (c *Client) User(ctx context.Context, tid, idOrUPN string, sel ...string) (User, error) {
	return User{}, errPending
}
func (c *Client) CreateUser(ctx context.Context, tid string, u NewUser) (User, error) {
	return User{}, errPending
}
func (c *Client) UpdateUser(ctx context.Context, tid, id string, patch map[string]any) error {
	return errPending
}
func (c *Client) DeleteUser(ctx context.Context, tid, id string) error { return errPending }
func (c *Client) RestoreUser(ctx context.Context, tid, id string) (User, error) {
	return User{}, errPending
}
func (c *Client) SetPassword(ctx context.Context, tid, id, password string, mustChange bool) error {
	return errPending
}
func (c *Client) RevokeSessions(ctx context.Context, tid, id string) error   { return errPending }
func (c *Client) Manager(ctx context.Context, tid, id string) (*User, error) { return nil, errPending }
func (c *Client) DirectReports(ctx context.Context, tid, id string) ([]User, error) {
	return nil, errPending
}
func (c *Client) SetManager(ctx context.Context, tid, id, managerID string) error { return errPending }
func (c *Client) RemoveManager(ctx context.Context, tid, id string) error         { return errPending }
func (c *Client) UserConflicts(ctx context.Context, tid, upn string) ([]User, error) {
	return nil, errPending
}

// mfa
func (c *Client) RegistrationDetails(ctx context.Context, tid, filter string) iter.Seq2[[]RegistrationDetail, error] {
	return nil
}
func (c *Client) AuthMethods(ctx context.Context, tid, id string) ([]AuthMethod, error) {
	return nil, errPending
}
func (c *Client) AuthMethodsOf(ctx context.Context, tid string, ids []string) (map[string]AuthMethodsResult, error) {
	return nil, errPending
}
func (c *Client) DeleteAuthMethod(ctx context.Context, tid, userID string, m AuthMethod) error {
	return errPending
}
func (c *Client) PerUserMFAState(ctx context.Context, tid, id string) (string, error) {
	return "", errPending
}
func (c *Client) PerUserMFAStates(ctx context.Context, tid string, ids []string) (map[string]StringResult, error) {
	return nil, errPending
}
func (c *Client) SetPerUserMFAState(ctx context.Context, tid, id, state string) error {
	return errPending
}
func (c *Client) SignInPreferences(ctx context.Context, tid, id string) (SignInPreferences, error) {
	return SignInPreferences{}, errPending
}

// groups
func (c *Client) Group(ctx context.Context, tid, id string) (Group, error) {
	return Group{}, errPending
}
func (c *Client) GroupsOf(ctx context.Context, tid, userID string) ([]Group, error) {
	return nil, errPending
}
func (c *Client) PrivilegesOf(ctx context.Context, tid, userID string) (Privileges, error) {
	return Privileges{}, errPending
}
func (c *Client) AddGroupMember(ctx context.Context, tid, groupID, userID string) error {
	return errPending
}
func (c *Client) RemoveGroupMember(ctx context.Context, tid, groupID, userID string) error {
	return errPending
}
func (c *Client) GroupOwners(ctx context.Context, tid, groupID string) ([]DirectoryObject, error) {
	return nil, errPending
}
func (c *Client) GroupsOwnedBy(ctx context.Context, tid, userID string) ([]Group, error) {
	return nil, errPending
}
func (c *Client) IsGroupMember(ctx context.Context, tid, groupID, userID string) (bool, error) {
	return false, errPending
}

// licences
func (c *Client) SubscribedSkus(ctx context.Context, tid string) ([]SubscribedSku, error) {
	return nil, errPending
}
func (c *Client) LicenseDetails(ctx context.Context, tid, id string) ([]LicenseDetail, error) {
	return nil, errPending
}
func (c *Client) AssignLicense(ctx context.Context, tid, id string, add []AssignedLicense, remove []string) error {
	return errPending
}

// roles and applications
func (c *Client) RoleAssignmentsOf(ctx context.Context, tid, principalID string) ([]RoleAssignment, error) {
	return nil, errPending
}
func (c *Client) OAuth2GrantsOf(ctx context.Context, tid, userID string) ([]OAuth2Grant, error) {
	return nil, errPending
}
func (c *Client) DeleteOAuth2Grant(ctx context.Context, tid, grantID string) error { return errPending }
func (c *Client) AppRoleAssignmentsOf(ctx context.Context, tid, userID string) ([]AppRoleAssignment, error) {
	return nil, errPending
}
func (c *Client) ServicePrincipals(ctx context.Context, tid string, ids []string) (map[string]ServicePrincipal, error) {
	return nil, errPending
}

// logs, devices, risk, drive
func (c *Client) SignIns(ctx context.Context, tid string, q SignInQuery) ([]SignIn, error) {
	return nil, errPending
}
func (c *Client) DirectoryAudits(ctx context.Context, tid string, q AuditQuery) ([]DirectoryAudit, error) {
	return nil, errPending
}
func (c *Client) RegisteredDevices(ctx context.Context, tid, userID string) ([]Device, error) {
	return nil, errPending
}
func (c *Client) OwnedDevices(ctx context.Context, tid, userID string) ([]Device, error) {
	return nil, errPending
}
func (c *Client) SetDeviceEnabled(ctx context.Context, tid, deviceObjectID string, enabled bool) error {
	return errPending
}
func (c *Client) ManagedDevices(ctx context.Context, tid, userID string) ([]ManagedDevice, error) {
	return nil, errPending
}
func (c *Client) RiskyUser(ctx context.Context, tid, userID string) (*RiskyUser, error) {
	return nil, errPending
}
func (c *Client) Drive(ctx context.Context, tid, userID string) (*Drive, error) {
	return nil, errPending
}

// Exchange
func (c *Client) Mailbox(ctx context.Context, tid string, ref MailboxRef) (Mailbox, error) {
	return Mailbox{}, errPending
}
func (c *Client) Mailboxes(ctx context.Context, tid string, recipientTypeDetails ...string) ([]Mailbox, error) {
	return nil, errPending
}
func (c *Client) SetMailbox(ctx context.Context, tid string, ref MailboxRef, params map[string]any) error {
	return errPending
}
func (c *Client) MailboxStatistics(ctx context.Context, tid string, ref MailboxRef) (MailboxStatistics, error) {
	return MailboxStatistics{}, errPending
}
func (c *Client) ArchiveStatistics(ctx context.Context, tid string, ref MailboxRef) (MailboxStatistics, error) {
	return MailboxStatistics{}, errPending
}
func (c *Client) MailboxPermissions(ctx context.Context, tid string, ref MailboxRef) ([]MailboxPermission, error) {
	return nil, errPending
}
func (c *Client) AddMailboxPermission(ctx context.Context, tid string, ref MailboxRef, user string, rights []string, autoMapping bool) error {
	return errPending
}
func (c *Client) RemoveMailboxPermission(ctx context.Context, tid string, ref MailboxRef, user string, rights []string) error {
	return errPending
}
func (c *Client) RecipientPermissions(ctx context.Context, tid string, ref MailboxRef) ([]RecipientPermission, error) {
	return nil, errPending
}
func (c *Client) AddRecipientPermission(ctx context.Context, tid string, ref MailboxRef, trustee string) error {
	return errPending
}
func (c *Client) RemoveRecipientPermission(ctx context.Context, tid string, ref MailboxRef, trustee string) error {
	return errPending
}
func (c *Client) MailboxAccessOf(ctx context.Context, tid string, user MailboxRef) ([]MailboxAccess, error) {
	return nil, errPending
}
func (c *Client) CalendarPermissions(ctx context.Context, tid string, ref MailboxRef) ([]CalendarPermission, error) {
	return nil, errPending
}
func (c *Client) RemoveCalendarPermission(ctx context.Context, tid string, ref MailboxRef, folder, user string) error {
	return errPending
}
func (c *Client) MailboxFolders(ctx context.Context, tid string, ref MailboxRef, scope string) ([]MailboxFolder, error) {
	return nil, errPending
}
func (c *Client) InboxRules(ctx context.Context, tid string, ref MailboxRef) ([]InboxRule, error) {
	return nil, errPending
}
func (c *Client) RemoveInboxRule(ctx context.Context, tid string, ref MailboxRef, ruleIdentity string) error {
	return errPending
}
func (c *Client) DisableInboxRule(ctx context.Context, tid string, ref MailboxRef, ruleIdentity string) error {
	return errPending
}
func (c *Client) AutoReply(ctx context.Context, tid string, ref MailboxRef) (AutoReply, error) {
	return AutoReply{}, errPending
}
func (c *Client) SetAutoReply(ctx context.Context, tid string, ref MailboxRef, r AutoReply) error {
	return errPending
}
func (c *Client) MobileDevices(ctx context.Context, tid string, ref MailboxRef) ([]MobileDevice, error) {
	return nil, errPending
}
func (c *Client) RemoveMobileDevice(ctx context.Context, tid string, ref MailboxRef, deviceIdentity string) error {
	return errPending
}
func (c *Client) AddDistributionGroupMember(ctx context.Context, tid, groupIdentity, member string) error {
	return errPending
}
func (c *Client) RemoveDistributionGroupMember(ctx context.Context, tid, groupIdentity, member string) error {
	return errPending
}
func (c *Client) OrganizationConfig(ctx context.Context, tid string) (OrganizationConfig, error) {
	return OrganizationConfig{}, errPending
}
func (c *Client) AdminAuditLogConfig(ctx context.Context, tid string) (AdminAuditLogConfig, error) {
	return AdminAuditLogConfig{}, errPending
}
