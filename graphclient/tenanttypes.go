package graphclient

import "time"

// Health of a tenant as the partner tenant shows it, without asking the tenant itself.
const (
	HealthOK       = "ok"           // an active GDAP relationship
	HealthExpiring = "expiring"     // the last active relationship ends within 30 days and does not renew itself
	HealthInactive = "gdapInactive" // there were or will be relationships, none is active
	HealthUnknown  = "unknown"      // known by a reseller contract or by configuration alone
)

// Tenant is a customer of the partner, or the application's own tenant where there is no partner.
type Tenant struct {
	ID              string    `json:"id"`
	DisplayName     string    `json:"displayName"`
	DefaultDomain   string    `json:"defaultDomain,omitempty"`
	InitialDomain   string    `json:"initialDomain,omitempty"`
	Health          string    `json:"health"`           // ok | expiring | gdapInactive | unknown
	Reason          string    `json:"reason,omitempty"` // why Health is not ok
	RelationshipEnd time.Time `json:"relationshipEnd,omitzero"`
	AutoExtend      bool      `json:"autoExtend,omitempty"`
	Roles           []string  `json:"roles,omitempty"` // role template ids of the active relationships
}

// Organization is the tenant's own record.
//
// Reference: https://learn.microsoft.com/graph/api/resources/organization
type Organization struct {
	ID                                  string           `json:"id"`
	DisplayName                         string           `json:"displayName"`
	CountryLetterCode                   string           `json:"countryLetterCode,omitempty"`
	TenantType                          string           `json:"tenantType,omitempty"`
	CreatedDateTime                     *time.Time       `json:"createdDateTime,omitempty"`
	OnPremisesSyncEnabled               *bool            `json:"onPremisesSyncEnabled,omitempty"`
	OnPremisesLastSyncDateTime          *time.Time       `json:"onPremisesLastSyncDateTime,omitempty"`
	TechnicalNotificationMails          []string         `json:"technicalNotificationMails,omitempty"`
	SecurityComplianceNotificationMails []string         `json:"securityComplianceNotificationMails,omitempty"`
	VerifiedDomains                     []VerifiedDomain `json:"verifiedDomains,omitempty"`
	AssignedPlans                       []AssignedPlan   `json:"assignedPlans,omitempty"`
}

// VerifiedDomain is a domain of an Organization.
type VerifiedDomain struct {
	Name         string `json:"name"`
	Type         string `json:"type,omitempty"`
	Capabilities string `json:"capabilities,omitempty"`
	IsDefault    bool   `json:"isDefault"`
	IsInitial    bool   `json:"isInitial"`
}

// AssignedPlan is a service plan the tenant owns.
type AssignedPlan struct {
	Service          string `json:"service"`
	ServicePlanID    string `json:"servicePlanId"`
	CapabilityStatus string `json:"capabilityStatus"` // Enabled | Warning | Suspended | Deleted | LockedOut
}

// Domain is a domain of the tenant; its id is its name.
//
// Reference: https://learn.microsoft.com/graph/api/resources/domain
type Domain struct {
	ID                               string   `json:"id"`
	AuthenticationType               string   `json:"authenticationType,omitempty"` // Managed | Federated
	IsAdminManaged                   bool     `json:"isAdminManaged"`
	IsDefault                        bool     `json:"isDefault"`
	IsInitial                        bool     `json:"isInitial"`
	IsRoot                           bool     `json:"isRoot"`
	IsVerified                       bool     `json:"isVerified"`
	SupportedServices                []string `json:"supportedServices,omitempty"`
	PasswordValidityPeriodInDays     *int     `json:"passwordValidityPeriodInDays,omitempty"` // 2147483647: never
	PasswordNotificationWindowInDays *int     `json:"passwordNotificationWindowInDays,omitempty"`
}

// AuthMethodsPolicy is the tenant's authentication methods policy.
//
// Reference: https://learn.microsoft.com/graph/api/resources/authenticationmethodspolicy
type AuthMethodsPolicy struct {
	ID                                 string                    `json:"id"`
	DisplayName                        string                    `json:"displayName,omitempty"`
	PolicyMigrationState               string                    `json:"policyMigrationState,omitempty"`
	PolicyVersion                      string                    `json:"policyVersion,omitempty"`
	LastModifiedDateTime               *time.Time                `json:"lastModifiedDateTime,omitempty"`
	RegistrationEnforcement            *RegistrationEnforcement  `json:"registrationEnforcement,omitempty"`
	AuthenticationMethodConfigurations []AuthMethodConfiguration `json:"authenticationMethodConfigurations,omitempty"`
}

// RegistrationEnforcement holds the registration campaign.
type RegistrationEnforcement struct {
	AuthenticationMethodsRegistrationCampaign *RegistrationCampaign `json:"authenticationMethodsRegistrationCampaign,omitempty"`
}

// RegistrationCampaign nudges users to register a method.
type RegistrationCampaign struct {
	State                string `json:"state,omitempty"` // default | enabled | disabled
	SnoozeDurationInDays int    `json:"snoozeDurationInDays"`
}

// AuthMethodConfiguration switches one method: its id is Fido2, MicrosoftAuthenticator, Sms, Voice, Email,
// TemporaryAccessPass, SoftwareOath, X509Certificate …
type AuthMethodConfiguration struct {
	ODataType                string `json:"@odata.type,omitempty"`
	ID                       string `json:"id"`
	State                    string `json:"state"` // enabled | disabled
	IsUsableOnce             *bool  `json:"isUsableOnce,omitempty"`
	DefaultLifetimeInMinutes *int   `json:"defaultLifetimeInMinutes,omitempty"`
	MinimumLifetimeInMinutes *int   `json:"minimumLifetimeInMinutes,omitempty"`
	MaximumLifetimeInMinutes *int   `json:"maximumLifetimeInMinutes,omitempty"`
	DefaultLength            *int   `json:"defaultLength,omitempty"`

	IncludeTargets []PolicyTarget `json:"includeTargets,omitempty"`
}

// Enabled reports whether the policy switches the method on. The id is compared without case.
func (p AuthMethodsPolicy) Enabled(method string) bool {
	for _, c := range p.AuthenticationMethodConfigurations {
		if equalFold(c.ID, method) {
			return equalFold(c.State, "enabled")
		}
	}
	return false
}

// CAPolicy is a Conditional Access policy, with what decides whether it demands MFA and of whom.
//
// Reference: https://learn.microsoft.com/graph/api/resources/conditionalaccesspolicy
type CAPolicy struct {
	ID               string           `json:"id"`
	DisplayName      string           `json:"displayName"`
	State            string           `json:"state"` // enabled | disabled | enabledForReportingButNotEnforced
	CreatedDateTime  *time.Time       `json:"createdDateTime,omitempty"`
	ModifiedDateTime *time.Time       `json:"modifiedDateTime,omitempty"`
	Conditions       CAConditions     `json:"conditions"`
	GrantControls    *CAGrantControls `json:"grantControls,omitempty"`
}

// CAConditions say when and for whom a policy applies.
type CAConditions struct {
	ClientAppTypes   []string        `json:"clientAppTypes,omitempty"`
	Applications     *CAApplications `json:"applications,omitempty"`
	Users            *CAUsers        `json:"users,omitempty"`
	UserRiskLevels   []string        `json:"userRiskLevels,omitempty"`
	SignInRiskLevels []string        `json:"signInRiskLevels,omitempty"`
}

// CAApplications are the applications a policy applies to.
type CAApplications struct {
	IncludeApplications []string `json:"includeApplications,omitempty"`
	ExcludeApplications []string `json:"excludeApplications,omitempty"`
	IncludeUserActions  []string `json:"includeUserActions,omitempty"`
}

// CAUsers are the users a policy applies to; All, None and GuestsOrExternalUsers stand among the ids.
type CAUsers struct {
	IncludeUsers  []string `json:"includeUsers,omitempty"`
	ExcludeUsers  []string `json:"excludeUsers,omitempty"`
	IncludeGroups []string `json:"includeGroups,omitempty"`
	ExcludeGroups []string `json:"excludeGroups,omitempty"`
	IncludeRoles  []string `json:"includeRoles,omitempty"`
	ExcludeRoles  []string `json:"excludeRoles,omitempty"`
}

// CAGrantControls are what a policy demands.
type CAGrantControls struct {
	Operator               string                  `json:"operator"`        // AND | OR
	BuiltInControls        []string                `json:"builtInControls"` // block | mfa | compliantDevice | …
	AuthenticationStrength *AuthenticationStrength `json:"authenticationStrength,omitempty"`
}

// AuthenticationStrength is the strength of authentication a policy demands.
type AuthenticationStrength struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName,omitempty"`
}
