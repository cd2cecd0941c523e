package judge

import (
	_ "embed"
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"cipp-mcp/workflows/bec"
)

// What is known of the world outside the case is data with a source and a date: applications, error codes,
// address ranges, lags, techniques and words. Nothing in the code decides by a name or an id of its own.

//go:embed data/catalogue.json
var catalogueJSON []byte

//go:embed data/words.json
var wordsJSON []byte

type knownApp struct {
	AppID string `json:"appId"`
	Name  string `json:"name"`
	Kind  string `json:"kind"` // abused: a legitimate product that attackers use; rogue: nobody else's
}

type catalogueData struct {
	Source           string              `json:"source"`
	Date             string              `json:"date"`
	AttackVersion    string              `json:"attackVersion"`
	Apps             []knownApp          `json:"apps"`
	RcloneReplyURL   string              `json:"rcloneReplyUrl"`
	FirstParty       map[string]string   `json:"firstParty"`
	MicrosoftTenants []string            `json:"microsoftTenants"`
	PublicToolBuilds []string            `json:"publicToolBuilds"`
	HostingASNs      []int               `json:"hostingASNs"`
	Scripted         []string            `json:"scripted"`
	ScriptedAnywhere []string            `json:"scriptedAnywhere"`
	LegacyClients    []string            `json:"legacyClients"`
	RiskHigh         []string            `json:"riskHigh"`
	RiskConfirmed    []string            `json:"riskConfirmed"`
	MailScopes       []string            `json:"mailScopes"`
	AppOnlyScopes    []string            `json:"appOnlyScopes"`
	AppRoleIDs       map[string]string   `json:"appRoleIds"`
	SystemRules      []string            `json:"systemRules"`
	Lags             map[string]string   `json:"lags"`
	Techniques       map[string]string   `json:"techniques"`
	Attack           map[string][]string `json:"attack"`
	Groups           map[string]int      `json:"groups"`
	ServiceRanges    struct {
		Prefixes []netip.Prefix `json:"prefixes"`
	} `json:"serviceRanges"`

	apps map[string]knownApp
}

type wordData struct {
	Finance         []string            `json:"finance"`
	Security        []string            `json:"security"`
	SecurityNotices []string            `json:"securityNotices"`
	Search          []string            `json:"search"`
	PaymentChange   []string            `json:"paymentChange"`
	AutoReply       []string            `json:"autoReply"`
	Folders         map[string][]string `json:"folders"`
}

var catalogue = sync.OnceValue(func() *catalogueData {
	c := new(catalogueData)
	if err := json.Unmarshal(catalogueJSON, c); err != nil {
		panic("judge: the embedded catalogue: " + err.Error())
	}
	c.apps = make(map[string]knownApp, len(c.Apps))
	for _, a := range c.Apps {
		c.apps[a.AppID] = a
	}
	return c
})

var words = sync.OnceValue(func() *wordData {
	w := new(wordData)
	if err := json.Unmarshal(wordsJSON, w); err != nil {
		panic("judge: the embedded words: " + err.Error())
	}
	return w
})

// firstParty is the name by which the heuristics know one of Microsoft's applications, or nothing.
func firstParty(appID string) string { return catalogue().FirstParty[appID] }

func microsoftOwned(tenant string) bool {
	return slices.Contains(catalogue().MicrosoftTenants, strings.ToLower(tenant))
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

// group is the independence group of a class: its own entry, or that of the longest prefix.
func group(class string) int {
	groups := catalogue().Groups
	for c := class; c != ""; {
		if g, ok := groups[c]; ok {
			return g
		}
		i := strings.LastIndexByte(c, '_')
		if i < 0 {
			break
		}
		c = c[:i]
	}
	return 1
}

func techniques(class string) []bec.Technique {
	c := catalogue()
	var out []bec.Technique
	for _, id := range c.Attack[class] {
		out = append(out, bec.Technique{TechniqueID: id, Name: c.Techniques[id], CatalogueVersion: c.AttackVersion})
	}
	return out
}
