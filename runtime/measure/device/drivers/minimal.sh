#!/bin/sh
# minimal.sh PROGRAM: the least that a driver can be. PROGRAM is run with a model file, warm-up and runs, and prints one
# duration in nanoseconds a line; when it fails, its exit status is the model's error. What is not told here ("runtime_version",
# "precision", "cores", "governor") is unknown in the table.
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
while IFS= read -r line; do
	case $(field type) in
	hello) printf '{"type":"hello","version":1,"device":"%s","runtime":"%s"}\n' "$(uname -n)" "$(basename "$1")" ;;
	measure)
		if times=$("$1" "$(field model)" "$(field warmup)" "$(field runs)" </dev/null); then
			printf '{"type":"result","id":"%s","times_ns":[%s]}\n' "$(field id)" "$(printf '%s\n' "$times" | paste -sd, -)"
		else
			printf '{"type":"result","id":"%s","error":"%s ended with status %d"}\n' "$(field id)" "$(basename "$1")" $?
		fi ;;
	esac
done
