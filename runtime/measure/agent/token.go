package agent

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/autotailor/autotailor/internal/infile"
)

// TokenVariable names the environment variable with the token, TokenFileVariable that with the path of a file that has it.
const (
	TokenVariable     = "AUTOTAILOR_AGENT_TOKEN"
	TokenFileVariable = "AUTOTAILOR_AGENT_TOKEN_FILE"
)

// ErrNoToken says that neither variable is set.
var ErrNoToken = errors.New("no token: set " + TokenVariable + " to the one of the agent, or " + TokenFileVariable + " to a file that has it")

// Token returns the token that the environment names.
func Token() (string, error) {
	if t := os.Getenv(TokenVariable); t != "" {
		return t, nil
	}
	path := os.Getenv(TokenFileVariable)
	if path == "" {
		return "", ErrNoToken
	}
	return ReadToken(path)
}

// ReadToken reads a file that has a token and nothing else.
func ReadToken(path string) (string, error) {
	text, err := infile.Read(path, infile.Text)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("%s: want one token without spaces", path)
	}
	return token, nil
}
