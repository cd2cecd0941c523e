package main

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
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

var lifecycleCapabilities = map[string]capability{
	"C1": {
		what: "creates a user in one step", tool: "cipp_create_user",
		does: func(w *world) {
			a := w.done("cipp_create_user", newNia("firstName", "Nia", "lastName", "Reyes", "jobTitle", "Clerk", "department", "Claims", "usageLocation", "gb"))
			if len(a.list("secrets")) != 1 || a.v["createdId"] == nil {
				w.t.Error(a.text)
			}
		},
		changes: created,
		leaves:  ofUser(nia, "displayName", "Nia Reyes", "mailNickname", "nia.reyes", "givenName", "Nia", "surname", "Reyes", "usageLocation", "GB", "jobTitle", "Clerk", "department", "Claims", "accountEnabled", true),
		fails: func(w *world) {
			w.blocked("is taken by", "cipp_create_user", in(harbourline, "displayName", "Second", "userPrincipalName", dana, "mailNickname", "dana2"))
		},
	},
	"C2": {
		what: "builds the sign-in name of mail nickname and primary domain", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", in(harbourline, "displayName", "Nia Reyes", "mailNickname", "nia.reyes", "primDomain", harbourline, "givenName", "Nia", "surname", "Reyes"))
		},
		changes: created,
		leaves:  ofUser(nia, "userPrincipalName", nia, "mailNickname", "nia.reyes", "givenName", "Nia", "surname", "Reyes"),
		fails: func(w *world) {
			w.invalid("mailNickname and primDomain", "cipp_create_user", in(harbourline, "displayName", "Nia Reyes", "mailNickname", "nia.reyes"))
			w.blocked("no verified domain", "cipp_create_user", in(harbourline, "displayName", "Nia", "mailNickname", "nia", "primDomain", "elsewhere.example"))
		},
	},
	"C3": {
		what: "gives a new user aliases once the mailbox is there, with the domain added", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{"SPE_E5"}, "aliases", []string{"nia", "reception2@" + harbourline}))
			if a := w.must("cipp_get_mailbox", in(harbourline, "userId", nia, "sections", "addresses")); !strings.Contains(a.text, "nia@"+harbourline) || !strings.Contains(a.text, "reception2@"+harbourline) {
				w.t.Error(a.text)
			}
		},
		changes: append([]string{"consumedUnits", "/exchange/mailboxes/"}, created...),
		leaves:  ofUser(nia, "proxyAddresses", []string{"SMTP:" + nia, "smtp:nia@" + harbourline, "smtp:reception2@" + harbourline}),
		fails: func(w *world) {
			w.blocked("aliases are addresses of a mailbox", "cipp_create_user", newNia("aliases", []string{"nia"}))
			w.blocked("is an address of", "cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{"SPE_E5"}, "aliases", []string{"dispatch"}))
		},
	},
	"C4": {
		what: "takes a password, or generates and seals one", tool: "cipp_create_user",
		does: func(w *world) {
			a := w.done("cipp_create_user", newNia("password", "Of-my-0wn-making"))
			if !strings.Contains(a.text, "was seen by the model") || len(a.list("secrets")) != 0 || strings.Contains(a.text, "0wn-making") {
				w.t.Error(a.text)
			}
			a = w.done("cipp_create_user", in(harbourline, "displayName", "Omar Bell", "userPrincipalName", omar, "mailNickname", "omar"))
			if secret := w.reveal(a.list("secrets")[0]["handle"].(string)); len(secret) < 12 || strings.Contains(a.text, secret) {
				w.t.Errorf("%d characters: %s", len(secret), a.text)
			}
		},
		changes: append([]string{omar}, created...),
		fails: func(w *world) {
			if a := w.must("cipp_create_user", newNia("password", "weak")); a.v["status"] != "failed" {
				w.t.Error(a.text)
			}
		},
	},
	"C5": {
		what: "has a new user change the password at the first sign-in, or not", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", newNia("MustChangePass", false))
			w.stands(ofUser(nia, "passwordProfile/forceChangePasswordNextSignIn", false))
			w.done("cipp_create_user", in(harbourline, "displayName", "Omar Bell", "userPrincipalName", omar, "mailNickname", "omar", "mustChangePassword", true))
			w.stands(ofUser(omar, "passwordProfile/forceChangePasswordNextSignIn", true))
			w.done("cipp_set_password_expiration", in(harbourline, "userId", nia, "expireNow", true)) // it was not asked for before
		},
		changes: append([]string{omar}, created...),
		leaves:  ofUser(nia, "passwordProfile/forceChangePasswordNextSignIn", true),
		fails: func(w *world) {
			w.refused("invalid_argument", "cipp_create_user", newNia("mustChangePassword", "perhaps"))
		},
	},
	"C6": {
		what: "wants a usage location before a licence, from the call or the operator's default", tool: "cipp_create_user",
		world: worldOptions{config: "usageLocation: {harbourline.example: gb}\n"},
		does: func(w *world) {
			w.done("cipp_create_user", newNia("licenses", []string{visio}))
		},
		changes: append([]string{"consumedUnits"}, created...),
		leaves:  ofUser(nia, "usageLocation", "GB", "assignedLicenses/"+visio+"/skuId", visio),
		fails: func(w *world) {
			w.blocked("no usageLocation", "cipp_create_user", in("brightwell.example", "displayName", "Nia", "userPrincipalName", "nia@brightwell.example", "licenses", []string{"SPE_E5"}))
		},
	},
	"C7": {
		what: "assigns licences to a new user, against the free seats", tool: "cipp_create_user",
		does: func(w *world) {
			if row := w.must("cipp_list_licenses", in(harbourline, "search", "visio")).row(w.t, "licenses", "skuId", visio); row["free"] != 2.0 {
				w.t.Errorf("%v", row)
			}
			w.done("cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{"Visio Plan 2", "AAD_PREMIUM_P2"}))
		},
		changes: append([]string{"consumedUnits"}, created...),
		leaves:  ofUser(nia, "assignedLicenses/"+visio+"/skuId", visio, "assignedLicenses/"+p2+"/skuId", p2).with(leaves{"graph/subscribedSkus/" + visio + "/consumedUnits": 1}),
		fails: func(w *world) {
			noVisio(w)
			w.blocked("no free seat", "cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{visio}))
		},
	},
	"C8": {
		what: "asks the operator's provider for a new user's seat and waits; it never buys", tool: "cipp_create_user",
		does: func(w *world) {
			noVisio(w)
			w.blocked("licenses.provider: none", "cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{visio}, "requestIfUnavailable", true))
			w.t.Run("in a world where somebody takes requests", newUserWaitsForASeat)
		},
		sure: "without a provider it refuses, which is shown too",
	},
	"C9": {
		what: "sets job title, department and company of a new user", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", newNia("jobTitle", "Clerk", "department", "Claims", "companyName", "Harbourline"))
		},
		changes: created,
		leaves:  ofUser(nia, "jobTitle", "Clerk", "department", "Claims", "companyName", "Harbourline"),
		fails: func(w *world) {
			w.invalid("longer than 64", "cipp_create_user", newNia("department", strings.Repeat("x", 65)))
		},
	},
	"C10": {
		what: "sets address and telephones of a new user", tool: "cipp_create_user",
		does: func(w *world) {
			a := w.done("cipp_create_user", newNia("streetAddress", "1 Quay", "city", "Hull", "state", "Yorkshire", "postalCode", "HU1", "country", "GB", "mobilePhone", "+44 7700900155", "businessPhones", []string{"+44 1632960155"}))
			if strings.Contains(a.text, "7700900155") {
				w.t.Errorf("the number is shown: %s", a.text)
			}
		},
		changes: created,
		leaves:  ofUser(nia, "streetAddress", "1 Quay", "city", "Hull", "state", "Yorkshire", "postalCode", "HU1", "country", "GB", "mobilePhone", "+44 7700900155", "businessPhones", []string{"+44 1632960155"}),
		fails: func(w *world) {
			w.invalid("longer than 40", "cipp_create_user", newNia("postalCode", strings.Repeat("1", 41)))
		},
	},
	"C11": {
		what: "sets the alternate mail address of a new user", tool: "cipp_create_user",
		does:    func(w *world) { w.done("cipp_create_user", newNia("otherMails", []string{"nia@private.example"})) },
		changes: created,
		leaves:  ofUser(nia, "otherMails", []string{"nia@private.example"}),
		fails: func(w *world) {
			w.invalid("must be mail addresses", "cipp_create_user", newNia("otherMails", []string{"nia"}))
		},
	},
	"C12": {
		what: "names a new user's manager", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", newNia("managerId", priya))
			w.stands(ofUser(nia, "manager", w.at("graph/users/"+priya+"/id")))
		},
		changes: created,
		fails: func(w *world) {
			w.invalid("there is no user", "cipp_create_user", newNia("managerId", "nobody@"+harbourline))
		},
	},
	"C13": {
		what: "copies the groups of somebody else, and says which it left out and why", tool: "cipp_create_user",
		does: func(w *world) {
			a := w.done("cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{"SPE_E5"}, "copyGroupsFrom", noor))
			if !strings.Contains(a.text, "not copied from "+noor) {
				w.t.Error(a.text)
			}
			copied, left := groupNames(w, noor), groupNames(w, nia)
			for _, name := range left {
				if !slices.Contains(copied, name) {
					w.t.Errorf("%s is no group of %s", name, noor)
				}
			}
			for _, name := range copied {
				if !slices.Contains(left, name) && !strings.Contains(a.text, name) {
					w.t.Errorf("%s was neither copied nor named", name)
				}
			}
			if len(left) == 0 {
				w.t.Error("nothing was copied")
			}
		},
		changes: append([]string{"consumedUnits", "/exchange/", "/graph/groups/"}, created...),
		fails: func(w *world) {
			w.invalid("copyGroupsFrom", "cipp_create_user", newNia("copyGroupsFrom", "nobody@"+harbourline))
		},
	},
	"C14": {
		what: "sets further attributes, each by Microsoft's rules", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", newNia("attributes", map[string]any{"employeeId": "E-17", "employeeType": "Contractor", "faxNumber": "+44 1632960156", "officeLocation": "Hull", "otherMails": []string{"nia@private.example"},
				"showInAddressList": true, "state": "Yorkshire", "consentProvidedForMinor": "notRequired", "employeeLeaveDateTime": "2026-12-31T17:00:00Z", "extensionAttribute3": "blue"}))
		},
		changes: created,
		leaves:  ofUser(nia, "employeeId", "E-17", "employeeType", "Contractor", "faxNumber", "+44 1632960156", "officeLocation", "Hull", "otherMails", []string{"nia@private.example"}, "showInAddressList", true, "state", "Yorkshire", "consentProvidedForMinor", "NotRequired", "employeeLeaveDateTime", "2026-12-31T17:00:00Z", "onPremisesExtensionAttributes/extensionAttribute3", "blue"),
		fails: func(w *world) {
			w.blocked("employeeHireDate in harbourline.example needs a delegated sign-in", "cipp_create_user", newNia("attributes", map[string]any{"employeeHireDate": "2026-04-01"}))
			w.invalid("computed by Microsoft", "cipp_create_user", newNia("attributes", map[string]any{"legalAgeGroupClassification": "adult"}))
			w.invalid("there is no property", "cipp_create_user", newNia("attributes", map[string]any{"shoeSize": "44"}))
		},
	},
	"C15": {none: "which attributes a form shows is a form's affair: attributes takes all of them"},
	"C16": {
		what: "creates a user at a later time", tool: "cipp_create_user",
		does: func(w *world) {
			a := w.must("cipp_create_user", newNia("runAt", w.env.Clock.Now().Add(time.Hour).Format(time.RFC3339)))
			w.unharmed(w.marked)
			w.sandbox.Advance(2 * time.Hour)
			if j := w.ended(a.v["jobId"].(string)); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
		},
		changes: created,
		fails:   func(w *world) { w.invalid("has passed", "cipp_create_user", newNia("runAt", "2026-03-12T14:00:00Z")) },
	},
	"C17": {
		what: "gives a new user groups, mailbox and licence in the same job", tool: "cipp_create_user",
		does: func(w *world) {
			w.done("cipp_create_user", newNia("usageLocation", "GB", "licenses", []string{"SPE_E5"}, "groups", []string{"CRM Users", rotterdam, "finance-approvers@" + harbourline, "all-staff@" + harbourline}))
			if a := w.must("cipp_list_user_groups", in(harbourline, "userId", nia)); len(a.list("groups")) != 4 {
				w.t.Error(a.text)
			}
		},
		changes: append([]string{"consumedUnits", "/exchange/", "/graph/groups/"}, created...),
		fails: func(w *world) {
			w.blocked("has members by a rule", "cipp_create_user", newNia("groups", []string{"Everyone in Operations"}))
			w.blocked("is synchronised", "cipp_create_user", newNia("groups", []string{"AD-Warehouse"}))
			w.blocked("takes only people with a mailbox", "cipp_create_user", newNia("groups", []string{"All Staff"}))
			w.held("cipp_create_user", newNia("groups", []string{"Tier 1 Helpdesk"}))
		},
	},
	"C20": {
		what: "begins a new user by a prompt with the arguments such links have", tool: "cipp_create_user",
		does: func(w *world) {
			w.promptsNewUser()
			r := mcp.GetPromptRequest{}
			r.Params.Name, r.Params.Arguments = "new_user", map[string]string{}
			for _, k := range linkKeys {
				r.Params.Arguments[k] = "value of " + k
			}
			r.Params.Arguments["addedAliasses"] = "front\ndesk" // one a line, as such links have them
			p, err := w.client.GetPrompt(w.t.Context(), r)
			if err != nil {
				w.t.Fatal(err)
			}
			text, _ := mcp.AsTextContent(p.Messages[0].Content)
			for _, k := range linkKeys {
				if want := "value of " + k; k != "addedAliasses" && !strings.Contains(text.Text, want) {
					w.t.Errorf("no %s in %s", want, text.Text)
				}
			}
			r.Params.Arguments = map[string]string{"customerId": harbourline} // the only key that a link has to have
			if _, err := w.client.GetPrompt(w.t.Context(), r); err != nil {
				w.t.Error(err)
			}
			if !strings.Contains(text.Text, "front desk") {
				w.t.Errorf("the aliases are lost: %s", text.Text)
			}
			w.must("cipp_create_user", newNia("dryRun", true))
		},
		sure: "a prompt is text",
	},
	"C22": {
		what: "invites a guest, with Microsoft's mail or with a sealed link", tool: "cipp_invite_guest",
		does: func(w *world) {
			w.done("cipp_invite_guest", in(harbourline, "displayName", "Pat", "mail", "pat@fabrikam.example", "message", "Welcome"))
			a := w.done("cipp_invite_guest", in(harbourline, "mail", "sam@fabrikam.example", "sendInvite", false))
			if len(a.list("secrets")) != 1 || strings.Contains(a.text, "redeem?") {
				w.t.Error(a.text)
			}
		},
		changes: []string{"pat_fabrikam.example#EXT#", "sam_fabrikam.example#EXT#"},
		fails: func(w *world) {
			w.blocked("is a domain of harbourline.example itself", "cipp_invite_guest", in(harbourline, "mail", "pat@"+harbourline))
			w.blocked("is a guest here already", "cipp_invite_guest", in(harbourline, "mail", "anna@vendor-supplies.example"))
			w.invalid("must be a mail address", "cipp_invite_guest", in(harbourline, "mail", "pat"))
			w.invalid("https", "cipp_invite_guest", in(harbourline, "mail", "pat@fabrikam.example", "redirectUrl", "http://x.example"))
		},
	},
	"C24": {
		what: "sends a guest the invitation again", tool: "cipp_invite_guest",
		does: func(w *world) {
			w.done("cipp_invite_guest", in(harbourline, "mail", "pat@fabrikam.example"))
			w.done("cipp_invite_guest", in(harbourline, "userId", "pat_fabrikam.example#EXT#@harbourlinefreight.onmicrosoft.com", "resend", true))
		},
		changes: []string{"pat_fabrikam.example#EXT#"},
		fails: func(w *world) {
			w.blocked("is no guest", "cipp_invite_guest", in(harbourline, "userId", dana, "resend", true))
			w.invalid("go together", "cipp_invite_guest", in(harbourline, "userId", anna))
		},
	},
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
		},
		changes: []string{"stefan.kruse"},
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
	"S11": {
		what: "blocks a user's sign-in, with the sessions on request", tool: "cipp_disable_user",
		does: func(w *world) {
			if a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "dryRun", true)); !strings.Contains(a.text, "revokeSessions") {
				w.t.Errorf("it does not say that sessions go on: %s", a.text)
			}
			w.done("cipp_disable_user", in(harbourline, "userId", dana, "revokeSessions", true))
		},
		changes: []string{dana + "/accountEnabled", dana + "/signInSessionsValidFromDateTime"},
		leaves:  ofUser(dana, "accountEnabled", false),
		fails:   nobody("cipp_disable_user"),
	},
	"S12": {
		what: "blocks a user and takes groups and licences at the same time", tool: "cipp_disable_user",
		does: func(w *world) {
			a := w.done("cipp_disable_user", in(harbourline, "userId", yuki, "removeGroups", true, "removeLicenses", true))
			if !strings.Contains(a.text, "deleted after 30 days") {
				w.t.Errorf("nothing of the mailbox that goes: %s", a.text)
			}
			if g := groupNames(w, yuki); len(g) != 0 {
				w.t.Errorf("still in %v", g)
			}
		},
		changes: []string{yuki, "consumedUnits", "/graph/groups/", "/exchange/"},
		leaves:  ofUser(yuki, "accountEnabled", false, "assignedLicenses", []any{}),
		fails: func(w *world) {
			w.blocked("only owner", "cipp_disable_user", in(harbourline, "userId", gareth, "removeGroups", true))
		},
	},
	"S13": {
		what: "blocks a user's sign-in at a later time", tool: "cipp_disable_user",
		does: func(w *world) {
			a := w.must("cipp_disable_user", in(harbourline, "userId", yuki, "runAt", "2026-03-12T16:00:00Z", "removeGroups", true, "removeLicenses", true))
			w.unharmed(w.marked)
			w.sandbox.Advance(2 * time.Hour)
			if j := w.ended(a.v["jobId"].(string)); j.v["status"] != "done" {
				w.t.Error(j.text)
			}
			if g := groupNames(w, yuki); len(g) != 0 {
				w.t.Errorf("still in %v", g)
			}
		},
		changes: []string{yuki, "consumedUnits", "/graph/groups/", "/exchange/"},
		leaves:  ofUser(yuki, "accountEnabled", false, "assignedLicenses", []any{}),
		fails: func(w *world) {
			w.invalid("time with offset", "cipp_disable_user", in(harbourline, "userId", dana, "runAt", "tomorrow"))
		},
	},
	"S14": {
		what: "allows a user's sign-in", tool: "cipp_enable_user",
		does: func(w *world) {
			w.done("cipp_disable_user", in(harbourline, "userId", dana))
			w.mark()
			w.done("cipp_enable_user", in(harbourline, "userId", dana))
		},
		changes: []string{dana + "/accountEnabled"},
		fails:   nobody("cipp_enable_user"),
	},
	"S15": {
		what: "ends a user's sessions, and says how long tokens that are out live on", tool: "cipp_revoke_sessions",
		does: func(w *world) {
			if a := w.done("cipp_revoke_sessions", in(harbourline, "userId", dana)); !strings.Contains(a.text, "hour") {
				w.t.Errorf("it does not say how long tokens live on: %s", a.text)
			}
		},
		changes: []string{dana + "/signInSessionsValidFromDateTime"},
		fails:   nobody("cipp_revoke_sessions"),
	},
	"P1": {
		what: "sets a new random password, valid at once", tool: "cipp_reset_password",
		does: func(w *world) {
			w.done("cipp_reset_password", in(harbourline, "userId", dana, "mustChangePassword", false))
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		leaves:  ofUser(dana, "passwordProfile/forceChangePasswordNextSignIn", false),
		fails: func(w *world) {
			w.blocked("needs a delegated sign-in", "cipp_reset_password", in(harbourline, "userId", ingrid))
		},
	},
	"P2": {
		what: "sets a password that has to be changed at the next sign-in", tool: "cipp_reset_password",
		does:    func(w *world) { w.done("cipp_reset_password", in(harbourline, "userId", dana)) },
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		leaves:  ofUser(dana, "passwordProfile/forceChangePasswordNextSignIn", true),
		fails:   nobody("cipp_reset_password"),
	},
	"P3": {
		what: "takes a password of the caller, with a warning", tool: "cipp_reset_password",
		does: func(w *world) {
			if a := w.done("cipp_reset_password", in(harbourline, "userId", dana, "password", "Of-my-0wn-making")); !strings.Contains(a.text, "was seen by the model") {
				w.t.Error(a.text)
			}
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		fails: func(w *world) {
			if a := w.must("cipp_reset_password", in(harbourline, "userId", dana, "password", "weak")); a.v["status"] != "failed" {
				w.t.Error(a.text)
			}
		},
	},
	"P4": {
		what: "keeps a random password for the operator, who alone sees it", tool: "cipp_reset_password",
		does: func(w *world) {
			a := w.done("cipp_reset_password", in(harbourline, "userId", dana))
			secret := w.reveal(a.list("secrets")[0]["handle"].(string))
			if strings.Contains(a.text, secret) || len(secret) < 12 {
				w.t.Error("the password is in the result")
			}
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		fails:   func(w *world) { w.blocked("guest", "cipp_reset_password", in(harbourline, "userId", anna)) },
	},
	"P5": {
		what: "generates passwords of all kinds of characters", tool: "cipp_reset_password",
		does: func(w *world) {
			secret := w.reveal(w.done("cipp_reset_password", in(harbourline, "userId", dana)).list("secrets")[0]["handle"].(string))
			for _, kind := range []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!#$%&*+-=?@"} {
				if !strings.ContainsAny(secret, kind) {
					w.t.Errorf("nothing of %s in it", kind)
				}
			}
		},
		changes: []string{dana + "/passwordProfile", dana + "/lastPasswordChangeDateTime", dana + "/signInSessionsValidFromDateTime"},
		sure:    "what is generated cannot be chosen wrongly",
	},
	"V2": {
		what: "makes a user the primary user of a device, if it has an Intune licence", tool: "cipp_assign_device",
		does: func(w *world) {
			job := w.done("cipp_assign_device", in(harbourline, "userId", priya, "deviceId", w.deviceOf(dana))).v["jobId"]
			w.done("cipp_undo_job", m{"jobId": job})
			w.done("cipp_assign_device", in(harbourline, "userId", priya, "deviceId", w.deviceOf(dana)))
		},
		changes: []string{"/managedDevices/"},
		fails: func(w *world) {
			w.blocked("no licence of Intune", "cipp_assign_device", in(harbourline, "userId", stefan, "deviceId", w.deviceOf(dana)))
			w.invalid("has no device", "cipp_assign_device", in(harbourline, "userId", priya, "deviceId", "LAPTOP-NONE"))
		},
	},
	"J5": {
		what: "shows a plan before every action, and does only what was shown", tool: "cipp_disable_user",
		does: func(w *world) {
			a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "dryRun", true))
			w.unharmed(w.marked)
			w.done("cipp_disable_user", in(harbourline, "userId", dana, "planToken", a.v["planToken"]))
		},
		changes: []string{dana + "/accountEnabled"},
		fails: func(w *world) {
			a := w.must("cipp_disable_user", in(harbourline, "userId", dana, "dryRun", true))
			w.refused("plan_refused", "cipp_disable_user", in(harbourline, "userId", priya, "planToken", a.v["planToken"]))
		},
	},
	"J6": {
		what: "asks the person at the client before each action, naming tenant, user and effect", tool: "cipp_revoke_sessions",
		does: func(w *world) {
			w.done("cipp_disable_user", in(harbourline, "userId", dana))
			if len(w.asked) != 1 || !strings.Contains(w.asked[0], dana) || !strings.Contains(w.asked[0], harbourline) {
				w.t.Errorf("%q", w.asked)
			}
			w.must("cipp_revoke_sessions", in(harbourline, "userId", dana, "dryRun", true))
		},
		changes: []string{dana + "/accountEnabled"},
		fails: func(w *world) {
			w.answer = func(string) bool { return false }
			if a := w.must("cipp_disable_user", in(harbourline, "userId", dana)); a.v["status"] != "declined" {
				w.t.Error(a.text)
			}
		},
	},
	"J7": {
		what: "counts the changes of a plan before they are applied as one", tool: "cipp_edit_user",
		does: func(w *world) {
			a := w.must("cipp_edit_user", in(harbourline, "userId", dana, "jobTitle", "Clerk", "city", "Hull", "dryRun", true))
			for _, want := range []string{"Change 2 of the user's properties", "city=(empty); jobTitle=«Sales Coordinator» → city=«Hull»; jobTitle=«Clerk»"} {
				if !strings.Contains(a.text, want) {
					w.t.Errorf("no %s in %s", want, a.text)
				}
			}
		},
		fails: func(w *world) { w.invalid("at least one property", "cipp_edit_user", in(harbourline, "userId", dana)) },
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

// linkKeys are the arguments of the links that ticket systems make for a new user.
var linkKeys = []string{"customerId", "businessPhones", "city", "companyName", "country", "department", "displayName", "givenName", "jobTitle", "mailNickname", "mobilePhone", "addedAliasses", "postalCode", "streetAddress", "surname", "usageLocation", "primDomain", "MustChangePass"}

func (w *world) promptsNewUser() {
	w.t.Helper()
	have := w.promptArguments("new_user")
	for _, k := range linkKeys {
		if !have[k] {
			w.t.Errorf("the prompt has no argument %s", k)
		}
	}
	if len(have) != len(linkKeys) {
		w.t.Errorf("%d arguments, and %d in the links", len(have), len(linkKeys))
	}
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
