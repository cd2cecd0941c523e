package workflows

import (
	"regexp"
	"strings"
)

var countryCode = regexp.MustCompile(`^\+[0-9]{1,3} `)

// phones are the properties of a user that hold telephone numbers.
var phones = map[string]bool{"mobilePhone": true, "businessPhones": true, "faxNumber": true}

// MaskPhone leaves the country code, where the number says which part that is, and the last two digits:
// enough to recognise one's own number, too little to call it.
func MaskPhone(n string) string {
	country := countryCode.FindString(n)
	rest := n[len(country):]
	left := 0
	for _, r := range rest {
		if r >= '0' && r <= '9' {
			left++
		}
	}
	return country + strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return r
		}
		if left--; left < 2 {
			return r
		}
		return '•'
	}, rest)
}
