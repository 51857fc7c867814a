#!/bin/sh
# benchncnn.sh PROGRAM: ncnn's benchncnn (the one that takes param= and shape=), which makes up the weights. Set RUN for
# another machine: RUN='ssh board' or RUN='adb shell', PUSH for how the probe gets there: PUSH='adb push', and REMOTE for its
# place there. POWERSAVE is 0 for all cores, 1 for the small, 2 for the big ones. benchncnn's clock has steps of 10
# microseconds; what it calls 0.00 ms is told as half a step, and autotailor then sends a probe of many copies.
# DEVICE, VERSION and PRECISION say what the driver does not find out itself.
set -f # patterns are for the device's files
bench=${1:-benchncnn} threads=1 remote=${REMOTE:-/data/local/tmp/probe.param}
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
on() { $RUN "$@" 2>/dev/null </dev/null | tr -d '\r"\\'; }
files() { if [ -n "$RUN" ]; then on cat "$1"; else on sh -c "cat $1"; fi; }
# ncnn computes in half floats where the processor can, and else stores them where it can convert them; elsewhere it computes in floats.
precision() {
	case "$(on uname -m) $(files /proc/cpuinfo | grep -m 1 -i '^features')" in
	*asimdhp*) echo fp16 ;;
	aarch64* | *vfpv4*) echo fp16-storage ;;
	x86_64* | i?86*) echo fp32 ;;
	*) echo unknown ;;
	esac
}
while IFS= read -r line; do
	case $(field type) in
	hello)
		threads=$(field threads)
		case ${POWERSAVE:-0} in 1) cores=little ;; 2) cores=big ;; *) cores=all ;; esac
		printf '{"type":"hello","version":1,"device":"%s","runtime":"ncnn","runtime_version":"%s","format":"ncnn","rules":"ncnn","precision":"%s","cores":"%s","governor":"%s"}\n' \
			"${DEVICE:-$(on uname -nm | tr ' ' -)}" "${VERSION:-$(on grep -aom 1 '1\.0\.20[0-9]\{6\}' "$(command -v "$bench" || echo "$bench")")}" "${PRECISION:-$(precision)}" \
			"$cores" "$(files '/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor' | sort -u | paste -sd+ -)" ;;
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
