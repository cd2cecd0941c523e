package graphclient

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	kjson "github.com/microsoft/kiota-serialization-json-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// usersPage is a page of n users as Graph sends it for a wide selection.
func usersPage(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=x","value":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"%08d-0000-4000-8000-000000000000","displayName":"Ada Lövelace %[1]d","userPrincipalName":"ada%[1]d@contoso.com","mail":"ada%[1]d@contoso.com",`+
			`"givenName":"Ada","surname":"Lovelace","jobTitle":"Analyst","department":null,"userType":"Member","accountEnabled":%[2]t,"createdDateTime":"2024-05-%02[3]dT08:00:00Z",`+
			`"usageLocation":"GB","onPremisesSyncEnabled":null,"businessPhones":["+44 1 %[1]d"],"proxyAddresses":["SMTP:ada%[1]d@contoso.com","smtp:a%[1]d@contoso.com"],`+
			`"assignedLicenses":[{"disabledPlans":[],"skuId":"05e9a617-0261-4cee-bb44-138d3ef5d965"},{"disabledPlans":["57ff2da0-773e-42df-b2af-ffb7a2317929"],"skuId":"c7df2760-2c81-4ef7-b578-5b5392b571df"}]}`,
			i, i%3 != 0, 1+i%28)
	}
	b.WriteString("]}")
	return []byte(b.String())
}

func typedPage(b []byte) (models.UserCollectionResponseable, error) {
	node, err := kjson.NewJsonParseNodeFactory().GetRootParseNode("application/json", b)
	if err != nil {
		return nil, err
	}
	v, err := node.GetObjectValue(models.CreateUserCollectionResponseFromDiscriminatorValue)
	if err != nil {
		return nil, err
	}
	return v.(models.UserCollectionResponseable), nil
}

func pointed(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// What the lean structs hold is what Microsoft's own models hold.
func TestLeanUsersAgreeWithTheSDK(t *testing.T) {
	b := usersPage(200)
	var lean page[User]
	if err := decode(b, &lean); err != nil {
		t.Fatal(err)
	}
	typed, err := typedPage(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(lean.Value) != 200 || len(typed.GetValue()) != 200 || lean.Next != pointed(typed.GetOdataNextLink()) {
		t.Fatalf("%d and %d users", len(lean.Value), len(typed.GetValue()))
	}
	for i, want := range typed.GetValue() {
		got := lean.Value[i]
		licences := ""
		for _, l := range want.GetAssignedLicenses() {
			licences += fmt.Sprintf("%v%v", l.GetSkuId(), l.GetDisabledPlans())
		}
		ours := ""
		for _, l := range got.AssignedLicenses {
			ours += fmt.Sprintf("%v%v", l.SkuID, l.DisabledPlans)
		}
		left := []any{got.ID, got.DisplayName, got.UserPrincipalName, got.Mail, got.GivenName, got.Surname, got.JobTitle, got.Department, got.UserType,
			*got.AccountEnabled, got.CreatedDateTime.Format(time.RFC3339), got.UsageLocation, got.OnPremisesSyncEnabled == nil, got.BusinessPhones, got.ProxyAddresses, ours}
		right := []any{pointed(want.GetId()), pointed(want.GetDisplayName()), pointed(want.GetUserPrincipalName()), pointed(want.GetMail()), pointed(want.GetGivenName()), pointed(want.GetSurname()),
			pointed(want.GetJobTitle()), pointed(want.GetDepartment()), pointed(want.GetUserType()), *want.GetAccountEnabled(), want.GetCreatedDateTime().Format(time.RFC3339),
			pointed(want.GetUsageLocation()), want.GetOnPremisesSyncEnabled() == nil, want.GetBusinessPhones(), want.GetProxyAddresses(), licences}
		if fmt.Sprint(left) != fmt.Sprint(right) {
			t.Fatalf("user %d\nlean  %v\ntyped %v", i, left, right)
		}
	}
}

// BenchmarkDecodeUsers compares our decoding of a 999-user page with the SDK's typed models.
func BenchmarkDecodeUsers(b *testing.B) {
	page999 := usersPage(999)
	b.Run("lean", func(b *testing.B) {
		b.SetBytes(int64(len(page999)))
		b.ReportAllocs()
		for b.Loop() {
			var p page[User]
			if err := decode(page999, &p); err != nil || len(p.Value) != 999 {
				b.Fatal(err)
			}
		}
	})
	b.Run("sdk", func(b *testing.B) {
		b.SetBytes(int64(len(page999)))
		b.ReportAllocs()
		for b.Loop() {
			p, err := typedPage(page999)
			if err != nil || len(p.GetValue()) != 999 {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkUsersOverTheWire is the whole way of a page: sign-in cached, request, TLS, decoding.
func BenchmarkUsersOverTheWire(b *testing.B) {
	page999 := string(usersPage(999))
	page999 = strings.Replace(page999, `"@odata.nextLink":"https://graph.microsoft.com/v1.0/users?$skiptoken=x",`, "", 1)
	f := newFake(b, body(page999))
	c := f.client()
	b.SetBytes(int64(len(page999)))
	b.ReportAllocs()
	for b.Loop() {
		for p, err := range c.Users(context.Background(), customer, UserQuery{}) {
			if err != nil || len(p.Users) != 999 {
				b.Fatal(err)
			}
		}
	}
}
