package spell

import "testing"

func TestSuggest(t *testing.T) {
	names := []string{"search", "sensitivity", "export"}
	for name, want := range map[string]string{
		"serch": "; did you mean search?", "Exprot": "; did you mean export?", "sensitivty": "; did you mean sensitivity?", "report": "; did you mean export?", "quit": "",
	} {
		if got := Suggest(name, names); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}
