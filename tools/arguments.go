package tools

// The argument groups below are embedded in input structs, so that the same argument has the same
// name, description and meaning in every tool.

// TenantArg names the customer.
type TenantArg struct {
	TenantFilter string `json:"tenantFilter" jsonschema_description:"Customer: domain or tenant id."`
}

func (a TenantArg) tenantFilter() string { return a.TenantFilter }

// AnyTenantArg names the customer, or all of them.
type AnyTenantArg struct {
	TenantFilter string `json:"tenantFilter" jsonschema_description:"Customer: domain or tenant id, or allTenants."`
}

func (a AnyTenantArg) tenantFilter() string { return a.TenantFilter }

// UserArg names the user.
type UserArg struct {
	UserID string `json:"userId" jsonschema_description:"User principal name or object id."`
}

func (a UserArg) userID() string { return a.UserID }

// PageArgs ask for a part of a list.
type PageArgs struct {
	Limit  int    `json:"limit,omitempty" jsonschema:"minimum=1,maximum=100,default=25" jsonschema_description:"Rows to return."`
	Cursor string `json:"cursor,omitempty" jsonschema_description:"cursor of the previous answer, for the next rows."`
	Format string `json:"format,omitempty" jsonschema:"enum=rows,enum=csv" jsonschema_description:"csv: all rows as a resource." quiet:"true"`
}

// csv says whether all rows are wanted, out of the context.
func (p PageArgs) csv() bool { return p.Format == "csv" }

func (p PageArgs) limit() int {
	if p.Limit == 0 {
		return 25
	}
	return p.Limit
}

// WriteArgs steer plan and approval.
type WriteArgs struct {
	DryRun    bool   `json:"dryRun,omitempty"`
	PlanToken string `json:"planToken,omitempty" jsonschema_description:"Execute the plan shown under it."`
}

func (w WriteArgs) writeArgs() WriteArgs { return w }

// SilentArguments are accepted by every write tool but advertised by none: the server's instructions
// name them once.
var SilentArguments = []string{"reason", "ticket", "idempotencyKey", "runAt"}

// userAliases are the names other servers gave userId.
var userAliases = map[string]string{"upn": "userId", "userPrincipalName": "userId", "username": "userId", "user": "userId", "email": "userId", "emailAddress": "userId", "mailbox": "userId", "customerId": "tenantFilter", "tenant": "tenantFilter", "tenantId": "tenantFilter"}

// tenantAliases are the names other servers gave tenantFilter.
var tenantAliases = map[string]string{"customerId": "tenantFilter", "tenant": "tenantFilter", "tenantId": "tenantFilter"}

// with returns a with more aliases.
func with(a, more map[string]string) map[string]string {
	out := make(map[string]string, len(a)+len(more))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range more {
		out[k] = v
	}
	return out
}

// OtherValues are other words for values of enumerated arguments, by the value: in small letters, with nothing between
// them and none at the end. A word that is itself a value of the argument is that value.
var OtherValues = map[string][]string{
	"adminNoMfa": {"adminswithoutmfa", "adminwithoutmfa"}, "noMfa": {"withoutmfa", "mfagap"}, "blocked": {"disabled"}, "enabled": {"active", "on"}, "disabled": {"off"},
	"user": {"usermailbox", "regular"}, "shared": {"sharedmailbox"}, "room": {"roommailbox"}, "equipment": {"equipmentmailbox"},
	"cloud": {"cloudmanaged"}, "onPremises": {"onpremisesmanaged", "onpremise"}, "mobile": {"primarymobile"}, "m365": {"microsoft365", "unified", "office365"}, "distribution": {"distributionlist", "distributiongroup"},
	"security": {"securitygroup"}, "mailEnabledSecurity": {"mailenabledsecuritygroup"}, "known": {"contactsonly", "contact"}, "directoryRole": {"role"}, "application": {"app"}, "cancel": {"stop"}, "signIns": {"signinlog"},
}
