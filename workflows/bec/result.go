package bec

import "time"

// Result is the structured answer of cipp_bec_check. What a section does not carry is absent.
type Result struct {
	CaseID       string       `json:"caseId"`
	JobID        string       `json:"jobId,omitempty"`
	Tenant       string       `json:"tenant"`
	User         User         `json:"user"`
	Status       string       `json:"status" jsonschema:"enum=collecting,enum=partial,enum=complete,enum=failed"`
	AsOf         *time.Time   `json:"asOf,omitempty"`
	Verdict      Verdict      `json:"verdict,omitempty" jsonschema:"enum=confirmed,enum=likely,enum=suspicious,enum=no_evidence_found,enum=inconclusive"`
	IncidentType IncidentType `json:"incidentType,omitempty" jsonschema:"enum=account_takeover,enum=oauth_persistence,enum=mailbox_abuse_by_other_principal,enum=tenant_compromise,enum=spoof_or_lookalike_only,enum=none_observed"`
	State        State        `json:"state,omitempty" jsonschema:"enum=active,enum=persistence_only,enum=contained,enum=historic"`
	VerifiedAt   *time.Time   `json:"verifiedAt,omitempty"`
	Priority     *int         `json:"priority,omitempty"`
	Summary      string       `json:"summary,omitempty"`
	Coverage     []Coverage   `json:"coverage"`
	Findings     []Finding    `json:"findings,omitempty"`
	Timeline     *Timeline    `json:"timeline,omitempty"`
	Affected     *Affected    `json:"affected,omitempty"`
	Plan         *Plan        `json:"plan,omitempty"`
	Counts       Counts       `json:"counts"`
	Next         []Next       `json:"next"`
	Cursor       string       `json:"cursor,omitempty"`
}

// The states of a reading.
const (
	Collecting = "collecting" // the job runs; the answer is provisional
	Partial    = "partial"    // ended, and a requested source is not complete
	Complete   = "complete"
	Failed     = "failed" // nothing could be read
)

// User is whom the case is about, by the id that does not change.
type User struct {
	ID                string `json:"id"`
	UserPrincipalName string `json:"userPrincipalName"`
}

// Verdict is what the evidence allows to be said. None says that an account is clean.
type Verdict string

// The verdicts, the gravest first.
const (
	Confirmed       Verdict = "confirmed"
	Likely          Verdict = "likely"
	Suspicious      Verdict = "suspicious"
	NoEvidenceFound Verdict = "no_evidence_found"
	Inconclusive    Verdict = "inconclusive"
)

// IncidentType is what kind of incident it looks like.
type IncidentType string

// The kinds of incident.
const (
	AccountTakeover       IncidentType = "account_takeover"
	OAuthPersistence      IncidentType = "oauth_persistence"
	AbuseByOtherPrincipal IncidentType = "mailbox_abuse_by_other_principal"
	TenantCompromise      IncidentType = "tenant_compromise"
	SpoofOnly             IncidentType = "spoof_or_lookalike_only"
	NoneObserved          IncidentType = "none_observed"
)

// State is how an incident stands now; empty where nothing was found.
type State string

// The states of an incident.
const (
	Active          State = "active"
	PersistenceOnly State = "persistence_only"
	Contained       State = "contained"
	Historic        State = "historic"
)

// Timeline is a page of what happened, the earliest first.
type Timeline struct {
	Events []Event `json:"events"`
	Cursor string  `json:"cursor,omitempty"`
}

// Affected is what and who else was touched.
type Affected struct {
	MessagesRead    int      `json:"messagesRead,omitempty"`
	ReadUnbounded   bool     `json:"readUnbounded,omitempty"`
	Counterparties  []string `json:"counterparties,omitempty"`
	SiblingAccounts []string `json:"siblingAccounts,omitempty"`
}

// Plan is the proposed response; only cipp_bec_remediate makes it executable.
type Plan struct {
	Steps []Step `json:"steps"`
}

// Step is one change of the response, by the object's id.
type Step struct {
	ID         string `json:"id"`
	Action     string `json:"action"`
	TargetID   string `json:"targetId"`
	TargetName string `json:"targetName,omitempty"`
	Before     string `json:"before,omitempty"`
	After      string `json:"after,omitempty"`
	Status     string `json:"status" jsonschema:"enum=planned,enum=running,enum=done,enum=skipped,enum=failed,enum=precondition_failed,enum=manual_required,enum=unknown,enum=cancelled"`
	Verified   bool   `json:"verified,omitempty"`
	Undo       *Undo  `json:"undo,omitempty"`
	RequestID  string `json:"requestId,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// Undo says whether and how a step is taken back.
type Undo struct {
	Possible bool       `json:"possible"`
	Recipe   string     `json:"recipe,omitempty"`
	Until    *time.Time `json:"until,omitempty"`
}

// Counts are the findings by severity and the size of the case.
type Counts struct {
	Critical         int `json:"critical"`
	High             int `json:"high"`
	Medium           int `json:"medium"`
	Low              int `json:"low"`
	Info             int `json:"info"`
	Events           int `json:"events"`
	SourcesComplete  int `json:"sourcesComplete"`
	SourcesRequested int `json:"sourcesRequested"`
}

// Next is something to do; nothing is done by itself.
type Next struct {
	What      string     `json:"what"`
	Why       string     `json:"why,omitempty"`
	Who       string     `json:"who,omitempty" jsonschema:"enum=model,enum=technician,enum=user,enum=tenant_admin"`
	Tool      string     `json:"tool,omitempty"`
	NotBefore *time.Time `json:"notBefore,omitempty"`
}
