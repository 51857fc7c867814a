#!/bin/sh
# benchncnn.sh PROGRAM: ncnn's benchncnn (the one that takes param= and shape=), which makes up the weights. Set RUN for
# another machine: RUN='ssh board' or RUN='adb shell', PUSH for how the probe gets there: PUSH='adb push', and REMOTE for its
# place there. POWERSAVE is 0 for all cores, 1 for the small, 2 for the big ones. benchncnn's clock has steps of 10
# microseconds; what it calls 0.00 ms is told as half a step, and autotailor then sends a probe of many copies.
bench=${1:-benchncnn} threads=1 remote=${REMOTE:-/data/local/tmp/probe.param}
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
while IFS= read -r line; do
	case $(field type) in
	hello)
		threads=$(field threads)
		printf '{"type":"hello","version":1,"device":"%s","runtime":"ncnn","format":"ncnn","rules":"ncnn"}\n' "${DEVICE:-$(uname -nm | tr ' ' -)}" ;;
	measure)
		model=$(field model) shape="[$(field inputs | sed 's/x/,/g; s/ /],[/g')]"
		[ -z "$PUSH" ] || { $PUSH "$model" "${HOST:+$HOST:}$remote" </dev/null >&2 && model=$remote; }
		times=$($RUN "$bench" "$(field runs)" "$threads" "${POWERSAVE:-0}" -1 0 "param=$model" "shape=$shape" 2>&1 </dev/null | tee /dev/stderr |
			sed -n 's/.*min = *\([0-9.]*\) *max = *\([0-9.]*\) *avg = *\([0-9.]*\).*/\1 \3 \2/p' |
			awk '{ for (i = 1; i <= 3; i++) printf("%s%.0f", (i > 1) ? "," : "", (($i > 0) ? $i : 0.005) * 1e6) }')
		if [ -n "$times" ]; then
			printf '{"type":"result","id":"%s","times_ns":[%s]}\n' "$(field id)" "$times"
		else
			printf '{"type":"result","id":"%s","error":"benchncnn failed, see standard error"}\n' "$(field id)"
		fi ;;
	esac
done
