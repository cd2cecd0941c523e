package graph

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// op is one operation: what is asked, who may, and who answers.
type op struct {
	verb, path string // path as in Microsoft's reference; {x} is any segment, {cast} an OData cast
	app        string // application permissions of which one is due, space separated; "-": not supported
	del        string // delegated ones; empty: as app
	roles      string // directory roles of which a signed-in user needs one, comma separated; empty: any
	beta       bool   // beta only
	family     string // whose refusal: "" directory, methods, mail, intune, drive, security
	do         func(*call) error

	segments []string
}

// operations is everything the simulated Graph can do.
func operations() []op {
	return slices.Concat(userOperations, managerOperations, membershipOperations, passwordOperations, methodOperations,
		licenseOperations, groupOperations, roleOperations, grantOperations, applicationOperations, logOperations,
		reportOperations, deviceOperations, mailOperations, driveOperations, calendarOperations, deletedOperations, riskOperations, alertOperations,
		organizationOperations, partnerOperations, policyOperations, objectOperations, invitationOperations, auditQueryOperations, numberOperations,
		siteOperations, photoOperations, authorityOperations, assignmentOperations, secretOperations)
}

// table finds operations by their first segment.
type table map[string][]*op

func compile(ops []op) table {
	t := table{}
	for i := range ops {
		o := &ops[i]
		o.segments = strings.Split(strings.Trim(o.path, "/"), "/")
		first := strings.ToLower(o.segments[0])
		t[first] = append(t[first], o)
	}
	return t
}

// find is the operation for a path and what stands for its placeholders. Where the path exists under other
// verbs the error is 405, and the operation of another verb is returned only if Microsoft's answer would be
// the same.
func (t table) find(method string, segments []string, beta bool) (*op, []string, error) {
	var best *op
	var bestArgs []string
	score, elsewhere, betaOnly := -1, false, false
	for _, o := range t[strings.ToLower(segments[0])] {
		args, n := o.match(segments)
		if n < 0 {
			continue
		}
		if o.beta && !beta {
			betaOnly = true
			continue
		}
		if o.verb != method {
			elsewhere = true
			continue
		}
		if n > score {
			best, bestArgs, score = o, args, n
		}
	}
	last := segments[len(segments)-1]
	switch {
	case best != nil:
		return best, bestArgs, nil
	case betaOnly && !elsewhere:
		return &op{}, nil, &failure{http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", last)}
	case elsewhere:
		return nil, nil, &failure{http.StatusMethodNotAllowed, "Request_BadRequest", "Specified HTTP method is not allowed for the request target."}
	}
	return nil, nil, &failure{http.StatusBadRequest, "BadRequest", fmt.Sprintf("Resource not found for the segment '%s'.", last)}
}

// match gives the placeholders' values and how many segments are literal, or -1.
func (o *op) match(segments []string) ([]string, int) {
	if len(segments) != len(o.segments) {
		return nil, -1
	}
	var args []string
	literal := 0
	for i, want := range o.segments {
		got := segments[i]
		switch {
		case want == "{cast}":
			name, ok := castOf(got)
			if !ok {
				return nil, -1
			}
			args = append(args, name)
			literal++
		case want[0] == '{':
			if strings.HasPrefix(got, "$") && strings.IndexByte(got, '@') < 0 {
				return nil, -1
			}
			args = append(args, got)
		case strings.EqualFold(want, got):
			literal += 2
		default:
			return nil, -1
		}
	}
	return args, literal
}

func castOf(segment string) (string, bool) {
	for _, prefix := range []string{"microsoft.graph.", "graph."} {
		if len(segment) > len(prefix) && strings.EqualFold(segment[:len(prefix)], prefix) {
			return segment[len(prefix):], true
		}
	}
	return "", false
}

// permitted judges the token by the operation's permissions and, for a signed-in user, its directory roles.
func (c *call) permitted() error {
	allowed := c.op.app
	if !c.p.AppOnly && c.op.del != "" {
		allowed = c.op.del
	}
	if allowed != "" && !c.has(strings.Fields(allowed)...) {
		return c.op.denied()
	}
	if c.p.AppOnly {
		return nil
	}
	if c.op.roles != "" && !c.role(strings.Split(c.op.roles, ",")...) || c.p.Foreign && len(c.p.DirectoryRoles) == 0 {
		return c.op.denied()
	}
	return nil
}

func (o *op) denied() error {
	switch o.family {
	case "methods":
		return refused(http.StatusForbidden, "accessDenied", "Request Authorization failed")
	case "mail":
		return refused(http.StatusForbidden, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
	case "intune":
		return refused(http.StatusForbidden, "Forbidden", "Application is not authorized to perform this operation. Application must have one of the following scopes: %s", strings.ReplaceAll(o.app, " ", ", "))
	case "drive":
		return refused(http.StatusForbidden, "accessDenied", "Access denied")
	case "security":
		return refused(http.StatusForbidden, "Forbidden", "Missing application roles. API required roles: %s, application roles: .", strings.ReplaceAll(o.app, " ", ","))
	}
	return denied()
}

// has says whether the token carries one of the permissions.
func (c *call) has(names ...string) bool {
	for _, have := range c.p.Permissions() {
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, have) }) {
			return true
		}
	}
	return false
}

// role says whether the caller holds one of the directory roles; a Global Administrator holds all.
func (c *call) role(names ...string) bool {
	return c.p.HasRole(append(names, "Global Administrator")...)
}
