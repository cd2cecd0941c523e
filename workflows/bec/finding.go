package bec

import "time"

// Severity is the impact if a finding is malicious; how sure that is stands in Confidence.
type Severity string

// The severities, the least first.
const (
	Info     Severity = "info"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities is the ladder, the least first.
var Severities = []Severity{Info, Low, Medium, High, Critical}

// Confidence is how well the evidence supports that something is malicious.
type Confidence string

// The confidences.
const (
	LowConfidence    Confidence = "low"
	MediumConfidence Confidence = "medium"
	HighConfidence   Confidence = "high"
)

// Who is whose act something is held to be.
type Who string

// The attributions.
const (
	ByAttacker Who = "attacker"
	ByUser     Who = "user"
	ByService  Who = "service"
	ByAdmin    Who = "admin"
	ByTool     Who = "tool" // this product's own reads and writes
	Ambiguous  Who = "ambiguous"
)

// Finding is something that fits a compromise. Its words quote tenant text fenced and bounded.
type Finding struct {
	ID                string        `json:"id"`
	Class             string        `json:"class" jsonschema:"pattern=^[A-Z][A-Z0-9_]+$"`
	Severity          Severity      `json:"severity" jsonschema:"enum=info,enum=low,enum=medium,enum=high,enum=critical"`
	Confidence        Confidence    `json:"confidence" jsonschema:"enum=low,enum=medium,enum=high"`
	Title             string        `json:"title"`
	Why               string        `json:"why"`
	Evidence          []Evidence    `json:"evidence"`
	BenignTested      []BenignTest  `json:"benignTested"`
	Attribution       Attribution   `json:"attribution"`
	IndependenceGroup string        `json:"independenceGroup" jsonschema:"pattern=^G([1-9]|10)$"`
	Attack            []Technique   `json:"attack,omitempty"`
	Remediation       []Remediation `json:"remediation,omitempty"`
	CoverageCaveats   []string      `json:"coverageCaveats,omitempty"`
	FirstSeen         *time.Time    `json:"firstSeen,omitempty"`
	LastSeen          *time.Time    `json:"lastSeen,omitempty"`
	Status            string        `json:"status" jsonschema:"enum=active,enum=removed_by_attacker,enum=removed_by_tool,enum=historic"`
}

// Evidence is one record a finding rests on.
type Evidence struct {
	Source   string            `json:"source"`
	RecordID string            `json:"recordId"`
	TimeUTC  time.Time         `json:"timeUtc"`
	Fields   map[string]string `json:"fields,omitempty"`
	Hash     string            `json:"hash"` // SHA-256 of the record as it was read
}

// BenignTest is a harmless explanation that was tried.
type BenignTest struct {
	Test   string `json:"test"`
	Result string `json:"result" jsonschema:"enum=explained,enum=not_explained,enum=not_testable"`
	Reason string `json:"reason,omitempty"`
}

// Attribution says whose act it is held to be, and why.
type Attribution struct {
	Value     Who      `json:"value" jsonschema:"enum=attacker,enum=user,enum=service,enum=admin,enum=tool,enum=ambiguous"`
	Reason    string   `json:"reason"`
	EntityIDs []string `json:"entityIds,omitempty"`
}

// Technique is a MITRE ATT&CK technique, with the version of the catalogue it was named by.
type Technique struct {
	TechniqueID      string `json:"techniqueId"`
	Name             string `json:"name,omitempty"`
	CatalogueVersion string `json:"catalogueVersion,omitempty"`
}

// Remediation is a change that would take the finding away.
type Remediation struct {
	Action        string `json:"action"`
	TargetID      string `json:"targetId"`
	Reversible    bool   `json:"reversible"`
	NeedsApproval bool   `json:"needsApproval"`
}

// Event is one deduplicated row of the timeline.
type Event struct {
	TimeUTC     time.Time `json:"timeUtc"`
	TimeKind    string    `json:"timeKind" jsonschema:"enum=event,enum=ingest,enum=detected,enum=window_start"`
	TimeRaw     string    `json:"timeRaw,omitempty"`
	Source      string    `json:"source"`
	Actor       string    `json:"actor,omitempty"`
	Target      string    `json:"target,omitempty"`
	IP          string    `json:"ip,omitempty"`
	ASN         int       `json:"asn,omitempty"`
	SessionID   string    `json:"sessionId,omitempty"`
	TokenID     string    `json:"tokenId,omitempty"`
	DeviceID    string    `json:"deviceId,omitempty"`
	AppID       string    `json:"appId,omitempty"`
	Class       string    `json:"class,omitempty"`
	Attribution Who       `json:"attribution" jsonschema:"enum=attacker,enum=user,enum=service,enum=admin,enum=tool,enum=ambiguous"`
	EvidenceRef string    `json:"evidenceRef"` // source/recordId
}
