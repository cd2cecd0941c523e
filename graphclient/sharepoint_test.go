package graphclient_test

import (
	"encoding/json"
	"strings"
	"testing"

	"cipp-mcp/graphclient"
	"cipp-mcp/sandbox"
	"cipp-mcp/sandbox/builtin"
	"cipp-mcp/sandbox/sandboxtest"
)

type object = map[string]any

// withState is the built-in story in which Harbourline was changed.
func withState(t *testing.T, o sandbox.Options, change func(tenant object)) *sandbox.Server {
	t.Helper()
	var s object
	if err := json.Unmarshal(builtin.State, &s); err != nil {
		t.Fatal(err)
	}
	for _, x := range s["tenants"].([]any) {
		if x := x.(object); x["tenantId"] == harbourline {
			change(x)
		}
	}
	o.State, _ = json.Marshal(s)
	o.Clock = clockNow
	return sandboxtest.Start(t, o)
}

// numbers gives Dana two numbers, and leaves one free.
func numbers(g object) {
	g["numberAssignments"] = []any{
		object{"id": "n1", "telephoneNumber": "+442079460111", "numberType": "directRouting", "assignmentStatus": "userAssigned", "assignmentTargetId": dana, "assignmentCategory": "primary", "locationId": "00000000-0000-0000-0000-000000000000"},
		object{"id": "n2", "telephoneNumber": "+442079460112", "numberType": "callingPlan", "assignmentStatus": "userAssigned", "assignmentTargetId": gareth, "assignmentCategory": "primary"},
		object{"id": "n3", "telephoneNumber": "+442079460113", "numberType": "callingPlan", "assignmentStatus": "unassigned"},
	}
}

func drives(g object) {
	for _, u := range g["users"].([]any) {
		if u := u.(object); u["id"] == dana {
			u["drive"] = object{"quota": object{"used": 5e9, "total": 1e12}}
		}
	}
}

func TestSandboxDriveSharing(t *testing.T) {
	var wire strings.Builder
	s := withState(t, sandbox.Options{Record: &wire}, func(x object) { drives(x["graph"].(object)); x["features"].(object)["sharingCapability"] = 1 })
	for _, way := range []string{"partner", "user"} {
		c := signedIn(t, s, way)
		d := *got(c.Drive(ctx, harbourline, dana))(t, "Drive")
		if now := got(c.DriveSharing(ctx, harbourline, d))(t, "DriveSharing"); now != graphclient.SharingExternalUsers {
			t.Errorf("%s", now)
		}
		for _, to := range []graphclient.SharingCapability{graphclient.SharingDisabled, graphclient.SharingExternalUsers} {
			if err := c.SetDriveSharing(ctx, harbourline, d, to); err != nil {
				t.Fatal(err)
			}
			if now := got(c.DriveSharing(ctx, harbourline, d))(t, "DriveSharing"); now != to {
				t.Errorf("%s, not %s", now, to)
			}
		}
		e := say(t, c.SetDriveSharing(ctx, harbourline, d, graphclient.SharingAnybody), graphclient.Invalid)
		if !strings.Contains(e.Message, "more permissive") {
			t.Errorf("%s", e.Message)
		}
		other := d
		other.WebURL = strings.Replace(d.WebURL, "dana", "nobody", 1)
		say(t, second(c.DriveSharing(ctx, harbourline, other)), graphclient.NotFound)
		for _, address := range []string{"https://harbourlinefreight-my.sharepoint.com.evil.example/personal/x/Documents", "http://harbourlinefreight-my.sharepoint.com/personal/x/Documents",
			"https://a.b-my.sharepoint.com/personal/x/Documents", "https://-my.sharepoint.com/personal/x/Documents", "https://harbourlinefreight-my.sharepoint.com", ""} {
			other.WebURL = address
			say(t, second(c.DriveSharing(ctx, harbourline, other)), graphclient.Invalid)
		}
	}
	if !strings.Contains(wire.String(), "https://harbourlinefreight-my.sharepoint.com/personal/dana_whitfield_harbourline_example") || strings.Contains(wire.String(), "evil") {
		t.Error("the recording has not what it should")
	}
	app := signedIn(t, s, "secret")
	d := *got(app.Drive(ctx, harbourline, dana))(t, "Drive")
	e := say(t, app.SetDriveSharing(ctx, harbourline, d, graphclient.SharingDisabled), graphclient.OtherSignIn)
	if !strings.Contains(e.Message, "auth.mode partner or user") {
		t.Errorf("%s", e.Message)
	}
	roles := withState(t, sandbox.Options{}, func(x object) { drives(x["graph"].(object)); x["gdap"].(object)["roles"] = []any{"Global Reader"} })
	c := signedIn(t, roles, "partner")
	say(t, second(c.DriveSharing(ctx, harbourline, d)), graphclient.RoleMissing)
	for _, f := range []string{`"status":429,"retryAfter":1`, `"status":503,"retryAfter":1`, `"cut":true`} {
		if err := s.SetFaults([]byte(`[{"match":{"service":"sharepoint"},"do":{` + f + `},"times":1}]`)); err != nil {
			t.Fatal(err)
		}
		c := signedIn(t, s, "partner")
		if _, err := c.DriveSharing(ctx, harbourline, d); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	if err := s.SetFaults([]byte(`[{"match":{"cmdlet":"SetProperty"},"do":{"cut":true,"effect":"before"},"times":1}]`)); err != nil {
		t.Fatal(err)
	}
	if err := signedIn(t, s, "partner").SetDriveSharing(ctx, harbourline, d, graphclient.SharingDisabled); !graphclient.IsAmbiguous(err) {
		t.Errorf("%v", err)
	}
}

func TestSandboxTelephoneNumbers(t *testing.T) {
	var wire strings.Builder
	s := withState(t, sandbox.Options{Record: &wire}, func(x object) { numbers(x["graph"].(object)) })
	for _, way := range ways {
		c := signedIn(t, s, way)
		mine := got(c.TelephoneNumbersOf(ctx, harbourline, dana))(t, "TelephoneNumbersOf")
		if len(mine) != 1 || mine[0].TelephoneNumber != "+442079460111" {
			t.Fatalf("%+v", mine)
		}
		if err := c.UnassignNumber(ctx, harbourline, mine[0]); err != nil {
			t.Fatal(err)
		}
		if left := got(c.TelephoneNumbersOf(ctx, harbourline, dana))(t, "TelephoneNumbersOf"); len(left) != 0 {
			t.Errorf("%+v", left)
		}
		if err := c.AssignNumber(ctx, harbourline, mine[0]); err != nil {
			t.Fatal(err)
		}
		if back := got(c.TelephoneNumbersOf(ctx, harbourline, dana))(t, "TelephoneNumbersOf"); len(back) != 1 || back[0] != mine[0] {
			t.Errorf("%+v", back)
		}
		taken := mine[0]
		taken.TelephoneNumber, taken.NumberType = "+442079460112", "callingPlan"
		say(t, c.AssignNumber(ctx, harbourline, taken), graphclient.Invalid)
		taken.TelephoneNumber = "+1"
		say(t, c.UnassignNumber(ctx, harbourline, taken), graphclient.NotFound)
	}
	if strings.Contains(wire.String(), "2079460111") {
		t.Error("a telephone number is in the recording")
	}
}
