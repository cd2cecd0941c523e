package judge

import (
	"strings"

	"cipp-mcp/workflows/bec"

	"github.com/tidwall/gjson"
)

func logon(op string) bool { return op == "UserLoggedIn" || op == "UserLoginFailed" }

// takeDirectoryAudit reads one row of the directory's audit log.
func (q *inquiry) takeDirectoryAudit(source, id string, o *object) {
	at, raw := o.time("activityDateTime")
	e := &event{at: at, raw: rawTime(at, raw), source: source, id: id, op: q.str(strings.TrimSuffix(o.view("activityDisplayName"), ".")), corr: o.str("correlationId")}
	q.saw(source, at)
	by := o.obj("initiatedBy")
	u, a := by.obj("user"), by.obj("app")
	e.params = map[string]string{"service": o.str("loggedByService"), "category": o.str("category"), "result": o.str("result"), "reason": o.str("resultReason")}
	e.ok = !strings.EqualFold(e.params["result"], "failure") && !strings.EqualFold(e.params["result"], "timeout")
	switch {
	case u.str("userPrincipalName", "id") != "":
		e.actor = q.str(u.lowerView("userPrincipalName", "id"))
		e.params["actorid"] = u.str("id")
		e.by = byOther
		if q.user(u.str("id")) || q.user(e.actor) {
			e.by, e.actor = byUser, q.str(strings.ToLower(q.f.User.UserPrincipalName))
		}
	default:
		e.by, e.app = byApp, q.str(a.lowerView("appId"))
		e.actor = q.str(strings.ToLower(a.view("displayName", "servicePrincipalName", "servicePrincipalId")))
		e.params["actorapp"] = a.str("displayName")
	}
	e.ip = address(u.view("ipAddress"))
	e.place = q.where(e.ip, 0, "")
	first := true
	o.get("targetResources").ForEach(func(_, v gjson.Result) bool {
		t := read(v)
		tid, name := t.str("id"), t.str("userPrincipalName", "displayName")
		if q.user(tid) || q.user(t.str("userPrincipalName")) {
			e.mine = true
		}
		if first {
			e.target = q.str(strings.ToLower(tid))
			e.params["targetid"], e.params["targetname"], e.params["targettype"] = tid, name, t.str("type")
			first = false
		} else if t.str("type") != "" {
			e.params["also:"+strings.ToLower(t.str("type"))] = tid
			e.params["alsoname:"+strings.ToLower(t.str("type"))] = name
		}
		t.get("modifiedProperties").ForEach(func(_, m gjson.Result) bool {
			q.modified(e.params, read(m))
			return true
		})
		return true
	})
	for k, v := range pairs(o.get("additionalDetails")) {
		e.params["detail:"+k] = v
		if k == "user-agent" {
			e.agent = q.str(v)
		}
	}
	e.family, e.os = q.kindOfClient(e.agent, "", "")
	e.mine = e.mine || e.by == byUser
	q.add(e)
}

func (q *inquiry) modified(params map[string]string, m object) {
	n := strings.ToLower(m.str("displayName", "Name"))
	if n == "" {
		return
	}
	params[n] = valueText(m.get("newValue"))
	params["old:"+n] = valueText(m.get("oldValue"))
}

// takeAudit reads one record of the unified audit log.
func (q *inquiry) takeAudit(source, id string, o *object) {
	d := o.into(&q.scratch[0], "data", "auditData")
	op := q.str(strings.TrimSuffix(d.view("Operation"), "."))
	if op == "" {
		op = q.str(strings.TrimSuffix(o.view("operation", "Operations"), "."))
	}
	if id == "" {
		id = d.str("Id")
	}
	h := hash64(id)
	if _, again := q.seen[h]; again && id != "" {
		return
	}
	q.seen[h] = struct{}{}
	at, raw := d.time("CreationTime")
	if at.IsZero() {
		at, raw = o.time("creationTime", "createdDateTime", "CreationDate")
	}
	e := &q.tmp // most records only add to a group: what is kept is copied
	*e = event{at: at, raw: rawTime(at, raw), source: source, id: id, op: op, n: 1}
	q.auditActor(e, o, d)
	q.auditContext(e, o, d)
	switch {
	case logon(op):
		q.takeLogon(e, d)
	case op == "MailItemsAccessed":
		q.saw(bec.MailItemsAccessed, at)
		q.takeReads(e, d)
	case fileOps[op]:
		q.saw(bec.UAL, at)
		q.takeFile(e, d)
	case deleteOps[op]:
		q.saw(bec.UAL, at)
		q.takeDelete(e, d)
	case quietOps[op]:
		q.saw(bec.UAL, at)
		q.group(e, op)
	default:
		if source != bec.OtherAccounts {
			q.saw(source, at)
		}
		q.takeAct(e, d)
	}
}

var (
	fileOps   = set("FileDownloaded", "FileSyncDownloadedFull", "FileAccessed", "FileAccessedExtended", "FilePreviewed", "FileSyncDownloadedPartial")
	deleteOps = set("MoveToDeletedItems", "SoftDelete", "HardDelete")
	// What happens all day and says nothing by itself.
	quietOps = set("Move", "Update", "Create", "FolderBind", "MessageBind", "Copy", "PageViewed", "PageViewedExtended", "PagePrefetched", "ClientViewSignaled", "FileModified", "FileModifiedExtended", "FileUploaded",
		"FileSyncUploadedFull", "FileRenamed", "FileMoved", "FolderModified", "FolderCreated", "ListViewed", "ListItemViewed", "ListUpdated", "FileRecycled", "FileCheckedOut", "FileCheckedIn", "TeamsSessionStarted", "SignInEvent", "RecordDelete", "ModifyFolderPermissionsNoop")
)

func set(list ...string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, s := range list {
		m[s] = true
	}
	return m
}

func (q *inquiry) auditActor(e *event, o, d *object) {
	e.actor = q.str(d.lowerView("UserId"))
	if e.actor == "" {
		e.actor = q.str(o.lowerView("userId", "userPrincipalName", "UserIds"))
	}
	owner := d.view("MailboxOwnerUPN", "MailboxGuid")
	key := d.view("UserKey")
	switch t := d.num("UserType"); {
	case q.user(e.actor), q.user(key):
		e.by, e.mine = byUser, true
		e.actor = q.str(strings.ToLower(q.f.User.UserPrincipalName))
	case t == 9 || t == 10 && strings.Contains(e.actor, "\\"):
		e.by = byPartner
	case t == 4 || strings.HasPrefix(e.actor, "nt authority\\") || strings.HasPrefix(e.actor, "app@") || strings.Contains(e.actor, "microsoft.exchange.servicehost") || e.actor == "microsoft operator" || t == 3:
		e.by = bySystem
	case t == 5 || strings.HasPrefix(e.actor, "serviceprincipal_") || t == 6:
		e.by = byApp
	default:
		e.by = byOther
	}
	if q.user(owner) || q.user(d.view("MailboxGuid")) {
		e.mine = true
	}
	e.target = q.str(d.view("ObjectId"))
	if e.target == "" {
		e.target = q.str(o.view("objectId"))
	}
	if name, _, _ := strings.Cut(e.target, "\\"); q.user(name) {
		e.mine = true
	}
}

func (q *inquiry) auditContext(e *event, o, d *object) {
	for _, n := range []string{"ClientIPAddress", "ClientIP", "ActorIpAddress"} {
		if e.ip = address(d.view(n)); e.ip.IsValid() {
			break
		}
	}
	if !e.ip.IsValid() {
		e.ip = address(o.view("clientIp"))
	}
	e.place = q.where(e.ip, 0, "")
	ctx := d.into(&q.scratch[1], "AppAccessContext")
	e.session = q.str(ctx.view("AADSessionId"))
	if e.session == "" {
		e.session = q.str(d.view("SessionId"))
	}
	e.token = d.str("UniqueTokenId")
	if e.token == "" {
		e.token = ctx.str("UniqueTokenId")
	}
	e.device = q.str(d.lowerView("DeviceId"))
	e.app = q.str(d.lowerView("ClientAppId"))
	for _, a := range []string{ctx.lowerView("ClientAppId"), d.lowerView("AppId"), d.lowerView("ApplicationId")} {
		if e.app == "" {
			e.app = q.str(a)
		}
	}
	e.agent = q.str(d.view("UserAgent"))
	if e.agent == "" {
		e.agent = q.str(d.view("ClientInfoString"))
	}
	e.family, e.os = q.kindOfClient(e.agent, "", "")
	e.corr = d.str("InterSystemsId", "CorrelationId")
	switch strings.ToLower(d.view("ResultStatus")) {
	case "failed", "failure", "false", "0":
	default:
		e.ok = true
	}
}

// takeLogon keeps one event for the logons of an hour that are alike.
func (q *inquiry) takeLogon(e *event, d *object) {
	q.saw(bec.UALLogons, e.at)
	p := pairs(d.get("ExtendedProperties"))
	dev := pairs(d.get("DeviceProperties"))
	if a := p["useragent"]; a != "" {
		e.agent = q.str(a)
	}
	e.family, e.os = q.kindOfClient(e.agent, dev["os"], dev["browsertype"])
	if s := dev["sessionid"]; s != "" {
		e.session = q.str(s)
	}
	if s := dev["id"]; s != "" && e.device == "" {
		e.device = q.str(strings.ToLower(s))
	}
	e.code = d.num("ErrorNumber")
	detail := p["resultstatusdetail"]
	e.ok = e.op == "UserLoggedIn" && e.code == 0 && !strings.EqualFold(detail, "UserError")
	e.params = nil
	if e.ok && (truth(gjson.Parse(quoted(dev["iscompliant"]))) || truth(gjson.Parse(quoted(dev["iscompliantandmanaged"])))) {
		e.params = map[string]string{"managed": "true"}
	}
	e = e.kept()
	if !e.mine {
		q.others = append(q.others, e)
		return
	}
	q.add(e)
}

// kept is a copy of an event that stays.
func (e *event) kept() *event {
	c := *e
	return &c
}

func quoted(s string) string { return "\"" + strings.ReplaceAll(s, "\"", "") + "\"" }

// takeAct keeps what is done rarely, with its parameters.
func (q *inquiry) takeAct(e *event, d *object) {
	if sendOp(e.op) {
		q.takeSend(e, d)
		return
	}
	p := pairs(d.get("Parameters"))
	for k, v := range pairs(d.get("OperationProperties")) {
		p[k] = v
	}
	d.get("ModifiedProperties").ForEach(func(_, m gjson.Result) bool {
		q.modified(p, read(m))
		return true
	})
	for k, v := range pairs(d.get("ExtendedProperties")) {
		p["detail:"+k] = v
	}
	for _, n := range []string{"Workload", "QueryText", "SearchQueryText", "ScenarioName", "TargetUserOrGroupName", "TargetUserOrGroupType", "EventData", "UniqueSharingId", "SourceFileName", "SiteUrl",
		"CommunicationType", "ChatThreadId", "FlowConnectorNames", "RecipientUPN", "SendAsUserSmtp", "SendOnBehalfOfUserSmtp", "MailboxOwnerUPN", "FormName", "ItemType", "AlertType", "Severity"} {
		if v := d.str(n); v != "" {
			p[strings.ToLower(n)] = v
		}
	}
	if r := d.get("ParticipantInfo"); r.Exists() {
		in := read(r)
		p["foreign"] = strings.ToLower(in.str("HasForeignTenantUsers"))
		p["domains"] = strings.Join(in.list("ParticipatingDomains"), ";")
	}
	if m := d.get("MessageURLs"); m.IsArray() && len(m.Array()) > 0 {
		p["urls"] = itoa(len(m.Array()))
	}
	d.get("Target").ForEach(func(_, v gjson.Result) bool {
		t := read(v)
		id := t.str("ID", "id")
		if q.user(id) {
			e.mine = true
		}
		switch t.num("Type") {
		case 2:
			if p["targetid"] == "" {
				p["targetid"] = id
			}
		case 1:
			p["targetname"] = id
		case 4:
			p["targetspn"] = id
		}
		return true
	})
	if t := p["targetid"]; strings.Contains(t, "_") {
		p["targetid"] = t[strings.LastIndexByte(t, '_')+1:]
	}
	if n, _, _ := strings.Cut(p["identity"], "\\"); q.user(n) {
		e.mine = true
	}
	e = e.kept()
	e.item = q.itemOf(d)
	e.params = p
	if !e.mine && (e.source == bec.OtherAccounts || e.by == byOther && !tenantOps(e.op)) {
		e.params, e.item = keepFew(p), nil
		q.others = append(q.others, e)
		return
	}
	q.add(e)
}

// keepFew bounds what is kept of other people's acts.
func keepFew(p map[string]string) map[string]string {
	out := map[string]string{}
	for _, n := range []string{"identity", "user", "trustee", "targetid", "targetuserorgroupname", "uniquesharingid"} {
		if v := p[n]; v != "" {
			out[n] = v
		}
	}
	return out
}

func (q *inquiry) itemOf(d *object) *item {
	it := d.into(&q.scratch[1], "Item")
	if len(it.keys) == 0 {
		if d.has("AffectedItems") {
			a := d.get("AffectedItems").Array()
			if len(a) > 0 {
				it.open(a[0])
			}
		}
		if len(it.keys) == 0 {
			return nil
		}
	}
	out := &item{as: d.lower("SendAsUserSmtp", "SendOnBehalfOfUserSmtp")}
	if s := it.str("Subject"); s != "" {
		out.subjects = []string{q.str(clean(s, longestField))}
	}
	if s := it.str("InternetMessageId"); s != "" {
		out.msgs = []uint64{hash64(strings.ToLower(s))}
	}
	out.folder = q.str(it.into(&q.scratch[2], "ParentFolder").str("Path", "Name"))
	return out
}
