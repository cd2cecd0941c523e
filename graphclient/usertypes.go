package graphclient

import (
	"encoding/json"
	"maps"
	"time"
)

// User is Microsoft Graph's user, with the properties this product selects. A property that was not
// selected is absent (nil or empty), just as one that Microsoft holds no value for; where the difference
// matters the field is a pointer.
//
// Reference: https://learn.microsoft.com/graph/api/resources/user
type User struct {
	ID                string `json:"id"`
	DisplayName       string `json:"displayName,omitempty"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	Mail              string `json:"mail,omitempty"`
	MailNickname      string `json:"mailNickname,omitempty"`
	GivenName         string `json:"givenName,omitempty"`
	Surname           string `json:"surname,omitempty"`
	UserType          string `json:"userType,omitempty"` // Member | Guest
	AccountEnabled    *bool  `json:"accountEnabled,omitempty"`

	JobTitle          string   `json:"jobTitle,omitempty"`
	Department        string   `json:"department,omitempty"`
	CompanyName       string   `json:"companyName,omitempty"`
	EmployeeID        string   `json:"employeeId,omitempty"`
	EmployeeType      string   `json:"employeeType,omitempty"`
	OfficeLocation    string   `json:"officeLocation,omitempty"`
	StreetAddress     string   `json:"streetAddress,omitempty"`
	City              string   `json:"city,omitempty"`
	State             string   `json:"state,omitempty"`
	PostalCode        string   `json:"postalCode,omitempty"`
	Country           string   `json:"country,omitempty"`
	UsageLocation     string   `json:"usageLocation,omitempty"` // ISO 3166 alpha-2
	PreferredLanguage string   `json:"preferredLanguage,omitempty"`
	BusinessPhones    []string `json:"businessPhones,omitempty"`
	MobilePhone       string   `json:"mobilePhone,omitempty"`
	FaxNumber         string   `json:"faxNumber,omitempty"`
	OtherMails        []string `json:"otherMails,omitempty"`
	ProxyAddresses    []string `json:"proxyAddresses,omitempty"` // SMTP: is the primary address

	AgeGroup                    string `json:"ageGroup,omitempty"`
	ConsentProvidedForMinor     string `json:"consentProvidedForMinor,omitempty"`
	LegalAgeGroupClassification string `json:"legalAgeGroupClassification,omitempty"`
	ShowInAddressList           *bool  `json:"showInAddressList,omitempty"`
	IsResourceAccount           *bool  `json:"isResourceAccount,omitempty"`

	CreatedDateTime                 *time.Time  `json:"createdDateTime,omitempty"`
	DeletedDateTime                 *time.Time  `json:"deletedDateTime,omitempty"`
	EmployeeHireDate                *time.Time  `json:"employeeHireDate,omitempty"`
	EmployeeLeaveDateTime           *time.Time  `json:"employeeLeaveDateTime,omitempty"`
	LastPasswordChangeDateTime      *time.Time  `json:"lastPasswordChangeDateTime,omitempty"`
	SignInSessionsValidFromDateTime *time.Time  `json:"signInSessionsValidFromDateTime,omitempty"`
	PasswordPolicies                string      `json:"passwordPolicies,omitempty"`
	PasswordProfile                 *MustChange `json:"passwordProfile,omitempty"`

	CreationType                    string     `json:"creationType,omitempty"`
	ExternalUserState               string     `json:"externalUserState,omitempty"` // PendingAcceptance | Accepted
	ExternalUserStateChangeDateTime *time.Time `json:"externalUserStateChangeDateTime,omitempty"`

	OnPremisesSyncEnabled         *bool                `json:"onPremisesSyncEnabled,omitempty"` // true synced, false was synced, nil never
	OnPremisesLastSyncDateTime    *time.Time           `json:"onPremisesLastSyncDateTime,omitempty"`
	OnPremisesImmutableID         string               `json:"onPremisesImmutableId,omitempty"`
	OnPremisesDistinguishedName   string               `json:"onPremisesDistinguishedName,omitempty"`
	OnPremisesDomainName          string               `json:"onPremisesDomainName,omitempty"`
	OnPremisesSamAccountName      string               `json:"onPremisesSamAccountName,omitempty"`
	OnPremisesExtensionAttributes *ExtensionAttributes `json:"onPremisesExtensionAttributes,omitempty"`

	OnPremisesProvisioningErrors []ProvisioningError `json:"onPremisesProvisioningErrors,omitempty"`

	AssignedLicenses        []AssignedLicense        `json:"assignedLicenses,omitempty"`
	LicenseAssignmentStates []LicenseAssignmentState `json:"licenseAssignmentStates,omitempty"`
	SignInActivity          *SignInActivity          `json:"signInActivity,omitempty"`
	Manager                 *DirectoryObject         `json:"manager,omitempty"`
}

// Synced reports whether the local Active Directory masters the user.
func (u User) Synced() bool { return u.OnPremisesSyncEnabled != nil && *u.OnPremisesSyncEnabled }

// Guest reports whether the user is homed elsewhere.
func (u User) Guest() bool { return u.UserType == "Guest" }

// ProvisioningError is why the local directory's value of a property could not be taken over.
type ProvisioningError struct {
	Category             string `json:"category,omitempty"` // PropertyConflict …
	PropertyCausingError string `json:"propertyCausingError,omitempty"`
	Value                string `json:"value,omitempty"`
}

// ExtensionAttributes are the fifteen extension attributes of a user.
type ExtensionAttributes struct {
	ExtensionAttribute1  string `json:"extensionAttribute1,omitempty"`
	ExtensionAttribute2  string `json:"extensionAttribute2,omitempty"`
	ExtensionAttribute3  string `json:"extensionAttribute3,omitempty"`
	ExtensionAttribute4  string `json:"extensionAttribute4,omitempty"`
	ExtensionAttribute5  string `json:"extensionAttribute5,omitempty"`
	ExtensionAttribute6  string `json:"extensionAttribute6,omitempty"`
	ExtensionAttribute7  string `json:"extensionAttribute7,omitempty"`
	ExtensionAttribute8  string `json:"extensionAttribute8,omitempty"`
	ExtensionAttribute9  string `json:"extensionAttribute9,omitempty"`
	ExtensionAttribute10 string `json:"extensionAttribute10,omitempty"`
	ExtensionAttribute11 string `json:"extensionAttribute11,omitempty"`
	ExtensionAttribute12 string `json:"extensionAttribute12,omitempty"`
	ExtensionAttribute13 string `json:"extensionAttribute13,omitempty"`
	ExtensionAttribute14 string `json:"extensionAttribute14,omitempty"`
	ExtensionAttribute15 string `json:"extensionAttribute15,omitempty"`
}

// AssignedLicense is one licence of a user or group: the SKU and its service plans that are switched off.
type AssignedLicense struct {
	SkuID         string   `json:"skuId"`
	DisabledPlans []string `json:"disabledPlans"`
}

// LicenseAssignmentState says where a licence comes from and how its assignment went.
type LicenseAssignmentState struct {
	SkuID               string     `json:"skuId"`
	AssignedByGroup     string     `json:"assignedByGroup,omitempty"` // the group's id; empty: assigned directly
	State               string     `json:"state,omitempty"`           // Active | ActiveWithError | Disabled | Error
	Error               string     `json:"error,omitempty"`           // CountViolation | MutuallyExclusiveViolation | …
	DisabledPlans       []string   `json:"disabledPlans,omitempty"`
	LastUpdatedDateTime *time.Time `json:"lastUpdatedDateTime,omitempty"`
}

// SignInActivity holds the last sign-ins of a user; it needs Entra ID P1 and AuditLog.Read.All.
type SignInActivity struct {
	LastSignInDateTime               *time.Time `json:"lastSignInDateTime,omitempty"` // attempts, successful or not
	LastSignInRequestID              string     `json:"lastSignInRequestId,omitempty"`
	LastNonInteractiveSignInDateTime *time.Time `json:"lastNonInteractiveSignInDateTime,omitempty"`
	LastSuccessfulSignInDateTime     *time.Time `json:"lastSuccessfulSignInDateTime,omitempty"`
	LastSuccessfulSignInRequestID    string     `json:"lastSuccessfulSignInRequestId,omitempty"`
}

// DirectoryObject is any object of the directory, with the few properties its kinds share. Type is the
// OData type without its prefix: user, group, orgContact, device, servicePrincipal …
type DirectoryObject struct {
	ODataType         string `json:"@odata.type,omitempty"`
	ID                string `json:"id"`
	DisplayName       string `json:"displayName,omitempty"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	Mail              string `json:"mail,omitempty"`
	AppID             string `json:"appId,omitempty"`
}

// Type is the kind of the object: user, group, orgContact …
func (o DirectoryObject) Type() string { return trimODataType(o.ODataType) }

// NewUser is what POST /users takes. The first five fields are required by Microsoft; OnPremisesImmutableID
// is too where the UPN's domain is federated.
type NewUser struct {
	AccountEnabled    bool            `json:"accountEnabled"`
	DisplayName       string          `json:"displayName"`
	MailNickname      string          `json:"mailNickname"`
	UserPrincipalName string          `json:"userPrincipalName"`
	PasswordProfile   PasswordProfile `json:"passwordProfile"`

	GivenName                     string               `json:"givenName,omitempty"`
	Surname                       string               `json:"surname,omitempty"`
	JobTitle                      string               `json:"jobTitle,omitempty"`
	Department                    string               `json:"department,omitempty"`
	CompanyName                   string               `json:"companyName,omitempty"`
	EmployeeID                    string               `json:"employeeId,omitempty"`
	EmployeeType                  string               `json:"employeeType,omitempty"`
	OfficeLocation                string               `json:"officeLocation,omitempty"`
	StreetAddress                 string               `json:"streetAddress,omitempty"`
	City                          string               `json:"city,omitempty"`
	State                         string               `json:"state,omitempty"`
	PostalCode                    string               `json:"postalCode,omitempty"`
	Country                       string               `json:"country,omitempty"`
	UsageLocation                 string               `json:"usageLocation,omitempty"`
	PreferredLanguage             string               `json:"preferredLanguage,omitempty"`
	BusinessPhones                []string             `json:"businessPhones,omitempty"`
	MobilePhone                   string               `json:"mobilePhone,omitempty"`
	FaxNumber                     string               `json:"faxNumber,omitempty"`
	OtherMails                    []string             `json:"otherMails,omitempty"`
	UserType                      string               `json:"userType,omitempty"`
	PasswordPolicies              string               `json:"passwordPolicies,omitempty"`
	OnPremisesImmutableID         string               `json:"onPremisesImmutableId,omitempty"`
	OnPremisesExtensionAttributes *ExtensionAttributes `json:"onPremisesExtensionAttributes,omitempty"`

	// Properties are more of them by Microsoft's name; they win.
	Properties map[string]any `json:"-"`
}

// body is the user as it is sent.
func (u NewUser) body() (map[string]any, error) {
	b, err := json.Marshal(u)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, err
	}
	maps.Copy(out, u.Properties)
	return out, nil
}

// MustChange is what Microsoft shows of a password: whether the user has to choose another at the next sign-in.
type MustChange struct {
	ForceChangePasswordNextSignIn bool `json:"forceChangePasswordNextSignIn"`
}

// PasswordProfile sets a password; it never comes back.
type PasswordProfile struct {
	Password                             string `json:"password"`
	ForceChangePasswordNextSignIn        bool   `json:"forceChangePasswordNextSignIn"`
	ForceChangePasswordNextSignInWithMfa bool   `json:"forceChangePasswordNextSignInWithMfa,omitempty"`
}

// UserQuery narrows a list of users. Filter and Search are OData expressions: quote what people typed with
// ODataString. Advanced sends ConsistencyLevel: eventual and $count=true, which Search, ne, not, endsWith
// and Filter together with OrderBy need; it cannot be combined with Expand.
type UserQuery struct {
	Filter   string
	Search   string   // e.g. "displayName:wa" OR "mail:wa", double quotes included
	Select   []string // empty: DefaultUserSelect
	OrderBy  string
	Top      int // page size, at most 999 (500 with signInActivity); 0 means the largest
	Expand   string
	Advanced bool
	Deleted  bool // the recycle bin instead of the living
}

// UserPage is one page of a list. Next is the opaque link of the following page, empty on the last; Count
// is the size of the whole list, on the first page of an advanced query only.
type UserPage struct {
	Users []User
	Next  string
	Count *int64
}
