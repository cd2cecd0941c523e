package tools

import (
	"context"
	"strings"

	"cipp-mcp/graphclient"
)

// productNames are Microsoft's product names by SKU part number, from its list of product names and
// service plan identifiers for licensing. A SKU that is not here is shown by its part number.
var productNames = map[string]string{
	"AAD_BASIC": "Entra ID Basic", "AAD_PREMIUM": "Entra ID P1", "AAD_PREMIUM_P2": "Entra ID P2", "AAD_PREMIUM_FACULTY": "Entra ID P1 for faculty", "IDENTITY_THREAT_PROTECTION": "Microsoft 365 E5 Security",
	"ADALLOM_STANDALONE": "Defender for Cloud Apps", "ATA": "Defender for Identity", "ATP_ENTERPRISE": "Defender for Office 365 P1", "THREAT_INTELLIGENCE": "Defender for Office 365 P2",
	"WIN_DEF_ATP": "Defender for Endpoint P2", "DEFENDER_ENDPOINT_P1": "Defender for Endpoint P1", "MDATP_XPLAT": "Defender for Endpoint P2", "MDE_SMB": "Defender for Business",
	"DESKLESSPACK": "Office 365 F3", "STANDARDPACK": "Office 365 E1", "ENTERPRISEPACK": "Office 365 E3", "ENTERPRISEPREMIUM": "Office 365 E5", "ENTERPRISEPREMIUM_NOPSTNCONF": "Office 365 E5 without Audio Conferencing",
	"ENTERPRISEWITHSCAL": "Office 365 E4", "MIDSIZEPACK": "Office 365 Midsize Business", "LITEPACK": "Office 365 Small Business", "LITEPACK_P2": "Office 365 Small Business Premium", "DEVELOPERPACK": "Office 365 E3 Developer",
	"DEVELOPERPACK_E5": "Microsoft 365 E5 Developer", "STANDARDWOFFPACK_STUDENT": "Office 365 A1 for students", "STANDARDWOFFPACK_FACULTY": "Office 365 A1 for faculty",
	"ENTERPRISEPACKPLUS_STUDENT": "Office 365 A3 for students", "ENTERPRISEPACKPLUS_FACULTY": "Office 365 A3 for faculty", "ENTERPRISEPREMIUM_STUDENT": "Office 365 A5 for students", "ENTERPRISEPREMIUM_FACULTY": "Office 365 A5 for faculty",
	"M365EDU_A3_STUDENT": "Microsoft 365 A3 for students", "M365EDU_A3_FACULTY": "Microsoft 365 A3 for faculty", "M365EDU_A5_STUDENT": "Microsoft 365 A5 for students", "M365EDU_A5_FACULTY": "Microsoft 365 A5 for faculty",
	"ENTERPRISEPACK_GOV": "Office 365 G3 GCC", "ENTERPRISEPREMIUM_GOV": "Office 365 G5 GCC", "M365_G3_GOV": "Microsoft 365 G3 GCC", "M365_G5_GCC": "Microsoft 365 G5 GCC", "M365_F1_GOV": "Microsoft 365 F3 GCC",
	"EMS": "Enterprise Mobility + Security E3", "EMSPREMIUM": "Enterprise Mobility + Security E5", "INTUNE_A": "Intune Plan 1", "INTUNE_A_D": "Intune Plan 1 Device", "INTUNE_SMB": "Intune for small business", "MICROSOFT_INTUNE_SUITE": "Intune Suite",
	"EXCHANGESTANDARD": "Exchange Online (Plan 1)", "EXCHANGEENTERPRISE": "Exchange Online (Plan 2)", "EXCHANGEDESKLESS": "Exchange Online Kiosk", "EXCHANGE_S_ESSENTIALS": "Exchange Online Essentials",
	"EXCHANGEARCHIVE": "Exchange Online Archiving for Exchange Server", "EXCHANGEARCHIVE_ADDON": "Exchange Online Archiving", "EXCHANGETELCO": "Exchange Online POP",
	"O365_BUSINESS": "Microsoft 365 Apps for business", "SMB_BUSINESS": "Microsoft 365 Apps for business", "OFFICESUBSCRIPTION": "Microsoft 365 Apps for enterprise",
	"O365_BUSINESS_ESSENTIALS": "Microsoft 365 Business Basic", "SMB_BUSINESS_ESSENTIALS": "Microsoft 365 Business Basic", "O365_BUSINESS_PREMIUM": "Microsoft 365 Business Standard", "SMB_BUSINESS_PREMIUM": "Microsoft 365 Business Standard",
	"SPB": "Microsoft 365 Business Premium", "SPE_E3": "Microsoft 365 E3", "SPE_E5": "Microsoft 365 E5", "SPE_F1": "Microsoft 365 F3", "M365_F1": "Microsoft 365 F1", "M365_F1_COMM": "Microsoft 365 F1", "SPE_F5_SEC": "Microsoft 365 F5 Security",
	"SPE_F5_COMP": "Microsoft 365 F5 Compliance", "SPE_F5_SECCOMP": "Microsoft 365 F5 Security + Compliance", "INFORMATION_PROTECTION_COMPLIANCE": "Microsoft 365 E5 Compliance", "MICROSOFT_365_COPILOT": "Microsoft 365 Copilot",
	"MCOMEETADV": "Audio Conferencing", "MCOEV": "Teams Phone Standard", "MCOPSTN1": "Teams Domestic Calling Plan", "MCOPSTN2": "Teams International Calling Plan", "MCOPSTNC": "Communications Credits",
	"MCOCAP": "Teams Shared Devices", "PHONESYSTEM_VIRTUALUSER": "Teams Phone Resource Account", "MEETING_ROOM": "Teams Rooms Standard", "MICROSOFT_TEAMS_ROOMS_PRO": "Teams Rooms Pro", "MICROSOFT_TEAMS_ROOMS_BASIC": "Teams Rooms Basic",
	"TEAMS_EXPLORATORY": "Teams Exploratory", "MICROSOFT_TEAMS_PREMIUM": "Teams Premium", "TEAMS_COMMERCIAL_TRIAL": "Teams Commercial Cloud",
	"FLOW_FREE": "Power Automate Free", "FLOW_PER_USER": "Power Automate per user", "POWERAUTOMATE_ATTENDED_RPA": "Power Automate Premium", "POWERAPPS_PER_USER": "Power Apps Premium", "POWERAPPS_VIRAL": "Power Apps Trial", "POWERAPPS_DEV": "Power Apps for Developer",
	"POWER_BI_STANDARD": "Power BI Free", "POWER_BI_PRO": "Power BI Pro", "PBI_PREMIUM_PER_USER": "Power BI Premium per user", "CCIBOTS_PRIVPREV_VIRAL": "Copilot Studio Trial",
	"PROJECTESSENTIALS": "Project Online Essentials", "PROJECT_P1": "Project Plan 1", "PROJECTPROFESSIONAL": "Project Plan 3", "PROJECTPREMIUM": "Project Plan 5", "PLANNERSTANDALONE": "Planner",
	"VISIOONLINE_PLAN1": "Visio Plan 1", "VISIO_PLAN1_DEPT": "Visio Plan 1", "VISIOCLIENT": "Visio Plan 2", "VISIO_PLAN2_DEPT": "Visio Plan 2",
	"SHAREPOINTSTANDARD": "SharePoint (Plan 1)", "SHAREPOINTENTERPRISE": "SharePoint (Plan 2)", "SHAREPOINTSTORAGE": "Office 365 Extra File Storage", "WACONEDRIVESTANDARD": "OneDrive for Business (Plan 1)", "WACONEDRIVEENTERPRISE": "OneDrive for Business (Plan 2)",
	"RIGHTSMANAGEMENT": "Azure Information Protection P1", "RIGHTSMANAGEMENT_ADHOC": "Rights Management Adhoc", "WIN10_PRO_ENT_SUB": "Windows Enterprise E3", "WIN10_VDA_E3": "Windows Enterprise E3", "WIN10_VDA_E5": "Windows Enterprise E5",
	"STREAM": "Stream Trial", "VIVA": "Viva Suite", "DYN365_ENTERPRISE_SALES": "Dynamics 365 Sales Enterprise", "DYN365_BUSCENTRAL_ESSENTIAL": "Dynamics 365 Business Central Essentials",
}

// productName is how a person calls a SKU.
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
