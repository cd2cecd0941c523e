// Package tools is what the agent sees: one file per toolset, and in it for each tool an input
// struct, an output struct, a declaration and a handler that reads like the sentence describing it.
// Decoding, validation, resolution, approval, redaction and wording happen around the handlers, once.
package tools

import (
	"context"
	"reflect"
	"slices"

	"cipp-mcp/internal/jobs"
	"cipp-mcp/internal/policy"
	"cipp-mcp/workflows"
)

// Tool is one tool's declaration, free of any protocol library.
type Tool struct {
	Name        string
	Title       string
	Toolset     string
	Description string
	Risk        policy.Risk
	// MayDestroy: an argument can raise the risk to destructive, so the hint must say so.
	MayDestroy bool
	// Idempotent: calling twice with the same arguments changes nothing the second time.
	Idempotent bool
	// Extra: not in the default preset, which every user pays for in every conversation.
	Extra bool
	// AllTenants: tenantFilter may be "allTenants".
	AllTenants bool
	// Aliases are other names under which arguments are accepted.
	Aliases map[string]string
	// Second are names that mean another argument once what they usually mean is given by its own name: a table with
	// userId and userPrincipalName changes the second.
	Second map[string]string
	// Always are switches of other servers for what this tool always does: true is accepted, false is not.
	Always []string
	// Needs are Microsoft's least permissions for what the tool does.
	Needs Needs
	// Example is a call's arguments as JSON, for the documentation and a test that runs it.
	Example string
	// Input is the type of the input struct.
	Input reflect.Type

	read func(context.Context, *Call, any) (any, error)
	work func(context.Context, *Call, any) (Work, error)
}

// Needs are the least permissions of a tool: for an application (with the directory roles its
// service principal must hold) and, delegated, the GDAP roles of the signed-in partner user.
type Needs struct {
	App       []string
	AppRoles  []string
	GDAPRoles []string
}

// guardNeeds are the permissions by which the guard sees roles, roles to be activated and role-assignable
// groups; without them a write on a user has no plan, or one that says what could not be seen.
var guardNeeds = []string{"Directory.Read.All", "RoleManagement.Read.Directory"}

// Work is what a write tool makes of its arguments: the steps to plan, show and run.
type Work struct {
	Steps    []jobs.Step
	Warnings []string
	// CaseID is the case whose response the steps are; "" for any other write.
	CaseID string
	// Of is the tool whose work it does many times, and Rows are whom it is done to; "" for any other write.
	Of   string
	Rows []policy.Row
	// Parts are the tools whose work it does besides, for the same subject.
	Parts []string
	// Risk raises the tool's class for these arguments; zero leaves it.
	Risk policy.Risk
	// Review reads what a person should know before the plan is approved; nil where the plan says it all. It is
	// asked for where a plan is shown, not where one is executed.
	Review func(context.Context) (*workflows.Review, error)
}

// SecretRef says where a generated secret waits for the operator.
type SecretRef struct {
	Handle string `json:"handle"`
	For    string `json:"for"`
	// Reveal is the command by which a person sees it.
	Reveal string `json:"reveal,omitempty"`
	// Shown: the person at the client has seen it, so nothing waits any more.
	Shown bool `json:"shown,omitempty"`
	// Gone: a person has seen it, or it has expired.
	Gone bool `json:"gone,omitempty"`
	// Note says that nobody knows whether the secret is in force.
	Note string `json:"note,omitempty"`
}

// Read declares a tool that changes nothing.
func Read[In, Out any](t Tool, h func(context.Context, *Call, In) (Out, error)) Tool {
	t.Risk, t.Input = policy.Read, reflect.TypeFor[In]()
	t.Idempotent = true
	t.read = func(ctx context.Context, c *Call, in any) (any, error) {
		out, err := h(ctx, c, *in.(*In))
		if err != nil {
			return nil, err
		}
		return &out, nil
	}
	return t
}

// Write declares a tool that changes something; its handler only says by which steps.
func Write[In any](t Tool, h func(context.Context, *Call, In) (Work, error)) Tool {
	t.Input = reflect.TypeFor[In]()
	if _, ok := any(new(In)).(interface{ userID() string }); ok { // the guard looks whether the user is an administrator
		for _, p := range guardNeeds {
			if !slices.Contains(t.Needs.App, p) {
				t.Needs.App = append(slices.Clone(t.Needs.App), p)
			}
		}
	}
	t.work = func(ctx context.Context, c *Call, in any) (Work, error) {
		return h(ctx, c, *in.(*In))
	}
	return t
}

// Writes says whether the tool changes anything.
func (t Tool) Writes() bool { return t.work != nil }

// Destructive says whether the tool can do something hard to undo.
func (t Tool) Destructive() bool { return t.Risk >= policy.Destructive || t.MayDestroy }

// Run runs a read tool on decoded arguments.
func (t Tool) Run(ctx context.Context, c *Call, in any) (any, error) { return t.read(ctx, c, in) }

// Work asks a write tool for its steps.
func (t Tool) Work(ctx context.Context, c *Call, in any) (Work, error) { return t.work(ctx, c, in) }

// All are the tools, in the order in which documentation and lists show them.
func All() []Tool {
	return []Tool{
		listTenants, getTenantDetails,
		listUsers, getUser, listUserGroups, listUserDevices, listSignIns, listAuditLogs,
		createUser, editUser, disableUser, enableUser,
		listMFAUsers, resetMFA, revokeSessions, becCheck, becRemediate,
		resetPassword, createTAP,
		offboardUser, bulkAction, applyProfile, deleteUser, restoreUser,
		listLicenses, manageUserLicenses, reprocessLicenses,
		setUserMFA, addMFAPhone, removeMFAMethod, sendMFAPush,
		setPasswordExpiration,
		inviteGuest, purgeUser, setSourceOfAuthority, clearImmutableID, assignDevice,
		listMailboxes, getMailbox, listMailboxPermissions, removeInboxRule, setEmailForwarding,
		editMailbox, convertMailbox, setOutOfOffice, setMailboxPermissions, setCalendarPermissions,
		provisionOneDrive, addOneDriveShortcut, setSiteAccess,
		listGroups, setGroupMembership, listAccessCatalog, setDirectoryRoles, setAppAssignments,
		listJobs, getJob, controlJob, undoJob,
	}
}

// internal are tools that only runs for later are of; no list shows them and no client can call them.
func internal() []Tool { return []Tool{endAccess} }

// known are all tools that a run may be of.
func known() []Tool { return append(All(), internal()...) }

// Default are the tools of the default preset.
func Default() []Tool { return slices.DeleteFunc(All(), func(t Tool) bool { return t.Extra }) }

// ByName finds a tool that can be called.
func ByName(name string) (Tool, bool) {
	for _, t := range All() {
		if t.Name == name {
			return t, true
		}
	}
	return Tool{}, false
}
