package mcpserver

import "encoding/json"

// budget is how many bytes a result's structured value, or its text, may have. It is the model's
// context that is spent here.
const budget = 40_000

// shrink drops rows from a list, from its end, until the result fits; the list then says that there
// is more and how to get it.
func shrink(res Result) {
	s, ok := res.(interface{ Shrink() bool })
	if !ok {
		return
	}
	for {
		b, err := json.Marshal(res)
		if err != nil || len(b) <= budget && len(res.Text()) <= budget || !s.Shrink() {
			return
		}
	}
}

// clip bounds a text at a line's end and says so.
func clip(text string) string {
	if len(text) <= budget {
		return text
	}
	cut := budget
	for cut > 0 && text[cut-1] != '\n' {
		cut--
	}
	if cut == 0 {
		cut = budget
	}
	return text[:cut] + "… the rest was cut; narrow the call"
}
