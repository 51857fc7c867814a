package agent

import "net/http"

// EncodeJob and ParseEvent are what tests need of the protocol.
var (
	EncodeJob  = encodeJob
	DecodeJob  = decodeJob
	ParseEvent = parseEvent
)

// Handler answers one request as Serve does.
func (s *Server) Handler() http.Handler { return s.guarded(false).Handler }
