package cloud

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const small = `{"clock":"2026-03-12T15:00:00Z",
"partner":{"tenantId":"11111111-1111-4111-8111-111111111111","displayName":"Partner","defaultDomain":"msp.onmicrosoft.com",
 "applications":[{"appId":"22222222-2222-4222-8222-222222222222","secret":"s"}],"users":[{"userPrincipalName":"a@msp.com","refreshToken":"r","mfa":true,"gdapGroups":["g"]}]},
"tenants":[{"tenantId":"33333333-3333-4333-8333-333333333333","displayName":"Contoso","defaultDomain":"contoso.onmicrosoft.com",
 "domains":[{"id":"contoso.com","isDefault":true,"isVerified":true},{"id":"new.example","isVerified":false}],
 "consents":[{"appId":"22222222-2222-4222-8222-222222222222","appRoles":["User.Read.All"],"directoryRoles":["User Administrator"]}],
 "graph":{
  "users":[{"id":"44444444-4444-4444-8444-444444444444","userPrincipalName":"Ann@contoso.com","displayName":"Ann","createdDateTime":"$now-40d",
     "assignedLicenses":[{"skuId":"66666666-6666-4666-8666-666666666666","disabledPlans":[]},{"skuId":"77777777-7777-4777-8777-777777777777","disabledPlans":[]}]}],
  "groups":[{"id":"55555555-5555-4555-8555-555555555555","displayName":"G","members":["44444444-4444-4444-8444-444444444444"],"owners":["44444444-4444-4444-8444-444444444444"],
     "assignedLicenses":[{"skuId":"66666666-6666-4666-8666-666666666666","disabledPlans":[]}]}],
  "directoryRoles":[{"displayName":"Global Administrator","members":["44444444-4444-4444-8444-444444444444"]}]},
 "exchange":{"mailboxes":[{"UserPrincipalName":"ann@contoso.com","RecipientTypeDetails":"UserMailbox","EmailAddresses":["SMTP:ann@contoso.com","smtp:a.b@contoso.com"]}]}}]}`

const ann = "44444444-4444-4444-8444-444444444444"

func load(t *testing.T, clock string) (*Cloud, *Tenant) {
	t.Helper()
	c, err := New([]byte(small), clock, 1)
	if err != nil {
		t.Fatal(err)
	}
	return c, c.Tenant("CONTOSO.com")
}

func TestStateIsIndexed(t *testing.T) {
	c, tn := load(t, "")
	if tn == nil || c.Tenant("new.example") != nil {
		t.Fatal("verified domains name the tenant, unverified ones do not")
	}
	if u := tn.User("ANN@contoso.com"); u == nil || Str(u, "createdDateTime") != "2026-01-31T15:00:00Z" {
		t.Fatalf("user: %v", u)
	}
	if tn.Mailbox("a.b@contoso.com") == nil || tn.Mailbox(ann) == nil || tn.Mailbox("nobody@contoso.com") != nil {
		t.Fatal("mailbox by alias, by object id, and none")
	}
	if r := tn.RolesOf(ann); len(r) != 1 || r[0].Name != "Global Administrator" {
		t.Fatalf("roles: %v", r)
	}
	if r := tn.RolesOf(tn.Consents[0].ObjectID); len(r) != 1 || r[0].Name != "User Administrator" {
		t.Fatalf("roles of the service principal: %v", r)
	}
	u := tn.User(ann)
	if GroupLicense(u, "66666666-6666-4666-8666-666666666666") == nil || DirectLicense(u, "77777777-7777-4777-8777-777777777777") == nil ||
		DirectLicense(u, "66666666-6666-4666-8666-666666666666") != nil || len(List(u, "assignedLicenses")) != 2 {
		t.Fatalf("licences: %v", u["licenseAssignmentStates"])
	}
}

func TestBadStateIsRefusedByName(t *testing.T) {
	for name, edit := range map[string][2]string{
		"banana":      {`"partner":{`, `"banana":1,"partner":{`},
		"colour":      {`"displayName":"Contoso"`, `"displayName":"Contoso","colour":"red"`},
		"jobTitel":    {`"displayName":"Ann"`, `"jobTitel":"x","displayName":"Ann"`},
		"userz":       {`"users":[{"id"`, `"userz":[],"users":[{"id"`},
		"$now-40y":    {`$now-40d`, `$now-40y`},
		"there twice": {`"groups":[`, `"groups":[{"id":"55555555-5555-4555-8555-555555555555"},`},
		"Nobody":      {`["User Administrator"]`, `["Nobody"]`},
		"GUID":        {`"tenantId":"3333`, `"tenantId":"z333`},
	} {
		s := strings.Replace(small, edit[0], edit[1], 1)
		if _, err := New([]byte(s), "", 1); err == nil || !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), "same id") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSaveAndLoadAgain(t *testing.T) {
	c, tn := load(t, "2026-03-12T15:00:00Z,frozen")
	tn.Lock()
	tn.DeleteUser(ann)
	tn.Unlock()
	first, err := c.Save()
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(first, "", 2)
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.Save()
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	_ = json.Unmarshal(first, &a)
	_ = json.Unmarshal(second, &b)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Fatal(diff)
	}
	if err := c.Reset(); err != nil || c.Tenant("contoso.com").User(ann) == nil {
		t.Fatal("reset brings the user back")
	}
}

func TestDeleteAndRestore(t *testing.T) {
	_, tn := load(t, "")
	tn.Lock()
	defer tn.Unlock()
	o := tn.DeleteUser(ann)
	if Str(o, "userPrincipalName") != strings.ReplaceAll(ann, "-", "")+"Ann@contoso.com" || tn.Mailbox("ann@contoso.com") != nil || len(tn.GroupsOf(ann)) != 0 {
		t.Fatalf("deleted: %v", o)
	}
	if len(tn.HoldersOf("ann@contoso.com")) != 1 {
		t.Fatal("a deleted user still holds its name")
	}
	u := tn.RestoreUser(ann)
	if Str(u, "userPrincipalName") != "Ann@contoso.com" || !tn.IsMember("55555555-5555-4555-8555-555555555555", ann) || tn.Mailbox("ann@contoso.com") == nil {
		t.Fatalf("restored: %v", u)
	}
}

func TestLagAndDelays(t *testing.T) {
	c, tn := load(t, "")
	tn.Lock()
	u := tn.User(ann)
	before := Copy(u)
	u["displayName"] = "Anna"
	tn.Delay(ann, before, time.Hour)
	n := Object{"id": c.NewID(), "userPrincipalName": "new@contoso.com"}
	tn.AddUser(n)
	tn.Delay(Str(n, "id"), nil, time.Hour)
	ran := false
	tn.After(time.Minute, func() { ran = true })
	tn.Unlock()
	tn.RLock()
	if Str(tn.Seen(u), "displayName") != "Ann" || tn.Seen(n) != nil || len(tn.SeenAll(tn.Users().All())) != 1 || ran {
		t.Fatal("writes are seen late")
	}
	tn.RUnlock()
	c.Clock.Advance(2 * time.Hour)
	tn.RLock()
	defer tn.RUnlock()
	if Str(tn.Seen(u), "displayName") != "Anna" || tn.Seen(n) == nil || !ran {
		t.Fatal("and are seen in the end")
	}
}

func TestIDsAreSeededUUIDs(t *testing.T) {
	a, b := NewIDs(7), NewIDs(7)
	for range 100 {
		id := a.New()
		if id != b.New() || !IsGUID(id) || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Fatal(id)
		}
	}
}
