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

// UserProfile is one of the operator's profiles as far as a user has it.
type UserProfile struct {
	Profile    string   `json:"profile"`
	Has        string   `json:"has"` // all | part
	Missing    []string `json:"missing,omitempty"`
	NotChecked []string `json:"notChecked,omitempty"` // kinds of access that are not looked at here
}

// userProfiles are the profiles of which a user has something. Sites, mailboxes and calendars are not looked at: each
// would take a question to Exchange or SharePoint of its own.
func userProfiles(ctx context.Context, c *Call) ([]UserProfile, error) {
	out := []UserProfile{}
	names := c.Policy.Profiles(c.Tenant)
	if len(names) == 0 {
		return out, nil
	}
	held, err := heldAccess(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		p, _ := c.Policy.Profile(c.Tenant, name)
		row, some := held.of(map[string][]string{"group": p.Groups, "license": p.Licenses, "app": p.Apps, "role": p.DirectoryRoles})
		if !some {
			continue
		}
		row.Profile = name
		for _, k := range []struct {
			kind string
			n    int
		}{{"sites", len(p.Sites)}, {"mailboxes", len(p.Mailboxes)}, {"calendars", len(p.Calendars)}, {"attributes", len(p.Attributes)}} {
			if k.n > 0 {
				row.NotChecked = append(row.NotChecked, k.kind)
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// holdings are the names of what a user has, in small letters, by kind.
type holdings map[string]map[string]bool

func (h holdings) add(kind string, names ...string) {
	if h[kind] == nil {
		h[kind] = map[string]bool{}
	}
	for _, n := range names {
		if n != "" {
			h[kind][strings.ToLower(n)] = true
		}
	}
}

// of holds what a profile gives, by kind, against what is there; some says whether the user has anything of it.
func (h holdings) of(gives map[string][]string) (row UserProfile, some bool) {
	row.Has = "all"
	for _, kind := range sortedKeys(gives) {
		for _, n := range gives[kind] {
			if h[kind][strings.ToLower(n)] {
				some = true
				continue
			}
			row.Has = "part"
			row.Missing = append(row.Missing, kind+" "+Clean(n, 80))
		}
	}
	return row, some
}

// heldAccess reads what a user has, by all names under which a profile may know it.
func heldAccess(ctx context.Context, c *Call) (holdings, error) {
	h, tid := holdings{}, c.Tenant.ID
	groups, err := c.Graph.GroupsOf(ctx, tid, c.User.ID)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		h.add("group", g.ID, g.DisplayName, g.Mail)
	}
	u, err := c.Graph.User(ctx, tid, c.User.ID, "id", "assignedLicenses")
	if err != nil {
		return nil, err
	}
	skus, err := c.Graph.SubscribedSkus(ctx, tid)
	if err != nil {
		return nil, err
	}
	for _, s := range skus {
		if slices.ContainsFunc(u.AssignedLicenses, func(l graphclient.AssignedLicense) bool { return l.SkuID == s.SkuID }) {
			h.add("license", s.SkuID, s.SkuPartNumber, productName(s.SkuPartNumber))
		}
	}
	roles, err := roleRows(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		h.add("role", r.Role)
	}
	return h, h.addApps(ctx, c)
}

// addApps adds the applications, each alone and with its role.
func (h holdings) addApps(ctx context.Context, c *Call) error {
	apps, err := c.Graph.AppRoleAssignmentsOf(ctx, c.Tenant.ID, c.User.ID)
	if err != nil || len(apps) == 0 {
		return err
	}
	ids := []string{}
	for _, a := range apps {
		ids = append(ids, a.ResourceID)
	}
	services, err := c.Graph.ServicePrincipals(ctx, c.Tenant.ID, ids)
	for _, a := range apps {
		for _, name := range []string{a.ResourceDisplayName, a.ResourceID} {
			h.add("app", name)
			for _, r := range services[a.ResourceID].AppRoles {
				if strings.EqualFold(r.ID, a.AppRoleID) {
					h.add("app", name+":"+r.DisplayName, name+":"+r.Value)
				}
			}
		}
	}
	return err
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
