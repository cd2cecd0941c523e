package exchange

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	bytesInParens = regexp.MustCompile(`\(([\d,]+) bytes\)`)
	sizeGiven     = regexp.MustCompile(`(?i)^\s*([\d.]+)\s*([KMGT]?B)?\s*$`)
)

// bytesOf reads a size as Exchange writes it, "49.5 GB (53,150,220,288 bytes)", or as a person gives it:
// "49GB", "500 MB", "1024". Unlimited and anything else is -1.
func bytesOf(s string) int64 {
	if m := bytesInParens.FindStringSubmatch(s); m != nil {
		n, err := strconv.ParseInt(strings.ReplaceAll(m[1], ",", ""), 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	m := sizeGiven.FindStringSubmatch(s)
	if m == nil {
		return -1
	}
	f, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return -1
	}
	return int64(f * float64(int64(1)<<(10*strings.Index("BKMGT", strings.ToUpper((m[2] + "B")[:1])))))
}

// sizeText is a size as Exchange writes it.
func sizeText(n int64) string {
	unit, v := "B", float64(n)
	for _, u := range []string{"KB", "MB", "GB", "TB"} {
		if v < 1024 {
			break
		}
		unit, v = u, v/1024
	}
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return fmt.Sprintf("%s %s (%s bytes)", strconv.FormatFloat(v, 'g', 4, 64), unit, b.String())
}
