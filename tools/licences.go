package tools

import (
	"context"
	"strings"

	"cipp-mcp/graphclient"
)

// productNames are Microsoft's product names by SKU part number, from its list of product names and
// service plan identifiers for licensing. A SKU that is not here is shown by its part number.
var productNames = map[string]string{
	"AAD_PREMIUM": "Entra ID P1", "AAD_PREMIUM_P2": "Entra ID P2",
	"ATP_ENTERPRISE": "Defender for Office 365 P1", "THREAT_INTELLIGENCE": "Defender for Office 365 P2",
	"DESKLESSPACK": "Office 365 F3", "EMS": "Enterprise Mobility + Security E3", "EMSPREMIUM": "Enterprise Mobility + Security E5",
	"ENTERPRISEPACK": "Office 365 E3", "ENTERPRISEPREMIUM": "Office 365 E5", "STANDARDPACK": "Office 365 E1",
	"EXCHANGEARCHIVE_ADDON": "Exchange Online Archiving", "EXCHANGEDESKLESS": "Exchange Online Kiosk",
	"EXCHANGESTANDARD": "Exchange Online (Plan 1)", "EXCHANGEENTERPRISE": "Exchange Online (Plan 2)",
	"FLOW_FREE": "Power Automate Free", "INTUNE_A": "Intune Plan 1", "MCOMEETADV": "Audio Conferencing", "MCOEV": "Teams Phone Standard",
	"O365_BUSINESS": "Microsoft 365 Apps for business", "O365_BUSINESS_ESSENTIALS": "Microsoft 365 Business Basic",
	"O365_BUSINESS_PREMIUM": "Microsoft 365 Business Standard", "SPB": "Microsoft 365 Business Premium", "OFFICESUBSCRIPTION": "Microsoft 365 Apps for enterprise",
	"POWER_BI_STANDARD": "Power BI Free", "POWER_BI_PRO": "Power BI Pro", "PROJECTPROFESSIONAL": "Project Plan 3", "VISIOCLIENT": "Visio Plan 2",
	"SPE_E3": "Microsoft 365 E3", "SPE_E5": "Microsoft 365 E5", "SPE_F1": "Microsoft 365 F3", "M365_F1": "Microsoft 365 F1",
	"TEAMS_EXPLORATORY": "Teams Exploratory", "WIN_DEF_ATP": "Defender for Endpoint P2", "RIGHTSMANAGEMENT": "Azure Information Protection P1",
}

func productName(part string) string {
	if n, ok := productNames[strings.ToUpper(part)]; ok {
		return n
	}
	return part
}

// licenceNames maps the tenant's SKU ids to names. Names are a kindness: where they cannot be read,
// the ids stand for themselves.
func licenceNames(ctx context.Context, c *Call) map[string]string {
	skus, err := c.Graph.SubscribedSkus(ctx, c.Tenant.ID)
	if err != nil {
		return nil
	}
	return skuNames(skus)
}

func skuNames(skus []graphclient.SubscribedSku) map[string]string {
	out := make(map[string]string, len(skus))
	for _, s := range skus {
		out[s.SkuID] = productName(s.SkuPartNumber)
	}
	return out
}

func licenceName(names map[string]string, skuID string) string {
	if n, ok := names[skuID]; ok {
		return n
	}
	return skuID
}
