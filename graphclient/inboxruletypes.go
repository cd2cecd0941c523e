package graphclient

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// InboxRule is a rule of a mailbox: its conditions, its actions and, under Exceptions, its exceptions. Hidden
// ones are listed too; the system's own are not.
//
// Reference: https://learn.microsoft.com/powershell/module/exchange/get-inboxrule
type InboxRule struct {
	Identity     string `json:"Identity"` // mailbox guid \ rule id
	RuleIdentity string `json:"RuleIdentity,omitempty"`
	Name         string `json:"Name"`
	// Hidden rules are listed with -IncludeHidden only: clients do not show them. Exchange does not say it.
	Hidden bool `json:"Hidden,omitempty"`
	// Beyond are the conditions, exceptions and actions that AddInboxRule does not make again, by name.
	Beyond          []string `json:"Beyond,omitempty"`
	Enabled         bool     `json:"Enabled"`
	Priority        int      `json:"Priority"`
	Description     string   `json:"Description,omitempty"`
	InError         bool     `json:"InError"`
	SupportedByTask *bool    `json:"SupportedByTask,omitempty"`

	// Actions.
	ForwardTo                     []string `json:"ForwardTo,omitempty"`
	ForwardAsAttachmentTo         []string `json:"ForwardAsAttachmentTo,omitempty"`
	RedirectTo                    []string `json:"RedirectTo,omitempty"`
	SendTextMessageNotificationTo []string `json:"SendTextMessageNotificationTo,omitempty"`
	DeleteMessage                 bool     `json:"DeleteMessage"`
	SoftDeleteMessage             bool     `json:"SoftDeleteMessage"`
	PermanentDelete               bool     `json:"PermanentDelete,omitempty"`
	MoveToFolder                  string   `json:"MoveToFolder,omitempty"`
	CopyToFolder                  string   `json:"CopyToFolder,omitempty"`
	MarkAsRead                    bool     `json:"MarkAsRead"`
	MarkImportance                string   `json:"MarkImportance,omitempty"`
	ApplyCategory                 []string `json:"ApplyCategory,omitempty"`
	ApplySystemCategory           []string `json:"ApplySystemCategory,omitempty"`
	DeleteSystemCategory          []string `json:"DeleteSystemCategory,omitempty"`
	ClearCategories               bool     `json:"ClearCategories,omitempty"`
	FlagMessage                   string   `json:"FlagMessage,omitempty"`
	ClearFlag                     bool     `json:"ClearFlag,omitempty"`
	CompleteFlag                  bool     `json:"CompleteFlag,omitempty"`
	PinMessage                    bool     `json:"PinMessage,omitempty"`
	DisplayAlert                  string   `json:"DisplayAlert,omitempty"`
	PlaySound                     string   `json:"PlaySound,omitempty"`
	StopProcessingRules           bool     `json:"StopProcessingRules"`

	// Conditions.
	From                          []string   `json:"From,omitempty"`
	FromAddressContainsWords      []string   `json:"FromAddressContainsWords,omitempty"`
	FromSubscription              []string   `json:"FromSubscription,omitempty"`
	SubjectContainsWords          []string   `json:"SubjectContainsWords,omitempty"`
	BodyContainsWords             []string   `json:"BodyContainsWords,omitempty"`
	SubjectOrBodyContainsWords    []string   `json:"SubjectOrBodyContainsWords,omitempty"`
	HeaderContainsWords           []string   `json:"HeaderContainsWords,omitempty"`
	RecipientAddressContainsWords []string   `json:"RecipientAddressContainsWords,omitempty"`
	SentTo                        []string   `json:"SentTo,omitempty"`
	MyNameInToBox                 bool       `json:"MyNameInToBox,omitempty"`
	MyNameInCcBox                 bool       `json:"MyNameInCcBox,omitempty"`
	MyNameInToOrCcBox             bool       `json:"MyNameInToOrCcBox,omitempty"`
	MyNameNotInToBox              bool       `json:"MyNameNotInToBox,omitempty"`
	SentOnlyToMe                  bool       `json:"SentOnlyToMe,omitempty"`
	HasAttachment                 bool       `json:"HasAttachment,omitempty"`
	HasClassification             []string   `json:"HasClassification,omitempty"`
	AnyCategory                   bool       `json:"AnyCategory,omitempty"`
	AssignedCategories            []string   `json:"AssignedCategories,omitempty"`
	BulkCategory                  bool       `json:"BulkCategory,omitempty"`
	FlaggedForAction              string     `json:"FlaggedForAction,omitempty"`
	MessageTypeMatches            string     `json:"MessageTypeMatches,omitempty"`
	WithImportance                string     `json:"WithImportance,omitempty"`
	WithSensitivity               string     `json:"WithSensitivity,omitempty"`
	ReceivedAfterDate             *time.Time `json:"ReceivedAfterDate,omitempty"`
	ReceivedBeforeDate            *time.Time `json:"ReceivedBeforeDate,omitempty"`
	WithinSizeRangeMinimum        *int64     `json:"WithinSizeRangeMinimum,omitempty"` // bytes; 0 is a condition that every message meets
	WithinSizeRangeMaximum        *int64     `json:"WithinSizeRangeMaximum,omitempty"` // bytes

	// Exceptions are those that are set, by Exchange's names (ExceptIfFrom …), with their values as text.
	Exceptions map[string][]string `json:"Exceptions,omitempty"`

	Raw json.RawMessage `json:"-"` // the row as Exchange sent it, for the evidence
}

// ruleParts are what a rule can hold that AddInboxRule does not make again, beside its exceptions.
var ruleParts = map[string]bool{"AnyCategory": true, "ApplyCategory": true, "ApplySystemCategory": true, "AssignedCategories": true, "BulkCategory": true, "ClearCategories": true,
	"ClearFlag": true, "CompleteFlag": true, "DeleteSystemCategory": true, "DisplayAlert": true, "FlagMessage": true, "FlaggedForAction": true, "FromSubscription": true,
	"HasAttachment": true, "HasClassification": true, "MarkImportance": true, "MessageTypeMatches": true, "MyNameInCcBox": true, "MyNameInToBox": true, "MyNameInToOrCcBox": true,
	"MyNameNotInToBox": true, "PermanentDelete": true, "PinMessage": true, "PlaySound": true, "ReceivedAfterDate": true, "ReceivedBeforeDate": true,
	"SendTextMessageNotificationTo": true, "SentOnlyToMe": true, "SentTo": true, "WithImportance": true, "WithSensitivity": true, "WithinSizeRangeMaximum": true, "WithinSizeRangeMinimum": true}

// UnmarshalJSON reads a row as Exchange writes it, and as encoding/json does.
func (r *InboxRule) UnmarshalJSON(b []byte) error {
	if err := fromExchange(b, r); err != nil {
		return err
	}
	var every map[string]json.RawMessage
	if err := json.Unmarshal(b, &every); err != nil {
		return err
	}
	for name, v := range every {
		switch string(v) {
		case "null", "false", `""`, "[]", "{}":
			continue
		}
		exception := strings.HasPrefix(name, "ExceptIf") && !strings.Contains(name, "@")
		if exception {
			r.except(name, v)
		}
		if (exception || ruleParts[name]) && !slices.Contains(r.Beyond, name) {
			r.Beyond = append(r.Beyond, name)
		}
	}
	slices.Sort(r.Beyond)
	if v := every["Exceptions"]; v != nil { // a rule as we write it
		return json.Unmarshal(v, &r.Exceptions)
	}
	return nil
}

func (r *InboxRule) except(name string, v json.RawMessage) {
	if r.Exceptions == nil {
		r.Exceptions = map[string][]string{}
	}
	var list texts
	if _ = list.UnmarshalJSON(v); len(list) == 0 {
		list = texts{strings.Trim(string(v), `"`)} // true, mostly
	}
	r.Exceptions[name] = list
}
