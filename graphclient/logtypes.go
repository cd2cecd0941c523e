package graphclient

import "time"

// SignIn is one row of the sign-in log.
//
// Reference: https://learn.microsoft.com/graph/api/resources/signin
type SignIn struct {
	ID                               string            `json:"id"`
	CreatedDateTime                  *time.Time        `json:"createdDateTime,omitempty"`
	UserID                           string            `json:"userId"`
	UserPrincipalName                string            `json:"userPrincipalName"`
	UserDisplayName                  string            `json:"userDisplayName,omitempty"`
	AppID                            string            `json:"appId,omitempty"`
	AppDisplayName                   string            `json:"appDisplayName,omitempty"`
	ResourceDisplayName              string            `json:"resourceDisplayName,omitempty"`
	ResourceID                       string            `json:"resourceId,omitempty"`
	IPAddress                        string            `json:"ipAddress,omitempty"`
	ClientAppUsed                    string            `json:"clientAppUsed,omitempty"`
	UserAgent                        string            `json:"userAgent,omitempty"`
	CorrelationID                    string            `json:"correlationId,omitempty"`
	ConditionalAccessStatus          string            `json:"conditionalAccessStatus,omitempty"` // success | failure | notApplied
	IsInteractive                    *bool             `json:"isInteractive,omitempty"`
	RiskState                        string            `json:"riskState,omitempty"`
	RiskLevelDuringSignIn            string            `json:"riskLevelDuringSignIn,omitempty"`
	RiskLevelAggregated              string            `json:"riskLevelAggregated,omitempty"`
	RiskDetail                       string            `json:"riskDetail,omitempty"`
	RiskEventTypes                   []string          `json:"riskEventTypes_v2,omitempty"`
	Status                           SignInStatus      `json:"status"`
	Location                         SignInLocation    `json:"location"`
	DeviceDetail                     SignInDevice      `json:"deviceDetail"`
	AppliedConditionalAccessPolicies []AppliedCAPolicy `json:"appliedConditionalAccessPolicies,omitempty"`

	// Beta only, filled by a query with Types.
	SignInEventTypes          []string `json:"signInEventTypes,omitempty"`
	AuthenticationRequirement string   `json:"authenticationRequirement,omitempty"`
	AuthenticationProtocol    string   `json:"authenticationProtocol,omitempty"`
	OriginalTransferMethod    string   `json:"originalTransferMethod,omitempty"`
	IncomingTokenType         string   `json:"incomingTokenType,omitempty"`
	UniqueTokenIdentifier     string   `json:"uniqueTokenIdentifier,omitempty"`
	SessionID                 string   `json:"sessionId,omitempty"`
	AutonomousSystemNumber    *int     `json:"autonomousSystemNumber,omitempty"`

	AuthenticationDetails       []AuthenticationDetail `json:"authenticationDetails,omitempty"`
	CrossTenantAccessType       string                 `json:"crossTenantAccessType,omitempty"` // none | b2bCollaboration | serviceProvider …
	IPAddressFromResource       string                 `json:"ipAddressFromResourceProvider,omitempty"`
	ThroughGlobalSecureAccess   *bool                  `json:"isThroughGlobalSecureAccess,omitempty"`
	GlobalSecureAccessIPAddress string                 `json:"globalSecureAccessIpAddress,omitempty"`
	HomeTenantID                string                 `json:"homeTenantId,omitempty"`
	UserType                    string                 `json:"userType,omitempty"` // member | guest
}

// AuthenticationDetail is one step of a sign-in: with which method, and how it went.
//
// Reference: https://learn.microsoft.com/graph/api/resources/authenticationdetail
type AuthenticationDetail struct {
	StepDateTime     *time.Time `json:"authenticationStepDateTime,omitempty"`
	Method           string     `json:"authenticationMethod,omitempty"`
	MethodDetail     string     `json:"authenticationMethodDetail,omitempty"`
	Succeeded        *bool      `json:"succeeded,omitempty"`
	StepResultDetail string     `json:"authenticationStepResultDetail,omitempty"`
	StepRequirement  string     `json:"authenticationStepRequirement,omitempty"`
}

// SignInStatus is how the sign-in ended; ErrorCode 0 is success.
type SignInStatus struct {
	ErrorCode         int    `json:"errorCode"`
	FailureReason     string `json:"failureReason,omitempty"`
	AdditionalDetails string `json:"additionalDetails,omitempty"`
}

// SignInLocation is where the address is thought to be.
type SignInLocation struct {
	City            string          `json:"city,omitempty"`
	State           string          `json:"state,omitempty"`
	CountryOrRegion string          `json:"countryOrRegion,omitempty"`
	GeoCoordinates  *GeoCoordinates `json:"geoCoordinates,omitempty"`
}

// GeoCoordinates are degrees.
type GeoCoordinates struct {
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
}

// SignInDevice is the device the sign-in came from, as far as known.
type SignInDevice struct {
	DeviceID        string `json:"deviceId,omitempty"`
	DisplayName     string `json:"displayName,omitempty"`
	OperatingSystem string `json:"operatingSystem,omitempty"`
	Browser         string `json:"browser,omitempty"`
	IsCompliant     *bool  `json:"isCompliant,omitempty"`
	IsManaged       *bool  `json:"isManaged,omitempty"`
	TrustType       string `json:"trustType,omitempty"`
	BrowserID       string `json:"browserId,omitempty"` // beta only
}

// AppliedCAPolicy is a Conditional Access policy the sign-in met.
type AppliedCAPolicy struct {
	ID                    string   `json:"id"`
	DisplayName           string   `json:"displayName"`
	EnforcedGrantControls []string `json:"enforcedGrantControls,omitempty"`
	Result                string   `json:"result,omitempty"`
}

// SignInQuery narrows the sign-in log; a row must match each field that is set. Types asks the beta endpoint,
// with its further fields, for rows of these types: interactiveUser, nonInteractiveUser, servicePrincipal,
// managedIdentity. Without it v1.0 is asked, which has interactive rows only. AllTypes means the first two.
type SignInQuery struct {
	UserID    string
	IPAddress string
	AppID     string
	Since     time.Time
	Until     time.Time
	Types     []string
	Max       int
	AllTypes  bool
}

// DirectoryAudit is one row of the directory audit log.
//
// Reference: https://learn.microsoft.com/graph/api/resources/directoryaudit
type DirectoryAudit struct {
	ID                  string          `json:"id"`
	ActivityDateTime    *time.Time      `json:"activityDateTime,omitempty"`
	ActivityDisplayName string          `json:"activityDisplayName"`
	Category            string          `json:"category,omitempty"`
	OperationType       string          `json:"operationType,omitempty"`
	Result              string          `json:"result,omitempty"` // success | failure | timeout
	ResultReason        string          `json:"resultReason,omitempty"`
	LoggedByService     string          `json:"loggedByService,omitempty"`
	CorrelationID       string          `json:"correlationId,omitempty"`
	InitiatedBy         AuditInitiator  `json:"initiatedBy"`
	TargetResources     []AuditTarget   `json:"targetResources,omitempty"`
	AdditionalDetails   []AuditKeyValue `json:"additionalDetails,omitempty"`
}

// AuditInitiator is who did it: a user or an application.
type AuditInitiator struct {
	User *AuditUser `json:"user,omitempty"`
	App  *AuditApp  `json:"app,omitempty"`
}

// AuditUser is an acting user.
type AuditUser struct {
	ID                string `json:"id,omitempty"`
	DisplayName       string `json:"displayName,omitempty"`
	UserPrincipalName string `json:"userPrincipalName,omitempty"`
	IPAddress         string `json:"ipAddress,omitempty"`
}

// AuditApp is an acting application.
type AuditApp struct {
	AppID              string `json:"appId,omitempty"`
	DisplayName        string `json:"displayName,omitempty"`
	ServicePrincipalID string `json:"servicePrincipalId,omitempty"`
}

// AuditTarget is what it was done to.
type AuditTarget struct {
	ID                 string             `json:"id,omitempty"`
	DisplayName        string             `json:"displayName,omitempty"`
	Type               string             `json:"type,omitempty"`
	UserPrincipalName  string             `json:"userPrincipalName,omitempty"`
	ModifiedProperties []ModifiedProperty `json:"modifiedProperties,omitempty"`
}

// ModifiedProperty is a change; the values are JSON written as strings.
type ModifiedProperty struct {
	DisplayName string `json:"displayName"`
	OldValue    string `json:"oldValue,omitempty"`
	NewValue    string `json:"newValue,omitempty"`
}

// AuditKeyValue is a further detail.
type AuditKeyValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// AuditQuery narrows the directory audit log by the object acted upon, the acting user, category and service;
// a row must match each that is set.
type AuditQuery struct {
	TargetID        string
	InitiatorID     string
	Category        string // UserManagement, RoleManagement, Policy …
	LoggedByService string // Core Directory, Authentication Methods …
	Since           time.Time
	Until           time.Time
	Max             int
}

// Device is a device known to Entra ID. ID is the object's id, DeviceID the device's own.
//
// Reference: https://learn.microsoft.com/graph/api/resources/device
type Device struct {
	ID                            string     `json:"id"`
	DeviceID                      string     `json:"deviceId,omitempty"`
	DisplayName                   string     `json:"displayName,omitempty"`
	AccountEnabled                *bool      `json:"accountEnabled,omitempty"`
	OperatingSystem               string     `json:"operatingSystem,omitempty"`
	OperatingSystemVersion        string     `json:"operatingSystemVersion,omitempty"`
	TrustType                     string     `json:"trustType,omitempty"` // Workplace | AzureAd | ServerAd
	IsCompliant                   *bool      `json:"isCompliant,omitempty"`
	IsManaged                     *bool      `json:"isManaged,omitempty"`
	ApproximateLastSignInDateTime *time.Time `json:"approximateLastSignInDateTime,omitempty"`
	RegistrationDateTime          *time.Time `json:"registrationDateTime,omitempty"`
	Manufacturer                  string     `json:"manufacturer,omitempty"`
	Model                         string     `json:"model,omitempty"`
	ProfileType                   string     `json:"profileType,omitempty"`
}

// ManagedDevice is a device Intune manages.
//
// Reference: https://learn.microsoft.com/graph/api/resources/intune-devices-manageddevice
type ManagedDevice struct {
	ID                     string     `json:"id"`
	UserID                 string     `json:"userId,omitempty"`
	DeviceName             string     `json:"deviceName,omitempty"`
	ManagedDeviceOwnerType string     `json:"managedDeviceOwnerType,omitempty"` // company | personal | unknown
	EnrolledDateTime       *time.Time `json:"enrolledDateTime,omitempty"`
	LastSyncDateTime       *time.Time `json:"lastSyncDateTime,omitempty"`
	OperatingSystem        string     `json:"operatingSystem,omitempty"`
	OSVersion              string     `json:"osVersion,omitempty"`
	ComplianceState        string     `json:"complianceState,omitempty"`
	ManagementAgent        string     `json:"managementAgent,omitempty"`
	AzureADDeviceID        string     `json:"azureADDeviceId,omitempty"`
	IsEncrypted            *bool      `json:"isEncrypted,omitempty"`
	JailBroken             string     `json:"jailBroken,omitempty"`
	Model                  string     `json:"model,omitempty"`
	Manufacturer           string     `json:"manufacturer,omitempty"`
	SerialNumber           string     `json:"serialNumber,omitempty"`
	UserPrincipalName      string     `json:"userPrincipalName,omitempty"`
}

// RiskyUser is Identity Protection's opinion of a user.
//
// Reference: https://learn.microsoft.com/graph/api/resources/riskyuser
type RiskyUser struct {
	ID                      string     `json:"id"`
	UserPrincipalName       string     `json:"userPrincipalName"`
	RiskLevel               string     `json:"riskLevel"` // low | medium | high | hidden | none
	RiskState               string     `json:"riskState"` // none | atRisk | confirmedCompromised | remediated | dismissed | confirmedSafe
	RiskDetail              string     `json:"riskDetail,omitempty"`
	RiskLastUpdatedDateTime *time.Time `json:"riskLastUpdatedDateTime,omitempty"`
	IsDeleted               bool       `json:"isDeleted,omitempty"`
	IsProcessing            bool       `json:"isProcessing,omitempty"`
}

// RiskChange is one entry of the history of a user's risk.
//
// Reference: https://learn.microsoft.com/graph/api/resources/riskyuserhistoryitem
type RiskChange struct {
	RiskyUser
	InitiatedBy string `json:"initiatedBy,omitempty"`
	Activity    *struct {
		Detail     string   `json:"detail,omitempty"`
		EventTypes []string `json:"riskEventTypes,omitempty"`
	} `json:"activity,omitempty"`
}

// RiskDetection is one thing that Identity Protection noticed.
//
// Reference: https://learn.microsoft.com/graph/api/resources/riskdetection
type RiskDetection struct {
	ID                  string         `json:"id"`
	RequestID           string         `json:"requestId,omitempty"` // the sign-in's id, where it was one
	CorrelationID       string         `json:"correlationId,omitempty"`
	RiskEventType       string         `json:"riskEventType"` // anonymizedIPAddress, attackerinTheMiddle …; generic without P2
	RiskState           string         `json:"riskState,omitempty"`
	RiskLevel           string         `json:"riskLevel,omitempty"`
	RiskDetail          string         `json:"riskDetail,omitempty"`
	Source              string         `json:"source,omitempty"`
	DetectionTimingType string         `json:"detectionTimingType,omitempty"` // realtime | nearRealtime | offline
	Activity            string         `json:"activity,omitempty"`            // signin | user
	TokenIssuerType     string         `json:"tokenIssuerType,omitempty"`
	IPAddress           string         `json:"ipAddress,omitempty"`
	ActivityDateTime    *time.Time     `json:"activityDateTime,omitempty"`
	DetectedDateTime    *time.Time     `json:"detectedDateTime,omitempty"`
	LastUpdatedDateTime *time.Time     `json:"lastUpdatedDateTime,omitempty"`
	UserID              string         `json:"userId,omitempty"`
	UserPrincipalName   string         `json:"userPrincipalName,omitempty"`
	AdditionalInfo      string         `json:"additionalInfo,omitempty"` // JSON in a string
	Location            SignInLocation `json:"location"`
}

// Drive is a user's OneDrive.
//
// Reference: https://learn.microsoft.com/graph/api/resources/drive
type Drive struct {
	ID        string     `json:"id"`
	Name      string     `json:"name,omitempty"`
	DriveType string     `json:"driveType,omitempty"` // business | personal | documentLibrary
	WebURL    string     `json:"webUrl,omitempty"`
	Quota     DriveQuota `json:"quota"`
}

// DriveQuota is in bytes.
type DriveQuota struct {
	Total     int64  `json:"total"`
	Used      int64  `json:"used"`
	Remaining int64  `json:"remaining"`
	Deleted   int64  `json:"deleted"`
	State     string `json:"state,omitempty"` // normal | nearing | critical | exceeded
}
