package graphclient

import (
	"net/http"
	"strings"
)

// exchangeTypes are the exception types of Exchange that callers must tell apart, without namespace.
var exchangeTypes = map[string]Kind{
	"ManagementObjectNotFoundException":           NotFound,
	"ManagementObjectAmbiguousException":          UserAmbiguous,
	"RecipientNotFoundException":                  NotFound,
	"MemberAlreadyExistsException":                AlreadyMember,
	"MemberNotFoundException":                     NotMember,
	"UserAlreadyExistsInPermissionEntryException": AlreadyMember,
	"UserNotFoundInPermissionEntryException":      NotMember,
	"ACEAlreadyExistsException":                   AlreadyMember,
	"ProxyAddressExistsException":                 Conflict,
	"NameNotAvailableException":                   Conflict,
	"CommandNotFoundException":                    RoleMissing,
	"ParameterBindingException":                   Invalid,
	"CmdletAccessDeniedException":                 RoleMissing,
	"ServerBusyException":                         Throttled,
	"OverBudgetException":                         Throttled,
}

// exchangeTexts are families Exchange throws under several types. They refine what type and status leave open.
var exchangeTexts = []struct {
	text string
	kind Kind
}{
	{"synchronized from your on-premises", OnPremises},
	{"out of the current user's write scope", OnPremises},
	{"ace isn't present", NotMember},
	{"ace doesn't exist", NotMember},
	{"existing permission entry was found", AlreadyMember},
	{"matches multiple entries", UserAmbiguous},
	{"role definition of the current user", RoleMissing},
	{"unable to initialize the authorization context", GDAPMissing},
	{"server is busy", Throttled},
	{"micro delay", Throttled},
	{"couldn't be found", NotFound},
	{"couldn't find object", NotFound},
}

// exchangeProblem reads an Exchange error. details[0].message is "Ex-code|exception type|text"; the type
// decides. A 403 without readable body is how a cmdlet outside the caller's roles is answered.
func exchangeProblem(k call, e *Error, b errorBody) {
	exception, text := "", ""
	for _, d := range b.Details {
		if parts := strings.SplitN(d.Message, "|", 3); len(parts) == 3 {
			exception, text = parts[1], parts[2]
			break
		}
		text = firstOf(text, d.Message)
	}
	if in := b.InnerError; in != nil {
		if ex := in.InternalException; ex != nil {
			exception, text = firstOf(exception, ex.Type), firstOf(text, ex.Message)
		}
		exception, text = firstOf(exception, in.Type), firstOf(text, in.Message)
	}
	text = firstOf(text, b.Message)
	e.Message = cleanText(text, longestMessage)
	short := exception[strings.LastIndexAny(exception, ".+")+1:]
	e.Code = cleanText(firstOf(short, b.Code), 80)
	kind, known := exchangeTypes[short]
	if !known {
		kind = kindOfStatus(e.Status)
		lower := strings.ToLower(text)
		for _, f := range exchangeTexts {
			if strings.Contains(lower, f.text) {
				kind = f.kind
				break
			}
		}
	}
	if e.Status == http.StatusTooManyRequests {
		kind = Throttled
	}
	if kind == NotFound && k.mailbox {
		kind = NoMailbox
	}
	if kind == Denied && text == "" {
		kind = RoleMissing
	}
	e.Kind = kind
}
