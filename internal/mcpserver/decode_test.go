package mcpserver

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"cipp-mcp/tools"
)

func byName(t testing.TB, name string) tools.Tool {
	t.Helper()
	tool, ok := tools.ByName(name)
	if !ok {
		t.Fatalf("there is no tool %s", name)
	}
	return tool
}

func TestWrongArgumentsAreAnsweredWithTheRightOne(t *testing.T) {
	for _, c := range []struct {
		tool, args string
		want       []string // all in the message
	}{
		{"cipp_list_users", `{}`, []string{"needs the argument tenantFilter", "domain or tenant id"}},
		{"cipp_list_users", `{"tenantFilter":"  "}`, []string{"tenantFilter must not be empty"}},
		{"cipp_list_users", `{"tenantFilter":"x","serch":"a"}`, []string{"no argument serch", "the nearest is search."}},
		{"cipp_list_users", `{"tenantFilter":"x","kind":"gest"}`, []string{"kind must be one of", "the nearest is guest."}},
		{"cipp_list_users", `{"tenantFilter":"x","limit":500}`, []string{"limit must be at most 100 (got 500)"}},
		{"cipp_list_users", `{"tenantFilter":"x","limit":"many"}`, []string{"limit must be a whole number"}},
		{"cipp_list_users", `{"tenantFilter":"x","limit":2.5}`, []string{"limit must be a whole number"}},
		{"cipp_list_users", `{"tenantFilter":["x"]}`, []string{"tenantFilter must be text"}},
		{"cipp_list_users", `[1]`, []string{"not a JSON object"}},
		{"cipp_get_user", `{"tenantFilter":"x","userId":"u","upn":"u"}`, []string{"upn and userId are the same argument"}},
		{"cipp_get_user", `{"tenantFilter":"x","userId":"u","sections":["mfaa"]}`, []string{"sections must be one of", "the nearest is mfa."}},
		{"cipp_disable_user", `{"tenantFilter":"x","userId":"u","dryRun":"perhaps"}`, []string{"dryRun must be true or false"}},
		{"cipp_offboard_user", `{"tenantFilter":"x","userId":"u","disableUser":false}`, []string{"always does what disableUser stands for"}},
		{"cipp_create_user", `{"tenantFilter":"x","displayName":"` + strings.Repeat("a", 257) + `","userPrincipalName":"a@b","mailNickname":"a"}`, []string{"displayName is longer than 256 characters"}},
		{"cipp_list_users", `{"tenantFilter":"x","reason":"because"}`, []string{"no argument reason"}},
	} {
		tool := byName(t, c.tool)
		_, _, err := decode(tool, inputSchema(tool.Input), json.RawMessage(c.args))
		var p *tools.Problem
		if !errors.As(err, &p) || p.Code != "invalid_argument" {
			t.Errorf("%s %s: %v", c.tool, c.args, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(p.Message, w) {
				t.Errorf("%s %s: %q says nothing of %q", c.tool, c.args, p.Message, w)
			}
		}
	}
}

func TestHarmlessSlipsAreForgiven(t *testing.T) {
	for _, c := range []struct {
		tool, args, want string // want is a JSON object that the decoded input must hold
	}{
		{"cipp_list_users", `{"tenantFilter":"x","limit":"30","kind":"GUEST","select":"department"}`, `{"limit":30,"kind":"guest","select":["department"]}`},
		{"cipp_list_users", `{"customerId":"x"}`, `{"tenantFilter":"x"}`},
		{"cipp_get_user", `{"tenant_filter":"x","username":"u","sections":"[\"mfa\",\"groups\"]"}`, `{"tenantFilter":"x","userId":"u","sections":["mfa","groups"]}`},
		{"cipp_reset_password", `{"tenantFilter":"x","userId":"u","newPassword":"secret-password","mustChangeAtNextSignIn":"false"}`, `{"password":"secret-password","mustChangePassword":false}`},
		{"cipp_create_user", `{"tenantFilter":"x","displayName":"A","userPrincipalName":"a@b","mailNickname":"a","givenName":"G","surname":"S"}`, `{"firstName":"G","lastName":"S"}`},
		{"cipp_offboard_user", `{"tenantFilter":"x","userId":"u","ConvertToShared":"true","RemoveGroups":true,"OOO":"bye","DisableSignIn":true,"ticket":"T1"}`, `{"convertToShared":true,"removeFromGroups":true,"outOfOfficeMessage":"bye"}`},
		{"cipp_edit_user", `{"tenantFilter":"x","userPrincipalName":"u","jobTitle":null}`, `{"userId":"u"}`},
	} {
		tool := byName(t, c.tool)
		in, _, err := decode(tool, inputSchema(tool.Input), json.RawMessage(c.args))
		if err != nil {
			t.Errorf("%s %s: %v", c.tool, c.args, err)
			continue
		}
		var got, want map[string]any
		b, _ := json.Marshal(in)
		if err := errors.Join(json.Unmarshal(b, &got), json.Unmarshal([]byte(c.want), &want)); err != nil {
			t.Fatal(err)
		}
		for k, v := range want {
			g, _ := json.Marshal(got[k])
			w, _ := json.Marshal(v)
			if string(g) != string(w) {
				t.Errorf("%s %s: %s is %s, not %s", c.tool, c.args, k, g, w)
			}
		}
	}
}

// Whatever a client sends, the answer is an input or a sentence, never a panic and never both.
func FuzzDecode(f *testing.F) {
	f.Add("cipp_list_users", `{"tenantFilter":"x","limit":1e99}`)
	f.Add("cipp_edit_user", `{"tenantFilter":{"a":[null]},"userId":"\u0000"}`)
	f.Add("cipp_offboard_user", `{"OOO":"[","convertToShared":"maybe"}`)
	f.Fuzz(func(t *testing.T, name, args string) {
		tool, ok := tools.ByName(name)
		if !ok {
			tool, _ = tools.ByName("cipp_get_user")
		}
		in, _, err := decode(tool, inputSchema(tool.Input), json.RawMessage(args))
		if (in == nil) == (err == nil) {
			t.Fatalf("%v, %v", in, err)
		}
	})
}
