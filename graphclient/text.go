package graphclient

import "strings"

// zeroGUID is how Exchange writes an absent identifier.
const zeroGUID = "00000000-0000-0000-0000-000000000000"

// trimODataType is an OData type name without its namespace: "#microsoft.graph.user" is "user".
func trimODataType(t string) string { return t[strings.LastIndexAny(t, ".#")+1:] }

// equalFold compares Microsoft's names, whose case the documentation does not keep.
func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

// containsFold reports whether one of list is s, without regard to case.
func containsFold(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}
