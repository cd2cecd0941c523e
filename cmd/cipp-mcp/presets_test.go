package main

import (
	"slices"
	"strings"
	"testing"

	"cipp-mcp/internal/config"
	"cipp-mcp/tools"
)

func (w *world) listed() []string {
	w.t.Helper()
	list, err := w.client.ListTools(w.t.Context(), listTools)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	return names
}

func TestPresetsListWhatTheirWorkNeeds(t *testing.T) {
	for preset, has := range map[string][2]string{ // what it has, and what it has not
		"default":     {"cipp_offboard_user", "cipp_delete_user"},
		"triage":      {"cipp_list_audit_logs", "cipp_edit_user"},
		"helpdesk":    {"cipp_reset_password", "cipp_offboard_user"},
		"offboarding": {"cipp_offboard_user", "cipp_bec_check"},
		"bec":         {"cipp_bec_remediate", "cipp_offboard_user"},
		"all":         {"cipp_bulk_action", "cipp_nothing"},
	} {
		w := newWorld(t, worldOptions{config: "tools: {preset: " + preset + "}\n"})
		names := w.listed()
		if !slices.Contains(names, has[0]) || slices.Contains(names, has[1]) {
			t.Errorf("%s: %v", preset, names)
		}
	}
}

func TestToolsetsAddToAPreset(t *testing.T) {
	w := newWorld(t, worldOptions{config: "tools: {preset: bec, toolsets: [jobs], remove: [cipp_undo_job]}\n"})
	names := w.listed()
	if !slices.Contains(names, "cipp_list_scheduled_items") || slices.Contains(names, "cipp_undo_job") {
		t.Errorf("%v", names)
	}
	a := w.refused("switched_off", "cipp_offboard_user", in(harbourline, "userId", dana))
	if !strings.Contains(a.text, "toolset workflows") {
		t.Errorf("%s", a.text)
	}
	if err := knownTools(config.Tools{Toolsets: []string{"mial"}}); err == nil || !strings.Contains(err.Error(), "mail") {
		t.Errorf("%v", err)
	}
}

func TestABulkRunsNothingThatIsSwitchedOff(t *testing.T) {
	w := newWorld(t, worldOptions{config: "tools: {preset: all, remove: [cipp_delete_user]}\n"})
	w.refused("switched_off", "cipp_bulk_action", m{"action": "cipp_delete_user", "tenantFilter": harbourline, "targets": []string{dana}})
}

func TestDiscoveryFindsDescribesAndCalls(t *testing.T) {
	for _, era := range []string{"modern", "legacy"} {
		t.Run(era, func(t *testing.T) {
			w := newWorld(t, worldOptions{era: era, config: "tools: {preset: default, discovery: true}\n"})
			if names := w.listed(); !slices.Equal(names, []string{"cipp_call_tool", "cipp_describe_tool", "cipp_search_tools"}) {
				t.Fatalf("%v", names)
			}
			for what, want := range map[string]string{
				"reset the password of somebody": "cipp_reset_password", "who has no mfa": "cipp_list_mfa_users", "a leaver goes": "cipp_offboard_user",
				"many users at once": "cipp_bulk_action", "delegates of a mailbox": "cipp_list_mailbox_permissions", "forward mail": "cipp_set_email_forwarding",
			} {
				if a := w.must("cipp_search_tools", m{"query": what}); !strings.Contains(a.text, want) {
					t.Errorf("%s finds %s", what, a.text)
				}
			}
			d := w.must("cipp_describe_tool", m{"name": "cipp_disable_user"})
			if s, _ := d.v["inputSchema"].(map[string]any); s["properties"] == nil {
				t.Errorf("%s", d.text)
			}
			w.refused("invalid_argument", "cipp_describe_tool", m{"name": "cipp_disable_usr"})
			before := w.state()
			w.answer = func(string) bool { return false }
			if a := w.must("cipp_call_tool", m{"name": "cipp_disable_user", "arguments": in(harbourline, "userId", dana)}); a.v["status"] != "declined" {
				t.Errorf("%s", a.text)
			}
			w.unharmed(before)
			w.answer = func(string) bool { return true }
			w.done("cipp_call_tool", m{"name": "cipp_disable_user", "arguments": in(harbourline, "userId", dana)})
			if len(w.changed(before)) != 1 {
				t.Errorf("%v", w.changed(before))
			}
		})
	}
}

// Every name in a preset is a tool.
func TestPresetsNameTools(t *testing.T) {
	for _, p := range tools.Presets() {
		n := 0
		for _, tool := range tools.All() {
			if tool.In(p) {
				n++
			}
		}
		t.Logf("%s: %d tools", p, n)
		if n == 0 {
			t.Errorf("%s is empty", p)
		}
	}
}
