#!/bin/sh
# run.sh NAME: profiles this machine, counts sensitivities with the example's tuned weights, searches, and prints the table of the example's README.
set -e
cd "$(dirname "$0")"
name=$1 out=$PWD/../../build/examples/$1
mkdir -p "$out"
go build -o "$out/" "./$name/cmd/$name" ./table
cd "$name"
model=model.onnx data=data judge=$out/$name
case $name in
unet) model=model_bn.onnx ;;
esac
set -x
"$out/$name" profile --out "$out/device.lut"
"$out/$name" sensitivity --model tuned.onnx --data $data --split test --images 500 --calibrate 500 --threads 1 --no-sample --out "$out/net.acc"
"$out/$name" search --lut "$out/device.lut" --accuracy "$out/net.acc" --verify 20 --model tuned.onnx --data $data --threads 1 --points 10
"$out/table" -command "$out/$name" -judge "$judge" -model $model -data $data -lut "$out/device.lut" -accuracy "$out/net.acc"
