package exchange

import (
	"strings"

	"cipp-mcp/sandbox/cloud"
)

// single is one configuration object: what is stored over what every organization has.
func (c *call) single(section string, defaults cloud.Object) []cloud.Object {
	for k, x := range cloud.Child(c.tenant.Exchange, section) {
		defaults[k] = x
	}
	return []cloud.Object{defaults}
}

func getOrganizationConfig(c *call) ([]cloud.Object, error) {
	return c.single("organizationConfig", cloud.Object{"Name": c.tenant.InitialDomain(), "Identity": c.tenant.InitialDomain(), "DisplayName": c.tenant.DisplayName, "Guid": cloud.DerivedID(c.tenant.ID, "organization"),
		"AuditDisabled": false, "AutoExpandingArchiveEnabled": false, "OAuth2ClientProfileEnabled": true, "EwsEnabled": nil, "SendFromAliasEnabled": false, "IsDehydrated": false, "MailTipsExternalRecipientsTipsEnabled": false}), nil
}

func getAdminAuditLogConfig(c *call) ([]cloud.Object, error) {
	return c.single("adminAuditLogConfig", cloud.Object{"Name": "Admin Audit Log Settings", "Identity": "Admin Audit Log Settings", "AdminAuditLogEnabled": true, "AdminAuditLogAgeLimit": "90.00:00:00",
		"AdminAuditLogCmdlets": []any{"*"}, "AdminAuditLogParameters": []any{"*"}, "UnifiedAuditLogIngestionEnabled": c.tenant.AuditLogOn()}), nil
}

func setAdminAuditLogConfig(c *call) ([]cloud.Object, error) {
	if v, ok := c.p["UnifiedAuditLogIngestionEnabled"].(bool); ok {
		section := cloud.Child(c.tenant.Exchange, "adminAuditLogConfig")
		if section == nil {
			section = cloud.Object{}
			c.tenant.Exchange["adminAuditLogConfig"] = section
		}
		section["UnifiedAuditLogIngestionEnabled"] = v
	}
	return nil, nil
}

// listed is the rows of a section, or the one that -Identity names by Name, Guid or DomainName.
func (c *call) listed(rows []cloud.Object) ([]cloud.Object, error) {
	id := c.p.text("Identity")
	if id == "" {
		return rows, nil
	}
	for _, row := range rows {
		for _, k := range []string{"Identity", "Name", "Guid", "DomainName"} {
			if s := cloud.Str(row, k); s != "" && strings.EqualFold(s, id) {
				return []cloud.Object{row}, nil
			}
		}
	}
	return nil, notFound(id)
}

// section is the stored rows, each over the defaults that every such object has.
func (c *call) section(name string, defaults func() cloud.Object) []cloud.Object {
	var out []cloud.Object
	for _, row := range cloud.Objects(c.tenant.Exchange, name) {
		v := defaults()
		for k, x := range row {
			v[k] = x
		}
		if v["Identity"] == nil {
			v["Identity"] = v["Name"]
		}
		out = append(out, v)
	}
	return out
}

func getAcceptedDomain(c *call) ([]cloud.Object, error) {
	var rows []cloud.Object
	for _, d := range c.tenant.Domains {
		if name := cloud.Str(d, "id"); cloud.Bool(d, "isVerified") {
			rows = append(rows, cloud.Object{"Name": name, "Identity": name, "DomainName": name, "DomainType": "Authoritative", "Default": strings.EqualFold(name, c.tenant.DefaultDomain),
				"InitialDomain": cloud.Bool(d, "isInitial"), "MatchSubDomains": false, "AuthenticationType": d["authenticationType"]})
		}
	}
	return c.listed(rows)
}

func getRemoteDomain(c *call) ([]cloud.Object, error) {
	rows := c.section("remoteDomains", func() cloud.Object {
		return cloud.Object{"AutoForwardEnabled": true, "AutoReplyEnabled": true, "AllowedOOFType": "External", "TrustedMailOutboundEnabled": false, "IsInternal": false}
	})
	if len(rows) == 0 {
		rows = []cloud.Object{{"Name": "Default", "Identity": "Default", "DomainName": "*", "AutoForwardEnabled": true, "AutoReplyEnabled": true, "AllowedOOFType": "External"}}
	}
	return c.listed(rows)
}

func getHostedOutboundSpamFilterPolicy(c *call) ([]cloud.Object, error) {
	rows := c.section("hostedOutboundSpamFilterPolicies", func() cloud.Object {
		return cloud.Object{"IsDefault": false, "Enabled": true, "AutoForwardingMode": "Automatic", "ActionWhenThresholdReached": "BlockUserForToday", "RecipientLimitExternalPerHour": float64(0), "RecipientLimitInternalPerHour": float64(0), "RecipientLimitPerDay": float64(0)}
	})
	if len(rows) == 0 {
		rows = []cloud.Object{{"Name": "Default", "Identity": "Default", "IsDefault": true, "Enabled": true, "AutoForwardingMode": "Automatic", "ActionWhenThresholdReached": "BlockUserForToday"}}
	}
	return c.listed(rows)
}

func getTransportRule(c *call) ([]cloud.Object, error) {
	rows := c.section("transportRules", func() cloud.Object {
		return cloud.Object{"State": "Enabled", "Mode": "Enforce", "Priority": float64(0), "Description": "", "BlindCopyTo": nil, "CopyTo": nil, "RedirectMessageTo": nil, "DeleteMessage": false, "SetSCL": nil, "SetHeaderName": nil, "From": nil, "SentTo": nil, "WhenChanged": nil}
	})
	if state := c.p.text("State"); state != "" {
		var kept []cloud.Object
		for _, row := range rows {
			if strings.EqualFold(cloud.Str(row, "State"), state) {
				kept = append(kept, row)
			}
		}
		rows = kept
	}
	rows, err := c.listed(rows)
	if err != nil {
		return nil, err
	}
	return c.filtered(rows)
}

func connector() cloud.Object {
	return cloud.Object{"Enabled": true, "ConnectorType": "Partner", "Comment": "", "WhenChanged": nil}
}

func getInboundConnector(c *call) ([]cloud.Object, error) {
	return c.listed(c.section("inboundConnectors", connector))
}

func getOutboundConnector(c *call) ([]cloud.Object, error) {
	return c.listed(c.section("outboundConnectors", connector))
}

func getMailboxAuditBypassAssociation(c *call) ([]cloud.Object, error) {
	bypassed := cloud.Objects(c.tenant.Exchange, "auditBypass")
	var out []cloud.Object
	for _, u := range c.tenant.Users().All() {
		v := cloud.Object{"Identity": cloud.Str(u, "displayName"), "Name": cloud.Str(u, "displayName"), "ObjectId": cloud.Str(u, "userPrincipalName"), "ExternalDirectoryObjectId": cloud.Str(u, "id"), "AuditBypassEnabled": false}
		for _, row := range bypassed {
			if id := cloud.Str(row, "Identity"); strings.EqualFold(id, cloud.Str(u, "id")) || strings.EqualFold(id, cloud.Str(u, "userPrincipalName")) {
				v["AuditBypassEnabled"] = row["AuditBypassEnabled"] == nil || cloud.Bool(row, "AuditBypassEnabled")
			}
		}
		if id := c.p.text("Identity"); id == "" || strings.EqualFold(id, cloud.Str(u, "id")) || strings.EqualFold(id, cloud.Str(u, "userPrincipalName")) {
			out = append(out, v)
		}
	}
	if c.p.text("Identity") != "" && len(out) == 0 {
		return nil, notFound(c.p.text("Identity"))
	}
	return out, nil
}

func getBlockedSenderAddress(c *call) ([]cloud.Object, error) {
	var out []cloud.Object
	for _, row := range cloud.Objects(c.tenant.Exchange, "blockedSenders") {
		if s := c.p.text("SenderAddress"); s == "" || strings.EqualFold(cloud.Str(row, "SenderAddress"), s) {
			out = append(out, row)
		}
	}
	return out, nil
}

func removeBlockedSenderAddress(c *call) ([]cloud.Object, error) {
	s := c.p.text("SenderAddress")
	kept := []any{}
	for _, row := range cloud.Objects(c.tenant.Exchange, "blockedSenders") {
		if !strings.EqualFold(cloud.Str(row, "SenderAddress"), s) {
			kept = append(kept, row)
		}
	}
	if len(kept) == len(cloud.List(c.tenant.Exchange, "blockedSenders")) {
		return nil, notFound(s)
	}
	c.tenant.Exchange["blockedSenders"] = kept
	return nil, nil
}
