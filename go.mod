module tfrunner

go 1.24.0

require (
	github.com/felixge/fgprof v0.9.5
	github.com/gofrs/flock v0.12.1
	github.com/google/renameio/v2 v2.0.0
	github.com/klauspost/cpuid/v2 v2.2.10
	github.com/schollz/progressbar/v3 v3.18.0
	github.com/tensorflow/tensorflow v2.21.0+incompatible
	go.starlark.net v0.0.0-20250417143717-f57e51f710eb
	golang.org/x/image v0.36.0
	golang.org/x/net v0.43.0
	golang.org/x/sync v0.19.0
	golang.org/x/sys v0.35.0
	golang.org/x/term v0.34.0
	gonum.org/v1/plot v0.16.0
	google.golang.org/protobuf v1.36.11
)

require (
	codeberg.org/go-fonts/liberation v0.5.0 // indirect
	codeberg.org/go-latex/latex v0.1.0 // indirect
	codeberg.org/go-pdf/fpdf v0.10.0 // indirect
	git.sr.ht/~sbinet/gg v0.6.0 // indirect
	github.com/ajstarks/svgo v0.0.0-20211024235047-1546f124cd8b // indirect
	github.com/campoy/embedmd v1.0.0 // indirect
	github.com/golang/freetype v0.0.0-20170609003504-e2365dfdc4a0 // indirect
	github.com/google/pprof v0.0.0-20240227163752-401108e1b7e7 // indirect
	github.com/mitchellh/colorstring v0.0.0-20190213212951-d06e56a500db // indirect
	github.com/pmezard/go-difflib v1.0.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	golang.org/x/text v0.34.0 // indirect
)

replace github.com/tensorflow/tensorflow => ./third_party/tensorflow
