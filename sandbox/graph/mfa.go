package graph

import (
	"slices"
	"strings"

	"cipp-mcp/sandbox/cloud"
)

const (
	methodRead      = "UserAuthenticationMethod.Read.All UserAuthenticationMethod.ReadWrite.All"
	methodWrite     = "UserAuthenticationMethod.ReadWrite.All"
	methodReadRoles = "Global Reader,Authentication Administrator,Privileged Authentication Administrator"
	methodRoles     = "Authentication Administrator,Privileged Authentication Administrator"

	mobilePhone    = "3179e48a-750b-4051-897c-87b9720928f7"
	alternatePhone = "b6332ec1-7057-4abe-9331-3d72feddfe41"
	officePhone    = "e37fc753-ff3b-4958-9484-eaa9425c82bc"
	emailMethod    = "3ddfcfc8-9383-446f-83cc-3ab9be4be18f"
)

// methodFamilies is the typed collections of authentication methods: their segment, the type of their members
// and the name of their permissions.
var methodFamilies = []struct {
	segment, typ, permission string
	beta                     bool
}{
	{"phoneMethods", "phoneAuthenticationMethod", "Phone", false},
	{"microsoftAuthenticatorMethods", "microsoftAuthenticatorAuthenticationMethod", "MicrosoftAuthApp", false},
	{"fido2Methods", "fido2AuthenticationMethod", "Passkey", false},
	{"softwareOathMethods", "softwareOathAuthenticationMethod", "SoftwareOATH", false},
	{"hardwareOathMethods", "hardwareOathAuthenticationMethod", "HardwareOATH", true},
	{"emailMethods", "emailAuthenticationMethod", "Email", false},
	{"windowsHelloForBusinessMethods", "windowsHelloForBusinessAuthenticationMethod", "WindowsHello", false},
	{"temporaryAccessPassMethods", "temporaryAccessPassAuthenticationMethod", "TAP", false},
	{"platformCredentialMethods", "platformCredentialAuthenticationMethod", "PlatformCred", false},
	{"externalAuthenticationMethods", "externalAuthenticationMethod", "External", false},
	{"passwordlessMicrosoftAuthenticatorMethods", "passwordlessMicrosoftAuthenticatorAuthenticationMethod", "MicrosoftAuthApp", true},
	{"passwordMethods", "passwordAuthenticationMethod", "Password", false},
}

var methodOperations = makeMethodOperations()

func makeMethodOperations() []op {
	const root = "/users/{id}/authentication/"
	ops := []op{
		{verb: "GET", path: root + "methods", app: methodRead, roles: methodReadRoles, family: "methods", do: listMethods},
		{verb: "GET", path: root + "methods/{id}", app: methodRead, roles: methodReadRoles, family: "methods", do: getMethod},
		{verb: "POST", path: root + "phoneMethods", app: methodWrite + " UserAuthMethod-Phone.ReadWrite.All", roles: methodRoles, family: "methods", do: addPhone},
		{verb: "PATCH", path: root + "phoneMethods/{id}", app: methodWrite + " UserAuthMethod-Phone.ReadWrite.All", roles: methodRoles, family: "methods", do: updatePhone},
		{verb: "POST", path: root + "emailMethods", app: methodWrite + " UserAuthMethod-Email.ReadWrite.All", roles: methodRoles, family: "methods", do: addEmail},
		{verb: "POST", path: root + "temporaryAccessPassMethods", app: methodWrite + " UserAuthMethod-TAP.ReadWrite.All", roles: methodRoles, family: "methods", do: createPass},
		{verb: "DELETE", path: root + "qrCodePinMethod", app: methodWrite + " UserAuthMethod-QR.ReadWrite.All", roles: methodRoles, family: "methods", do: deleteQR},
		{verb: "GET", path: root + "requirements", beta: true, app: "Policy.Read.All Policy.ReadWrite.AuthenticationMethod",
			roles: "Authentication Policy Administrator,Global Reader,Security Reader,Authentication Administrator,Privileged Authentication Administrator", do: getRequirements},
		{verb: "PATCH", path: root + "requirements", beta: true, app: "Policy.ReadWrite.AuthenticationMethod",
			roles: "Authentication Policy Administrator,Authentication Administrator,Privileged Authentication Administrator", do: setRequirements},
		{verb: "GET", path: root + "signInPreferences", beta: true, app: methodRead, roles: methodReadRoles, family: "methods", do: getPreferences},
		{verb: "PATCH", path: root + "signInPreferences", beta: true, app: methodWrite, roles: methodRoles, family: "methods", do: setPreferences},
	}
	for _, f := range methodFamilies {
		narrow := " UserAuthMethod-" + f.permission
		ops = append(ops,
			op{verb: "GET", path: root + f.segment, beta: f.beta, app: methodRead + narrow + ".Read.All" + narrow + ".ReadWrite.All", roles: methodReadRoles, family: "methods",
				do: func(c *call) error { return listFamily(c, f.segment, f.typ) }},
			op{verb: "GET", path: root + f.segment + "/{id}", beta: f.beta, app: methodRead + narrow + ".Read.All" + narrow + ".ReadWrite.All", roles: methodReadRoles, family: "methods",
				do: func(c *call) error { return getFamily(c, f.segment, f.typ) }})
		if f.typ == "passwordAuthenticationMethod" {
			continue
		}
		remove := op{verb: "DELETE", path: root + f.segment + "/{id}", beta: f.beta, app: methodWrite + narrow + ".ReadWrite.All", roles: methodRoles, family: "methods",
			do: func(c *call) error { return deleteMethod(c, f.typ) }}
		ops = append(ops, remove)
		if f.segment == "externalAuthenticationMethods" {
			remove.path += "/$ref"
			ops = append(ops, remove)
		}
	}
	return ops
}

// methodsOf is a user's methods. Everybody has the password.
func methodsOf(u cloud.Object) []cloud.Object {
	list := cloud.Objects(cloud.Child(u, "authentication"), "methods")
	if !slices.ContainsFunc(list, func(m cloud.Object) bool { return cloud.Str(m, "id") == passwordMethod }) {
		list = append([]cloud.Object{{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": passwordMethod,
			"createdDateTime": u["lastPasswordChangeDateTime"]}}, list...)
	}
	return list
}

func (c *call) appendMethod(b []byte, m cloud.Object, withType bool) []byte {
	typ := typeOf(m)
	if c.m.Type(typ) == nil {
		typ = "authenticationMethod"
	}
	fields := c.shape(typ, nil, nil)
	for i := range fields {
		switch fields[i].name {
		case "password", "temporaryAccessPass", "secretKey":
			fields[i].must = true
		}
	}
	m = merged(m, cloud.Object{"password": nil, "temporaryAccessPass": nil, "secretKey": nil})
	if s := cloud.Str(m, "phoneNumber"); s != "" && c.masked() && len(s) > 4 {
		m["phoneNumber"] = s[:2] + strings.Repeat("X", len(s)-4) + s[len(s)-2:]
	}
	head := ""
	if withType && c.meta != "none" {
		head = `"@odata.type":` + string(appendString(nil, cloud.Str(m, "@odata.type")))
	}
	return appendObject(b, m, fields, head)
}

// masked: an Authentication Administrator without a higher role sees no phone numbers.
func (c *call) masked() bool {
	return !c.p.AppOnly && c.p.HasRole("Authentication Administrator") && !c.role("Privileged Authentication Administrator", "Global Reader")
}

func (c *call) noOptions() error {
	for _, name := range c.q.Given {
		return refused(400, "badRequest", "The query option '%s' is not supported for authentication methods.", name)
	}
	return nil
}

func (c *call) writeMethods(u cloud.Object, segment string, list []cloud.Object, withType bool) error {
	b := append([]byte("{"), c.context("users('"+cloud.Str(u, "id")+"')/authentication/"+segment)...)
	b = append(b, `"value":[`...)
	for i, m := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.appendMethod(b, m, withType)
	}
	b = append(b, "]}"...)
	c.out = b
	return nil
}

// listMethods is GET /users/{id}/authentication/methods.
// https://learn.microsoft.com/graph/api/authentication-list-methods
func listMethods(c *call) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	if err := c.noOptions(); err != nil {
		return err
	}
	return c.writeMethods(u, "methods", methodsOf(u), true)
}

func listFamily(c *call, segment, typ string) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	return c.writeMethods(u, segment, slices.DeleteFunc(slices.Clone(methodsOf(u)), func(m cloud.Object) bool { return typeOf(m) != typ }), false)
}

func findMethod(u cloud.Object, id, typ string) cloud.Object {
	for _, m := range methodsOf(u) {
		if strings.EqualFold(cloud.Str(m, "id"), id) && (typ == "" || typeOf(m) == typ) {
			return m
		}
	}
	return nil
}

func getMethod(c *call) error { return getFamily(c, "methods", "") }

func getFamily(c *call, segment, typ string) error {
	u, err := c.user(c.args[0])
	if err != nil {
		return err
	}
	m := findMethod(u, c.args[1], typ)
	if m == nil {
		return methodNotFound()
	}
	b := c.appendMethod(nil, m, true)
	c.out = append([]byte("{"+c.context("users('"+cloud.Str(u, "id")+"')/authentication/"+segment+"/$entity")), b[1:]...)
	return nil
}

func methodNotFound() error {
	return refused(404, "resourceNotFound", "Resource not found.")
}

// mayWriteMethods: a signed-in Authentication Administrator does not reach administrators.
func (c *call) mayWriteMethods(u cloud.Object) error {
	if !c.p.AppOnly && len(c.adminRoles(u)) > 0 && !c.role("Privileged Authentication Administrator") {
		return c.op.denied()
	}
	return nil
}

// preferred is the method that is the user's default for the second factor, or nil.
func preferred(u cloud.Object) cloud.Object {
	want := ""
	switch cloud.Str(cloud.Child(cloud.Child(u, "authentication"), "signInPreferences"), "userPreferredMethodForSecondaryAuthentication") {
	case "push":
		want = "microsoftAuthenticatorAuthenticationMethod"
	case "oath":
		if m := findType(u, "softwareOathAuthenticationMethod"); m != nil {
			return m
		}
		want = "microsoftAuthenticatorAuthenticationMethod"
	case "sms", "voiceMobile":
		return findMethod(u, mobilePhone, "")
	case "voiceAlternateMobile":
		return findMethod(u, alternatePhone, "")
	case "voiceOffice":
		return findMethod(u, officePhone, "")
	}
	return findType(u, want)
}

func findType(u cloud.Object, typ string) cloud.Object {
	for _, m := range methodsOf(u) {
		if typeOf(m) == typ {
			return m
		}
	}
	return nil
}

// second says whether a method serves as a second factor.
func second(m cloud.Object) bool {
	switch typeOf(m) {
	case "passwordAuthenticationMethod", "emailAuthenticationMethod", "temporaryAccessPassAuthenticationMethod":
		return false
	}
	return true
}

// deleteMethod removes a method. The default is refused while others exist, the mobile phone while the
// alternate one exists.
func deleteMethod(c *call, typ string) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	if err := c.mayWriteMethods(u); err != nil {
		return err
	}
	m := findMethod(u, c.args[1], typ)
	if m == nil {
		return methodNotFound()
	}
	id := cloud.Str(m, "id")
	others := 0
	for _, x := range methodsOf(u) {
		if second(x) && cloud.Str(x, "id") != id {
			others++
		}
	}
	isDefault := cloud.Str(preferred(u), "id") == id
	switch {
	case isDefault && others > 0:
		return refused(400, "badRequest", "Authentication method with type %s matches the user's current default authentication method, and cannot be deleted until the default authentication method is changed.", typ)
	case id == mobilePhone && findMethod(u, alternatePhone, "") != nil:
		return refused(400, "badRequest", "The mobile phone cannot be deleted while an alternate mobile phone is registered.")
	}
	before := cloud.Copy(u)
	a := authentication(u)
	a["methods"] = cloud.Rows(slices.DeleteFunc(methodsOf(u), func(x cloud.Object) bool { return cloud.Str(x, "id") == id }))
	if isDefault {
		delete(cloud.Child(a, "signInPreferences"), "userPreferredMethodForSecondaryAuthentication")
	}
	c.wrote(cloud.Str(u, "id"), before)
	c.audit("UserManagement", "Admin deleted security info", "Update", u, "User", cloud.Modified{Name: typ, Old: jsonText(id), New: ""})
	return nil
}

// authentication is the user's stored section, made where there is none.
func authentication(u cloud.Object) cloud.Object {
	a := cloud.Child(u, "authentication")
	if a == nil {
		a = cloud.Object{}
		u["authentication"] = a
	}
	return a
}

func deleteQR(c *call) error {
	u, err := c.target(c.args[0])
	if err != nil {
		return err
	}
	m := findType(u, "qrCodePinAuthenticationMethod")
	if m == nil {
		return methodNotFound()
	}
	c.args = append(c.args, cloud.Str(m, "id"))
	return deleteMethod(c, "qrCodePinAuthenticationMethod")
}
