package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

const (
	nia       = "nia.reyes@harbourline.example"
	omar      = "omar@harbourline.example"
	rotterdam = "bc510933-18fb-44fc-9fe8-8ce12143a9b1"
)

// newNia are the arguments of a user called Nia Reyes.
func newNia(more ...any) map[string]any {
	return in(harbourline, append([]any{"displayName", "Nia Reyes", "userPrincipalName", nia, "mailNickname", "nia.reyes"}, more...)...)
}

// animated is a GIF of two frames.
func animated() string {
	p := color.Palette{color.White, color.Black}
	a, b := image.NewPaletted(image.Rect(0, 0, 72, 72), p), image.NewPaletted(image.Rect(0, 0, 72, 72), p)
	b.SetColorIndex(3, 3, 1)
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, &gif.GIF{Image: []*image.Paletted{a, b}, Delay: []int{5, 5}}); err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// still is a picture of one frame, as JPG or PNG.
func still(kind string) string {
	var out bytes.Buffer
	picture := image.NewGray(image.Rect(0, 0, 72, 72))
	var err error
	if kind == "png" {
		err = png.Encode(&out, picture)
	} else {
		err = jpeg.Encode(&out, picture, nil)
	}
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

// nobody is the failure of every tool that takes a user.
func nobody(tool string, more ...any) func(*world) {
	return func(w *world) {
		w.refused("user_not_found", tool, in(harbourline, append([]any{"userId", "nobody@" + harbourline}, more...)...))
	}
}

// created are what creating Nia changes at the least.
var created = []string{"/graph/users/" + nia}

// lifecycleCapabilities are changes of users, their deletion and where they are mastered.
var lifecycleCapabilities = map[string]capability{
	"E1": {
		what: "changes the named properties of a user and no others", tool: "cipp_edit_user",
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "displayName", "Dana W.", "department", "Claims"))
		},
		changes: []string{dana + "/displayName", dana + "/department"},
		leaves:  ofUser(dana, "displayName", "Dana W.", "department", "Claims", "jobTitle", "Sales Coordinator", "userPrincipalName", dana),
		fails: func(w *world) {
			w.blocked("Active Directory", "cipp_edit_user", in(harbourline, "userId", ingrid, "department", "Claims"))
		},
	},
	"E5": {
		what: "sets a user's picture: JPG, PNG or a GIF made still, under 800 KB", tool: "cipp_edit_user",
		does: func(w *world) {
			for _, kind := range []string{"jpg", "png"} {
				w.done("cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"base64": still(kind)}))
			}
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"base64": animated()}))
			job := w.done("cipp_edit_user", in(harbourline, "userId", priya, "photo", map[string]any{"base64": "data:image/gif;base64," + animated()})).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
		},
		changes: []string{dana + "/photo"},
		fails: func(w *world) {
			w.invalid("JPG, PNG or GIF", "cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"base64": base64.StdEncoding.EncodeToString([]byte("<svg/>"))}))
			w.invalid("800 KB", "cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"base64": base64.StdEncoding.EncodeToString(make([]byte, 801<<10))}))
			w.invalid("no folder", "cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"path": "dana.jpg"}))
		},
	},
	"E6": {
		what: "sets a user's manager", tool: "cipp_edit_user",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "targets": []string{dana, yuki}, "arguments": m{"managerId": priya}})
			id := w.at("graph/users/" + priya + "/id")
			w.stands(ofUser(dana, "manager", id).with(ofUser(yuki, "manager", id)))
			w.done("cipp_edit_user", in(harbourline, "userId", yuki, "managerId", gareth))
			w.stands(ofUser(yuki, "manager", w.at("graph/users/"+gareth+"/id")))
		},
		changes: []string{dana + "/manager", yuki + "/manager"},
		fails: func(w *world) {
			w.invalid("there is no user", "cipp_edit_user", in(harbourline, "userId", dana, "managerId", "nobody@"+harbourline))
		},
	},
	"E9": {
		what: "sets telephone, fax and alternate address, which can serve recovery", tool: "cipp_edit_user",
		does: func(w *world) {
			a := w.must("cipp_edit_user", in(harbourline, "userId", dana, "otherMails", []string{"dana@private.example"}, "dryRun", true))
			if plan, _ := a.v["plan"].(map[string]any); plan["risk"] != "destructive" {
				w.t.Errorf("an address that recovery may use is as harmless as a title: %s", a.text)
			}
			job := w.done("cipp_edit_user", in(harbourline, "userId", dana, "businessPhones", []string{"+44 1632960001"}, "faxNumber", "+44 1632960002", "otherMails", []string{"dana@private.example"})).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job, "steps": []string{"edit-user"}})
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "otherMails", []string{"dana@private.example"}, "businessPhones", []string{"+44 1632960009"}, "faxNumber", "+44 1632960002", "mobilePhone", "+44 7700900177"))
		},
		changes: []string{dana + "/otherMails", dana + "/businessPhones", dana + "/faxNumber", dana + "/mobilePhone"},
		leaves:  ofUser(dana, "otherMails", []string{"dana@private.example"}, "businessPhones", []string{"+44 1632960009"}, "faxNumber", "+44 1632960002", "mobilePhone", "+44 7700900177"),
		fails: func(w *world) {
			w.invalid("mail addresses", "cipp_edit_user", in(harbourline, "userId", dana, "otherMails", []string{"x y@z"}))
		},
	},
	"E10": {
		what: "changes the domain of a sign-in name", tool: "cipp_edit_user",
		does: func(w *world) {
			a := w.done("cipp_edit_user", in(harbourline, "userId", stefan, "domain", "harbourlinefreight.onmicrosoft.com"))
			if !strings.Contains(a.text, "signs in with the new name") {
				w.t.Error(a.text)
			}
			w.done("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "targets": []string{dana, lewis}, "arguments": m{"domain": "harbourlinefreight.onmicrosoft.com"}})
			for _, who := range []string{"dana.whitfield", "lewis.carrick"} { // the old address is kept
				w.stands(leaves{"graph/users/" + who + "@harbourlinefreight.onmicrosoft.com/proxyAddresses": part(who + "@" + harbourline)})
			}
		},
		changes: []string{"stefan.kruse", "dana.whitfield", "lewis.carrick"},
		fails: func(w *world) {
			w.blocked("no verified domain", "cipp_edit_user", in(harbourline, "userId", stefan, "domain", "elsewhere.example"))
			w.invalid("guest", "cipp_edit_user", in(harbourline, "userId", anna, "domain", harbourline))
		},
	},
	"E11": {
		what: "changes a sign-in name, unless it is taken", tool: "cipp_edit_user",
		does: func(w *world) {
			w.done("cipp_bulk_action", m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": "userId,userPrincipalName\n" + stefan + ",s.kruse@" + harbourline + "\n" + yuki + ",yuki.t@" + harbourline + "\n"})
			w.stands(leaves{"graph/users/s.kruse@harbourline.example/accountEnabled": false, "graph/users/yuki.t@harbourline.example/accountEnabled": true})
			w.done("cipp_edit_user", in(harbourline, "userId", "yuki.t@"+harbourline, "newUserPrincipalName", "yuki.tanaka2@"+harbourline))
		},
		changes: []string{"kruse@", "yuki"},
		fails: func(w *world) {
			w.blocked("is taken by", "cipp_edit_user", in(harbourline, "userId", stefan, "newUserPrincipalName", dana))
			rename := func(first, second string) m {
				return m{"action": "cipp_edit_user", "tenantFilter": harbourline, "csv": "userId,newUserPrincipalName\n" + stefan + "," + first + "\n" + yuki + "," + second + "\n"}
			}
			w.blocked("no verified domain", "cipp_bulk_action", rename("s.kruse@"+harbourline, "yuki@elsewhere.example"))
			w.blocked("is taken by", "cipp_bulk_action", rename("s.kruse@"+harbourline, dana))
			w.invalid("row 2", "cipp_bulk_action", rename("same@"+harbourline, "Same@"+harbourline)) // two rows, one name
		},
	},
	"E12": {
		what: "sets the fifteen extension attributes", tool: "cipp_edit_user",
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "extensionAttributes", map[string]any{"1": "red", "15": "blue"}))
			job := w.done("cipp_edit_user", in(harbourline, "userId", dana, "attributes", map[string]any{"extensionAttribute1": "green"})).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "extensionAttributes", map[string]any{"15": nil}))
		},
		changes: []string{dana + "/onPremisesExtensionAttributes"},
		leaves:  ofUser(dana, "onPremisesExtensionAttributes/extensionAttribute1", "red", "onPremisesExtensionAttributes/extensionAttribute15", nil),
		fails: func(w *world) {
			w.blocked("Active Directory", "cipp_edit_user", in(harbourline, "userId", ingrid, "extensionAttributes", map[string]any{"1": "red"}))
			w.invalid("1 to 15", "cipp_edit_user", in(harbourline, "userId", dana, "extensionAttributes", map[string]any{"16": "red"}))
		},
	},
	"E13": {
		what: "changes the basic properties of a user", tool: "cipp_edit_user",
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "firstName", "Daniela", "city", "Hull", "clear", []string{"jobTitle"}))
		},
		changes: []string{dana + "/givenName", dana + "/city", dana + "/jobTitle"},
		leaves:  ofUser(dana, "givenName", "Daniela", "city", "Hull", "jobTitle", nil),
		fails: func(w *world) {
			w.invalid("cannot be emptied", "cipp_edit_user", in(harbourline, "userId", dana, "clear", []string{"usageLocation"}))
		},
	},
	"E14": {
		what: "deletes a user, and says until when it can be restored", tool: "cipp_delete_user",
		does: func(w *world) {
			if a := w.done("cipp_delete_user", in(harbourline, "userId", stefan)); !strings.Contains(a.text, "can be restored until 2026-04-11") {
				w.t.Error(a.text)
			}
		},
		changes: []string{"stefan.kruse"},
		fails:   func(w *world) { w.blocked("Active Directory", "cipp_delete_user", in(harbourline, "userId", ingrid)) },
	},
	"E15": {
		what: "restores a deleted user", tool: "cipp_restore_user",
		does: func(w *world) {
			w.done("cipp_delete_user", in(harbourline, "userId", stefan))
			w.done("cipp_restore_user", in(harbourline, "userId", stefan))
			w.done("cipp_bulk_action", m{"action": "cipp_delete_user", "tenantFilter": harbourline, "targets": []string{stefan, yuki}})
			w.stands(leaves{"graph/users/" + stefan: nil, "graph/users/" + yuki: nil})
			w.done("cipp_bulk_action", m{"action": "cipp_restore_user", "tenantFilter": harbourline, "targets": []string{stefan, yuki}})
			w.stands(ofUser(stefan, "userPrincipalName", stefan).with(ofUser(yuki, "userPrincipalName", yuki)))
		},
		changes: []string{stefan + "/assignedLicenses", stefan + "/licenseAssignmentStates"}, // empty ones are written down
		fails:   func(w *world) { w.refused("user_not_found", "cipp_restore_user", in(harbourline, "userId", dana)) },
	},
	"E16": {
		what: "deletes a user for good, where the operator allows it and approves", tool: "cipp_purge_user",
		world: worldOptions{config: "guards: {purge: allow}\n"},
		does: func(w *world) {
			w.done("cipp_delete_user", in(harbourline, "userId", stefan))
			if j := w.approves(w.held("cipp_purge_user", in(harbourline, "userId", stefan))); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
			w.refused("user_not_found", "cipp_restore_user", in(harbourline, "userId", stefan))
			guests := []string{anna, "luca.dangelo_porto-lines.example#EXT#@harbourlinefreight.onmicrosoft.com"}
			w.done("cipp_bulk_action", m{"action": "cipp_delete_user", "tenantFilter": harbourline, "targets": guests})
			if j := w.approves(w.held("cipp_bulk_action", m{"action": "cipp_purge_user", "tenantFilter": harbourline, "targets": guests})); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
			w.refused("user_not_found", "cipp_restore_user", in(harbourline, "userId", anna))
		},
		changes: []string{"stefan.kruse", "anna_vendor", "luca.dangelo", "/members"},
		fails:   func(w *world) { w.refused("user_not_found", "cipp_purge_user", in(harbourline, "userId", dana)) },
	},
	"E17": {
		what: "keeps the day an account ends, and calls off what was planned for its sign-in when it is blocked", tool: "cipp_disable_user",
		does: func(w *world) {
			w.done("cipp_edit_user", in(harbourline, "userId", dana, "employeeLeaveDateTime", "2026-03-31T17:00:00Z"))
			later := w.must("cipp_disable_user", in(harbourline, "userId", dana, "runAt", "employeeLeaveDateTime"))
			w.done("cipp_disable_user", in(harbourline, "userId", dana))
			if j := w.ended(later.v["jobId"].(string)); j.v["status"] != "cancelled" {
				w.t.Error(j.text)
			}
			w.t.Run("the day it begins, by a person's sign-in", func(t *testing.T) {
				w := newWorld(t, worldOptions{partner: true})
				w.done("cipp_edit_user", in(harbourline, "userId", dana, "employeeHireDate", "2026-04-01"))
				w.stands(ofUser(dana, "employeeHireDate", part("2026-04-01")))
			})
		},
		changes: []string{dana + "/employeeLeaveDateTime", dana + "/accountEnabled"},
		leaves:  ofUser(dana, "employeeLeaveDateTime", "2026-03-31T17:00:00Z", "accountEnabled", false),
		fails: func(w *world) {
			w.blocked("needs a delegated sign-in", "cipp_edit_user", in(harbourline, "userId", dana, "employeeHireDate", "2026-04-01"))
			w.invalid("no employeeLeaveDateTime", "cipp_disable_user", in(harbourline, "userId", dana, "runAt", "employeeLeaveDateTime"))
		},
	},
	"E18": {
		what: "refuses to allow the sign-in of a deleted user", tool: "cipp_enable_user",
		does: func(w *world) {
			w.done("cipp_delete_user", in(harbourline, "userId", stefan))
			w.mark()
			w.refused("user_not_found", "cipp_enable_user", in(harbourline, "userId", stefan))
		},
		sure: "the refusal is the capability",
	},
	"D1": {
		what: "clears the immutable id of a user that is not synchronised any more", tool: "cipp_clear_immutable_id",
		does: func(w *world) {
			w.done("cipp_create_user", newNia())
			w.patches(nia, map[string]any{"onPremisesImmutableId": "bmlhLXJleWVz"})
			w.mark()
			w.done("cipp_clear_immutable_id", in(harbourline, "userId", nia))
		},
		changes: []string{nia + "/onPremisesImmutableId"},
		fails: func(w *world) {
			w.blocked("still synchronised", "cipp_clear_immutable_id", in(harbourline, "userId", ingrid))
		},
	},
	"D2": {
		what: "gives a synchronised user to the cloud, or back, with the operator's approval", tool: "cipp_set_source_of_authority",
		does: func(w *world) {
			if j := w.approves(w.held("cipp_set_source_of_authority", in(harbourline, "userId", ingrid, "sourceOfAuthority", "cloud"))); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
		},
		changes: []string{ingrid + "/onPremisesSyncBehavior"},
		leaves:  ofUser(ingrid, "onPremisesSyncBehavior/isCloudManaged", true),
		fails: func(w *world) {
			w.blocked("never came from an Active Directory", "cipp_set_source_of_authority", in(harbourline, "userId", dana, "sourceOfAuthority", "cloud"))
		},
	},
	"D3": {
		what: "tells users of the cloud from synchronised ones, and which of their properties are locked", tool: "cipp_list_users",
		does: func(w *world) {
			a := w.must("cipp_list_users", in(harbourline, "kind", "hybrid"))
			a.row(w.t, "users", "userPrincipalName", ingrid)
			w.blocked("jobTitle", "cipp_edit_user", in(harbourline, "userId", ingrid, "jobTitle", "Clerk"))
		},
		fails: func(w *world) {
			w.refused("tenant_not_found", "cipp_list_users", in("nobody.example", "kind", "hybrid"))
		},
	},
	"D4": {
		what: "shows whether a user is synchronised, and when it was last", tool: "cipp_get_user",
		does: func(w *world) {
			a := w.must("cipp_get_user", in(harbourline, "userId", ingrid, "sections", []string{"summary", "attributes"}))
			sum, _ := a.v["summary"].(map[string]any)
			attributes, _ := a.v["attributes"].(map[string]any)
			if sum["syncState"] != "hybrid" || attributes["onPremisesLastSyncDateTime"] == nil {
				w.t.Error(a.text)
			}
			if a := w.shows(dana, nil); !strings.Contains(a.text, "local") {
				w.t.Error(a.text)
			}
		},
		fails: nobody("cipp_get_user"),
	},
}

// groupNames are the groups of a user.
func groupNames(w *world, who string) []string {
	w.t.Helper()
	var out []string
	for _, g := range w.must("cipp_list_user_groups", in(harbourline, "userId", who, "limit", 100)).list("groups") {
		out = append(out, g["displayName"].(string))
	}
	return out
}

// patches changes a user as somebody else would.
func (w *world) patches(user string, patch map[string]any) {
	w.t.Helper()
	tenant, err := w.env.Graph.ResolveTenant(w.t.Context(), harbourline)
	if err == nil {
		err = w.env.Graph.UpdateUser(w.t.Context(), tenant.ID, user, patch)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// deviceOf is the name of a device that Intune manages for a user.
func (w *world) deviceOf(user string) string {
	w.t.Helper()
	tenant, err := w.env.Graph.ResolveTenant(w.t.Context(), harbourline)
	if err != nil {
		w.t.Fatal(err)
	}
	devices, err := w.env.Graph.ManagedDevices(w.t.Context(), tenant.ID, user)
	if err != nil || len(devices) == 0 {
		w.t.Fatalf("%s has no device: %v", user, err)
	}
	return devices[0].DeviceName
}

func TestPicturesComeFromTheFolderOnly(t *testing.T) {
	picture := pictureFolder(t)
	w := newWorld(t, worldOptions{config: "photos: {folder: \"" + picture + "\"}\n"})
	w.mark()
	for _, path := range []string{"../secret.jpg", "/etc/passwd", "link.jpg"} {
		w.invalid("photo.path", "cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"path": path}))
	}
	w.unharmed(w.marked)
	w.done("cipp_edit_user", in(harbourline, "userId", dana, "photo", map[string]any{"path": "dana.gif"}))
}
