package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/autotailor/autotailor/runtime/supernet"
)

// FromVersion1 reads a manifest that version 1 wrote for net, and returns the text of the file as it is today. Where the manifest is of another
// operator table, the figures of every SubNet must be those of the network that its text means, so that no text is taken for another.
func FromVersion1(r io.Reader, net *supernet.Net) ([]byte, error) {
	m, err := decode(r)
	switch {
	case err != nil:
		return nil, err
	case m.Format != version1:
		return nil, fmt.Errorf("format is %.40q, want %q", m.Format, version1)
	case m.Package != net.Package:
		return nil, fmt.Errorf("it is of package %.40q, not of %q", m.Package, net.Package)
	}
	same := m.Digest == net.Version1().Digest
	m.Format, m.Digest = format, net.Digest
	var errs []error
	for k := range m.SubNets {
		if err := m.SubNets[k].renew(net, same); err != nil {
			errs = append(errs, fmt.Errorf("SubNet %d: %w", k, err))
		}
	}
	if err := errors.Join(append(errs, m.check(net))...); err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	return append(text, '\n'), err
}

// renew replaces SubNet texts of version 1 by today's.
func (s *SubNet) renew(net *supernet.Net, same bool) error {
	text, err := net.FromVersion1(s.SubNet)
	if err != nil {
		return err
	}
	g, err := net.Parse(text)
	if err != nil {
		return err
	}
	macs, err := net.MACs()
	if err != nil {
		return err
	}
	params, err := net.Params()
	if err != nil {
		return err
	}
	if m, p := macs.At(g), params.At(g); !same && (m != s.MACs || p != s.Params) {
		return fmt.Errorf("%.200q has %d multiply-accumulates and %d parameters in this package, the manifest says %d and %d: the package is another, export the bundle again",
			s.SubNet, m, p, s.MACs, s.Params)
	}
	s.SubNet = text
	return nil
}
