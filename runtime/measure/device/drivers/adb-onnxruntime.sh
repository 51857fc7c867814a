#!/bin/sh
# adb-onnxruntime.sh [SERIAL]: an Android device with ONNX Runtime's onnxruntime_perf_test in DIR (default
# /data/local/tmp/ort, pushed there together with libonnxruntime.so). ADB names adb, CORES a mask for taskset such as f0, PROVIDER an
# execution provider that the program was built with: nnapi, xnnpack, qnn. OPTIONS are the provider's, as the program takes them: 'key|value key|value'.
# The program writes the seconds of each run as the second column of its result file.
adb=${ADB:-adb} dir=${DIR:-/data/local/tmp/ort} threads=1
on() { "$adb" ${serial:+-s "$serial"} "$@" </dev/null; }
told() { on shell "$1" 2>/dev/null | tr -d '\r"'; }
serial=$1
case $PROVIDER in '' | xnnpack) precision=fp32 ;; *) precision=${PRECISION:-unknown} ;; esac
field() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }
while IFS= read -r line; do
	case $(field type) in
	hello)
		threads=$(field threads)
		if device=$(on shell getprop ro.product.model); then
			printf '{"type":"hello","version":1,"device":"%s","runtime":"onnxruntime%s","runtime_version":"%s","rules":"onnxruntime","precision":"%s","cores":"%s","governor":"%s","options":"%s"}\n' \
				"$(printf %s "$device" | tr -d '\r"')" "${PROVIDER:+:$PROVIDER}" "$(told "grep -aom 1 'VERS_[0-9.]*' $dir/libonnxruntime.so" | sed s/VERS_//)" "$precision" "${CORES:-all}" \
				"$(told 'cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor' | sort -u | paste -sd+ -)" "$OPTIONS"
		else
			printf '{"type":"hello","version":1,"message":"adb reaches no device"}\n'
		fi ;;
	measure)
		id=$(field id) runs=$(field runs)
		if on push "$(field model)" "$dir/probe.onnx" >&2 &&
			on shell "cd $dir && ${CORES:+taskset $CORES }LD_LIBRARY_PATH=. ./onnxruntime_perf_test ${PROVIDER:+-e $PROVIDER} ${OPTIONS:+-i '$OPTIONS'} -I -m times -r $runs -x $threads -o 99 probe.onnx out.csv" >&2 &&
			times=$(on shell "tail -n $runs $dir/out.csv && rm -f $dir/out.csv" | tr -d '\r' | awk -F, '{ printf "%s%.0f", sep, $2 * 1e9; sep = "," }') && [ -n "$times" ]; then
			printf '{"type":"result","id":"%s","times_ns":[%s]}\n' "$id" "$times"
		else
			printf '{"type":"result","id":"%s","error":"onnxruntime_perf_test failed, see standard error"}\n' "$id"
		fi ;;
	esac
done
