package tools

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"cipp-mcp/graphclient"
	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/internal/secrets"
)

// Problem is an expected failure as a model sees it. The codes are a closed list, docs/errors.md.
type Problem struct {
	Code              string     `json:"code"`
	Message           string     `json:"message"`
	Next              string     `json:"next"`
	Retryable         bool       `json:"retryable"`
	RetryAfterSeconds float64    `json:"retryAfterSeconds,omitempty"`
	Tenant            string     `json:"tenant,omitempty"`
	Candidates        []string   `json:"candidates,omitempty"`
	Microsoft         *Microsoft `json:"microsoft,omitempty"`
}

// Microsoft is what Microsoft's service said, for a ticket to them.
type Microsoft struct {
	Status    int    `json:"status,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

func (p *Problem) Error() string { return p.Message }

// kinds say for each kind of failure which code a model sees, what it can do, and whether the same
// call may work later.
var kinds = map[graphclient.Kind]struct {
	code, next string
	retry      bool
}{
	graphclient.NotFound:         {"not_found", "Check the id; cipp_list_users finds users.", false},
	graphclient.Denied:           {"permission_missing", "Ask the operator: the application lacks a Microsoft Graph permission in this tenant. cipp_get_tenant_details with sections=[\"health\"] shows what works.", false},
	graphclient.RoleMissing:      {"role_missing", "Ask an administrator of the tenant to assign the directory role named above.", false},
	graphclient.NotConsented:     {"not_consented", "Ask an administrator of the tenant to open the consent link; cipp-mcp init prints it.", false},
	graphclient.GDAPMissing:      {"gdap_missing", "Ask the operator to renew the GDAP relationship with this customer in Partner Center.", false},
	graphclient.SecretExpired:    {"credential_expired", "Ask the operator to renew the application's secret; no tool can help until then.", false},
	graphclient.SignInFailed:     {"sign_in_failed", "Ask the operator to check the sign-in with cipp-mcp init --check.", false},
	graphclient.OtherSignIn:      {"other_sign_in", "Do it by hand, or ask the operator for a server that signs in that way.", false},
	graphclient.SignInNeeded:     {"sign_in_needed", "Ask the person at the server to sign in there, then make the same call again.", true},
	graphclient.NotPremium:       {"premium_missing", "This needs Entra ID P1 or P2 in the tenant; what does not need it still works.", false},
	graphclient.NotLicensed:      {"service_missing", "The tenant has no licence for that service; leave this part out.", false},
	graphclient.Throttled:        {"throttled", "Wait, then make the same call again.", true},
	graphclient.Invalid:          {"refused", "Correct the argument Microsoft names and call again.", false},
	graphclient.Conflict:         {"conflict", "Something with that name or address exists already; choose another.", false},
	graphclient.OnPremises:       {"on_premises", "This user is mastered on premises: change it in Active Directory and wait for the next synchronisation.", false},
	graphclient.NoMailbox:        {"no_mailbox", "The user has no mailbox in Exchange Online; leave the mailbox part out.", false},
	graphclient.Unavailable:      {"unavailable", "Microsoft's service did not answer properly; the same call may work in a minute.", true},
	graphclient.TenantUnknown:    {"tenant_not_found", "cipp_list_tenants lists the tenants this server knows.", false},
	graphclient.TenantAmbiguous:  {"tenant_ambiguous", "Call again with the id or domain of one of the candidates.", false},
	graphclient.TenantDenied:     {"tenant_not_allowed", "The operator excludes this tenant (tenants.allow, tenants.deny); ask the operator.", false},
	graphclient.SignInBlocked:    {"sign_in_blocked", "Ask the operator: Conditional Access or multifactor authentication stops the sign-in of this server.", false},
	graphclient.NoDrive:          {"no_onedrive", "The user's OneDrive is not provisioned; leave that part out.", false},
	graphclient.AlreadyMember:    {"already_there", "Nothing needs doing: it is there already.", false},
	graphclient.NotMember:        {"not_there", "Nothing needs doing: it is not there.", false},
	graphclient.DynamicGroup:     {"dynamic_group", "A rule decides this group's members; change what the rule looks at.", false},
	graphclient.ExchangeManaged:  {"exchange_group", "Only Exchange can change this group; the server does that by itself where it knows the group's kind.", false},
	graphclient.UsageLocation:    {"usage_location_missing", "Set usageLocation with cipp_edit_user first (ISO 3166, two letters).", false},
	graphclient.NoSeats:          {"no_seats", "The tenant has no free seat of that licence.", false},
	graphclient.InheritedLicense: {"group_license", "The licence comes from a group; remove the user from that group instead.", false},
	graphclient.DefaultMethod:    {"default_method", "Microsoft removes the default method only after all others.", false},
	graphclient.WeakPassword:     {"weak_password", "Leave password out: a strong one is then generated.", false},
	graphclient.UserAmbiguous:    {"user_ambiguous", "Call again with the object id of one of the candidates.", false},
}

// said are the kinds whose message is what Microsoft's service said, not this program's sentence.
var said = map[graphclient.Kind]bool{
	graphclient.Invalid: true, graphclient.Conflict: true, graphclient.NotFound: true, graphclient.NotLicensed: true,
	graphclient.WeakPassword: true, graphclient.UserAmbiguous: true,
}

// ProblemOf words an error for a model. The second result is false where the error is none that was
// foreseen: a bug, to be logged and answered with a reference only.
func ProblemOf(err error) (*Problem, bool) {
	var p *Problem
	var g *graphclient.Error
	var sink *secrets.SinkError
	switch {
	case errors.As(err, &p):
		return p, true
	case errors.As(err, &g):
		k, ok := kinds[g.Kind]
		if !ok {
			return nil, false
		}
		message := g.Message
		if said[g.Kind] && g.Status != 0 {
			message = q(Clean(message, 400)) // Microsoft's own words, in which names and values of the tenant may stand
		}
		if context, _, found := strings.Cut(err.Error(), g.Error()); found && context != "" {
			message = strings.TrimSuffix(strings.TrimSpace(context), ":") + ": " + message
		}
		return &Problem{
			Code: k.code, Message: Clean(message, 400), Next: k.next, Retryable: k.retry, Tenant: g.Tenant, Candidates: g.Candidates,
			RetryAfterSeconds: math.Ceil(g.RetryAfter.Seconds()),
			Microsoft:         &Microsoft{g.Status, Clean(g.Code, 80), Clean(g.RequestID, 64)},
		}, true
	case errors.Is(err, policy.ErrPlanUnknown), errors.Is(err, policy.ErrPlanExpired), errors.Is(err, policy.ErrPlanOther):
		return &Problem{Code: "plan_refused", Message: sentence(err), Next: "Call the tool again with dryRun for a new plan, show it, then use its planToken with the same arguments."}, true
	case errors.Is(err, policy.ErrChanged):
		return &Problem{Code: "state_changed", Message: sentence(err), Next: "Call the tool again for a new plan and show it."}, true
	case errors.Is(err, policy.ErrFrozen):
		return &Problem{Code: "frozen", Message: Clean(sentence(err), 300), Next: "Only the operator lifts it: cipp-mcp freeze --lift. Tools that only read work."}, true
	case errors.Is(err, jobs.ErrGrantSpent):
		return &Problem{Code: "conflict", Message: sentence(err), Next: "Call again: the next grant that covers this is used, or the operator is asked.", Retryable: true}, true
	case errors.Is(err, jobs.ErrSealed):
		return &Problem{Code: "job_unreadable", Message: sentence(jobs.ErrSealed), Next: "Tell the operator: somebody changed the ledger, or it was opened with another sealing key. cipp_list_audit_logs with source=cipp-mcp says what the job did."}, true
	case errors.Is(err, policy.ErrState):
		return &Problem{Code: "state_unwritable", Message: sentence(policy.ErrState), Next: "Tell the operator: the state directory has to have room and be writable; then restart the server."}, true
	case errors.Is(err, policy.ErrSeal):
		return &Problem{Code: "token_refused", Message: sentence(err), Next: "Leave the cursor out and start again from the first row."}, true
	case errors.Is(err, secrets.ErrNoOperator):
		return &Problem{Code: "no_operator", Message: sentence(err), Next: "Ask the operator to run cipp-mcp secrets init on the terminal."}, true
	case errors.As(err, &sink):
		return &Problem{Code: "sink_unavailable", Message: sentence(sink), Next: "This step was not begun. Tell the operator, and call again when that works.", Retryable: true}, true
	case errors.Is(err, context.Canceled):
		return &Problem{Code: "cancelled", Message: "The call was cancelled before it finished; no write had begun.", Next: "Call again if it is still wanted.", Retryable: true}, true
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Code: "timeout", Message: "The call took too long and was stopped.", Next: "Narrow it, or call again.", Retryable: true}, true
	default:
		return nil, false
	}
}

// Explain words an error in one line, for a step's detail and the journal.
func Explain(err error) string {
	p, ok := ProblemOf(err)
	if panicked := (*jobs.Panic)(nil); errors.As(err, &panicked) {
		return "internal error"
	}
	if !ok {
		return Clean(err.Error(), 300)
	}
	return strings.TrimSpace(p.Message + " " + p.Next)
}

func sentence(err error) string {
	s := err.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}

// invalid is a wrong argument that only the handler could find.
func invalid(format string, a ...any) error {
	return &Problem{Code: "invalid_argument", Message: fmt.Sprintf(format, a...), Next: "Correct the argument and call again."}
}
