package tools

import (
	"context"
	"slices"
	"strings"
	"time"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
)

// RoleRow is a directory role that a user holds, or may activate.
type RoleRow struct {
	Role  string `json:"role"`
	State string `json:"state"` // active | eligible
	Scope string `json:"scope"` // directory, or what part of it
	Via   string `json:"via,omitempty"`
}

func (r RoleRow) line() string {
	return "role " + q(r.Role) + " | " + r.State + " | " + r.Scope + fenced(" | through ", r.Via)
}

// roleRows are a user's roles: assigned, got through groups, and to be activated. That the last cannot be read does not
// hide the others.
func roleRows(ctx context.Context, c *Call) ([]RoleRow, error) {
	tid, id := c.Tenant.ID, c.User.ID
	privileges, err := c.Graph.PrivilegesOf(ctx, tid, id)
	if err != nil {
		return nil, err
	}
	assigned, err := c.Graph.RoleAssignmentsOf(ctx, tid, id)
	if err != nil {
		return nil, err
	}
	rows, direct := []RoleRow{}, map[string]bool{}
	for _, a := range assigned {
		r := RoleRow{Role: a.RoleDefinitionID, State: "active", Scope: scopeName(a.DirectoryScopeID)}
		if a.RoleDefinition != nil {
			r.Role = a.RoleDefinition.DisplayName
			direct[strings.ToLower(r.Role)] = true
		}
		rows = append(rows, r)
	}
	for _, p := range privileges.Roles {
		if !direct[strings.ToLower(p.DisplayName)] {
			rows = append(rows, RoleRow{Role: p.DisplayName, State: "active", Scope: "directory", Via: "a group"})
		}
	}
	for _, g := range privileges.RoleGroups {
		rows = append(rows, RoleRow{Role: "whatever the role-assignable group has", State: "active", Scope: "directory", Via: g.DisplayName})
	}
	eligible, err := c.Graph.RoleEligibilitiesOf(ctx, tid, id)
	if err != nil || len(eligible) == 0 {
		return rows, err
	}
	names := map[string]string{}
	definitions, err := c.Graph.RoleDefinitions(ctx, tid)
	for _, d := range definitions {
		names[strings.ToLower(d.ID)] = d.DisplayName
	}
	for _, e := range eligible {
		name := names[strings.ToLower(e.RoleDefinitionID)]
		if name == "" {
			name = e.RoleDefinitionID
		}
		rows = append(rows, RoleRow{Role: name, State: "eligible", Scope: scopeName(e.DirectoryScopeID)})
	}
	return rows, err
}

func scopeName(id string) string {
	if id == "" || id == "/" {
		return "directory"
	}
	return strings.TrimPrefix(id, "/")
}

// userJobs are the jobs on a user that are not over.
func userJobs(ctx context.Context, c *Call) ([]JobRow, error) {
	out := []JobRow{}
	for _, state := range []string{jobs.RunHeld, jobs.RunQueued, jobs.RunRunning} {
		list, err := c.Policy.Ledger.Jobs(ctx, state, c.Tenant.ID, 500)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			if r.Run.UserID == c.User.ID && !r.Reads() {
				out = append(out, jobRow(r, c.Clock.Now()))
			}
		}
	}
	return out, nil
}

// riskDays is how far the counts of the risk section go back.
const riskDays = 7

// UserRisk is what Identity Protection says of a user and noticed in the last days.
type UserRisk struct {
	Level       string         `json:"riskLevel"` // none | low | medium | high | hidden
	State       string         `json:"riskState,omitempty"`
	Detail      string         `json:"riskDetail,omitempty"`
	LastUpdated *time.Time     `json:"riskLastUpdatedDateTime,omitempty"`
	Days        int            `json:"days"`
	Counts      map[string]int `json:"counts"` // network | configuration | endpoint | identityAccess | other
	// Normal and Risky count interactive sign-ins of the same days; null where the log cannot be read.
	Normal     *int      `json:"normalSignIns"`
	Risky      *int      `json:"riskySignIns"`
	Detections []RiskRow `json:"detections"`
}

// RiskRow is one detection.
type RiskRow struct {
	Time     *time.Time `json:"activityDateTime"`
	Type     string     `json:"riskEventType"`
	Category string     `json:"category"`
	Level    string     `json:"riskLevel"`
	State    string     `json:"riskState,omitempty"`
	IP       string     `json:"ipAddress,omitempty"`
	Place    string     `json:"place,omitempty"`
}

func (r *UserRisk) lines(l *lines) {
	l.add("risk %s %s %s", r.Level, r.State, r.Detail)
	l.add("last %d days: network %d, configuration %d, endpoint %d, identity access %d, other %d", r.Days, r.Counts["network"], r.Counts["configuration"], r.Counts["endpoint"], r.Counts["identityAccess"], r.Counts["other"])
	if r.Normal != nil && r.Risky != nil {
		l.add("sign-ins: %d normal, %d risky", *r.Normal, *r.Risky)
	}
	for _, d := range r.Detections {
		l.add("detection %s | %s (%s) | %s | %s | %s", date(d.Time), d.Type, d.Category, d.Level, d.IP, q(d.Place))
	}
}

// riskCategories sort Microsoft's detections into the four that a service desk speaks of; the four are no one's
// standard. What is not among them, generic above all (a tenant without P2), is other.
//
// Reference: https://learn.microsoft.com/entra/id-protection/concept-identity-protection-risks
var riskCategories = map[string]string{
	"anonymizedIPAddress": "network", "maliciousIPAddress": "network", "maliciousIPAddressValidCredentialsBlockedIP": "network", "suspiciousIPAddress": "network", "nationStateIP": "network", "riskyIPAddress": "network",
	"unlikelyTravel": "network", "impossibleTravel": "network", "mcasImpossibleTravel": "network", "newCountry": "network", "attackerinTheMiddle": "network",
	"mcasSuspiciousInboxManipulationRules": "configuration", "suspiciousInboxForwarding": "configuration", "suspiciousSendingPatterns": "configuration", "mcasFinSuspiciousFileAccess": "configuration",
	"malwareInfectedIPAddress": "endpoint", "suspiciousBrowser": "endpoint", "attemptedPrtAccess": "endpoint", "unfamiliarFeatures": "endpoint",
	"leakedCredentials": "identityAccess", "passwordSpray": "identityAccess", "anomalousToken": "identityAccess", "tokenIssuerAnomaly": "identityAccess", "suspiciousAuthTraffic": "identityAccess", "suspiciousAPITraffic": "identityAccess",
	"anomalousUserActivity": "identityAccess", "userReportedSuspiciousActivity": "identityAccess", "adminConfirmedUserCompromised": "identityAccess", "investigationsThreatIntelligence": "identityAccess",
}

// userRisk is a user's risk; a tenant that has not bought it is told plainly.
func userRisk(ctx context.Context, c *Call) (*UserRisk, error) {
	tid, since := c.Tenant.ID, c.Clock.Now().AddDate(0, 0, -riskDays)
	u, err := c.Graph.RiskyUser(ctx, tid, c.User.ID)
	if graphclient.KindOf(err) == graphclient.NotPremium {
		return nil, &Problem{Code: "premium_missing", Message: "not licensed: a user's risk needs Entra ID P2 in the tenant, so nobody has looked; that is no word on the user.", Next: "cipp_bec_check looks at what can be seen without it."}
	}
	if err != nil {
		return nil, err
	}
	out := &UserRisk{Level: "none", Days: riskDays, Counts: map[string]int{"network": 0, "configuration": 0, "endpoint": 0, "identityAccess": 0, "other": 0}, Detections: []RiskRow{}}
	if u != nil {
		out.Level, out.State, out.Detail, out.LastUpdated = u.RiskLevel, u.RiskState, u.RiskDetail, u.RiskLastUpdatedDateTime
	}
	found, err := c.Graph.RiskDetections(ctx, tid, c.User.ID, since)
	if err != nil {
		return out, err
	}
	for _, d := range found {
		row := RiskRow{Time: d.ActivityDateTime, Type: d.RiskEventType, Category: riskCategories[d.RiskEventType], Level: d.RiskLevel, State: d.RiskState, IP: Clean(d.IPAddress, 45), Place: strings.Trim(d.Location.City+", "+d.Location.CountryOrRegion, ", ")}
		if row.Category == "" {
			row.Category = "other"
		}
		out.Counts[row.Category]++
		out.Detections = append(out.Detections, row)
	}
	slices.SortStableFunc(out.Detections, func(a, b RiskRow) int { return strings.Compare(date(b.Time), date(a.Time)) })
	signIns, err := c.Graph.SignIns(ctx, tid, graphclient.SignInQuery{UserID: c.User.ID, Since: since})
	if err != nil {
		return out, err
	}
	normal, risky := 0, 0
	for _, s := range signIns {
		if s.RiskLevelDuringSignIn == "" || s.RiskLevelDuringSignIn == "none" {
			normal++
		} else {
			risky++
		}
	}
	out.Normal, out.Risky = &normal, &risky
	return out, nil
}
