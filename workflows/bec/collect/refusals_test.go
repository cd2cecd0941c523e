package collect_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/workflows/bec"
)

// story is the built-in story with changes to one tenant.
func story(t *testing.T, domain string, change func(map[string]any)) sandbox.Options {
	t.Helper()
	var s map[string]any
	if err := json.Unmarshal(builtin.State, &s); err != nil {
		t.Fatal(err)
	}
	for _, v := range s["tenants"].([]any) {
		if tenant := v.(map[string]any); tenant["defaultDomain"] == domain {
			change(tenant)
		}
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Options{State: b}
}

func without(tenant map[string]any, permission string) {
	c := tenant["consents"].([]any)[0].(map[string]any)
	c["appRoles"] = slices.DeleteFunc(c["appRoles"].([]any), func(r any) bool { return strings.HasPrefix(r.(string), permission) })
}

// One and the same 403 is a permission that lacks, or a licence.
func TestALicenceIsToldFromAPermission(t *testing.T) {
	const paid, free = "brightwell.example", "pinecrest-bakery.example"
	for name, c := range map[string]struct {
		tenant, source string
		change         func(map[string]any)
		status         bec.CoverageStatus
		reason         bec.Reason
	}{
		"Conditional Access without premium":    {free, bec.ConditionalAccess, func(map[string]any) {}, bec.Unavailable, bec.NoLicence},
		"Conditional Access without permission": {paid, bec.ConditionalAccess, func(t map[string]any) { without(t, "Policy.Read") }, bec.Unavailable, bec.NoPermission},
		"neither":                               {free, bec.ConditionalAccess, func(t map[string]any) { without(t, "Policy.Read") }, bec.Unavailable, bec.NoPermission},
		"a plan that is left over":              {paid, bec.ConditionalAccess, func(t map[string]any) { t["features"].(map[string]any)["entra"] = "Free" }, bec.Unavailable, bec.NoLicence},
		"risk without premium":                  {free, bec.Risk, func(map[string]any) {}, bec.Unavailable, bec.NoLicence},
		"alerts":                                {paid, bec.Alerts, func(map[string]any) {}, bec.ReadWhole, ""},
		"alerts without Defender":               {free, bec.Alerts, func(map[string]any) {}, bec.NotApplicable, bec.NoLicence},
		"alerts without permission":             {paid, bec.Alerts, func(t map[string]any) { without(t, "SecurityAlert") }, bec.Unavailable, bec.NoPermission},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, story(t, c.tenant, c.change))
			who := map[string]string{paid: "celia.hartmann@" + paid, free: "bilal.khan@" + free}[c.tenant]
			_, f := w.read(t, c.tenant, who)
			if got := coverageOf(f)[c.source]; got.Status != c.status || got.Reason != c.reason {
				t.Errorf("%s is %s for %q: %s", c.source, got.Status, got.Reason, got.Detail)
			}
		})
	}
}

// Of the tenant's alerts those are kept that name the user.
func TestAlertsAreTheUsers(t *testing.T) {
	names := func(what string, v any) map[string]any {
		return map[string]any{"id": "alert-" + what, "title": what, "severity": "high", "createdDateTime": "$now-1d", "evidence": []any{v}}
	}
	const me = "celia.hartmann@brightwell.example"
	w := newWorld(t, story(t, "brightwell.example", func(tenant map[string]any) {
		tenant["graph"].(map[string]any)["alerts"] = []any{
			names("account", map[string]any{"userAccount": map[string]any{"userPrincipalName": strings.ToUpper(me)}}),
			names("mailbox", map[string]any{"primaryAddress": me}),
			names("recipient", map[string]any{"recipientEmailAddress": me}),
			names("sender", map[string]any{"p2Sender": map[string]any{"emailAddress": me}}),
			names("another", map[string]any{"userAccount": map[string]any{"userPrincipalName": "joan.pryce@brightwell.example"}}),
			names("nobody", map[string]any{}),
		}
	}))
	_, f := w.read(t, "brightwell.example", me)
	var got []string
	for row, err := range f.Rows(bec.Alerts) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(row.ID, "alert-"))
	}
	slices.Sort(got)
	if fmt.Sprint(got) != "[account mailbox recipient sender]" {
		t.Errorf("%v", got)
	}
}

// Links are found at any depth, each where it was given; a OneDrive that is too wide is not called read whole.
func TestSharingIsFoundBelowTheRoot(t *testing.T) {
	const me = "celia.hartmann@brightwell.example"
	folder := func(id, parent string) map[string]any {
		return map[string]any{"id": id, "name": id, "folder": map[string]any{"childCount": 1}, "parentReference": map[string]any{"id": parent}}
	}
	link := func(id string, inherited bool) map[string]any {
		p := map[string]any{"id": id, "roles": []any{"read"}, "link": map[string]any{"scope": "anonymous", "type": "view", "webUrl": "https://x.example/" + id}}
		if inherited {
			p["inheritedFrom"] = map[string]any{"id": "one"}
		}
		return p
	}
	deep := map[string]any{"id": "deep", "name": "Payment details.pdf", "file": map[string]any{}, "parentReference": map[string]any{"id": "three"}, "permissions": []any{link("l-deep", false), link("l-above", true)}}
	with := func(items ...any) sandbox.Options {
		return story(t, "brightwell.example", func(tenant map[string]any) {
			for _, u := range tenant["graph"].(map[string]any)["users"].([]any) {
				if o := u.(map[string]any); o["userPrincipalName"] == me {
					o["drive"] = map[string]any{"items": items}
				}
			}
		})
	}
	w := newWorld(t, with(folder("one", "root"), folder("two", "one"), folder("three", "two"), deep))
	_, f := w.read(t, "brightwell.example", me)
	links := 0
	for row, err := range f.Rows(bec.SharingLinks) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(row.ID, "/deep/l-above") {
			t.Error("an inherited right stands where it cannot be taken away")
		}
		if strings.HasSuffix(row.ID, "/deep/l-deep") {
			links++
		}
	}
	if c := coverageOf(f)[bec.SharingLinks]; links != 1 || c.Status != bec.ReadWhole {
		t.Errorf("%d links, %s %s", links, c.Status, c.Detail)
	}
	var wide []any
	for i := range 420 {
		wide = append(wide, folder(fmt.Sprintf("f%03d", i), "root"))
	}
	w = newWorld(t, with(wide...))
	_, f = w.read(t, "brightwell.example", me)
	if c := coverageOf(f)[bec.SharingLinks]; c.Status != bec.ReadPartly || c.Reason != bec.Capped {
		t.Errorf("%s %s %s", c.Status, c.Reason, c.Detail)
	}
}
