package tools

import "strings"

// BulkExamples are tables to begin with, one for each kind of bulk that people know from wizards, by the action.
var BulkExamples = map[string]string{
	"cipp_create_user":          "displayName,mailNickname,primDomain,firstName,lastName,jobTitle,department,usageLocation,licenses,groups\nNia Reyes,nia.reyes,contoso.com,Nia,Reyes,Clerk,Claims,GB,SPB,All staff|Claims\nOmar Bell,omar.bell,contoso.com,Omar,Bell,Driver,Operations,GB,,All staff\n",
	"cipp_invite_guest":         "mail,displayName,redirectUrl,sendInvite\nada@partner.example,Ada Lund,https://myapplications.microsoft.com,true\n",
	"cipp_edit_user":            "userId,firstName,lastName,jobTitle,department,officeLocation,streetAddress,city,postalCode,country,businessPhone,managerId\nanna@contoso.com,Anna,Berg,Head of Sales,Sales,Leith,1 Quay Street,Edinburgh,EH6 6AA,United Kingdom,+44 131 496 0000,ben@contoso.com\n",
	"cipp_reset_password":       "userId,mustChangePassword\nanna@contoso.com,true\nben@contoso.com,true\n",
	"cipp_manage_user_licenses": "userId,addLicenseSkuIds,removeLicenseSkuIds\nanna@contoso.com,SPB,O365_BUSINESS_ESSENTIALS\n",
	"cipp_set_group_membership": "userId,add,remove\nanna@contoso.com,Sales|CRM users,Claims\n",
	"cipp_offboard_user":        "userId,posture,forwardingAddress,convertToShared,removeLicenses\nanna@contoso.com,standard,ben@contoso.com,true,true\n",
	"cipp_set_out_of_office":    "userId,state,internalMessage,externalMessage\nanna@contoso.com,enabled,Back on Monday.,I am away until Monday.\n",
}

const exampleScheme = "cipp://examples/"

// BulkExampleURI is under which address a client reads an example.
func BulkExampleURI(action string) string { return exampleScheme + action + ".csv" }

// BulkExample is the example behind an address, false where there is none.
func BulkExample(uri string) (string, bool) {
	rest, ok := strings.CutPrefix(uri, exampleScheme)
	if !ok {
		return "", false
	}
	text, ok := BulkExamples[strings.TrimSuffix(rest, ".csv")]
	return text, ok
}
