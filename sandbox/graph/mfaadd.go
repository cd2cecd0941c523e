package graph

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"cipp-mcp/sandbox/cloud"
)

var phoneNumber = regexp.MustCompile(`^\+\d{1,3} \d{4,14}( ?x\d{1,8})?$`)

var phoneIDs = map[string]string{"mobile": mobilePhone, "alternateMobile": alternatePhone, "office": officePhone}

// addMethod stores a new method of a user and answers it.
func (c *call) addMethod(u, m cloud.Object, segment string) error {
	before := cloud.Copy(u)
	a := authentication(u)
	a["methods"] = append(cloud.Rows(methodsOf(u)), m)
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Admin registered security info", "Update", u, "User", cloud.Modified{Name: typeOf(m), Old: "", New: jsonText(m["id"])})
	c.status = http.StatusCreated
	b := c.appendMethod(nil, m, true)
	c.out = append([]byte("{"+c.context("users('"+cloud.Str(u, "id")+"')/authentication/"+segment+"/$entity")), b[1:]...)
	return nil
}

// methodTarget is the user to whom a method is added.
func (c *call) methodTarget() (cloud.Object, error) {
	u, err := c.target(c.args[0])
	if err != nil {
		return nil, err
	}
	return u, c.mayWriteMethods(u)
}

// addPhone is POST /users/{id}/authentication/phoneMethods.
// https://learn.microsoft.com/graph/api/authentication-post-phonemethods
func addPhone(c *call) error {
	u, err := c.methodTarget()
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "PhoneAuthenticationMethod", typ: "phoneAuthenticationMethod", required: []string{"phoneNumber", "phoneType"},
		readOnly: []string{"id", "smsSignInState", "createdDateTime"}})
	if err != nil {
		return err
	}
	kind := cloud.Str(o, "phoneType")
	id := phoneIDs[kind]
	switch {
	case id == "" || !phoneNumber.MatchString(cloud.Str(o, "phoneNumber")):
		return refused(400, "invalidPhoneNumber", "The phone number or its type is not valid; the number has the form '+{country code} {number}x{extension}'.")
	case isGuest(u):
		return refused(400, "badRequest", "Phone methods cannot be added to an external guest user.")
	case findMethod(u, id, "") != nil:
		return refused(400, "badRequest", "A phone method of type %s already exists for this user.", kind)
	case kind == "alternateMobile" && findMethod(u, mobilePhone, "") == nil:
		return refused(400, "badRequest", "An alternate mobile phone takes a mobile phone first.")
	}
	return c.addMethod(u, cloud.Object{"@odata.type": "#microsoft.graph.phoneAuthenticationMethod", "id": id, "phoneNumber": o["phoneNumber"],
		"phoneType": kind, "smsSignInState": "notAllowedByPolicy", "createdDateTime": cloud.Stamp(c.t.Now())}, "phoneMethods")
}

func updatePhone(c *call) error {
	u, err := c.methodTarget()
	if err != nil {
		return err
	}
	m := findMethod(u, c.args[1], "phoneAuthenticationMethod")
	if m == nil {
		return methodNotFound()
	}
	o, _, err := c.body(rules{resource: "PhoneAuthenticationMethod", typ: "phoneAuthenticationMethod", readOnly: []string{"id", "smsSignInState", "createdDateTime"}})
	if err != nil {
		return err
	}
	if kind := o["phoneType"]; kind != nil && kind != m["phoneType"] {
		return refused(400, "badRequest", "The type of a phone method cannot be changed.")
	}
	if !phoneNumber.MatchString(cloud.Str(o, "phoneNumber")) {
		return refused(400, "invalidPhoneNumber", "The phone number is not valid.")
	}
	before := cloud.Copy(u)
	m["phoneNumber"] = o["phoneNumber"]
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Admin updated security info", "Update", u, "User")
	b := c.appendMethod(nil, m, true)
	c.out = append([]byte("{"+c.context("users('"+cloud.Str(u, "id")+"')/authentication/phoneMethods/$entity")), b[1:]...)
	return nil
}

func addEmail(c *call) error {
	u, err := c.methodTarget()
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "EmailAuthenticationMethod", typ: "emailAuthenticationMethod", required: []string{"emailAddress"}, readOnly: []string{"id", "createdDateTime"}})
	if err != nil {
		return err
	}
	switch {
	case !strings.Contains(cloud.Str(o, "emailAddress"), "@"):
		return refused(400, "badRequest", "The e-mail address is not valid.")
	case findMethod(u, emailMethod, "") != nil:
		return refused(400, "badRequest", "An e-mail method already exists for this user.")
	}
	return c.addMethod(u, cloud.Object{"@odata.type": "#microsoft.graph.emailAuthenticationMethod", "id": emailMethod, "emailAddress": o["emailAddress"],
		"createdDateTime": cloud.Stamp(c.t.Now())}, "emailMethods")
}

func isGuest(u cloud.Object) bool {
	return cloud.Str(u, "userType") == "Guest" || strings.Contains(strings.ToUpper(cloud.Str(u, "userPrincipalName")), "#EXT#")
}

// createPass is POST /users/{id}/authentication/temporaryAccessPassMethods. The pass is shown in this answer
// only and kept nowhere; a new one replaces the old.
// https://learn.microsoft.com/graph/api/authentication-post-temporaryaccesspassmethods
func createPass(c *call) error {
	u, err := c.methodTarget()
	if err != nil {
		return err
	}
	in, err := c.json(false)
	if err != nil {
		return err
	}
	o, _, err := c.judged(in, rules{resource: "TemporaryAccessPassAuthenticationMethod", typ: "temporaryAccessPassAuthenticationMethod",
		readOnly: []string{"id", "createdDateTime", "isUsable", "methodUsabilityReason", "temporaryAccessPass"}})
	if err != nil {
		return err
	}
	policy := c.passPolicy()
	lifetime, once := cloud.Num(policy, "defaultLifetimeInMinutes"), cloud.Bool(policy, "isUsableOnce")
	if b, given := o["isUsableOnce"].(bool); given {
		once = b
	}
	if n, given := o["lifetimeInMinutes"].(float64); given {
		lifetime = n
	}
	now := c.t.Now()
	start := now
	if s := cloud.Str(o, "startDateTime"); s != "" {
		start, _ = moment(s)
	}
	switch {
	case isGuest(u):
		return refused(400, "badRequest", "Temporary Access Pass cannot be added to an external guest user.")
	case !c.t.PassAllowed():
		return refused(400, "badRequest", "The Temporary Access Pass method is disabled by the tenant's authentication methods policy.")
	case lifetime < 10 || lifetime > 43200:
		return refused(400, "badRequest", "lifetimeInMinutes must lie between 10 and 43200.")
	case lifetime < cloud.Num(policy, "minimumLifetimeInMinutes") || lifetime > cloud.Num(policy, "maximumLifetimeInMinutes"):
		return refused(400, "badRequest", "lifetimeInMinutes must lie within the limits of the tenant's authentication methods policy.")
	case cloud.Bool(policy, "isUsableOnce") && !once:
		return refused(400, "badRequest", "The tenant's authentication methods policy allows only one-time passes.")
	}
	usable, reason := true, "EnabledByPolicy"
	if start.After(now) {
		usable, reason = false, "NotYetValid"
	}
	m := cloud.Object{"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethod", "id": c.t.NewID(), "createdDateTime": cloud.Stamp(now),
		"startDateTime": cloud.Stamp(start), "lifetimeInMinutes": lifetime, "isUsableOnce": once, "isUsable": usable, "methodUsabilityReason": reason}
	if old := findType(u, "temporaryAccessPassAuthenticationMethod"); old != nil {
		var rest []cloud.Object
		for _, x := range methodsOf(u) {
			if cloud.Str(x, "id") != cloud.Str(old, "id") {
				rest = append(rest, x)
			}
		}
		authentication(u)["methods"] = cloud.Rows(rest)
	}
	id := cloud.Str(m, "id")
	c.t.At(start.Add(time.Duration(lifetime)*time.Minute), func() {
		if p := findMethod(u, id, ""); p != nil {
			p["isUsable"], p["methodUsabilityReason"] = false, "Expired"
		}
	})
	if err := c.addMethod(u, m, "temporaryAccessPassMethods"); err != nil {
		return err
	}
	shown := merged(m, cloud.Object{"temporaryAccessPass": "T" + c.s.cloud.IDs.Text(7, "abcdefghjkmnpqrstuvwxyz23456789@#!*")})
	return c.plain("users('"+cloud.Str(u, "id")+"')/authentication/temporaryAccessPassMethods/$entity", shown)
}

// getRequirements is the legacy per-user MFA state.
// https://learn.microsoft.com/graph/api/authentication-get
func getRequirements(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	state := cloud.Str(cloud.Child(cloud.Child(u, "authentication"), "requirements"), "perUserMfaState")
	if state == "" {
		state = "disabled"
	}
	return c.plain("users('"+cloud.Str(u, "id")+"')/authentication/requirements/$entity", cloud.Object{"perUserMfaState": state})
}

func setRequirements(c *call) error {
	u, err := c.methodTarget()
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "StrongAuthenticationRequirements", typ: "strongAuthenticationRequirements", notNull: []string{"perUserMfaState"}})
	if err != nil {
		return err
	}
	before := cloud.Copy(u)
	authentication(u)["requirements"] = merged(cloud.Child(authentication(u), "requirements"), o)
	c.wrote(cloud.Str(u, "id"), before)
	name := "Enable Strong Authentication"
	if cloud.Str(o, "perUserMfaState") == "disabled" {
		name = "Disable Strong Authentication"
	}
	c.audit("UserManagement", name, "Update", u, "User", cloud.Modified{Name: "StrongAuthenticationRequirement",
		Old: jsonText(cloud.Child(cloud.Child(before, "authentication"), "requirements")), New: jsonText(o)})
	return nil
}

func getPreferences(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	p := merged(cloud.Object{"isSystemPreferredAuthenticationMethodEnabled": true, "userPreferredMethodForSecondaryAuthentication": nil},
		cloud.Child(cloud.Child(u, "authentication"), "signInPreferences"))
	return c.plain("users('"+cloud.Str(u, "id")+"')/authentication/signInPreferences/$entity", p)
}

func setPreferences(c *call) error {
	u, err := c.methodTarget()
	if err != nil {
		return err
	}
	o, _, err := c.body(rules{resource: "SignInPreferences", typ: "signInPreferences"})
	if err != nil {
		return err
	}
	before := cloud.Copy(u)
	a := authentication(u)
	was := a["signInPreferences"]
	a["signInPreferences"] = merged(cloud.Child(a, "signInPreferences"), o)
	if o["userPreferredMethodForSecondaryAuthentication"] != nil && preferred(u) == nil {
		a["signInPreferences"] = was
		return refused(400, "badRequest", "The method is not registered for this user.")
	}
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Admin updated security info", "Update", u, "User")
	return nil
}
