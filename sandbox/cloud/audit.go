package cloud

// Actor is who does something: an application or a signed-in user.
type Actor struct {
	AppID, AppName, ServicePrincipalID string
	UserID, UserPrincipalName          string
	IPAddress                          string
}

// Modified is one property that a write changed; the values are JSON written as strings.
type Modified struct{ Name, Old, New string }

// AuditDirectory appends a row to the tenant's directoryAudits, as Entra does for each write. target is
// the object that was changed, targetType User, Group, Role, ServicePrincipal, Device or Policy.
// The caller holds Lock.
func (t *Tenant) AuditDirectory(by Actor, category, activity, operation string, target Object, targetType string, changed ...Modified) {
	mods := make([]any, 0, len(changed))
	for _, m := range changed {
		mods = append(mods, Object{"displayName": m.Name, "oldValue": orNull(m.Old), "newValue": orNull(m.New)})
	}
	res := Object{"id": orNull(Str(target, "id")), "displayName": target["displayName"], "type": targetType,
		"userPrincipalName": target["userPrincipalName"], "groupType": nil, "modifiedProperties": mods}
	if targetType == "Group" {
		res["groupType"] = "azureAD"
		if g := Strings(target, "groupTypes"); len(g) > 0 && g[0] == "Unified" {
			res["groupType"] = "unifiedGroups"
		}
	}
	t.insertAudit(Object{
		"id": "Directory_" + t.NewID(), "category": category, "correlationId": t.NewID(), "result": "success",
		"resultReason": "", "activityDisplayName": activity, "activityDateTime": Stamp(t.Now()),
		"loggedByService": "Core Directory", "operationType": operation, "initiatedBy": by.initiator(),
		"targetResources": []any{res}, "additionalDetails": []any{},
	})
}

func (t *Tenant) insertAudit(row Object) { t.Collection("directoryAudits").Add(row) }

func (a Actor) initiator() Object {
	if a.UserID != "" || a.UserPrincipalName != "" {
		return Object{"app": nil, "user": Object{"id": orNull(a.UserID), "displayName": nil,
			"userPrincipalName": orNull(a.UserPrincipalName), "ipAddress": orNull(a.IPAddress),
			"userType": nil, "homeTenantId": nil, "homeTenantName": nil}}
	}
	return Object{"user": nil, "app": Object{"appId": orNull(a.AppID), "displayName": orNull(a.AppName),
		"servicePrincipalId": orNull(a.ServicePrincipalID), "servicePrincipalName": nil}}
}

// AuditUnified appends a row to the tenant's unified audit log, where the tenant keeps one. data is the
// record's AuditData; CreationTime, Id, OrganizationId and Operation are filled in. The caller holds Lock.
func (t *Tenant) AuditUnified(by Actor, recordType, operation, workload string, data Object) {
	if !t.AuditLogOn() {
		return
	}
	who := by.UserPrincipalName
	if who == "" {
		who = by.AppName
	}
	if who == "" {
		who = by.AppID
	}
	id, now := t.NewID(), t.Now()
	row := Object{"CreationTime": now.Format("2006-01-02T15:04:05"), "Id": id, "Operation": operation,
		"OrganizationId": t.ID, "Workload": workload, "UserId": who, "UserKey": who, "ResultStatus": "True"}
	if by.IPAddress != "" {
		row["ClientIP"] = by.IPAddress
	}
	for k, v := range data {
		row[k] = v
	}
	t.Exchange["unifiedAuditLog"] = append(List(t.Exchange, "unifiedAuditLog"), Object{"RecordType": recordType,
		"CreationDate": Stamp(now), "UserIds": who, "Operations": operation, "Identity": id, "AuditData": row})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
