package agent

// EncodeJob and ParseEvent are what tests need of the protocol.
var (
	EncodeJob  = encodeJob
	DecodeJob  = decodeJob
	ParseEvent = parseEvent
)
