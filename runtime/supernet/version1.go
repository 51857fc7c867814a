package supernet

import "github.com/autotailor/autotailor/runtime/space"

// Version1 returns n as version 1 described it: its choices have the names, and the digests are those, that files of version 1 have.
func (n *Net) Version1() *Net {
	old := *n
	old.Choices = space.Version1(n.Choices)
	old.Digest = Digest(&old)
	return &old
}

// FromVersion1 returns the text form of a SubNet that version 1 wrote as text.
func (n *Net) FromVersion1(text string) (string, error) {
	g, err := space.Parse(space.Version1(n.Choices), text)
	if err != nil {
		return "", err
	}
	return space.Format(n.Choices, g), nil
}
