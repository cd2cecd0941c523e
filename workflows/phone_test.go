package workflows

import "testing"

func TestPhoneNumbersAreMasked(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "+1 2065555555": "+1 ••••••••55", "+44 20 7946 0958": "+44 •• •••• ••58", "+4915112345678": "+•••••••••••78",
		"7946 0958": "•••• ••58", "(206) 555-0142": "(•••) •••-••42", "020 7946 0958": "••• •••• ••58",
	} {
		if got := MaskPhone(in); got != want {
			t.Errorf("%s became %s", in, got)
		}
	}
}
