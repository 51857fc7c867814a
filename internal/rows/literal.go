package rows

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// literal reads the Python literals that npy headers are made of: dicts, tuples, lists, strings, whole numbers, True and False.
type literal struct {
	rest  string
	depth int
}

const maxDepth = 8 // of nested literals

// parseDict reads a text that is one dict with strings as keys.
func parseDict(text string) (map[string]any, error) {
	l := &literal{rest: text}
	v, err := l.value()
	if err != nil {
		return nil, err
	}
	l.space()
	d, ok := v.(map[string]any)
	if !ok || l.rest != "" {
		return nil, errors.New("it is no dict")
	}
	return d, nil
}

func (l *literal) space() { l.rest = strings.TrimLeft(l.rest, " \t\r\n\f\v") }

// take removes a text at the front, after spaces.
func (l *literal) take(text string) bool {
	l.space()
	rest, ok := strings.CutPrefix(l.rest, text)
	if ok {
		l.rest = rest
	}
	return ok
}

func (l *literal) value() (any, error) {
	if l.depth++; l.depth > maxDepth {
		return nil, errors.New("it is nested too deeply")
	}
	defer func() { l.depth-- }()
	switch {
	case l.take("{"):
		return l.dict()
	case l.take("("):
		return l.list(")")
	case l.take("["):
		return l.list("]")
	case l.take("True"):
		return true, nil
	case l.take("False"):
		return false, nil
	case l.take("'"):
		return l.text("'")
	case l.take(`"`):
		return l.text(`"`)
	}
	return l.number()
}

func (l *literal) text(quote string) (any, error) {
	text, rest, ok := strings.Cut(l.rest, quote)
	if !ok || strings.ContainsAny(text, "\\\n") {
		return nil, errors.New("it has a string that does not end, or with a backslash")
	}
	l.rest = rest
	return text, nil
}

func (l *literal) number() (any, error) {
	end := 0
	for end < len(l.rest) && (l.rest[end] >= '0' && l.rest[end] <= '9' || l.rest[end] == '-' && end == 0) {
		end++
	}
	n, err := strconv.ParseInt(l.rest[:end], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%.20q is no literal", l.rest)
	}
	l.rest = strings.TrimPrefix(l.rest[end:], "L") // Python 2
	return n, nil
}

func (l *literal) list(end string) (any, error) {
	out := []any{}
	for !l.take(end) {
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v)
		if !l.take(",") {
			if !l.take(end) {
				return nil, fmt.Errorf("want , or %s before %.20q", end, l.rest)
			}
			break
		}
	}
	return out, nil
}

func (l *literal) dict() (any, error) {
	out := map[string]any{}
	for !l.take("}") {
		key, err := l.value()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok || !l.take(":") {
			return nil, errors.New("a key is no string, or has no value")
		}
		if _, twice := out[name]; twice {
			return nil, fmt.Errorf("it has the key %.20q twice", name)
		}
		if out[name], err = l.value(); err != nil {
			return nil, err
		}
		if !l.take(",") {
			if !l.take("}") {
				return nil, fmt.Errorf("want , or } before %.20q", l.rest)
			}
			break
		}
	}
	return out, nil
}
