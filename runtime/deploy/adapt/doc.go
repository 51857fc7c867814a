// Package adapt serves the SubNets of a bundle and changes between them while it serves: the runtime conditions of the paper, and what
// SuperServe (Khare et al., NSDI 2025) calls reactive inference.
//
// A bundle is loaded once. The engine keeps the SuperNet's weights in memory once, in a form of which the matrices of every SubNet
// are views, so a change of SubNet is the store of a number: requests that are being computed end with the SubNet that they began
// with, and every Answer names the one that made it. What serves is decided by the caller (Serve), or by a Policy that sees load and
// latency several times a second, within what the device's condition allows (Condition).
//
//	b, err := bundle.Open("bundle", mobilenetv2.Definition())
//	s, err := adapt.New(mobilenetv2.Definition(), b, engine, adapt.Options{Policy: &adapt.Target{Latency: 20 * time.Millisecond}})
//	answer, err := s.Infer(ctx, adapt.Image(img, transform))
//	err = s.Close(ctx) // waits for the requests inside
//
// Handler serves the same over HTTP, with metrics in the text format of Prometheus.
package adapt
