package exchange

// The parameters as Microsoft's cmdlet reference lists them (https://learn.microsoft.com/powershell/module/exchange),
// one cmdlet a row: a name alone takes one value, :list several, a hash table of add and remove among them.

var mailboxCmdlets = []cmdlet{
	{name: "Get-Mailbox", run: getMailbox, needs: "", takes: `Anr Archive:switch Filter GroupMailbox:switch Identity InactiveMailboxOnly:switch IncludeAcceptMessagesOnlyFromDLMembersWithDisplayNames:switch
		IncludeAcceptMessagesOnlyFromSendersOrMembersWithDisplayNames:switch IncludeAcceptMessagesOnlyFromWithDisplayNames:switch
		IncludeEmailAddressDisplayNames:switch IncludeForwardingAddressWithDisplayNames:switch IncludeGrantSendOnBehalfToWithDisplayNames:switch
		IncludeInactiveMailbox:switch MailboxPlan Migration:switch OrganizationalUnit PublicFolder:switch
		RecipientTypeDetails:enums(DiscoveryMailbox|EquipmentMailbox|GroupMailbox|LegacyMailbox|LinkedMailbox|LinkedRoomMailbox|RoomMailbox|SchedulingMailbox|SharedMailbox|TeamMailbox|UserMailbox)
		ResultSize:unlimited SoftDeletedMailbox:switch SortBy`},
	{name: "Set-Mailbox", run: setMailbox, needs: "Identity | Identity IsExchangeCloudManaged", takes: `AcceptMessagesOnlyFrom:list AcceptMessagesOnlyFromDLMembers:list AcceptMessagesOnlyFromSendersOrMembers:list AccountDisabled:bool AddressBookPolicy
		Alias ApplyMandatoryProperties:switch ArchiveName:list
		AuditAdmin:enums(None|AddFolderPermissions|ApplyRecord|Copy|Create|FolderBind|HardDelete|MessageBind|ModifyFolderPermissions|Move|MoveToDeletedItems|RecordDelete|RemoveFolderPermissions|SendAs|SendOnBehalf|SoftDelete|Update|UpdateFolderPermissions|UpdateCalendarDelegation|UpdateInboxRules)
		AuditDelegate:enums(None|AddFolderPermissions|ApplyRecord|Create|FolderBind|HardDelete|ModifyFolderPermissions|Move|MoveToDeletedItems|RecordDelete|RemoveFolderPermissions|SendAs|SendOnBehalf|SoftDelete|Update|UpdateFolderPermissions|UpdateInboxRules)
		AuditEnabled:bool AuditLogAgeLimit AuditOwner:list AutoArchivingEnabled:bool BypassModerationFromSendersOrMembers:list CalendarRepairDisabled:bool
		CalendarVersionStoreDisabled:bool ClearThrottlingPolicyAssignment:switch Confirm:switch CustomAttribute1 CustomAttribute10 CustomAttribute11
		CustomAttribute12 CustomAttribute13 CustomAttribute14 CustomAttribute15 CustomAttribute2 CustomAttribute3 CustomAttribute4 CustomAttribute5
		CustomAttribute6 CustomAttribute7 CustomAttribute8 CustomAttribute9 DataEncryptionPolicy DefaultAuditSet:enums(Admin|Delegate|Owner)
		DefaultPublicFolderMailbox DeliverToMailboxAndForward:bool DisplayName ElcProcessingDisabled:bool EmailAddressDisplayNames:list EmailAddresses:list
		EnableRoomMailboxAccount:bool EndDateForRetentionHold:date EnforcedTimestamps ExcludeFromAllHolds:switch ExcludeFromAllOrgHolds:switch
		ExcludeFromOrgHolds:list ExtensionCustomAttribute1:list ExtensionCustomAttribute2:list ExtensionCustomAttribute3:list ExtensionCustomAttribute4:list
		ExtensionCustomAttribute5:list ExternalOofOptions:enum(External|InternalOnly) Force:switch ForwardingAddress ForwardingSmtpAddress
		GrantSendOnBehalfTo:list GroupMailbox HiddenFromAddressListsEnabled:bool Identity ImmutableId InactiveMailbox:switch IsExchangeCloudManaged:bool
		IsExcludedFromServingHierarchy:bool IssueWarningQuota:unlimited JournalArchiveAddress Languages:list LitigationHoldDate:date
		LitigationHoldDuration:unlimited LitigationHoldEnabled:bool LitigationHoldOwner MailTip MailTipTranslations:list MailboxRegion
		MaxReceiveSize:unlimited MaxSendSize:unlimited MessageCopyForSMTPClientSubmissionEnabled:bool MessageCopyForSendOnBehalfEnabled:bool
		MessageCopyForSentAsEnabled:bool MessageTrackingReadStatusEnabled:bool MicrosoftOnlineServicesID ModeratedBy:list ModerationEnabled:bool Name
		NonCompliantDevices:list Office Password ProhibitSendQuota:unlimited ProhibitSendReceiveQuota:unlimited ProvideConsent:switch
		ProvisionedForOfficeGraph:switch PublicFolder:switch RecalculateInactiveMailbox:switch RecipientLimits:unlimited RejectMessagesFrom:list
		RejectMessagesFromDLMembers:list RejectMessagesFromSendersOrMembers:list RemoveComplianceTagHoldApplied:switch RemoveDelayHoldApplied:switch
		RemoveDelayReleaseHoldApplied:switch RemoveDisabledArchive:switch RemoveMailboxProvisioningConstraint:switch RemoveOrphanedHolds:list
		RequireSenderAuthenticationEnabled:bool ResourceCapacity:int ResourceCustom:list RetainDeletedItemsFor RetentionComment RetentionHoldEnabled:bool
		RetentionPolicy RetentionUrl RoleAssignmentPolicy RoomMailboxPassword RulesQuota:size SchedulerAssistant:bool
		SendModerationNotifications:enum(Always|Internal|Never) SharingPolicy SimpleDisplayName SingleItemRecoveryEnabled:bool StartDateForRetentionHold:date
		StsRefreshTokensValidFrom:date Type:enum(Equipment|Regular|Room|Shared|Workspace|Desk) UniqueRecipientsCountLimitLevel
		UniqueUnrestrictedGroupsLimitEnabled:bool UpdateEnforcedTimestamp:switch UseDatabaseQuotaDefaults:bool UseDatabaseRetentionDefaults:bool
		UserCertificate:list UserSMimeCertificate:list WhatIf:switch WindowsEmailAddress`},
	{name: "Enable-Mailbox", run: enableMailbox, needs: "Identity", takes: `Archive:switch ArchiveName:list AutoExpandingArchive:switch Confirm:switch Force:switch Identity RoleAssignmentPolicy WhatIf:switch`},
	{name: "Disable-Mailbox", run: disableMailbox, needs: "Identity", takes: `Archive:switch Confirm:switch Identity PermanentlyDisable:switch WhatIf:switch`},
	{name: "Get-MailboxStatistics", run: getMailboxStatistics, needs: "Identity", takes: `Archive:switch Identity IncludeMoveHistory:switch IncludeMoveReport:switch IncludeSoftDeletedRecipients:switch UseCustomRouting:switch`},
	{name: "Get-MailboxFolderStatistics", run: getMailboxFolderStatistics, needs: "", takes: `Archive:switch Database DiagnosticInfo FolderScope Identity IncludeAnalysis:switch IncludeOldestAndNewestItems:switch
		IncludeSoftDeletedRecipients:switch ResultSize:unlimited SkipCount:int StoreMailboxIdentity UseCustomRouting:switch`},
	{name: "Get-CASMailbox", run: getCASMailbox, needs: "", takes: `ActiveSyncDebugLogging:switch ActiveSyncSuppressReadReceipt:switch Anr Credential Filter Identity IgnoreDefaultScope:switch OrganizationalUnit
		ProtocolSettings:switch ReadIsOptimizedForAccessibility:switch RecalculateHasActiveSyncDevicePartnership:switch
		RecipientTypeDetails:enums(DiscoveryMailbox|EquipmentMailbox|LegacyMailbox|LinkedMailbox|LinkedRoomMailbox|MailUser|RoomMailbox|SharedMailbox|TeamMailbox|UserMailbox)
		ResultSize:unlimited SortBy`},
	{name: "Set-CASMailbox", run: setCASMailbox, needs: "Identity", takes: `ActiveSyncAllowedDeviceIDs:list ActiveSyncBlockedDeviceIDs:list ActiveSyncDebugLogging:bool ActiveSyncEnabled:bool ActiveSyncMailboxPolicy
		ActiveSyncSuppressReadReceipt:bool Confirm:switch EwsAllowEntourage:bool EwsAllowList:list EwsAllowMacOutlook:bool EwsAllowOutlook:bool
		EwsApplicationAccessPolicy:enum(EnforceAllowList|EnforceBlockList) EwsBlockList:list EwsEnabled:bool Identity ImapEnabled:bool
		ImapForceICalForCalendarRetrievalOption:bool ImapMessagesRetrievalMimeFormat ImapSuppressReadReceipt:bool ImapUseProtocolDefaults:bool
		IsOptimizedForAccessibility:bool MAPIEnabled:bool MacOutlookEnabled:bool OWAEnabled:bool OWAforDevicesEnabled:bool OneWinNativeOutlookEnabled:bool
		OutlookMobileEnabled:bool OwaMailboxPolicy PopEnabled:bool PopForceICalForCalendarRetrievalOption:bool PopMessagesRetrievalMimeFormat
		PopSuppressReadReceipt:bool PopUseProtocolDefaults:bool PublicFolderClientAccess:bool ShowGalAsDefaultView:bool SmtpClientAuthenticationDisabled:bool
		UniversalOutlookEnabled:bool WhatIf:switch`},
	{name: "Get-Recipient", run: getRecipient, needs: "", takes: `Anr AuthenticationType BookmarkDisplayName Capabilities:list Filter Identity IncludeBookmarkObject:bool IncludeManagerWithDisplayName:switch
		IncludeSoftDeletedRecipients:switch OrganizationalUnit Properties:list PropertySet RecipientPreviewFilter
		RecipientType:enums(DynamicDistributionGroup|MailContact|MailNonUniversalGroup|MailUniversalDistributionGroup|MailUniversalSecurityGroup|MailUser|PublicFolder|UserMailbox)
		RecipientTypeDetails:enums(DiscoveryMailbox|DynamicDistributionGroup|EquipmentMailbox|GroupMailbox|GuestMailUser|LegacyMailbox|LinkedMailbox|LinkedRoomMailbox|MailContact|MailForestContact|MailNonUniversalGroup|MailUniversalDistributionGroup|MailUniversalSecurityGroup|MailUser|PublicFolder|PublicFolderMailbox|RemoteEquipmentMailbox|RemoteRoomMailbox|RemoteSharedMailbox|RemoteTeamMailbox|RemoteUserMailbox|RoomList|RoomMailbox|SchedulingMailbox|SharedMailbox|SharedWithMailUser|TeamMailbox|UserMailbox)
		ResultSize:unlimited SortBy`},
	{name: "Get-CalendarProcessing", run: getCalendarProcessing, needs: "Identity", takes: `Identity ResultSize:unlimited`},
	{name: "Set-CalendarProcessing", run: setCalendarProcessing, needs: "Identity", takes: `AddAdditionalResponse:bool AddNewRequestsTentatively:bool AddOrganizerToSubject:bool AdditionalResponse AllBookInPolicy:bool AllRequestInPolicy:bool
		AllRequestOutOfPolicy:bool AllowConflicts:bool AllowRecurringMeetings:bool AutomateProcessing:enum(None|AutoUpdate|AutoAccept) BookInPolicy:list
		BookingType:enum(Standard|Reserved) BookingWindowInDays:int Confirm:switch ConflictPercentageAllowed:int DeleteAttachments:bool DeleteComments:bool
		DeleteNonCalendarItems:bool DeleteSubject:bool EnableAutoRelease:bool EnableResponseDetails:bool EnforceCapacity:bool EnforceSchedulingHorizon:bool
		ForwardRequestsToDelegates:bool Identity IgnoreDefaultScope:switch MaximumConflictInstances:int MaximumDurationInMinutes:int
		MinimumDurationInMinutes:int OrganizerInfo:bool PostReservationMaxClaimTimeInMinutes:int ProcessExternalMeetingMessages:bool
		RemoveCanceledMeetings:bool RemoveForwardedMeetingNotifications:bool RemoveOldMeetingMessages:bool RemovePrivateProperty:bool RequestInPolicy:list
		RequestOutOfPolicy:list ResourceDelegates:list ScheduleOnlyDuringWorkHours:bool TentativePendingApproval:bool WhatIf:switch`},
	{name: "Remove-CalendarEvents", run: removeCalendarEvents, needs: "Identity QueryWindowInDays", takes: `CancelOrganizedMeetings:switch Confirm:switch Identity PreviewOnly:switch QueryStartDate:date QueryWindowInDays:int UseCustomRouting:switch
		WhatIf:switch`},
}
