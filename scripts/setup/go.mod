module tfrunner/scripts/setup

go 1.24.0

require (
	github.com/bufbuild/protocompile v0.14.1
	github.com/gofrs/flock v0.12.1
	google.golang.org/protobuf v1.36.11
)

require (
	golang.org/x/sync v0.18.0 // indirect
	golang.org/x/sys v0.38.0 // indirect
)
