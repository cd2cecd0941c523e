package graph

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const reportRoles = "Reports Reader,Security Reader,Security Administrator,Global Reader"

var reportOperations = []op{
	{verb: "GET", path: "/reports/authenticationMethods/userRegistrationDetails", app: "AuditLog.Read.All", roles: reportRoles, do: listRegistration},
	{verb: "GET", path: "/reports/authenticationMethods/userRegistrationDetails/{id}", app: "AuditLog.Read.All", roles: reportRoles, do: getRegistration},
}

// listRegistration is the registration report, derived from the methods. Disabled users are left out.
// https://learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails
func listRegistration(c *call) error {
	if !c.t.Premium() {
		return notPremium()
	}
	admins := c.admins()
	rows := make([]cloud.Object, 0, c.t.Users().Len())
	for _, u := range c.t.SeenAll(c.t.Users().All()) {
		if u["accountEnabled"] != false {
			rows = append(rows, c.registration(u, admins))
		}
	}
	return c.list(listing{set: "reports/authenticationMethods/userRegistrationDetails", typ: "userRegistrationDetails", rows: rows, page: 1000, max: 1000, clamp: true,
		options: "$filter $orderby $top $select $count", orderable: []string{"userPrincipalName", "userDisplayName"}})
}

func getRegistration(c *call) error {
	if !c.t.Premium() {
		return notPremium()
	}
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	if u["accountEnabled"] == false {
		return notFound(c.args[0])
	}
	return c.entity("reports/authenticationMethods/userRegistrationDetails", "userRegistrationDetails", c.registration(u, c.admins()), nil)
}

// admins is the ids of users who hold a directory role, directly or through a group.
func (c *call) admins() map[string]bool {
	out := map[string]bool{}
	for _, a := range c.t.Collection("roleAssignments").All() {
		id := cloud.Str(a, "principalId")
		out[strings.ToLower(id)] = true
		for _, m := range cloud.Strings(c.t.Group(id), "members") {
			out[strings.ToLower(m)] = true
		}
	}
	return out
}

// registered is the report's names of what a user has registered.
func registered(u cloud.Object) []string {
	var out []string
	add := func(names ...string) {
		for _, n := range names {
			if !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	for _, m := range methodsOf(u) {
		switch typeOf(m) {
		case "phoneAuthenticationMethod":
			switch cloud.Str(m, "phoneType") {
			case "mobile":
				add("mobilePhone")
			case "alternateMobile":
				add("alternateMobilePhone")
			case "office":
				add("officePhone")
			}
		case "microsoftAuthenticatorAuthenticationMethod":
			add("microsoftAuthenticatorPush", "softwareOneTimePasscode")
		case "passwordlessMicrosoftAuthenticatorAuthenticationMethod":
			add("microsoftAuthenticatorPasswordless")
		case "fido2AuthenticationMethod":
			add("fido2")
		case "windowsHelloForBusinessAuthenticationMethod":
			add("windowsHelloForBusiness")
		case "softwareOathAuthenticationMethod":
			add("softwareOneTimePasscode")
		case "hardwareOathAuthenticationMethod":
			add("hardwareOneTimePasscode")
		case "emailAuthenticationMethod":
			add("email")
		case "temporaryAccessPassAuthenticationMethod":
			if cloud.Bool(m, "isUsable") {
				add("temporaryAccessPass")
			}
		case "platformCredentialAuthenticationMethod":
			add("macOsSecureEnclaveKey")
		case "externalAuthenticationMethod":
			add("externalAuthMethod")
		}
	}
	return out
}

func (c *call) registration(u cloud.Object, admins map[string]bool) cloud.Object {
	names := registered(u)
	has := func(list ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(list, n) })
	}
	mfa := has("mobilePhone", "alternateMobilePhone", "officePhone", "microsoftAuthenticatorPush", "microsoftAuthenticatorPasswordless", "fido2",
		"windowsHelloForBusiness", "softwareOneTimePasscode", "hardwareOneTimePasscode", "macOsSecureEnclaveKey", "externalAuthMethod")
	reset := has("mobilePhone", "alternateMobilePhone", "officePhone", "email", "microsoftAuthenticatorPush", "softwareOneTimePasscode", "hardwareOneTimePasscode")
	prefs := cloud.Child(cloud.Child(u, "authentication"), "signInPreferences")
	choice := cloud.Str(prefs, "userPreferredMethodForSecondaryAuthentication")
	if choice == "" {
		choice = "none"
	}
	system := prefs["isSystemPreferredAuthenticationMethodEnabled"] != false
	systemMethods := []any{}
	if system {
		for _, kind := range [][2]string{{"fido2", "Fido2"}, {"microsoftAuthenticatorPush", "PhoneAppNotification"}, {"softwareOneTimePasscode", "PhoneAppOTP"}, {"mobilePhone", "OneWaySms"}} {
			if has(kind[0]) {
				systemMethods = append(systemMethods, kind[1])
				break
			}
		}
	}
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = n
	}
	kind := "member"
	if isGuest(u) {
		kind = "guest"
	}
	return cloud.Object{"id": u["id"], "userPrincipalName": u["userPrincipalName"], "userDisplayName": u["displayName"], "userType": kind,
		"isAdmin": admins[strings.ToLower(cloud.Str(u, "id"))], "isSsprRegistered": reset, "isSsprEnabled": true, "isSsprCapable": reset,
		"isMfaRegistered": mfa, "isMfaCapable": mfa, "isPasswordlessCapable": has("fido2", "windowsHelloForBusiness", "microsoftAuthenticatorPasswordless", "macOsSecureEnclaveKey"),
		"methodsRegistered": list, "isSystemPreferredAuthenticationMethodEnabled": system, "systemPreferredAuthenticationMethods": systemMethods,
		"userPreferredMethodForSecondaryAuthentication": choice, "lastUpdatedDateTime": cloud.Stamp(c.t.Now())}
}
