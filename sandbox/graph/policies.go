package graph

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

var policyOperations = []op{
	{verb: "GET", path: "/identity/conditionalAccess/policies", app: "Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess", do: listPolicies},
	{verb: "GET", path: "/identity/conditionalAccess/policies/{id}", app: "Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess", do: getPolicy},
	{verb: "GET", path: "/identity/conditionalAccess/namedLocations", app: "Policy.Read.All Policy.Read.ConditionalAccess Policy.ReadWrite.ConditionalAccess", do: listLocations},
	{verb: "GET", path: "/policies/identitySecurityDefaultsEnforcementPolicy", app: "Policy.Read.All", do: securityDefaults},
	{verb: "GET", path: "/policies/authorizationPolicy", app: "Policy.Read.All Policy.ReadWrite.Authorization", do: authorizationPolicy},
	{verb: "GET", path: "/policies/authenticationMethodsPolicy", app: "Policy.Read.All Policy.Read.AuthenticationMethod Policy.ReadWrite.AuthenticationMethod", do: methodsPolicy},
	{verb: "GET", path: "/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/{id}", app: "Policy.Read.All Policy.Read.AuthenticationMethod Policy.ReadWrite.AuthenticationMethod", do: methodConfiguration},
}

func (c *call) caLicensed() error {
	if !c.t.Premium() {
		return refused(403, "AccessDenied", "You cannot perform the requested operation, required scopes are missing in the token.")
	}
	return nil
}

// listPolicies is GET /identity/conditionalAccess/policies.
func listPolicies(c *call) error {
	if err := c.caLicensed(); err != nil {
		return err
	}
	return c.list(listing{set: "identity/conditionalAccess/policies", typ: "conditionalAccessPolicy", rows: c.t.Collection("conditionalAccessPolicies").All(),
		options: "$count $filter $orderby $select $skip $top", page: 100, max: 999})
}

func getPolicy(c *call) error {
	if err := c.caLicensed(); err != nil {
		return err
	}
	o := c.t.Collection("conditionalAccessPolicies").Get(c.args[0])
	if o == nil {
		return refused(404, "ResourceNotFound", "Policy %s was not found.", c.args[0])
	}
	return c.entity("identity/conditionalAccess/policies", "conditionalAccessPolicy", o, nil)
}

func listLocations(c *call) error {
	if err := c.caLicensed(); err != nil {
		return err
	}
	return c.list(listing{set: "identity/conditionalAccess/namedLocations", typ: "namedLocation", rows: c.t.Collection("namedLocations").All(),
		options: "$count $filter $orderby $select $skip $top", page: 100, max: 999, typeOf: func(o cloud.Object) string {
			if typ := strings.TrimPrefix(cloud.Str(o, "@odata.type"), "#microsoft.graph."); typ != "" {
				return typ
			}
			if o["ipRanges"] != nil {
				return "ipNamedLocation"
			}
			return "countryNamedLocation"
		}})
}

func securityDefaults(c *call) error {
	return c.entity("policies/identitySecurityDefaultsEnforcementPolicy", "identitySecurityDefaultsEnforcementPolicy", cloud.Object{
		"id": "00000000-0000-0000-0000-000000000005", "displayName": "Security Defaults", "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft.",
		"isEnabled": cloud.Bool(c.t.Policies, "securityDefaults")}, nil)
}

func authorizationPolicy(c *call) error {
	return c.entity("policies/authorizationPolicy", "authorizationPolicy", merged(cloud.Object{"id": "authorizationPolicy", "displayName": "Authorization Policy",
		"description": "Used to manage authorization related settings across the company.", "allowInvitesFrom": "adminsAndGuestInviters", "allowedToSignUpEmailBasedSubscriptions": true,
		"allowedToUseSSPR": true, "allowEmailVerifiedUsersToJoinOrganization": false, "blockMsolPowerShell": false, "guestUserRoleId": "10dae51f-b6af-4016-8d66-8c2a99b929b3",
		"defaultUserRolePermissions": cloud.Object{"allowedToCreateApps": true, "allowedToCreateSecurityGroups": true, "allowedToReadOtherUsers": true,
			"permissionGrantPoliciesAssigned": []any{"ManagePermissionGrantsForSelf.microsoft-user-default-low"}}}, cloud.Child(c.t.Policies, "authorizationPolicy")), nil)
}

// passPolicy is what the tenant allows of Temporary Access Passes.
func (c *call) passPolicy() cloud.Object {
	state := func(on bool) string {
		if on {
			return "enabled"
		}
		return "disabled"
	}
	pass := cloud.Object{"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration", "id": "TemporaryAccessPass", "state": state(c.t.PassAllowed()),
		"defaultLifetimeInMinutes": 60.0, "defaultLength": 8.0, "minimumLifetimeInMinutes": 60.0, "maximumLifetimeInMinutes": 480.0, "isUsableOnce": false,
		"includeTargets": []any{cloud.Object{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}}, "excludeTargets": []any{}}
	if p := cloud.Child(c.t.Policies, "temporaryAccessPass"); p != nil {
		for _, key := range []string{"defaultLifetimeInMinutes", "defaultLength", "minimumLifetimeInMinutes", "maximumLifetimeInMinutes", "isUsableOnce", "includeTargets", "excludeTargets"} {
			if p[key] != nil {
				pass[key] = p[key]
			}
		}
	}
	return pass
}

func (c *call) configurations() []cloud.Object {
	all := []cloud.Object{
		{"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "id": "Fido2", "state": "enabled", "excludeTargets": []any{}},
		{"@odata.type": "#microsoft.graph.microsoftAuthenticatorAuthenticationMethodConfiguration", "id": "MicrosoftAuthenticator", "state": "enabled", "excludeTargets": []any{}},
		{"@odata.type": "#microsoft.graph.smsAuthenticationMethodConfiguration", "id": "Sms", "state": "enabled", "excludeTargets": []any{}},
		c.passPolicy(),
		{"@odata.type": "#microsoft.graph.softwareOathAuthenticationMethodConfiguration", "id": "SoftwareOath", "state": "enabled", "excludeTargets": []any{}},
		{"@odata.type": "#microsoft.graph.voiceAuthenticationMethodConfiguration", "id": "Voice", "state": "disabled", "excludeTargets": []any{}},
		{"@odata.type": "#microsoft.graph.emailAuthenticationMethodConfiguration", "id": "Email", "state": "enabled", "excludeTargets": []any{}},
	}
	for _, o := range all {
		if o["includeTargets"] == nil {
			o["includeTargets"] = []any{cloud.Object{"targetType": "group", "id": "all_users", "isRegistrationRequired": false}}
		}
	}
	return all
}

// methodsPolicy is GET /policies/authenticationMethodsPolicy.
func methodsPolicy(c *call) error {
	campaign := "disabled"
	if cloud.Bool(c.t.Policies, "registrationCampaign") {
		campaign = "enabled"
	}
	o := merged(cloud.Object{"id": "authenticationMethodsPolicy", "displayName": "Authentication Methods Policy",
		"description": "The tenant-wide policy that controls which authentication methods are allowed in the tenant.", "policyVersion": "1.5",
		"policyMigrationState": "migrationComplete", "reconfirmationInDays": nil, "lastModifiedDateTime": nil,
		"registrationEnforcement": cloud.Object{"authenticationMethodsRegistrationCampaign": cloud.Object{"snoozeDurationInDays": 1.0, "state": campaign,
			"excludeTargets": []any{}, "includeTargets": []any{}}}}, cloud.Child(c.t.Policies, "authenticationMethodsPolicy"))
	o["authenticationMethodConfigurations"] = cloud.Rows(c.configurations())
	return c.plain("authenticationMethodsPolicy", o)
}

func methodConfiguration(c *call) error {
	for _, o := range c.configurations() {
		if strings.EqualFold(cloud.Str(o, "id"), c.args[0]) {
			return c.plain("policies/authenticationMethodsPolicy/authenticationMethodConfigurations/$entity", o)
		}
	}
	return refused(404, "resourceNotFound", "Resource not found.")
}
