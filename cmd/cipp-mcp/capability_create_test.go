package main

import (
	"slices"
	"strings"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
)

// createCapabilities are new users and guests.
var createCapabilities = map[string]capability{
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
