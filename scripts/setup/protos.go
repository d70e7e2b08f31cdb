package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime/debug"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

const protobufModule = "google.golang.org/protobuf"

// protoRoots are the .proto files whose packages the assembled module holds,
// beside those of all the files that they import.
var protoRoots = []string{
	"tensorflow/core/protobuf/saved_model.proto",
	"tensorflow/core/protobuf/config.proto",
	"tensorflow/core/protobuf/tensorflow_server.proto",
	"tensorflow/core/protobuf/tensor_bundle.proto",
	"tensorflow/core/util/event.proto",
	"tensorflow/core/example/example.proto",
}

// goPackage returns the Go package of a .proto file where the file's own
// go_package option does not serve, else "".
func goPackage(file string) string {
	const core = "github.com/tensorflow/tensorflow/tensorflow/go/core/"
	switch {
	case file == "tensorflow/core/framework/graph_debug_info.proto":
		return core + "framework/graph_debug_info_go_proto" // as declared, an import cycle
	case strings.HasPrefix(file, "xla/tsl/protobuf/"):
		return core + "tsl/protobuf;tslpb" // declared in a module that does not exist
	}
	return ""
}

// generateProtos writes to dir what protoc with protoc-gen-go would write for
// protoRoots, without protoc.
func generateProtos(ctx context.Context, src fs.FS, dir string) error {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: func(name string) (io.ReadCloser, error) {
				data, err := readFirst(src, headerRoots[:2], name)
				return io.NopCloser(bytes.NewReader(data)), err
			},
		}),
		SourceInfoMode: protocompile.SourceInfoStandard, // for the doc comments
	}
	compiled, err := compiler.Compile(ctx, protoRoots...)
	if err != nil {
		return fmt.Errorf("compiling TensorFlow's .proto files: %w", err)
	}
	req := &pluginpb.CodeGeneratorRequest{}
	params := []string{"module=" + tensorFlowModule.path}
	seen := map[string]bool{}
	var add func(f linker.File)
	add = func(f linker.File) { // in dependency order, as protogen wants it
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for i := range f.Imports().Len() {
			add(f.FindImportByPath(f.Imports().Get(i).Path()))
		}
		req.ProtoFile = append(req.ProtoFile, protoutil.ProtoFromFileDescriptor(f))
		if strings.HasPrefix(f.Path(), "google/protobuf/") {
			return // these packages come with the protobuf module
		}
		req.FileToGenerate = append(req.FileToGenerate, f.Path())
		if pkg := goPackage(f.Path()); pkg != "" {
			params = append(params, "M"+f.Path()+"="+pkg)
		}
	}
	for _, f := range compiled {
		add(f)
	}
	req.Parameter = proto.String(strings.Join(params, ","))
	return runProtocGenGo(req, dir)
}

// runProtocGenGo does what the plugin protoc-gen-go does with a request, and
// writes the files below dir.
func runProtocGenGo(req *pluginpb.CodeGeneratorRequest, dir string) error {
	gen, err := protogen.Options{}.New(req)
	if err != nil {
		return fmt.Errorf("generating protobuf packages: %w", err)
	}
	for _, f := range gen.Files {
		if f.Generate {
			internal_gengo.GenerateFile(gen, f)
		}
	}
	resp := gen.Response()
	if resp.Error != nil {
		return fmt.Errorf("generating protobuf packages: %s", resp.GetError())
	}
	for _, f := range resp.File {
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(f.GetName())), []byte(f.GetContent())); err != nil {
			return err
		}
	}
	return nil
}

// moduleVersion returns the version of a module that this program is built with.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
