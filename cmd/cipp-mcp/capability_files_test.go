package main

import (
	"slices"
	"strings"
	"testing"
)

// Somebody with a OneDrive, and the sites of the built-in story.
const (
	yuki         = "yuki.tanaka@harbourline.example"
	customsSite  = "https://harbourlinefreight.sharepoint.com/sites/customs"
	projectsSite = "https://harbourlinefreight.sharepoint.com/sites/rotterdam-project"
)

// fileCapabilities are OneDrive and SharePoint.
var fileCapabilities = map[string]capability{
	"O1": {
		what: "makes a OneDrive before it was ever opened", tool: "cipp_provision_onedrive", world: worldOptions{partner: true},
		does:    func(w *world) { w.done("cipp_provision_onedrive", in(harbourline, "userId", dana)) },
		changes: []string{"/drive"},
		fails: func(w *world) {
			w.blocked("holds SharePoint or OneDrive", "cipp_provision_onedrive", in(harbourline, "userId", dispatch))
		},
	},
	"O2": {
		what: "adds a shortcut to a site's library or a folder of it to a OneDrive", tool: "cipp_add_onedrive_shortcut",
		does: func(w *world) {
			w.done("cipp_add_onedrive_shortcut", in(harbourline, "userId", yuki, "siteUrl", customsSite))
			w.done("cipp_add_onedrive_shortcut", in(harbourline, "userId", yuki, "siteUrl", customsSite, "folder", "/Tariffs"))
			if a := w.must("cipp_add_onedrive_shortcut", in(harbourline, "userId", yuki, "siteUrl", customsSite, "dryRun", true)); !strings.Contains(a.text, "it is so already") {
				w.t.Errorf("%s", a.text)
			}
		},
		changes: []string{"/drive/items"},
		fails: func(w *world) {
			w.blocked("has no OneDrive", "cipp_add_onedrive_shortcut", in(harbourline, "userId", dana, "siteUrl", customsSite))
			w.invalid("there is no folder", "cipp_add_onedrive_shortcut", in(harbourline, "userId", yuki, "siteUrl", customsSite, "folder", "Tariffs/2026"))
			w.invalid("no address of a SharePoint site", "cipp_add_onedrive_shortcut", in(harbourline, "userId", yuki, "siteUrl", "https://evil.example/sites/customs"))
		},
	},
	"O3": {
		what: "shows somebody's OneDrive", tool: "cipp_get_user",
		does: func(w *world) {
			if d, _ := w.must("cipp_get_user", in(harbourline, "userId", yuki, "sections", "onedrive")).v["onedrive"].(m); !strings.Contains(d["webUrl"].(string), "-my.sharepoint.com/personal/yuki") {
				w.t.Errorf("%v", d)
			}
		},
		fails: func(w *world) {
			w.refused("user_not_found", "cipp_get_user", in(harbourline, "userId", "nobody@harbourline.example", "sections", "onedrive"))
		},
	},
	"O4": {
		what: "makes somebody a visitor, member or owner of a site or a site below it, through the group where it has one", tool: "cipp_set_site_access", world: worldOptions{partner: true},
		does: func(w *world) {
			w.done("cipp_set_site_access", in(harbourline, "userId", dana, "add", []string{"member:" + customsSite + "/eu", "owner:" + projectsSite, "visitor:" + projectsSite}, "remove", "visitor:"+customsSite))
			w.done("cipp_set_site_access", in(harbourline, "userId", yuki, "add", "member:"+projectsSite))
			if g := groupNames(w, yuki); !slices.Contains(g, "Rotterdam Project") {
				w.t.Errorf("a member of the site is none of its group: %v", g)
			}
		},
		changes: []string{"/members", "/visitors", "/owners"},
		fails: func(w *world) {
			w.invalid("there is no site", "cipp_set_site_access", in(harbourline, "userId", dana, "add", "member:https://harbourlinefreight.sharepoint.com/sites/none"))
			w.blocked("only owner", "cipp_set_site_access", in(harbourline, "userId", gareth, "remove", "owner:"+projectsSite))
		},
	},
	"L18": {
		what: "shows somebody's OneDrive in the view of the user", tool: "cipp_get_user",
		does: func(w *world) {
			a := w.must("cipp_get_user", in(harbourline, "userId", yuki, "sections", []string{"summary", "onedrive"}))
			if !strings.Contains(a.text, "OneDrive https://") {
				w.t.Errorf("%s", a.text)
			}
		},
		fails: func(w *world) {
			w.faults(fault(m{"service": "graph", "path": "/users/*/drive"}, m{"status": 403, "code": "accessDenied"}, 100))
			if a := w.must("cipp_get_user", in(harbourline, "userId", yuki, "sections", []string{"summary", "onedrive"})); len(a.list("unavailable")) != 1 {
				w.t.Errorf("%s", a.text)
			}
		},
	},
}

// What this sign-in may not is said in the plan, in the words of all such refusals, and what goes through a group is done.
func TestFilesByTheApplicationsSecret(t *testing.T) {
	w := newWorld(t, worldOptions{})
	before := w.state()
	a := w.blocked("needs a delegated sign-in", "cipp_provision_onedrive", in(harbourline, "userId", dana))
	for _, part := range []string{"in harbourline.example needs", "this server signs in as an application. Nothing was changed.", "configure auth.mode partner"} {
		if !strings.Contains(a.text, part) {
			t.Errorf("nothing of %q: %s", part, a.text)
		}
	}
	w.blocked("a certificate (SharePoint refuses a secret)", "cipp_set_site_access", in(harbourline, "userId", dana, "add", "visitor:"+customsSite))
	w.unharmed(before)
	w.done("cipp_set_site_access", in(harbourline, "userId", priya, "add", "member:"+projectsSite))
}

// What was done to files is taken back.
func TestFilesAreUndone(t *testing.T) {
	w := newWorld(t, worldOptions{partner: true})
	before := w.state()
	for tool, args := range map[string]m{
		"cipp_add_onedrive_shortcut": in(harbourline, "userId", yuki, "siteUrl", customsSite),
		"cipp_set_site_access":       in(harbourline, "userId", dana, "add", []string{"member:" + customsSite, "owner:" + projectsSite}, "remove", "visitor:"+customsSite),
	} {
		a := w.done(tool, args)
		w.done("cipp_undo_job", m{"jobId": a.v["jobId"]})
	}
	w.unharmed(before)
}

// The sites somebody has access to, as what, and through which group; where SharePoint does not say, what is missing is
// said.
func TestSitesOfAUser(t *testing.T) {
	w := newWorld(t, worldOptions{partner: true})
	before := w.state()
	a := w.must("cipp_get_user", in(harbourline, "userId", noor, "sections", "sites"))
	for _, url := range []string{customsSite, customsSite + "/eu"} {
		a.row(t, "sites", "url", url)
	}
	if r := w.must("cipp_get_user", in(harbourline, "userId", gareth, "sections", "sites")).row(t, "sites", "url", projectsSite); r["group"] != "Rotterdam Project" || r["rights"].([]any)[0] != "owner" {
		t.Errorf("%v", r)
	}
	w.faults(fault(m{"service": "sharepoint"}, m{"status": 403}, 100))
	a = w.must("cipp_get_user", in(harbourline, "userId", gareth, "sections", "sites"))
	if u := a.list("unavailable"); len(u) != 1 || len(a.list("sites")) != 1 || !strings.Contains(a.text, "only the sites of Microsoft 365 groups are shown") {
		t.Errorf("%s", a.text)
	}
	w.unharmed(before)
}
