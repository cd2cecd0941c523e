package exchange

// What an investigation reads besides, and the answers to it; written as in the other tables.

var stateCmdlets = []cmdlet{
	{name: "Get-MailboxMessageConfiguration", run: getMailboxMessageConfiguration, needs: "Identity", takes: `Credential Identity ReadFromDomainController:switch ResultSize:unlimited SignatureName UseCustomRouting:switch`},
	{name: "Get-App", run: getApp, needs: "", takes: `Identity Mailbox OrganizationApp:switch PrivateCatalog:switch`},
	{name: "Get-MailboxCalendarFolder", run: getMailboxCalendarFolder, needs: "Identity", takes: `Identity UseCustomRouting:switch`},
	{name: "Get-MailContact", run: getMailContact, needs: "", takes: `ANR Filter Identity OrganizationalUnit RecipientTypeDetails:enums(MailContact|MailForestContact) ResultSize:unlimited SortBy`},
	{name: "Get-TransportConfig", run: getTransportConfig, needs: "", takes: ``},
	{name: "Get-AuthenticationPolicy", run: getAuthenticationPolicy, needs: "", takes: `AllowLegacyExchangeTokens:switch Identity TenantId`},
	{name: "Get-JournalRule", run: getJournalRule, needs: "", takes: `Identity`},
	{name: "Enable-TransportRule", run: enableTransportRule, needs: "Identity", takes: `Confirm:switch Identity Mode:enum(Audit|AuditAndNotify|Enforce) WhatIf:switch`},
	{name: "Disable-TransportRule", run: disableTransportRule, needs: "Identity", takes: `Confirm:switch Identity WhatIf:switch`},
	{name: "Remove-SweepRule", run: removeSweepRule, needs: "Identity", takes: `Confirm:switch Identity Mailbox WhatIf:switch`},
	{name: "Set-InboxRule", run: setInboxRule, needs: "Identity", takes: "Identity " + inboxRuleParts},
}

// inboxRuleParts are the parameters of a rule's conditions, exceptions and actions, which New-InboxRule and
// Set-InboxRule have in common.
const inboxRuleParts = `AlwaysDeleteOutlookRulesBlob:switch AnyCategory:bool ApplyCategory:list ApplySystemCategory:list AssignedCategories:list
		BodyContainsWords:list BulkCategory:bool ClearCategories:bool ClearFlag:bool CompleteFlag:bool Confirm:switch CopyToFolder DeleteMessage:bool DeleteSystemCategory:list DisplayAlert
		ExceptIfAnyCategory:bool ExceptIfAssignedCategories:list ExceptIfBodyContainsWords:list ExceptIfBulkCategory:bool ExceptIfFlaggedForAction ExceptIfFrom:list ExceptIfFromAddressContainsWords:list
		ExceptIfHasAttachment:bool ExceptIfHasClassification:list ExceptIfHeaderContainsWords:list ExceptIfMessageTypeMatches ExceptIfMyNameInCcBox:bool ExceptIfMyNameInToBox:bool
		ExceptIfMyNameInToOrCcBox:bool ExceptIfMyNameNotInToBox:bool ExceptIfReceivedAfterDate:date ExceptIfReceivedBeforeDate:date ExceptIfRecipientAddressContainsWords:list
		ExceptIfSentOnlyToMe:bool ExceptIfSentTo:list ExceptIfSubjectContainsWords:list ExceptIfSubjectOrBodyContainsWords:list ExceptIfWithImportance ExceptIfWithSensitivity
		ExceptIfWithinSizeRangeMaximum:size ExceptIfWithinSizeRangeMinimum:size FlagMessage FlaggedForAction Force:switch ForwardAsAttachmentTo:list ForwardTo:list From:list FromAddressContainsWords:list
		HasAttachment:bool HasClassification:list HeaderContainsWords:list Mailbox MarkAsRead:bool MarkImportance MessageTypeMatches MoveToFolder MyNameInCcBox:bool MyNameInToBox:bool
		MyNameInToOrCcBox:bool MyNameNotInToBox:bool Name PermanentDelete:bool PinMessage:bool PlaySound Priority:int ReceivedAfterDate:date ReceivedBeforeDate:date RecipientAddressContainsWords:list
		RedirectTo:list SentOnlyToMe:bool SentTo:list SoftDeleteMessage:bool StopProcessingRules:bool SubjectContainsWords:list SubjectOrBodyContainsWords:list WhatIf:switch
		WithImportance WithSensitivity WithinSizeRangeMaximum:size WithinSizeRangeMinimum:size`
