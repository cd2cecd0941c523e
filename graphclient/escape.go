package graphclient

import "strings"

// EscapeSegment writes s as one segment of a URL's path. Everything but RFC 3986's unreserved characters is
// percent-encoded, so that no '#', '/', '?', '%', quote or space of a name can end the segment or begin
// another; a segment of dots alone, which servers and proxies would take for "here" or "up", is encoded too.
func EscapeSegment(s string) string {
	dots := strings.Trim(s, ".") == ""
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if unreserved(c) && (c != '.' || !dots) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
	return b.String()
}

const upperHex = "0123456789ABCDEF"

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// ODataString writes s as a string literal of an OData filter: in single quotes, with single quotes inside
// doubled. The URL's own encoding comes on top, when the query is written.
func ODataString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
