package graphclient

import (
	"strings"
	"time"
)

// RegistrationDetail is one row of the registration report: what a user has registered, as of
// LastUpdatedDateTime (the report is hours behind).
//
// Reference: https://learn.microsoft.com/graph/api/resources/userregistrationdetails
type RegistrationDetail struct {
	ID                                            string     `json:"id"` // the user's id
	UserPrincipalName                             string     `json:"userPrincipalName"`
	UserDisplayName                               string     `json:"userDisplayName"`
	UserType                                      string     `json:"userType"` // member | guest
	IsAdmin                                       bool       `json:"isAdmin"`
	IsMfaRegistered                               bool       `json:"isMfaRegistered"`
	IsMfaCapable                                  bool       `json:"isMfaCapable"`
	IsPasswordlessCapable                         bool       `json:"isPasswordlessCapable"`
	IsSsprRegistered                              bool       `json:"isSsprRegistered"`
	IsSsprEnabled                                 bool       `json:"isSsprEnabled"`
	IsSsprCapable                                 bool       `json:"isSsprCapable"`
	IsSystemPreferredAuthenticationMethodEnabled  bool       `json:"isSystemPreferredAuthenticationMethodEnabled"`
	SystemPreferredAuthenticationMethods          []string   `json:"systemPreferredAuthenticationMethods,omitempty"`
	UserPreferredMethodForSecondaryAuthentication string     `json:"userPreferredMethodForSecondaryAuthentication,omitempty"`
	MethodsRegistered                             []string   `json:"methodsRegistered"`
	LastUpdatedDateTime                           *time.Time `json:"lastUpdatedDateTime,omitempty"`
}

// AuthMethod is one registered authentication method of any type.
//
// Reference: https://learn.microsoft.com/graph/api/resources/authenticationmethod
type AuthMethod struct {
	ODataType       string     `json:"@odata.type"`
	ID              string     `json:"id"`
	CreatedDateTime *time.Time `json:"createdDateTime,omitempty"`
	DisplayName     string     `json:"displayName,omitempty"`
	PhoneNumber     string     `json:"phoneNumber,omitempty"`
	PhoneType       string     `json:"phoneType,omitempty"` // mobile | alternateMobile | office
	SMSSignInState  string     `json:"smsSignInState,omitempty"`
	EmailAddress    string     `json:"emailAddress,omitempty"`
	DeviceTag       string     `json:"deviceTag,omitempty"`
	PhoneAppVersion string     `json:"phoneAppVersion,omitempty"`
	Model           string     `json:"model,omitempty"`
	AaGUID          string     `json:"aaGuid,omitempty"`
	KeyStrength     string     `json:"keyStrength,omitempty"`
	Platform        string     `json:"platform,omitempty"`

	StartDateTime         *time.Time `json:"startDateTime,omitempty"`
	LifetimeInMinutes     int        `json:"lifetimeInMinutes,omitempty"`
	IsUsable              *bool      `json:"isUsable,omitempty"`
	IsUsableOnce          *bool      `json:"isUsableOnce,omitempty"`
	MethodUsabilityReason string     `json:"methodUsabilityReason,omitempty"`
}

// Type is the method's type without Microsoft's prefix and suffix: password, phone,
// microsoftAuthenticator, fido2, windowsHelloForBusiness, softwareOath, email, temporaryAccessPass …
func (m AuthMethod) Type() string {
	return strings.TrimSuffix(trimODataType(m.ODataType), "AuthenticationMethod")
}

// AuthMethodsResult is one user's methods, or why they could not be read.
type AuthMethodsResult struct {
	Methods []AuthMethod
	Err     error
}

// StringResult is one value, or why it could not be read.
type StringResult struct {
	Value string
	Err   error
}

// SignInPreferences is a user's default method for multifactor authentication.
//
// Reference: https://learn.microsoft.com/graph/api/resources/signinpreferences (beta)
type SignInPreferences struct {
	IsSystemPreferredAuthenticationMethodEnabled  bool   `json:"isSystemPreferredAuthenticationMethodEnabled"`
	UserPreferredMethodForSecondaryAuthentication string `json:"userPreferredMethodForSecondaryAuthentication"`
}

// Group is a group with everything that decides how its membership may be changed.
//
// Reference: https://learn.microsoft.com/graph/api/resources/group
type Group struct {
	ID                            string            `json:"id"`
	DisplayName                   string            `json:"displayName,omitempty"`
	Description                   string            `json:"description,omitempty"`
	Mail                          string            `json:"mail,omitempty"`
	MailNickname                  string            `json:"mailNickname,omitempty"`
	MailEnabled                   bool              `json:"mailEnabled"`
	SecurityEnabled               bool              `json:"securityEnabled"`
	GroupTypes                    []string          `json:"groupTypes,omitempty"`
	Visibility                    string            `json:"visibility,omitempty"`
	IsAssignableToRole            *bool             `json:"isAssignableToRole,omitempty"`
	MembershipRule                string            `json:"membershipRule,omitempty"`
	MembershipRuleProcessingState string            `json:"membershipRuleProcessingState,omitempty"`
	OnPremisesSyncEnabled         *bool             `json:"onPremisesSyncEnabled,omitempty"`
	ResourceProvisioningOptions   []string          `json:"resourceProvisioningOptions,omitempty"`
	AssignedLicenses              []AssignedLicense `json:"assignedLicenses,omitempty"`
	CreatedDateTime               *time.Time        `json:"createdDateTime,omitempty"`
}

// Microsoft365 reports whether the group is a Microsoft 365 group.
func (g Group) Microsoft365() bool { return containsFold(g.GroupTypes, "Unified") }

// Dynamic reports whether a rule decides who is a member.
func (g Group) Dynamic() bool { return containsFold(g.GroupTypes, "DynamicMembership") }

// Synced reports whether the local Active Directory masters the group.
func (g Group) Synced() bool { return g.OnPremisesSyncEnabled != nil && *g.OnPremisesSyncEnabled }

// RoleAssignable reports whether directory roles may be given to the group.
func (g Group) RoleAssignable() bool { return g.IsAssignableToRole != nil && *g.IsAssignableToRole }

// Team reports whether the group is a Microsoft Teams team.
func (g Group) Team() bool { return containsFold(g.ResourceProvisioningOptions, "Team") }

// ExchangeManaged reports whether the group is a distribution list or a mail-enabled security group, whose
// members only Exchange can change.
func (g Group) ExchangeManaged() bool { return g.MailEnabled && !g.Microsoft365() }

// Kind is Microsoft's name for the sort of group: "Microsoft 365", "Mail-enabled security",
// "Distribution list" or "Security".
func (g Group) Kind() string {
	switch {
	case g.Microsoft365():
		return "Microsoft 365"
	case g.MailEnabled && g.SecurityEnabled:
		return "Mail-enabled security"
	case g.MailEnabled:
		return "Distribution list"
	}
	return "Security"
}

// DirectoryRole is an activated directory role a user is a member of.
type DirectoryRole struct {
	ID             string `json:"id"`
	RoleTemplateID string `json:"roleTemplateId"`
	DisplayName    string `json:"displayName"`
}

// Privileges are what makes a user more than an ordinary one: directory roles, held directly or through
// groups, and the role-assignable groups that give them.
type Privileges struct {
	Roles      []DirectoryRole `json:"roles"`
	RoleGroups []Group         `json:"roleGroups"`
}

// Admin reports whether there is any privilege.
func (p Privileges) Admin() bool { return len(p.Roles) > 0 || len(p.RoleGroups) > 0 }

// RoleAssignment is an active directory role assignment.
//
// Reference: https://learn.microsoft.com/graph/api/resources/unifiedroleassignment
type RoleAssignment struct {
	ID               string          `json:"id"`
	PrincipalID      string          `json:"principalId"`
	RoleDefinitionID string          `json:"roleDefinitionId"`
	DirectoryScopeID string          `json:"directoryScopeId"` // "/" is the whole directory
	RoleDefinition   *RoleDefinition `json:"roleDefinition,omitempty"`
}

// RoleDefinition is a directory role.
type RoleDefinition struct {
	ID          string `json:"id"`
	TemplateID  string `json:"templateId,omitempty"`
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	IsBuiltIn   bool   `json:"isBuiltIn"`
	IsEnabled   *bool  `json:"isEnabled,omitempty"`
}

// SubscribedSku is a subscription of the tenant.
//
// Reference: https://learn.microsoft.com/graph/api/resources/subscribedsku
type SubscribedSku struct {
	ID               string        `json:"id"`
	SkuID            string        `json:"skuId"`
	SkuPartNumber    string        `json:"skuPartNumber"`
	AppliesTo        string        `json:"appliesTo,omitempty"` // User | Company
	CapabilityStatus string        `json:"capabilityStatus"`    // Enabled | Warning | Suspended | Deleted | LockedOut
	ConsumedUnits    int           `json:"consumedUnits"`
	PrepaidUnits     PrepaidUnits  `json:"prepaidUnits"`
	ServicePlans     []ServicePlan `json:"servicePlans,omitempty"`
}

// Available is the number of free seats: enabled and grace-period seats less those in use; it may be negative.
func (s SubscribedSku) Available() int {
	return s.PrepaidUnits.Enabled + s.PrepaidUnits.Warning - s.ConsumedUnits
}

// PrepaidUnits are the seats of a subscription by state.
type PrepaidUnits struct {
	Enabled   int `json:"enabled"`
	Warning   int `json:"warning"`
	Suspended int `json:"suspended"`
	LockedOut int `json:"lockedOut"`
}

// ServicePlan is one service within a SKU.
type ServicePlan struct {
	ServicePlanID      string `json:"servicePlanId"`
	ServicePlanName    string `json:"servicePlanName"`
	ProvisioningStatus string `json:"provisioningStatus"`
	AppliesTo          string `json:"appliesTo,omitempty"`
}

// LicenseDetail is a licence of a user with its service plans, direct and inherited alike.
type LicenseDetail struct {
	ID            string        `json:"id"`
	SkuID         string        `json:"skuId"`
	SkuPartNumber string        `json:"skuPartNumber"`
	ServicePlans  []ServicePlan `json:"servicePlans,omitempty"`
}

// OAuth2Grant is a delegated permission grant: what an application may do in a user's name.
//
// Reference: https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
type OAuth2Grant struct {
	ID          string `json:"id"`
	ClientID    string `json:"clientId"`    // the application's service principal
	ConsentType string `json:"consentType"` // Principal | AllPrincipals
	PrincipalID string `json:"principalId,omitempty"`
	ResourceID  string `json:"resourceId"`
	Scope       string `json:"scope"` // space-separated
}

// Scopes are the single permissions of the grant.
func (g OAuth2Grant) Scopes() []string { return strings.Fields(g.Scope) }

// AppRoleAssignment is an application assigned to a user, directly or through a group.
//
// Reference: https://learn.microsoft.com/graph/api/resources/approleassignment
type AppRoleAssignment struct {
	ID                   string     `json:"id"`
	AppRoleID            string     `json:"appRoleId"`
	CreatedDateTime      *time.Time `json:"createdDateTime,omitempty"`
	PrincipalID          string     `json:"principalId"`
	PrincipalType        string     `json:"principalType"` // User | Group
	PrincipalDisplayName string     `json:"principalDisplayName,omitempty"`
	ResourceID           string     `json:"resourceId"`
	ResourceDisplayName  string     `json:"resourceDisplayName,omitempty"`
}

// OwnedApplication is an app registration a user owns.
//
// Reference: https://learn.microsoft.com/graph/api/resources/application
type OwnedApplication struct {
	ID          string `json:"id"`
	AppID       string `json:"appId"`
	DisplayName string `json:"displayName"`
	Owners      int    `json:"-"` // how many own it, the user among them
}

// ServicePrincipal is an enterprise application.
//
// Reference: https://learn.microsoft.com/graph/api/resources/serviceprincipal
type ServicePrincipal struct {
	ID                     string             `json:"id"`
	AppID                  string             `json:"appId"`
	DisplayName            string             `json:"displayName"`
	AccountEnabled         *bool              `json:"accountEnabled,omitempty"`
	AppOwnerOrganizationID string             `json:"appOwnerOrganizationId,omitempty"`
	ServicePrincipalType   string             `json:"servicePrincipalType,omitempty"`
	VerifiedPublisher      *VerifiedPublisher `json:"verifiedPublisher,omitempty"`
	Tags                   []string           `json:"tags,omitempty"`
	ReplyURLs              []string           `json:"replyUrls,omitempty"`
	Homepage               string             `json:"homepage,omitempty"`
	SignInAudience         string             `json:"signInAudience,omitempty"`
	CreatedDateTime        *time.Time         `json:"createdDateTime,omitempty"`
	KeyCredentials         []AppCredential    `json:"keyCredentials,omitempty"`
	PasswordCredentials    []AppCredential    `json:"passwordCredentials,omitempty"`
	AppRoles               []AppRole          `json:"appRoles,omitempty"`
	AssignmentRequired     *bool              `json:"appRoleAssignmentRequired,omitempty"`
}

// AppRole is a role that an application knows and that users or other applications can be given.
//
// Reference: https://learn.microsoft.com/graph/api/resources/approle
type AppRole struct {
	ID                 string   `json:"id"`
	DisplayName        string   `json:"displayName"`
	Value              string   `json:"value,omitempty"`
	AllowedMemberTypes []string `json:"allowedMemberTypes"` // User | Application
	IsEnabled          bool     `json:"isEnabled"`
}

// AppCredential is a certificate or a secret of an application, without what is secret about it.
//
// Reference: https://learn.microsoft.com/graph/api/resources/keycredential and passwordcredential
type AppCredential struct {
	KeyID         string     `json:"keyId"`
	DisplayName   string     `json:"displayName,omitempty"`
	StartDateTime *time.Time `json:"startDateTime,omitempty"`
	EndDateTime   *time.Time `json:"endDateTime,omitempty"`
}

// VerifiedPublisher is the publisher Microsoft has verified, if any.
type VerifiedPublisher struct {
	DisplayName         string     `json:"displayName,omitempty"`
	VerifiedPublisherID string     `json:"verifiedPublisherId,omitempty"`
	AddedDateTime       *time.Time `json:"addedDateTime,omitempty"`
}
