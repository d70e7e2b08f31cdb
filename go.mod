module tfrunner

go 1.24.0

require (
	github.com/felixge/fgprof v0.9.5
	github.com/gofrs/flock v0.12.1
	github.com/google/renameio/v2 v2.0.0
	github.com/schollz/progressbar/v3 v3.18.0
	github.com/tensorflow/tensorflow v2.21.0+incompatible
	go.starlark.net v0.0.0-20250417143717-f57e51f710eb
	golang.org/x/image v0.36.0
	golang.org/x/sys v0.29.0
	golang.org/x/term v0.28.0
	google.golang.org/protobuf v1.36.11
)

require (
	github.com/google/pprof v0.0.0-20240227163752-401108e1b7e7 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
)

replace github.com/tensorflow/tensorflow => ./third_party/tensorflow
