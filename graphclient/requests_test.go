package graphclient

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// What each method sends: "METHOD path?query", with the query decoded, and the body. The expectations are
// written from Microsoft's reference.
func TestRequests(t *testing.T) {
	ctx := context.Background()
	const gid = "55555555-5555-4555-8555-555555555555"
	since := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	box := MailboxRef{ID: person, UPN: "ada@contoso.com"}
	drain := func(c *Client, q UserQuery) (err error) {
		for _, err = range c.Users(ctx, customer, q) {
		}
		return err
	}
	user := "/v1.0/users/" + person
	invoke := "POST /adminapi/beta/" + customer + "/InvokeCommand"
	for name, tc := range map[string]struct {
		do   func(*Client) error
		want string
		body string
	}{
		"Users": {func(c *Client) error { return drain(c, UserQuery{Select: []string{"id", "mail"}}) }, "GET /v1.0/users?$select=id,mail&$top=999", ""},
		"Users advanced": {func(c *Client) error {
			return drain(c, UserQuery{Select: []string{"id"}, Filter: "accountEnabled ne true", Advanced: true, Top: 25, OrderBy: "displayName"})
		}, "GET /v1.0/users?$count=true&$filter=accountEnabled ne true&$orderby=displayName&$select=id&$top=25", ""},
		"Users search": {func(c *Client) error {
			return drain(c, UserQuery{Select: []string{"id"}, Search: `"displayName:ad & co"`})
		}, `GET /v1.0/users?$count=true&$search="displayName:ad & co"&$select=id&$top=999`, ""},
		"Users activity": {func(c *Client) error { return drain(c, UserQuery{Select: []string{"id", "signInActivity"}}) }, "GET /v1.0/users?$select=id,signInActivity&$top=500", ""},
		"Users expand": {func(c *Client) error {
			return drain(c, UserQuery{Select: []string{"id"}, Expand: "manager($select=id)"})
		}, "GET /v1.0/users?$expand=manager($select=id)&$select=id&$top=999", ""},
		"Users deleted": {func(c *Client) error { return drain(c, UserQuery{Select: []string{"id"}, Deleted: true}) }, "GET /v1.0/directory/deletedItems/graph.user?$select=id&$top=999", ""},
		"User":          {func(c *Client) error { _, err := c.User(ctx, customer, person, "id", "manager"); return err }, "GET " + user + "?$expand=manager($select=id,displayName,userPrincipalName)&$select=id", ""},
		"CreateUser": {func(c *Client) error {
			_, err := c.CreateUser(ctx, customer, NewUser{AccountEnabled: true, DisplayName: "Ada", MailNickname: "ada", UserPrincipalName: "ada@contoso.com", PasswordProfile: PasswordProfile{Password: "x", ForceChangePasswordNextSignIn: true}})
			return err
		}, "POST /v1.0/users", `{"accountEnabled":true,"displayName":"Ada","mailNickname":"ada","userPrincipalName":"ada@contoso.com","passwordProfile":{"password":"x","forceChangePasswordNextSignIn":true}}`},
		"UpdateUser":     {func(c *Client) error { return c.UpdateUser(ctx, customer, person, map[string]any{"jobTitle": nil}) }, "PATCH " + user, `{"jobTitle":null}`},
		"DeleteUser":     {func(c *Client) error { return c.DeleteUser(ctx, customer, person) }, "DELETE " + user, ""},
		"RestoreUser":    {func(c *Client) error { _, err := c.RestoreUser(ctx, customer, person); return err }, "POST /v1.0/directory/deletedItems/" + person + "/restore", ""},
		"SetPassword":    {func(c *Client) error { return c.SetPassword(ctx, customer, person, "pw", true) }, "PATCH " + user, `{"passwordProfile":{"password":"pw","forceChangePasswordNextSignIn":true}}`},
		"RevokeSessions": {func(c *Client) error { return c.RevokeSessions(ctx, customer, person) }, "POST " + user + "/revokeSignInSessions", ""},
		"Manager":        {func(c *Client) error { _, err := c.Manager(ctx, customer, person); return err }, "GET " + user + "/manager?$select=id,displayName,userPrincipalName,mail,jobTitle,department,accountEnabled", ""},
		"SetManager":     {func(c *Client) error { return c.SetManager(ctx, customer, person, gid) }, "PUT " + user + "/manager/$ref", `{"@odata.id":"BASE/v1.0/users/` + gid + `"}`},
		"RemoveManager":  {func(c *Client) error { return c.RemoveManager(ctx, customer, person) }, "DELETE " + user + "/manager/$ref", ""},
		"RegistrationDetails": {func(c *Client) (err error) {
			for _, err = range c.RegistrationDetails(ctx, customer, "isAdmin eq true") {
			}
			return err
		}, "GET /v1.0/reports/authenticationMethods/userRegistrationDetails?$filter=isAdmin eq true&$top=999", ""},
		"AuthMethods":       {func(c *Client) error { _, err := c.AuthMethods(ctx, customer, person); return err }, "GET " + user + "/authentication/methods", ""},
		"PerUserMFAState":   {func(c *Client) error { _, err := c.PerUserMFAState(ctx, customer, person); return err }, "GET /beta/users/" + person + "/authentication/requirements", ""},
		"SetPerUserMFA":     {func(c *Client) error { return c.SetPerUserMFAState(ctx, customer, person, "enabled") }, "PATCH /beta/users/" + person + "/authentication/requirements", `{"perUserMfaState":"enabled"}`},
		"SignInPreferences": {func(c *Client) error { _, err := c.SignInPreferences(ctx, customer, person); return err }, "GET /beta/users/" + person + "/authentication/signInPreferences", ""},
		"delete phone": {func(c *Client) error {
			return c.DeleteAuthMethod(ctx, customer, person, AuthMethod{ODataType: "#microsoft.graph.phoneAuthenticationMethod", ID: "a-_/b"})
		}, "DELETE " + user + "/authentication/phoneMethods/a-_%2Fb", ""},
		"delete external": {func(c *Client) error {
			return c.DeleteAuthMethod(ctx, customer, person, AuthMethod{ODataType: "#microsoft.graph.externalAuthenticationMethod", ID: "x"})
		}, "DELETE " + user + "/authentication/externalAuthenticationMethods/x", ""},
		"delete hard token": {func(c *Client) error {
			return c.DeleteAuthMethod(ctx, customer, person, AuthMethod{ODataType: "#microsoft.graph.hardwareOathAuthenticationMethod", ID: "x"})
		}, "DELETE /beta/users/" + person + "/authentication/hardwareOathMethods/x", ""},
		"delete QR code": {func(c *Client) error {
			return c.DeleteAuthMethod(ctx, customer, person, AuthMethod{ODataType: "#microsoft.graph.qrCodePinAuthenticationMethod", ID: "x"})
		}, "DELETE " + user + "/authentication/qrCodePinMethod", ""},
		"GroupsOf":          {func(c *Client) error { _, err := c.GroupsOf(ctx, customer, person); return err }, "GET " + user + "/memberOf/graph.group?$count=true&$select=" + strings.Join(groupSelect, ",") + "&$top=999", ""},
		"PrivilegesOf":      {func(c *Client) error { _, err := c.PrivilegesOf(ctx, customer, person); return err }, "GET " + user + "/transitiveMemberOf?$top=999", ""},
		"GroupsOwnedBy":     {func(c *Client) error { _, err := c.GroupsOwnedBy(ctx, customer, person); return err }, "GET " + user + "/ownedObjects/graph.group?$count=true&$select=" + strings.Join(groupSelect, ",") + "&$top=999", ""},
		"IsGroupMember":     {func(c *Client) error { _, err := c.IsGroupMember(ctx, customer, gid, person); return err }, "GET " + user + "/memberOf?$select=id&$top=999", ""},
		"AddGroupMember":    {func(c *Client) error { return c.AddGroupMember(ctx, customer, gid, person) }, "POST /v1.0/groups/" + gid + "/members/$ref", `{"@odata.id":"BASE/v1.0/directoryObjects/` + person + `"}`},
		"RemoveGroupMember": {func(c *Client) error { return c.RemoveGroupMember(ctx, customer, gid, person) }, "DELETE /v1.0/groups/" + gid + "/members/" + person + "/$ref", ""},
		"GroupOwners":       {func(c *Client) error { _, err := c.GroupOwners(ctx, customer, gid); return err }, "GET /v1.0/groups/" + gid + "/owners?$select=id,displayName,userPrincipalName,mail&$top=999", ""},
		"SubscribedSkus":    {func(c *Client) error { _, err := c.SubscribedSkus(ctx, customer); return err }, "GET /v1.0/subscribedSkus", ""},
		"LicenseDetails":    {func(c *Client) error { _, err := c.LicenseDetails(ctx, customer, person); return err }, "GET " + user + "/licenseDetails", ""},
		"AssignLicense": {func(c *Client) error {
			return c.AssignLicense(ctx, customer, person, []AssignedLicense{{SkuID: gid}}, nil)
		}, "POST " + user + "/assignLicense", `{"addLicenses":[{"skuId":"` + gid + `","disabledPlans":[]}],"removeLicenses":[]}`},
		"RoleAssignmentsOf": {func(c *Client) error { _, err := c.RoleAssignmentsOf(ctx, customer, person); return err }, "GET /v1.0/roleManagement/directory/roleAssignments?$expand=roleDefinition&$filter=principalId eq '" + person + "'", ""},
		"RoleEligible":      {func(c *Client) error { _, err := c.RoleEligibilitiesOf(ctx, customer, person); return err }, "GET /v1.0/roleManagement/directory/roleEligibilitySchedules?$filter=principalId eq '" + person + "'", ""},
		"OAuth2GrantsOf":    {func(c *Client) error { _, err := c.OAuth2GrantsOf(ctx, customer, person); return err }, "GET " + user + "/oauth2PermissionGrants", ""},
		"DeleteOAuth2Grant": {func(c *Client) error { return c.DeleteOAuth2Grant(ctx, customer, "g/1") }, "DELETE /v1.0/oauth2PermissionGrants/g%2F1", ""},
		"AppRoles":          {func(c *Client) error { _, err := c.AppRoleAssignmentsOf(ctx, customer, person); return err }, "GET " + user + "/appRoleAssignments", ""},
		"SignIns": {func(c *Client) error {
			_, err := c.SignIns(ctx, customer, SignInQuery{UserID: strings.ToUpper(person), Since: since, Max: 20})
			return err
		}, "GET /v1.0/auditLogs/signIns?$filter=userId eq '" + person + "' and createdDateTime ge 2026-03-05T00:00:00Z&$orderby=createdDateTime desc&$top=20", ""},
		"DirectoryAudits": {func(c *Client) error {
			_, err := c.DirectoryAudits(ctx, customer, AuditQuery{TargetID: person, Since: since})
			return err
		}, "GET /v1.0/auditLogs/directoryAudits?$filter=activityDateTime ge 2026-03-05T00:00:00Z and targetResources/any(t:t/id eq '" + person + "')&$orderby=activityDateTime desc&$top=1000", ""},
		"RegisteredDevices": {func(c *Client) error { _, err := c.RegisteredDevices(ctx, customer, person); return err }, "GET " + user + "/registeredDevices?$top=999", ""},
		"OwnedDevices":      {func(c *Client) error { _, err := c.OwnedDevices(ctx, customer, person); return err }, "GET " + user + "/ownedDevices?$top=999", ""},
		"SetDeviceEnabled":  {func(c *Client) error { return c.SetDeviceEnabled(ctx, customer, gid, false) }, "PATCH /v1.0/devices/" + gid, `{"accountEnabled":false}`},
		"ManagedDevices":    {func(c *Client) error { _, err := c.ManagedDevices(ctx, customer, person); return err }, "GET " + user + "/managedDevices", ""},
		"AllManagedDevices": {func(c *Client) error { _, err := c.AllManagedDevices(ctx, customer); return err }, "GET /v1.0/deviceManagement/managedDevices?$select=id,userId,deviceName,lastSyncDateTime", ""},
		"RiskyUser":         {func(c *Client) error { _, err := c.RiskyUser(ctx, customer, person); return err }, "GET /v1.0/identityProtection/riskyUsers/" + person, ""},
		"Drive":             {func(c *Client) error { _, err := c.Drive(ctx, customer, person); return err }, "GET " + user + "/drive?$select=id,name,driveType,webUrl,quota", ""},
		"Domains":           {func(c *Client) error { _, err := c.Domains(ctx, customer); return err }, "GET /v1.0/domains", ""},
		"SecurityDefaults":  {func(c *Client) error { _, err := c.SecurityDefaults(ctx, customer); return err }, "GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy", ""},
		"MethodsPolicy":     {func(c *Client) error { _, err := c.AuthenticationMethodsPolicy(ctx, customer); return err }, "GET /v1.0/policies/authenticationMethodsPolicy", ""},
		"CAPolicies":        {func(c *Client) error { _, err := c.ConditionalAccessPolicies(ctx, customer); return err }, "GET /v1.0/identity/conditionalAccess/policies", ""},

		"Mailboxes": {func(c *Client) error { _, err := c.Mailboxes(ctx, customer, "SharedMailbox"); return err }, invoke + "?$select=" + strings.Join(mailboxProperties, ","), `{"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{"RecipientTypeDetails":["SharedMailbox"],"ResultSize":"Unlimited"}}}`},
		"SetMailbox": {func(c *Client) error {
			return c.SetMailbox(ctx, customer, box, map[string]any{"ForwardingSmtpAddress": nil})
		}, invoke, `{"CmdletInput":{"CmdletName":"Set-Mailbox","Parameters":{"ForwardingSmtpAddress":null,"Identity":"` + person + `"}}}`},
		"Permissions": {func(c *Client) error { _, err := c.MailboxPermissions(ctx, customer, box); return err }, invoke, `{"CmdletInput":{"CmdletName":"Get-MailboxPermission","Parameters":{"Identity":"` + person + `"}}}`},
		"AddPermission": {func(c *Client) error {
			return c.AddMailboxPermission(ctx, customer, box, "bo@contoso.com", []string{"FullAccess"}, false)
		}, invoke, `{"CmdletInput":{"CmdletName":"Add-MailboxPermission","Parameters":{"AccessRights":["FullAccess"],"AutoMapping":false,"Confirm":false,"Identity":"` + person + `","InheritanceType":"All","User":"bo@contoso.com"}}}`},
		"RemoveSendAs": {func(c *Client) error { return c.RemoveRecipientPermission(ctx, customer, box, "bo@contoso.com") }, invoke, `{"CmdletInput":{"CmdletName":"Remove-RecipientPermission","Parameters":{"AccessRights":["SendAs"],"Confirm":false,"Identity":"` + person + `","Trustee":"bo@contoso.com"}}}`},
		"RemoveRule":   {func(c *Client) error { return c.RemoveInboxRule(ctx, customer, box, `guid\1`) }, invoke, `{"CmdletInput":{"CmdletName":"Remove-InboxRule","Parameters":{"Confirm":false,"Force":true,"Identity":"guid\\1","Mailbox":"` + person + `"}}}`},
		"SetAutoReply": {func(c *Client) error {
			return c.SetAutoReply(ctx, customer, box, AutoReply{AutoReplyState: "Scheduled", InternalMessage: "<p>away</p>", StartTime: &since})
		}, invoke, `{"CmdletInput":{"CmdletName":"Set-MailboxAutoReplyConfiguration","Parameters":{"AutoReplyState":"Scheduled","Identity":"` + person + `","InternalMessage":"<p>away</p>","StartTime":"2026-03-05T00:00:00Z"}}}`},
		"MobileDevices":  {func(c *Client) error { _, err := c.MobileDevices(ctx, customer, box); return err }, invoke, `{"CmdletInput":{"CmdletName":"Get-MobileDevice","Parameters":{"Mailbox":"` + person + `"}}}`},
		"RemoveDevice":   {func(c *Client) error { return c.RemoveMobileDevice(ctx, customer, box, "d") }, invoke, `{"CmdletInput":{"CmdletName":"Remove-MobileDevice","Parameters":{"Confirm":false,"Identity":"d"}}}`},
		"RemoveDLMember": {func(c *Client) error { return c.RemoveDistributionGroupMember(ctx, customer, gid, person) }, invoke, `{"CmdletInput":{"CmdletName":"Remove-DistributionGroupMember","Parameters":{"BypassSecurityGroupManagerCheck":true,"Confirm":false,"Identity":"` + gid + `","Member":"` + person + `"}}}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, func(w http.ResponseWriter, r *http.Request) { answer(w, 200, `{"value":[]}`) })
			if err := tc.do(f.client()); err != nil {
				t.Fatal(err)
			}
			got := f.requests()
			if len(got) != 1 {
				t.Fatalf("%d requests", len(got))
			}
			if line := got[0].line(t); line != tc.want {
				t.Errorf("sent  %s\nwant  %s", line, tc.want)
			}
			if want := strings.ReplaceAll(tc.body, "BASE", f.URL); !sameJSON(got[0].Body, want) {
				t.Errorf("body  %s\nwant  %s", got[0].Body, want)
			}
			advanced := strings.Contains(got[0].Query, "$count=true")
			if level := got[0].Header.Get("ConsistencyLevel"); advanced != (level == "eventual") {
				t.Errorf("ConsistencyLevel %q on %s", level, tc.want)
			}
		})
	}
}

func (s seen) line(t *testing.T) string {
	t.Helper()
	if s.Query == "" {
		return s.Method + " " + s.Path
	}
	var options []string
	for part := range strings.SplitSeq(s.Query, "&") {
		plain, err := url.QueryUnescape(part)
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, plain)
	}
	slices.Sort(options)
	return s.Method + " " + s.Path + "?" + strings.Join(options, "&")
}

func sameJSON(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	var x, y any
	if json.Unmarshal([]byte(a), &x) != nil || json.Unmarshal([]byte(b), &y) != nil {
		return false
	}
	left, _ := json.Marshal(x)
	right, _ := json.Marshal(y)
	return string(left) == string(right)
}
