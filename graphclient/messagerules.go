package graphclient

import (
	"context"

	abs "github.com/microsoft/kiota-abstractions-go"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// MessageRule is an inbox rule as Graph shows it: folders by id, recipients with their addresses. It is the
// second witness to Get-InboxRule; hidden rules are not promised to be among them.
//
// Reference: https://learn.microsoft.com/graph/api/resources/messagerule
type MessageRule struct {
	ID          string                `json:"id"`
	DisplayName string                `json:"displayName"`
	Sequence    int                   `json:"sequence"`
	IsEnabled   bool                  `json:"isEnabled"`
	HasError    bool                  `json:"hasError"`
	IsReadOnly  bool                  `json:"isReadOnly"` // cannot be changed through Graph
	Conditions  MessageRulePredicates `json:"conditions"`
	Exceptions  MessageRulePredicates `json:"exceptions"`
	Actions     MessageRuleActions    `json:"actions"`
}

// MessageRuleActions are what a rule does with a message.
//
// Reference: https://learn.microsoft.com/graph/api/resources/messageruleactions
type MessageRuleActions struct {
	MoveToFolder          string          `json:"moveToFolder,omitempty"` // a folder's id
	CopyToFolder          string          `json:"copyToFolder,omitempty"` // a folder's id
	Delete                bool            `json:"delete,omitempty"`
	PermanentDelete       bool            `json:"permanentDelete,omitempty"`
	ForwardTo             []MailRecipient `json:"forwardTo,omitempty"`
	ForwardAsAttachmentTo []MailRecipient `json:"forwardAsAttachmentTo,omitempty"`
	RedirectTo            []MailRecipient `json:"redirectTo,omitempty"`
	MarkAsRead            bool            `json:"markAsRead,omitempty"`
	MarkImportance        string          `json:"markImportance,omitempty"`
	AssignCategories      []string        `json:"assignCategories,omitempty"`
	StopProcessingRules   bool            `json:"stopProcessingRules,omitempty"`
}

// MessageRulePredicates are conditions or exceptions; what is not set does not count.
//
// Reference: https://learn.microsoft.com/graph/api/resources/messagerulepredicates
type MessageRulePredicates struct {
	BodyContains           []string        `json:"bodyContains,omitempty"`
	BodyOrSubjectContains  []string        `json:"bodyOrSubjectContains,omitempty"`
	SubjectContains        []string        `json:"subjectContains,omitempty"`
	HeaderContains         []string        `json:"headerContains,omitempty"`
	SenderContains         []string        `json:"senderContains,omitempty"`
	RecipientContains      []string        `json:"recipientContains,omitempty"`
	Categories             []string        `json:"categories,omitempty"`
	FromAddresses          []MailRecipient `json:"fromAddresses,omitempty"`
	SentToAddresses        []MailRecipient `json:"sentToAddresses,omitempty"`
	HasAttachments         *bool           `json:"hasAttachments,omitempty"`
	Importance             string          `json:"importance,omitempty"`
	Sensitivity            string          `json:"sensitivity,omitempty"`
	MessageActionFlag      string          `json:"messageActionFlag,omitempty"`
	IsApprovalRequest      *bool           `json:"isApprovalRequest,omitempty"`
	IsAutomaticForward     *bool           `json:"isAutomaticForward,omitempty"`
	IsAutomaticReply       *bool           `json:"isAutomaticReply,omitempty"`
	IsEncrypted            *bool           `json:"isEncrypted,omitempty"`
	IsMeetingRequest       *bool           `json:"isMeetingRequest,omitempty"`
	IsMeetingResponse      *bool           `json:"isMeetingResponse,omitempty"`
	IsNonDeliveryReport    *bool           `json:"isNonDeliveryReport,omitempty"`
	IsPermissionControlled *bool           `json:"isPermissionControlled,omitempty"`
	IsReadReceipt          *bool           `json:"isReadReceipt,omitempty"`
	IsSigned               *bool           `json:"isSigned,omitempty"`
	IsVoicemail            *bool           `json:"isVoicemail,omitempty"`
	NotSentToMe            *bool           `json:"notSentToMe,omitempty"`
	SentCcMe               *bool           `json:"sentCcMe,omitempty"`
	SentOnlyToMe           *bool           `json:"sentOnlyToMe,omitempty"`
	SentToMe               *bool           `json:"sentToMe,omitempty"`
	SentToOrCcMe           *bool           `json:"sentToOrCcMe,omitempty"`
	WithinSizeRange        *struct {
		MinimumSize *int `json:"minimumSize,omitempty"` // kilobytes
		MaximumSize *int `json:"maximumSize,omitempty"`
	} `json:"withinSizeRange,omitempty"`
}

// MailRecipient is somebody mail goes to or comes from.
//
// Reference: https://learn.microsoft.com/graph/api/resources/recipient
type MailRecipient struct {
	EmailAddress struct {
		Name    string `json:"name,omitempty"`
		Address string `json:"address,omitempty"`
	} `json:"emailAddress"`
}

// inboxFolder is the well-known name under which all rules stand.
const inboxFolder = "inbox"

// MessageRules are the inbox rules of a user's mailbox as Graph shows them; a user without one is kind
// NoMailbox.
//
// GET /users/{id}/mailFolders/inbox/messageRules; least permission MailboxSettings.Read.
//
// Reference: https://learn.microsoft.com/graph/api/mailfolder-list-messagerules
func (c *Client) MessageRules(ctx context.Context, tid, userID string) ([]MessageRule, error) {
	if err := require(tid, userID); err != nil {
		return nil, err
	}
	return all[MessageRule](ctx, c, read(tid, "MailboxSettings.Read", "MailboxSettings.ReadWrite"), c.v1, 0, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).MailFolders().ByMailFolderId(inboxFolder).MessageRules().ToGetRequestInformation(ctx, nil)
		return keyed(info, err, userID)
	})
}

// SetMessageRuleEnabled switches an inbox rule on or off through Graph, by its id.
//
// PATCH /users/{id}/mailFolders/inbox/messageRules/{id}, 200; least permission MailboxSettings.ReadWrite.
// Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/messagerule-update
func (c *Client) SetMessageRuleEnabled(ctx context.Context, tid, userID, ruleID string, on bool) error {
	if err := require(tid, userID, ruleID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "MailboxSettings.ReadWrite"), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).MailFolders().ByMailFolderId(inboxFolder).MessageRules().ByMessageRuleId(ruleID).
			ToPatchRequestInformation(ctx, models.NewMessageRule(), nil)
		info, err = keyed(info, err, userID)
		return withJSON(info, err, map[string]bool{"isEnabled": on})
	}, nil)
}

// DeleteMessageRule deletes an inbox rule through Graph, by its id.
//
// DELETE /users/{id}/mailFolders/inbox/messageRules/{id}, 204; least permission MailboxSettings.ReadWrite.
// Repeatable.
//
// Reference: https://learn.microsoft.com/graph/api/messagerule-delete
func (c *Client) DeleteMessageRule(ctx context.Context, tid, userID, ruleID string) error {
	if err := require(tid, userID, ruleID); err != nil {
		return err
	}
	return c.send(ctx, change(ctx, tid, "MailboxSettings.ReadWrite").deleting(), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).MailFolders().ByMailFolderId(inboxFolder).MessageRules().ByMessageRuleId(ruleID).
			ToDeleteRequestInformation(ctx, nil)
		return keyed(info, err, userID)
	}, nil)
}

// MailFolder is a folder of a mailbox as Graph shows it.
//
// Reference: https://learn.microsoft.com/graph/api/resources/mailfolder
type MailFolder struct {
	ID               string `json:"id"`
	DisplayName      string `json:"displayName"` // in the mailbox's language
	ParentFolderID   string `json:"parentFolderId,omitempty"`
	TotalItemCount   int    `json:"totalItemCount"`
	UnreadItemCount  int    `json:"unreadItemCount"`
	ChildFolderCount int    `json:"childFolderCount"`
	IsHidden         bool   `json:"isHidden"`
}

// MailFolder is one folder, by its id or a well-known name: inbox, deleteditems, junkemail, archive,
// conversationhistory … Asked for by name it tells the id that rules bear, whatever the folder is called in
// the mailbox's language.
//
// GET /users/{id}/mailFolders/{id}; least permission Mail.ReadBasic.All.
//
// Reference: https://learn.microsoft.com/graph/api/mailfolder-get
func (c *Client) MailFolder(ctx context.Context, tid, userID, folder string) (MailFolder, error) {
	if err := require(tid, userID, folder); err != nil {
		return MailFolder{}, err
	}
	return fetch[MailFolder](ctx, c, read(tid, "Mail.ReadBasic.All", "Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite"), c.v1, func() (*abs.RequestInformation, error) {
		info, err := c.v1.users().ByUserId(userID).MailFolders().ByMailFolderId(folder).ToGetRequestInformation(ctx, nil)
		return keyed(info, err, userID)
	})
}
