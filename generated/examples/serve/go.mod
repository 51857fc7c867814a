module example.com/serve

go 1.26.0

require github.com/autotailor/autotailor v0.0.0

require google.golang.org/protobuf v1.36.12 // indirect

replace github.com/autotailor/autotailor => ../../..
