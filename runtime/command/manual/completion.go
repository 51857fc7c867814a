package manual

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// shells are what Completion writes for.
var shells = map[string]func(w io.Writer, p Program){"bash": bash, "zsh": zsh, "fish": fish}

// Shells lists the shells that Completion knows.
func Shells() []string { return slices.Sorted(maps.Keys(shells)) }

// Completion writes a script that completes commands, flags, and the files and folders that flags name.
func (p Program) Completion(w io.Writer, shell string) error {
	write, ok := shells[shell]
	if !ok {
		return fmt.Errorf("no completion for %q: shells are %s", shell, strings.Join(Shells(), ", "))
	}
	b := bufio.NewWriter(w)
	write(b, p)
	return b.Flush()
}

// names lists the commands.
func (p Program) names() []string {
	var out []string
	for _, c := range p.Commands {
		out = append(out, c.Name)
	}
	return out
}

// function is a name for a shell function of the program.
func (p Program) function() string {
	return "_" + strings.Map(func(r rune) rune {
		if r == '-' || r == '.' {
			return '_'
		}
		return r
	}, p.Name)
}

// quote makes a word of a shell that takes everything literally.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func bash(w io.Writer, p Program) {
	fmt.Fprintf(w, "# bash completion of %s: source this file, or put it into /etc/bash_completion.d\n%s() {\n", p.Name, p.function())
	fmt.Fprintf(w, "  local at=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n  if [ \"$COMP_CWORD\" = 1 ]; then\n    COMPREPLY=($(compgen -W %s -- \"$at\"))\n    return\n  fi\n",
		quote("help "+strings.Join(p.names(), " ")))
	fmt.Fprint(w, "  case ${COMP_WORDS[1]} in\n")
	for _, c := range p.Commands {
		var flags, folders, words []string
		c.flags(func(f *pflag.Flag) {
			flags = append(flags, "--"+f.Name)
			switch value(f) {
			case "":
			case "folder":
				folders = append(folders, "--"+f.Name)
			default:
				words = append(words, "--"+f.Name)
			}
		})
		if c.Arg != "" {
			flags = append(flags, strings.Split(strings.ToLower(c.Arg), "|")...)
		}
		fmt.Fprintf(w, "  %s)\n    case $before in\n", c.Name)
		if len(folders) > 0 {
			fmt.Fprintf(w, "    %s) COMPREPLY=($(compgen -d -- \"$at\")); return ;;\n", strings.Join(folders, "|"))
		}
		if len(words) > 0 {
			fmt.Fprintf(w, "    %s) COMPREPLY=($(compgen -f -- \"$at\")); return ;;\n", strings.Join(words, "|"))
		}
		fmt.Fprintf(w, "    esac\n    COMPREPLY=($(compgen -W %s -- \"$at\")) ;;\n", quote(strings.Join(append(flags, "--help"), " ")))
	}
	fmt.Fprintf(w, "  esac\n}\ncomplete -o filenames -F %s %s\n", p.function(), p.Name)
}

func zsh(w io.Writer, p Program) {
	fmt.Fprintf(w, "#compdef %s\n# zsh completion of %s: put this file into a folder of $fpath, as _%s\n%s() {\n  if (( CURRENT == 2 )); then\n    local -a commands=(\n", p.Name, p.Name, p.Name, p.function())
	for _, c := range p.Commands {
		fmt.Fprintf(w, "      %s\n", quote(c.Name+":"+c.Doc))
	}
	fmt.Fprint(w, "    )\n    _describe command commands\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n")
	for _, c := range p.Commands {
		fmt.Fprintf(w, "  %s)\n    _arguments", c.Name)
		c.flags(func(f *pflag.Flag) {
			name, usage := pflag.UnquoteUsage(f)
			// In the brackets of a specification, brackets and colons need a backslash.
			spec := "--" + f.Name + "[" + strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(usage) + "]"
			switch name {
			case "":
			case "folder":
				spec += ":" + name + ":_files -/"
			default:
				spec += ":" + name + ":_files"
			}
			fmt.Fprintf(w, " \\\n      %s", quote(spec))
		})
		if c.Arg != "" {
			fmt.Fprintf(w, " \\\n      %s", quote("1:"+strings.ToLower(strings.ReplaceAll(c.Arg, "|", " or "))+":("+strings.ReplaceAll(c.Arg, "|", " ")+")"))
		}
		fmt.Fprint(w, " ;;\n")
	}
	fmt.Fprintf(w, "  esac\n}\n%s \"$@\"\n", p.function())
}

func fish(w io.Writer, p Program) {
	fmt.Fprintf(w, "# fish completion of %s: put this file into ~/.config/fish/completions, as %s.fish\ncomplete -c %s -f\n", p.Name, p.Name, p.Name)
	for _, c := range p.Commands {
		fmt.Fprintf(w, "complete -c %s -n __fish_use_subcommand -a %s -d %s\n", p.Name, c.Name, quote(c.Doc))
		seen := "'__fish_seen_subcommand_from " + c.Name + "'"
		c.flags(func(f *pflag.Flag) {
			name, usage := pflag.UnquoteUsage(f)
			takes := ""
			switch name {
			case "":
			case "folder":
				takes = " -x -a '(__fish_complete_directories)'"
			default:
				takes = " -r -F"
			}
			fmt.Fprintf(w, "complete -c %s -n %s -l %s%s -d %s\n", p.Name, seen, f.Name, takes, quote(usage))
		})
		if c.Arg != "" {
			fmt.Fprintf(w, "complete -c %s -n %s -a %s\n", p.Name, seen, quote(strings.ReplaceAll(c.Arg, "|", " ")))
		}
	}
}
