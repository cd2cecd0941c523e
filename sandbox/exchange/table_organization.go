package exchange

// The parameters as Microsoft's cmdlet reference lists them (https://learn.microsoft.com/powershell/module/exchange),
// one cmdlet a row: a name alone takes one value, :list several, a hash table of add and remove among them.

var organizationCmdlets = []cmdlet{
	{name: "Get-DistributionGroup", run: getDistributionGroup, needs: "", takes: `Anr Credential Filter Identity IncludeAcceptMessagesOnlyFromDLMembersWithDisplayNames:switch
		IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames:switch IncludeAcceptMessagesOnlyFromWithDisplayNames:switch
		IncludeBypassModerationFromSendersOrMembersWithDisplayNames:switch IncludeGrantSendOnBehalfToWithDisplayNames:switch
		IncludeManagedByWithDisplayNames:switch IncludeModeratedByWithDisplayNames:switch ManagedBy OrganizationalUnit
		RecipientTypeDetails:enums(MailNonUniversalGroup|MailUniversalDistributionGroup|MailUniversalSecurityGroup|RoomList) ResultSize:unlimited SortBy`},
	{name: "Set-DistributionGroup", run: setDistributionGroup, needs: "Identity", takes: `AcceptMessagesOnlyFrom:list AcceptMessagesOnlyFromDLMembers:list AcceptMessagesOnlyFromSendersOrMembers:list Alias BccBlocked:bool
		BypassModerationFromSendersOrMembers:list BypassNestedModerationEnabled:bool BypassSecurityGroupManagerCheck:switch Confirm:switch CustomAttribute1
		CustomAttribute10 CustomAttribute11 CustomAttribute12 CustomAttribute13 CustomAttribute14 CustomAttribute15 CustomAttribute2 CustomAttribute3
		CustomAttribute4 CustomAttribute5 CustomAttribute6 CustomAttribute7 CustomAttribute8 CustomAttribute9 Description:list DisplayName EmailAddresses:list
		ExtensionCustomAttribute1:list ExtensionCustomAttribute2:list ExtensionCustomAttribute3:list ExtensionCustomAttribute4:list
		ExtensionCustomAttribute5:list ForceUpgrade:switch GrantSendOnBehalfTo:list HiddenFromAddressListsEnabled:bool HiddenGroupMembershipEnabled:switch
		Identity IgnoreNamingPolicy:switch MailTip MailTipTranslations:list ManagedBy:list MemberDepartRestriction:enum(Open|Closed)
		MemberJoinRestriction:enum(Open|Closed|ApprovalRequired) ModeratedBy:list ModerationEnabled:bool Name PrimarySmtpAddress RejectMessagesFrom:list
		RejectMessagesFromDLMembers:list RejectMessagesFromSendersOrMembers:list ReportToManagerEnabled:bool ReportToOriginatorEnabled:bool
		RequireSenderAuthenticationEnabled:bool ResetMigrationToUnifiedGroup:switch RoomList:switch SendModerationNotifications:enum(Always|Internal|Never)
		SendOofMessageToOriginatorEnabled:bool SimpleDisplayName UpdateMemberCount:switch WhatIf:switch WindowsEmailAddress`},
	{name: "Get-DistributionGroupMember", run: getDistributionGroupMember, needs: "Identity", takes: `Credential Identity IncludeSoftDeletedObjects:switch ResultSize:unlimited`},
	{name: "Add-DistributionGroupMember", run: addDistributionGroupMember, needs: "Identity", takes: `BypassSecurityGroupManagerCheck:switch Confirm:switch Identity Member WhatIf:switch`},
	{name: "Remove-DistributionGroupMember", run: removeDistributionGroupMember, needs: "Identity", takes: `BypassSecurityGroupManagerCheck:switch Confirm:switch Identity Member WhatIf:switch`},
	{name: "Get-OrganizationConfig", run: getOrganizationConfig, needs: "", takes: ``},
	{name: "Get-AdminAuditLogConfig", run: getAdminAuditLogConfig, needs: "", takes: ``},
	{name: "Set-AdminAuditLogConfig", run: setAdminAuditLogConfig, needs: "", takes: `Confirm:switch Force:switch UnifiedAuditLogIngestionEnabled:bool WhatIf:switch`},
	{name: "Get-AcceptedDomain", run: getAcceptedDomain, needs: "", takes: `Identity ResultSize:unlimited`},
	{name: "Get-RemoteDomain", run: getRemoteDomain, needs: "", takes: `Identity ResultSize:unlimited`},
	{name: "Get-HostedOutboundSpamFilterPolicy", run: getHostedOutboundSpamFilterPolicy, needs: "", takes: `Identity`},
	{name: "Get-TransportRule", run: getTransportRule, needs: "", takes: `DlpPolicy ExcludeConditionActionDetails:bool Filter Identity ResultSize:unlimited State:enum(Enabled|Disabled)`},
	{name: "Get-InboundConnector", run: getInboundConnector, needs: "", takes: `Identity ResultSize:unlimited`},
	{name: "Get-OutboundConnector", run: getOutboundConnector, needs: "", takes: `Identity IncludeTestModeConnectors:bool IsTransportRuleScoped:bool ResultSize:unlimited`},
	{name: "Get-MailboxAuditBypassAssociation", run: getMailboxAuditBypassAssociation, needs: "", takes: `Identity ResultSize:unlimited`},
	{name: "Search-UnifiedAuditLog", run: searchUnifiedAuditLog, needs: "EndDate StartDate", takes: `EndDate:date Formatted:switch FreeText HighCompleteness:switch IPAddresses:list LegacyFlow:switch LongerRetentionEnabled ObjectIds:list
		Operations:list RecordType ResultSize:int SessionCommand:enum(ReturnLargeSet|ReturnNextPreviewPage) SessionId SiteIds:list StartDate:date UserIds:list`},
	{name: "Get-MessageTraceV2", run: getMessageTraceV2, needs: "", takes: `EndDate:date FromIP MessageId:list MessageTraceId:guid RecipientAddress:list ResultSize:int SenderAddress:list StartDate:date StartingRecipientAddress
		Status:enums(Delivered|Expanded|Failed|FilteredAsSpam|GettingStatus|Pending|Quarantined) Subject SubjectFilterType:enum(Contains|EndsWith|StartsWith)
		ToIP`},
	{name: "Get-BlockedSenderAddress", run: getBlockedSenderAddress, needs: "", takes: `SenderAddress`},
	{name: "Remove-BlockedSenderAddress", run: removeBlockedSenderAddress, needs: "SenderAddress", takes: `Reason SenderAddress`},
}
