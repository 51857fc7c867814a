// Package agent measures networks on a device that is reached over the network. Server runs there, for one device;
// Client is an engine.Measurer for it.
//
// The protocol is HTTP/1.1. Every request but health needs the header "Authorization: Bearer TOKEN". A session is named by its
// client at random, and numbers its jobs from 0:
//
//	GET    /v1/health                   {"status":"ok"}
//	GET    /v1/device                   who the device is and what its limits are
//	PUT    /v1/sessions/S/jobs/N        a job; the same job may be sent as often as one likes
//	GET    /v1/sessions/S/results       results, one JSON object a line, as they come: all that are not acknowledged, then new ones
//	POST   /v1/sessions/S/acknowledge   {"jobs":[0,1]}: these results have arrived and may be forgotten
//	DELETE /v1/sessions/S               the client has ended
//
// Nothing is lost when a connection breaks at any moment: a job stays known by its number after it was acknowledged, so a
// request that arrives twice is run once; a result is sent again on every new stream until it is acknowledged, and the client
// counts it once. The stream begins with a line that names the run of the server: when that has changed, the server has
// forgotten everything, and the client sends what it has no results of again.
//
// A job is a network in the form of package graphfile with a number of runs: nothing else can be asked of a server. Its body,
// the jobs that wait, the memory that a network is estimated to need, and the time of its runs are limited; a network that
// needs more is refused with the reason, and so is one that declares other shapes than its operators make. Networks run in a
// process of their own (see device.Drive), so that one that makes an engine fail is a failed job.
package agent
