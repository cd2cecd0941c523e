package judge

import (
	"strings"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

// takeSignIn reads one row of the sign-in log.
func (q *inquiry) takeSignIn(source, id string, o *object) {
	at, raw := o.time("createdDateTime")
	e := &event{at: at, raw: rawTime(at, raw), source: source, id: id, op: "signIn", n: 1}
	e.actor = q.str(o.lowerView("userPrincipalName"))
	if e.actor == "" {
		e.actor = q.str(o.lowerView("userId"))
	}
	e.mine = q.user(o.str("userId")) || !o.has("userId") && q.user(e.actor)
	e.ip = address(o.view("ipAddress"))
	e.session, e.token, e.corr = q.str(o.view("sessionId")), o.str("uniqueTokenIdentifier"), o.str("correlationId")
	e.app, e.resource = q.str(o.lowerView("appId")), q.str(o.lowerView("resourceId"))
	e.agent = q.str(o.view("userAgent"))
	st := o.into(&q.scratch[0], "status")
	e.code = st.num("errorCode")
	e.ok = e.code == 0
	s := new(signIn)
	e.sign = s
	dev := o.into(&q.scratch[0], "deviceDetail")
	e.device = q.str(dev.lowerView("deviceId"))
	s.managed, s.compliant, s.trust = dev.flag("isManaged"), dev.flag("isCompliant"), q.str(dev.view("trustType"))
	s.osBuild = q.str(dev.view("operatingSystem"))
	e.family, e.os = q.kindOfClient(e.agent, s.osBuild, dev.str("browser"))
	loc := o.into(&q.scratch[0], "location")
	geo := loc.into(&q.scratch[1], "geoCoordinates")
	if geo.has("latitude") && geo.has("longitude") {
		s.lat, s.lon, s.located = geo.get("latitude").Float(), geo.get("longitude").Float(), true
	}
	e.place = q.where(e.ip, o.num("autonomousSystemNumber"), q.str(loc.view("countryOrRegion")))
	s.interactive = interactive(source, o)
	s.protocol, s.transfer, s.incoming = q.str(o.view("authenticationProtocol")), q.str(o.view("originalTransferMethod")), q.str(o.view("incomingTokenType"))
	s.requirement, s.client = q.str(o.view("authenticationRequirement")), q.str(o.view("clientAppUsed"))
	s.caStatus, s.riskLevel = q.str(o.view("conditionalAccessStatus")), q.str(o.view("riskLevelDuringSignIn"))
	s.crossTenant = q.str(o.view("crossTenantAccessType"))
	s.gsa = o.flag("isThroughGlobalSecureAccess")
	s.appName, s.resourceName = q.str(o.view("appDisplayName")), q.str(o.view("resourceDisplayName"))
	for _, t := range o.list("riskEventTypes_v2", "riskEventTypes") {
		s.risk = append(s.risk, q.str(t))
	}
	o.get("authenticationDetails").ForEach(func(_, v gjson.Result) bool {
		if m := v.Get("authenticationMethod").String(); m != "" && m != "Previously satisfied" {
			s.method = q.str(m)
		}
		return true
	})
	if o.has("autonomousSystemNumber") || o.has("sessionId") || o.has("authenticationProtocol") {
		q.alive["beta:"+source] = true
	}
	if source == bec.OtherAccounts || !e.mine {
		if !e.mine {
			e.by = byOther
			q.others = append(q.others, e)
		}
		return
	}
	q.saw(source, at)
	q.add(e)
}

func interactive(source string, o *object) bool {
	if o.has("signInEventTypes") {
		return containsFold(o.list("signInEventTypes"), "interactiveUser")
	}
	if o.has("isInteractive") {
		return o.flag("isInteractive")
	}
	return source == bec.SignInsInteractive
}

// kindOfClient is the client without its versions: which browser on which system, or which tool.
func (q *inquiry) kindOfClient(agent, system, browser string) (family, os string) {
	if t := scripted(agent); t != "" {
		return q.str("tool:" + t), ""
	}
	os = osOf(system)
	if os == "" {
		os = osOf(agent)
	}
	b := browserOf(browser)
	if b == "" {
		b = browserOf(agent)
	}
	if b == "" && os == "" {
		return "", ""
	}
	return q.str(os + "/" + b), q.str(os)
}

func osOf(s string) string {
	s = strings.ToLower(s)
	for _, p := range [][2]string{{"windows phone", "windowsphone"}, {"windows", "windows"}, {"iphone", "ios"}, {"ipad", "ios"}, {"ios", "ios"}, {"android", "android"}, {"mac", "macos"}, {"cros", "chromeos"}, {"chromeos", "chromeos"}, {"linux", "linux"}} {
		if strings.Contains(s, p[0]) {
			return p[1]
		}
	}
	return ""
}

func browserOf(s string) string {
	s = strings.ToLower(s)
	for _, p := range [][2]string{{"edg", "edge"}, {"opr/", "opera"}, {"opera", "opera"}, {"firefox", "firefox"}, {"outlook", "office"}, {"microsoft office", "office"}, {"teams", "office"}, {"onedrive", "office"}, {"chrome", "chrome"}, {"crios", "chrome"}, {"safari", "safari"}, {"ie ", "ie"}, {"trident", "ie"}} {
		if strings.Contains(s, p[0]) {
			return p[1]
		}
	}
	return ""
}

// scripted names the tool that a user agent belongs to, or nothing.
func scripted(agent string) string {
	if agent == "" {
		return ""
	}
	a := strings.ToLower(agent)
	for _, p := range catalogue().Scripted {
		if strings.HasPrefix(a, p) && (strings.HasSuffix(p, "/") || len(a) == len(p) || !letter(rune(a[len(p)]))) {
			return strings.TrimSuffix(p, "/")
		}
	}
	for _, p := range catalogue().ScriptedAnywhere {
		if strings.Contains(agent, p) {
			return "imitated client"
		}
	}
	return ""
}
