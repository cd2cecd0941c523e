package tools

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"golang.org/x/text/language"

	"cipp-mcp/graphclient"
)

// PersonArgs are the properties of a person that creating and editing share. Those that are rarely wanted are taken
// but not advertised: attributes stands for them.
type PersonArgs struct {
	FirstName               *string        `json:"firstName,omitempty"`
	LastName                *string        `json:"lastName,omitempty"`
	JobTitle                *string        `json:"jobTitle,omitempty"`
	Department              *string        `json:"department,omitempty"`
	CompanyName             *string        `json:"companyName,omitempty" quiet:"true"`
	OfficeLocation          *string        `json:"officeLocation,omitempty" quiet:"true"`
	StreetAddress           *string        `json:"streetAddress,omitempty" quiet:"true"`
	City                    *string        `json:"city,omitempty" quiet:"true"`
	State                   *string        `json:"state,omitempty" quiet:"true"`
	PostalCode              *string        `json:"postalCode,omitempty" quiet:"true"`
	Country                 *string        `json:"country,omitempty" quiet:"true"`
	MobilePhone             *string        `json:"mobilePhone,omitempty" quiet:"true"`
	BusinessPhone           []string       `json:"businessPhone,omitempty" jsonschema:"maxItems=1" quiet:"true"`
	FaxNumber               *string        `json:"faxNumber,omitempty" quiet:"true"`
	OtherMails              []string       `json:"otherMails,omitempty" jsonschema:"maxItems=250" quiet:"true"`
	EmployeeID              *string        `json:"employeeId,omitempty" quiet:"true"`
	EmployeeType            *string        `json:"employeeType,omitempty" quiet:"true"`
	EmployeeHireDate        *string        `json:"employeeHireDate,omitempty" quiet:"true"`
	EmployeeLeaveDateTime   *string        `json:"employeeLeaveDateTime,omitempty" quiet:"true"`
	PreferredLanguage       *string        `json:"preferredLanguage,omitempty" quiet:"true"`
	AgeGroup                *string        `json:"ageGroup,omitempty" quiet:"true"`
	ConsentProvidedForMinor *string        `json:"consentProvidedForMinor,omitempty" quiet:"true"`
	ShowInAddressList       *bool          `json:"showInAddressList,omitempty" quiet:"true"`
	UsageLocation           *string        `json:"usageLocation,omitempty" jsonschema_description:"ISO 3166; licences need it."`
	Attributes              map[string]any `json:"attributes,omitempty" jsonschema_description:"Others, as city, mobilePhone, otherMails, employeeHireDate."`
	ExtensionAttributes     map[string]any `json:"extensionAttributes,omitempty" quiet:"true"`
}

// property says what a property of a person takes.
type property struct {
	graph  string // Microsoft's name, where it is another
	max    int
	kind   string   // "" text, time, flag, list, phone
	choice []string // the values there are
	kept   bool     // Microsoft does not let it be emptied
}

// personProperties are the properties a person has here, by our name.
var personProperties = map[string]property{
	"displayName": {max: 256, kept: true}, "firstName": {graph: "givenName", max: 64}, "lastName": {graph: "surname", max: 64},
	"jobTitle": {max: 128}, "department": {max: 64}, "companyName": {max: 64}, "officeLocation": {max: 128}, "streetAddress": {max: 1024},
	"city": {max: 128}, "state": {max: 128}, "postalCode": {max: 40}, "country": {max: 128}, "mobilePhone": {max: 64}, "businessPhone": {graph: "businessPhones", max: 64, kind: "phone"},
	"faxNumber": {max: 64}, "otherMails": {kind: "list", max: 250}, "employeeId": {max: 16}, "employeeType": {max: 64}, "employeeHireDate": {kind: "time"}, "employeeLeaveDateTime": {kind: "time"},
	"preferredLanguage": {max: 20}, "ageGroup": {choice: []string{"Minor", "NotAdult", "Adult"}}, "consentProvidedForMinor": {choice: []string{"Granted", "Denied", "NotRequired"}},
	"showInAddressList": {kind: "flag"}, "usageLocation": {max: 2, kept: true},
}

// propertyNamed finds a property by our name or Microsoft's.
func propertyNamed(name string) (ours string, p property, ok bool) {
	for ours, p := range personProperties {
		if strings.EqualFold(ours, name) || strings.EqualFold(p.graph, name) {
			return ours, p, true
		}
	}
	return "", property{}, false
}

func (p property) graphName(ours string) string {
	if p.graph != "" {
		return p.graph
	}
	return ours
}

// given are the properties that an input names itself, by our name.
func given(in any) map[string]any {
	b, err := json.Marshal(in)
	all := map[string]any{}
	if err != nil || json.Unmarshal(b, &all) != nil {
		return nil // an input always marshals
	}
	for name := range all {
		if _, ok := personProperties[name]; !ok {
			delete(all, name)
		}
	}
	return all
}

var extension = regexp.MustCompile(`^(?i:extensionAttribute)?([1-9]|1[0-5])$`)

// patch are the properties as Microsoft takes them: those named by themselves and those within attributes.
func (a PersonArgs) patch(in any) (map[string]any, error) {
	values := given(in)
	extensions := map[string]any{}
	for _, name := range sortedKeys(a.Attributes) {
		v := a.Attributes[name]
		ours, _, ok := propertyNamed(name)
		switch {
		case ok && values[ours] != nil:
			return nil, invalid("%s is given twice, by itself and in attributes.", ours)
		case ok:
			values[ours] = v
		case extension.MatchString(name) && strings.HasPrefix(strings.ToLower(name), "ext"):
			extensions[name] = v
		case strings.EqualFold(name, "legalAgeGroupClassification"):
			return nil, invalid("legalAgeGroupClassification is computed by Microsoft from ageGroup and consentProvidedForMinor; set those.")
		default:
			return nil, invalid("attributes: there is no property %q here; there are %s and extensionAttribute1 to 15.", Clean(name, 60), strings.Join(sortedKeys(personProperties), ", "))
		}
	}
	for name, v := range a.ExtensionAttributes {
		if !extension.MatchString(name) {
			return nil, invalid("extensionAttributes: %q is none; they are called 1 to 15.", Clean(name, 40))
		}
		extensions[name] = v
	}
	out := map[string]any{}
	for _, ours := range sortedKeys(values) {
		v, err := personProperties[ours].fit(ours, values[ours])
		if err != nil {
			return nil, err
		}
		out[personProperties[ours].graphName(ours)] = v
	}
	if len(extensions) > 0 {
		ext := map[string]any{}
		for name, v := range extensions {
			text, ok := v.(string)
			if v != nil && !ok || len(text) > 1024 {
				return nil, invalid("extensionAttributes: %s must be text of at most 1024 characters, or null to empty it.", Clean(name, 40))
			}
			key := "extensionAttribute" + extension.FindStringSubmatch(name)[1]
			if ext[key] = any(text); text == "" {
				ext[key] = nil
			}
		}
		out["onPremisesExtensionAttributes"] = ext
	}
	return out, nil
}

// fit is a value as Microsoft takes it.
func (p property) fit(name string, v any) (any, error) {
	if p.kind == "flag" {
		b, ok := v.(bool)
		if !ok {
			return nil, invalid("%s must be true or false.", name)
		}
		return b, nil
	}
	if p.kind == "list" {
		return p.addresses(name, v)
	}
	if l, ok := v.([]any); ok && p.kind == "phone" && len(l) == 1 {
		v = l[0]
	}
	text, ok := v.(string)
	text = strings.TrimSpace(text)
	switch {
	case !ok:
		return nil, invalid("%s must be text.", name)
	case text == "":
		return nil, invalid("%s must not be empty text; to empty a property name it in clear.", name)
	case name == "usageLocation":
		r, err := language.ParseRegion(text)
		if r = r.Canonicalize(); err != nil || !r.IsCountry() { // UK is how many write GB
			return nil, invalid("usageLocation must be a country's two letters of ISO 3166, such as GB (got %q).", Clean(text, 20))
		}
		return r.String(), nil
	case p.max > 0 && len([]rune(text)) > p.max:
		return nil, invalid("%s is longer than %d characters.", name, p.max)
	case p.kind == "time":
		return moment(name, text)
	case p.kind == "phone":
		return []any{text}, nil
	case len(p.choice) > 0:
		i := slices.IndexFunc(p.choice, func(c string) bool { return strings.EqualFold(c, text) })
		if i < 0 {
			return nil, invalid("%s must be one of %s.", name, strings.Join(p.choice, ", "))
		}
		return p.choice[i], nil
	}
	return text, nil
}

// addresses are mail addresses; one may come without its list.
func (p property) addresses(name string, v any) (any, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := []any{}
	for _, x := range list {
		text, ok := x.(string)
		if text = strings.TrimSpace(text); !ok || len(text) > p.max || strings.Count(text, "@") != 1 || strings.ContainsAny(text, " <>,;") {
			return nil, invalid("%s must be mail addresses.", name)
		}
		out = append(out, text)
	}
	if len(out) > 250 {
		return nil, invalid("%s takes at most 250 addresses.", name)
	}
	return out, nil
}

// moment is a day or a time, as Microsoft writes it. A day is midnight UTC.
func moment(name, text string) (any, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC().Format(time.RFC3339), nil
		}
	}
	return nil, invalid("%s must be a day such as 2026-12-31, or a time with offset.", name)
}

// clearable are the properties Microsoft lets be emptied, by our name.
func clearable() []string {
	out := []string{}
	for name, p := range personProperties {
		if !p.kept {
			out = append(out, name)
		}
	}
	sort.Strings(out)
	return out
}

// cleared adds to a patch what shall be empty.
func cleared(patch map[string]any, names []string) error {
	for _, name := range names {
		ours, p, ok := propertyNamed(name)
		if !ok || p.kept {
			return invalid("clear: %q cannot be emptied; these can: %s.", Clean(name, 40), strings.Join(clearable(), ", "))
		}
		g := p.graphName(ours)
		if _, twice := patch[g]; twice {
			return invalid("%s cannot be set and emptied at once.", ours)
		}
		if patch[g] = nil; p.kind == "phone" || p.kind == "list" {
			patch[g] = []string{}
		}
	}
	return nil
}

// recovery says whether a property can serve to get back into the account, or is the name to sign in with.
func recovery(patch map[string]any) bool {
	for _, name := range []string{"userPrincipalName", "otherMails", "mobilePhone"} {
		if _, ok := patch[name]; ok {
			return true
		}
	}
	return false
}

// userNamed is a user of the tenant whom an argument names.
func (c *Call) userNamed(ctx context.Context, argument, name string) (graphclient.User, error) {
	u, err := c.Graph.User(ctx, c.Tenant.ID, name, "id", "userPrincipalName", "displayName")
	if graphclient.KindOf(err) == graphclient.NotFound {
		if near := meant(err); len(near) > 0 {
			return u, invalid("%s: there is no user %q in %s; near it: %s.", argument, Clean(name, 120), c.Tenant.DefaultDomain, strings.Join(near, ", "))
		}
		return u, invalid("%s: there is no user %q in %s.", argument, Clean(name, 120), c.Tenant.DefaultDomain)
	}
	return u, err
}
