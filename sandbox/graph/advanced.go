package graph

import (
	"net/http"
	"slices"
	"strings"

	"cipp-mcp/sandbox/model"
	"cipp-mcp/sandbox/odata"
)

// The rules of queries on directory objects.
// https://learn.microsoft.com/graph/aad-advanced-queries

// defaultOrder is the properties by which a type is sorted without advanced query capabilities.
var defaultOrder = map[string][]string{
	"user": {"displayName", "userPrincipalName"}, "group": {"displayName"}, "device": {"displayName"},
	"servicePrincipal": {"displayName"}, "application": {"displayName"}, model.AnyObject: {"displayName"},
}

// endings is the properties that endsWith works on.
var endings = []string{"mail", "otherMails", "userPrincipalName", "proxyAddresses"}

// searchable is the properties that $search works on.
var searchable = []string{"displayName", "mail", "userPrincipalName", "givenName", "surname", "mailNickname", "description",
	"otherMails", "proxyAddresses", "companyName", "jobTitle", "department", "officeLocation"}

// unfiltered is the user's and group's properties that no filter works on.
var unfiltered = []string{"lastPasswordChangeDateTime", "signInSessionsValidFromDateTime", "licenseAssignmentStates", "passwordProfile",
	"onPremisesDistinguishedName", "onPremisesDomainName", "onPremisesUserPrincipalName", "provisionedPlans", "theme", "classification"}

// SingleOnly is the user's properties that are stored elsewhere and only come with a single user.
var singleOnly = []string{"aboutMe", "birthday", "hireDate", "interests", "mailboxSettings", "mySite", "pastProjects", "preferredName",
	"responsibilities", "schools", "skills"}

func notImplemented() error {
	return refused(http.StatusNotImplemented, "NotImplemented", "This operation target is not yet supported.")
}

// judge refuses queries that the resource does not answer.
func (c *call) judge(l listing, f *odata.Filter, order []odata.Order, expand []odata.Expand) error {
	for _, e := range expand {
		if !slices.Contains(l.expands, e.Property) {
			return odata.Unsupported("Expanding the property '" + e.Property + "' is not supported for this resource.")
		}
	}
	if !l.directory {
		for _, o := range order {
			if l.orderable != nil && !slices.Contains(l.orderable, o.Property) {
				return odata.Unsupported("Sorting by '" + o.Property + "' is not supported.")
			}
		}
		return nil
	}
	if c.q.Search != "" {
		if !c.eventual() {
			return odata.Unsupported("Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'")
		}
		for _, name := range searchProperties(c.q.Search) {
			if !slices.ContainsFunc(searchable, func(s string) bool { return strings.EqualFold(s, name) }) {
				return odata.Unsupported("Property '" + name + "' does not support $search.")
			}
		}
	}
	advanced := c.eventual() && (c.q.Count || c.q.Search != "")
	if err := judgeFilter(l, f, advanced); err != nil {
		return err
	}
	if len(order) > 0 && !advanced {
		if f != nil {
			return odata.Unsupported("Sorting not supported for current query.")
		}
		for _, o := range order {
			if !slices.Contains(defaultOrder[l.typ], o.Property) {
				return odata.Unsupported("Sorting not supported for current query.")
			}
		}
	}
	if l.cast != "" && !advanced && (f != nil || len(order) > 0 || c.q.Count) {
		return odata.Unsupported("OData cast with $filter, $orderby or $count only works with the request header 'ConsistencyLevel: eventual' and $count=true.")
	}
	for _, e := range expand {
		if advanced && e.Levels == "" {
			return odata.Unsupported("The $expand query parameter cannot be combined with advanced query parameters.")
		}
	}
	return nil
}

func judgeFilter(l listing, f *odata.Filter, advanced bool) error {
	if f == nil {
		return nil
	}
	resource := strings.ToUpper(l.typ[:1]) + l.typ[1:]
	unsupported := func(name string) error {
		return odata.Unsupported("Unsupported or invalid query filter clause specified for property '" + name + "' of resource '" + resource + "'.")
	}
	activity := 0
	for _, u := range f.Uses {
		root, _, _ := strings.Cut(u.Property, "/")
		switch {
		case slices.Contains(singleOnly, root):
			return notImplemented()
		case slices.Contains(unfiltered, root), u.Operator == "contains":
			return unsupported(root)
		case u.Operator == "endswith" && !slices.Contains(endings, root):
			return unsupported(root)
		case !advanced && slices.Contains([]string{"ne", "not", "endswith", "count"}, u.Operator):
			return unsupported(root)
		case root == "assignedLicenses" && u.Operator != "any" && u.Operator != "eq" && u.Operator != "not" && u.Operator != "count" &&
			(u.Operator != "ne" || u.Property != "assignedLicenses"):
			return unsupported(root)
		}
		if root == "signInActivity" {
			activity++
		}
	}
	if activity > 0 && slices.ContainsFunc(f.Properties, func(p string) bool { return !strings.HasPrefix(p, "signInActivity/") }) {
		return badRequest("Filter on signInActivity cannot be combined with any other filterable property.")
	}
	return nil
}

func searchProperties(s string) []string {
	var out []string
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 1 {
			name, _, _ := strings.Cut(part, ":")
			out = append(out, name)
		}
	}
	return out
}
