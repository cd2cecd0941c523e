package exchange

// The parameters as Microsoft's cmdlet reference lists them (https://learn.microsoft.com/powershell/module/exchange),
// one cmdlet a row: a name alone takes one value, :list several, a hash table of add and remove among them.

var settingsCmdlets = []cmdlet{
	{name: "Get-MailboxPermission", run: getMailboxPermission, needs: "Identity", takes: `Credential GroupMailbox:switch Identity IncludeSoftDeletedUserPermissions:switch IncludeUnresolvedPermissions:switch IncludeUserWithDisplayName:switch
		Owner:switch ReadFromDomainController:switch ResultSize:unlimited SoftDeletedMailbox:switch UseCustomRouting:switch User`},
	{name: "Add-MailboxPermission", run: addMailboxPermission, needs: "Identity AccessRights User | Identity Owner", takes: `AccessRights:enums(ChangeOwner|ChangePermission|DeleteItem|ExternalAccount|FullAccess|ReadPermission) AutoMapping:bool Confirm:switch Deny:switch
		GroupMailbox:switch Identity IgnoreDefaultScope:switch InheritanceType:enum(None|All|Children|Descendents|SelfAndChildren) Owner User WhatIf:switch`},
	{name: "Remove-MailboxPermission", run: removeMailboxPermission, needs: "", takes: `AccessRights:enums(FullAccess|SendAs|ExternalAccount|DeleteItem|ReadPermission|ChangePermission|ChangeOwner) BypassMasterAccountSid:switch
		ClearAutoMapping:switch Confirm:switch Deny:switch GroupMailbox:switch Identity IgnoreDefaultScope:switch
		InheritanceType:enum(None|All|Children|Descendents|SelfAndChildren) ResetDefault:switch SoftDeletedMailbox:switch User WhatIf:switch`},
	{name: "Get-RecipientPermission", run: getRecipientPermission, needs: "", takes: `AccessRights:list Identity IncludeTrusteeWithPrimarySmtpAddress:switch ReadFromDomainController:switch ResultSize:unlimited Trustee`},
	{name: "Add-RecipientPermission", run: addRecipientPermission, needs: "Identity AccessRights Trustee", takes: `AccessRights:list Confirm:switch Identity Trustee WhatIf:switch`},
	{name: "Remove-RecipientPermission", run: removeRecipientPermission, needs: "Identity AccessRights Trustee", takes: `AccessRights:list Confirm:switch Deny:switch Identity MultiTrustees:list SkipDomainValidationForMailContact:switch
		SkipDomainValidationForMailUser:switch SkipDomainValidationForSharedMailbox:switch Trustee WhatIf:switch`},
	{name: "Get-MailboxFolderPermission", run: getMailboxFolderPermission, needs: "Identity", takes: `GroupMailbox:switch Identity ResultSize:unlimited SkipCount:int UseCustomRouting:switch User`},
	{name: "Add-MailboxFolderPermission", run: addMailboxFolderPermission, needs: "Identity AccessRights User", takes: `AccessRights:list Confirm:switch Identity SendNotificationToUser:bool SharingPermissionFlags:enums(None|Delegate|CanViewPrivateItems) User
		WhatIf:switch`},
	{name: "Set-MailboxFolderPermission", run: setMailboxFolderPermission, needs: "Identity AccessRights User", takes: `AccessRights:list Confirm:switch Identity SendNotificationToUser:bool SharingPermissionFlags:enums(None|Delegate|CanViewPrivateItems) User
		WhatIf:switch`},
	{name: "Remove-MailboxFolderPermission", run: removeMailboxFolderPermission, needs: "Identity User | Identity", takes: `Confirm:switch Force:switch Identity ResetDelegateUserCollection:switch SendNotificationToUser:bool User WhatIf:switch`},
	{name: "Get-InboxRule", run: getInboxRule, needs: "", takes: `BypassScopeCheck:switch DescriptionTimeFormat DescriptionTimeZone Identity IncludeHidden:switch Mailbox ResultSize:unlimited SkipCount:int
		UseCustomRouting:switch`},
	{name: "New-InboxRule", run: newInboxRule, needs: "Name | FromMessageId", takes: "FromMessageId ValidateOnly:switch " + inboxRuleParts},
	{name: "Remove-InboxRule", run: removeInboxRule, needs: "Identity", takes: `AlwaysDeleteOutlookRulesBlob:switch Confirm:switch Force:switch Identity Mailbox WhatIf:switch`},
	{name: "Disable-InboxRule", run: disableInboxRule, needs: "Identity", takes: `AlwaysDeleteOutlookRulesBlob:switch Confirm:switch Force:switch Identity Mailbox WhatIf:switch`},
	{name: "Enable-InboxRule", run: enableInboxRule, needs: "Identity", takes: `AlwaysDeleteOutlookRulesBlob:switch Confirm:switch Force:switch Identity Mailbox WhatIf:switch`},
	{name: "Get-SweepRule", run: getSweepRule, needs: "", takes: `BypassScopeCheck:switch Identity Mailbox Provider ResultSize:unlimited SkipCount:int`},
	{name: "Get-MailboxAutoReplyConfiguration", run: getMailboxAutoReplyConfiguration, needs: "Identity", takes: `Credential Identity ReadFromDomainController:switch ResultSize:unlimited UseCustomRouting:switch`},
	{name: "Set-MailboxAutoReplyConfiguration", run: setMailboxAutoReplyConfiguration, needs: "Identity", takes: `AutoDeclineFutureRequestsWhenOOF:bool AutoReplyState:enum(Enabled|Disabled|Scheduled) Confirm:switch CreateOOFEvent:bool
		DeclineAllEventsForScheduledOOF:bool DeclineEventsForScheduledOOF:bool DeclineMeetingMessage EndTime:date EventsToDeleteIDs:list
		ExternalAudience:enum(None|Known|All) ExternalMessage Identity IgnoreDefaultScope:switch InternalMessage OOFEventSubject StartTime:date WhatIf:switch`},
	{name: "Get-MobileDevice", run: getMobileDevice, needs: "", takes: `ActiveSync:switch Filter Identity Mailbox OWAforDevices:switch OrganizationalUnit RestApi:switch ResultSize:unlimited SortBy UniversalOutlook:switch`},
	{name: "Get-MobileDeviceStatistics", run: getMobileDeviceStatistics, needs: "Identity | Mailbox", takes: `ActiveSync:switch GetMailboxLog:switch Identity Mailbox NotificationEmailAddresses:list OWAforDevices:switch RestApi:switch
		ShowRecoveryPassword:switch UniversalOutlook:switch UseCustomRouting:switch`},
	{name: "Remove-MobileDevice", run: removeMobileDevice, needs: "Identity", takes: `Confirm:switch Identity WhatIf:switch`},
	{name: "Get-MailboxJunkEmailConfiguration", run: getMailboxJunkEmailConfiguration, needs: "Identity", takes: `Credential Identity ReadFromDomainController:switch ResultSize:unlimited`},
	{name: "Set-MailboxJunkEmailConfiguration", run: setMailboxJunkEmailConfiguration, needs: "Identity", takes: `BlockedSendersAndDomains:list Confirm:switch ContactsTrusted:bool Enabled:bool FailOnError:bool Identity IgnoreDefaultScope:switch
		SenderScreeningEnabled:bool TrustedListsOnly:bool TrustedRecipientsAndDomains:list TrustedSendersAndDomains:list WhatIf:switch`},
}
