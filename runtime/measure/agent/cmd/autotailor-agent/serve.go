package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/autotailor/autotailor/internal/httpguard"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/measure/agent"
	"github.com/autotailor/autotailor/runtime/measure/device"
)

// settings are the flags of serve.
type settings struct {
	listen, driver, tokenFile, cert, key *string
	engine, meter                        *string
	selfSigned, quiet                    *bool
	threads, jobs                        *int
	memory                               *string
	body                                 *int64
	time, keep                           *time.Duration
}

func serveFlags(f *pflag.FlagSet) settings {
	return settings{
		listen: f.String("listen", "localhost:8437", "`address` to listen on; one that other machines reach, such as :8437, needs --self-signed, or --tls-cert and --tls-key"),
		driver: f.String("driver", "", "`command` of a driver on this machine that measures instead of the embedded engine, such as 'sh benchncnn.sh ./benchncnn'"),
		engine: f.String("engine", embeddedName, "`engine` that runs networks: embedded; onnxruntime, by the library that "+ort.Variable+" names, in a build with cgo; "+
			"onnxruntime:PROVIDER[,option=value], such as onnxruntime:cuda"),
		meter:      f.String("meter", "", "`file` or folder with this machine's power or energy, such as /sys/class/powercap: measures the energy of networks, too"),
		threads:    f.Int("threads", 1, "threads that a network may use, 0 for all processors"),
		tokenFile:  f.String("token-file", "", "`file` with the token that clients need; otherwise it is taken from "+agent.TokenVariable+", or made up and printed"),
		cert:       f.String("tls-cert", "", "`file` with the certificate, PEM: serves https"),
		key:        f.String("tls-key", "", "`file` with the certificate's key, PEM"),
		selfSigned: f.Bool("self-signed", false, "make the certificate; it is written to --tls-cert and --tls-key where they are given and not there yet"),
		memory:     f.String("memory", "1GiB", "most `memory` that a network may need"),
		body:       f.Int64("max-body", 16<<20, "most `bytes` of a request"),
		jobs:       f.Int("max-jobs", 1024, "most jobs that wait, or whose results were not fetched"),
		time:       f.Duration("max-time", time.Minute, "most `time` of all runs of a network"),
		keep:       f.Duration("keep", time.Hour, "how `long` results are kept for a client that is not heard of"),
		quiet:      f.Bool("quiet", false, "do not log jobs"),
	}
}

// serve runs the server until the process is told to end.
func serve(ctx context.Context, f *pflag.FlagSet, args []string) error {
	s := serveFlags(f)
	if err := parse(f, args); err != nil {
		return err
	}
	if *s.driver != "" && (*s.engine != embeddedName || *s.meter != "") {
		return usageError{errors.New("--driver measures itself: leave --engine and --meter out")}
	}
	memory, err := byteCount(*s.memory)
	if err != nil {
		return usageError{fmt.Errorf("--memory: %w", err)}
	}
	token, made, err := s.token()
	if err != nil {
		return err
	}
	certificate, err := s.certificate()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *s.listen)
	if err != nil {
		return err
	}
	defer l.Close() // once more, if the server has closed it
	if certificate == nil && !httpguard.Loopback(l.Addr()) {
		return usageError{fmt.Errorf("--listen %s is open to other machines, and without TLS everybody on the way can read the token: add --self-signed, or --tls-cert and --tls-key", *s.listen)}
	}
	o := agent.Options{Token: token, Limits: agent.Limits{Body: *s.body, Jobs: *s.jobs, Memory: memory, Time: *s.time, Keep: *s.keep}}
	if !*s.quiet {
		o.Log = log.New(os.Stderr, "", log.LstdFlags)
	}
	server, err := agent.NewServer(s.opener(memory), o)
	if err != nil {
		return err
	}
	if *s.engine != embeddedName {
		fmt.Fprintf(os.Stderr, "warning: networks run in %s with the rights of this user: serve those whom you trust\n", *s.engine)
	} else if text := unconfined(); text != "" && *s.driver == "" {
		fmt.Fprintln(os.Stderr, "warning:", text)
	}
	s.greet(l.Addr(), certificate, token, made)
	if certificate != nil {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS13})
	}
	return server.Serve(ctx, l)
}

// overtime is how long the process that measures may take beyond the limit of a job, to read the network and to end the run at hand, before
// it is killed.
const overtime = 5 * time.Second

// opener opens what measures: a driver, or this program as one.
func (s settings) opener(memory int64) func() (*device.Command, error) {
	o := device.Options{Threads: *s.threads}
	return func() (*device.Command, error) {
		if *s.driver != "" {
			return device.OpenCommand(*s.driver, o)
		}
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		o.Overtime = overtime
		return device.Open([]string{
			self, "drive", "--threads", strconv.Itoa(*s.threads), "--memory", strconv.FormatInt(memory, 10), "--engine", *s.engine, "--meter", *s.meter,
		}, o)
	}
}

func (s settings) token() (token string, made bool, err error) {
	if *s.tokenFile != "" {
		token, err = agent.ReadToken(*s.tokenFile)
		return token, false, err
	}
	if token, err = agent.Token(); errors.Is(err, agent.ErrNoToken) {
		return rand.Text(), true, nil
	}
	return token, false, err
}

// certificate returns the server's certificate, nil without TLS.
func (s settings) certificate() (*tls.Certificate, error) {
	if (*s.cert == "") != (*s.key == "") {
		return nil, usageError{errors.New("--tls-cert and --tls-key go together")}
	}
	if *s.cert == "" && !*s.selfSigned {
		return nil, nil
	}
	_, err := os.Stat(*s.cert)
	if *s.cert != "" && (err == nil || !*s.selfSigned) {
		c, err := tls.LoadX509KeyPair(*s.cert, *s.key)
		return &c, err
	}
	cert, key, err := agent.SelfSigned()
	if err != nil {
		return nil, err
	}
	if *s.cert != "" {
		if err := outfile.WriteAll(outfile.Content{Path: *s.key, Data: key, Private: true}, outfile.Content{Path: *s.cert, Data: cert}); err != nil {
			return nil, err
		}
	}
	c, err := tls.X509KeyPair(cert, key)
	return &c, err
}

// greet tells how to reach the agent.
func (s settings) greet(at net.Addr, certificate *tls.Certificate, token string, made bool) {
	_, port, _ := net.SplitHostPort(at.String())
	fmt.Printf("listening on %v\n", at)
	if made {
		fmt.Printf("export %s=%s\n", agent.TokenVariable, token)
	}
	if certificate != nil {
		fmt.Printf("--engine 'agent:https://HOST:%s#sha256=%s'\n", port, agent.Fingerprint(*certificate))
		return
	}
	fmt.Printf("--engine agent:http://HOST:%s\n", port)
}

// byteCount reads a size such as 512MiB.
func byteCount(text string) (int64, error) {
	number, scale := text, int64(1)
	for _, u := range []struct {
		name  string
		bytes int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if n, ok := strings.CutSuffix(text, u.name); ok {
			number, scale = n, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > 1<<50/scale {
		return 0, fmt.Errorf("%q is not a size such as 512MiB", text)
	}
	return n * scale, nil
}
