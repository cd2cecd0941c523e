package cloud

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The keys of the state file, level by level. Anything else is refused by name, so that a misspelt key
// cannot pass unnoticed.
var (
	tenantKeys = []string{"tenantId", "displayName", "defaultDomain", "domains", "features", "gdap", "consents", "policies",
		"operator", "graph", "exchange", "faults"}
	domainKeys = []string{"id", "isDefault", "isVerified", "isInitial", "isRoot", "isAdminManaged", "authenticationType",
		"availabilityStatus", "supportedServices", "passwordValidityPeriodInDays", "passwordNotificationWindowInDays",
		"state", "model", "federationConfiguration"}
	featureKeys = []string{"entra", "signInApi", "unifiedAuditLog", "mailItemsAccessed", "entraLogDays", "ualDays", "ualLagMinutes", "auditQuerySeconds",
		"passwordWriteback", "syncOverwritesAccountEnabled", "intune", "defender", "b2bInvitations", "sharingCapability"}
	policyKeys = []string{"temporaryAccessPass", "securityDefaults", "registrationCampaign", "authorizationPolicy",
		"authenticationMethodsPolicy"}
	gdapKeys = []string{"id", "displayName", "status", "roles", "accessAssignments", "createdDateTime", "activatedDateTime",
		"endDateTime", "duration", "autoExtendDuration"}
	operatorKeys = []string{"trustedForwardDomains", "approvedApps", "approvedPartnerTenants", "breakGlass"}
	exchangeKeys = []string{"mailboxes", "distributionGroups", "dynamicDistributionGroups", "mailUsers", "mailContacts",
		"unifiedAuditLog", "messageTrace", "transportRules", "inboundConnectors", "outboundConnectors", "organizationConfig",
		"adminAuditLogConfig", "remoteDomains", "acceptedDomains", "hostedOutboundSpamFilterPolicies", "auditBypass",
		"blockedSenders", "transportConfig", "authenticationPolicies", "journalRules", "retentionPolicies", "managementRoleAssignments", "quarantineMessages"}
	graphKeys = []string{"users", "groups", "subscribedSkus", "devices", "managedDevices", "directoryRoles", "roleAssignments",
		"roleEligibilitySchedules", "servicePrincipals", "applications", "oauth2PermissionGrants", "appRoleAssignments",
		"conditionalAccessPolicies", "namedLocations", "administrativeUnits", "signIns", "directoryAudits", "riskyUsers",
		"riskDetections", "alerts", "auditLogQueries", "deletedItems", "sites", "delegatedAdminRelationships", "contracts", "organization", "contacts", "numberAssignments"}
)

// known refuses any key of o that is not in keys, naming it and its place.
func known(o Object, path string, keys ...string) error {
	for _, k := range sortedKeys(o) {
		if !slices.Contains(keys, k) {
			return fmt.Errorf("%s: unknown key %q (known: %s)", path, k, strings.Join(keys, ", "))
		}
	}
	return nil
}

var (
	relativeTime = regexp.MustCompile(`^\$now((?:[+-](?:\d+[smhdw])+)*)$`)
	span         = regexp.MustCompile(`([+-]?)(\d+)([smhdw])`)
	units        = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
)

// resolveTimes replaces every string that begins with $now by the moment it means.
func resolveTimes(v any, now time.Time, path string) error {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s, ok := x.(string); ok && strings.HasPrefix(s, "$now") {
				r, err := relative(s, now)
				if err != nil {
					return fmt.Errorf("%s.%s: %w", path, k, err)
				}
				v[k] = r
			} else if err := resolveTimes(x, now, path+"."+k); err != nil {
				return err
			}
		}
	case []any:
		for i, x := range v {
			if s, ok := x.(string); ok && strings.HasPrefix(s, "$now") {
				r, err := relative(s, now)
				if err != nil {
					return fmt.Errorf("%s[%d]: %w", path, i, err)
				}
				v[i] = r
			} else if err := resolveTimes(x, now, path); err != nil {
				return err
			}
		}
	}
	return nil
}

func relative(s string, now time.Time) (string, error) {
	m := relativeTime.FindStringSubmatch(s)
	if m == nil {
		return "", fmt.Errorf("%q is no time like $now, $now-3h or $now-40d", s)
	}
	sign := int64(1)
	for _, p := range span.FindAllStringSubmatch(m[1], -1) {
		switch p[1] {
		case "-":
			sign = -1
		case "+":
			sign = 1
		}
		n, err := strconv.ParseInt(p[2], 10, 32)
		if err != nil {
			return "", fmt.Errorf("%q: %w", s, err)
		}
		now = now.Add(time.Duration(sign * n * int64(units[p[3]])))
	}
	return Stamp(now), nil
}
