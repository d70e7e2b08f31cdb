package train

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/cpuid/v2"
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	configpb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
)

// A Compute says where and how libtensorflow runs a graph.
type Compute struct {
	// Device is "auto" or "", which lets TensorFlow choose, "cpu", which hides
	// the GPUs, or one of Devices, such as "gpu:0", of which the others are
	// hidden. A GPU's memory is taken as it is needed, not all at once.
	Device string

	// Precision is "float32" or "", or "bfloat16", for CPUs: TensorFlow then
	// computes convolutions, matrix products and what is between them in
	// bfloat16, 8 bits of precision, while variables, their updates and the loss
	// stay float32. HasBFloat16 tells whether that is fast on this CPU.
	Precision string

	// IntraOp is how many threads share the work of an op, InterOp how many ops
	// run at a time, -1 for one after the other in the thread that runs the
	// session. Where they are 0, a Trainer and a Predictor take what was measured
	// to be fastest for them, and Options leaves it to TensorFlow. A process has
	// one pool of threads: its first session decides.
	IntraOp, InterOp int
}

// or returns c with the threads of another where c has none.
func (c Compute) or(other Compute) Compute {
	c.IntraOp, c.InterOp = cmp.Or(c.IntraOp, other.IntraOp), cmp.Or(c.InterOp, other.InterOp)
	return c
}

// The values of Compute.Precision.
const (
	float32Precision  = "float32"
	bfloat16Precision = "bfloat16"
)

// HasBFloat16 tells whether this CPU has instructions for bfloat16.
func HasBFloat16() bool {
	return cpuid.CPU.Has(cpuid.AVX512BF16) || cpuid.CPU.Has(cpuid.AMXBF16)
}

// validate returns a graph.RangeError for what is out of its range; of the
// device, Options does.
func (c Compute) validate() error {
	switch {
	case !slices.Contains([]string{"", float32Precision, bfloat16Precision}, c.Precision):
		return &graph.RangeError{Setting: "precision", Value: c.Precision, Want: float32Precision + " or " + bfloat16Precision}
	case c.IntraOp < 0:
		return &graph.RangeError{Setting: "intra-op", Value: c.IntraOp, Want: "at least 0"}
	case c.InterOp < -1:
		return &graph.RangeError{Setting: "inter-op", Value: c.InterOp, Want: "at least -1"}
	}
	return nil
}

// Options returns the options of a session, or a graph.RangeError.
func (c Compute) Options() (*tf.SessionOptions, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	config := c.config()
	if c.Precision == bfloat16Precision {
		config.GraphOptions = &configpb.GraphOptions{RewriteOptions: &configpb.RewriterConfig{
			AutoMixedPrecisionOnednnBfloat16: configpb.RewriterConfig_ON,
		}}
	}
	// This opens a session, so that the process gets its pool of threads from c,
	// and not from the session that reads a checkpoint, say.
	have, err := c.devices()
	if err != nil {
		return nil, err
	}
	kind, index, _ := strings.Cut(c.Device, ":")
	auto := c.Device == "" || c.Device == "auto"
	gpu := slices.ContainsFunc(have, func(name string) bool { return strings.HasPrefix(name, "gpu:") })
	switch {
	case c.Precision == bfloat16Precision && (auto && gpu || kind == "gpu"):
		return nil, &graph.RangeError{Setting: "precision", Value: c.Precision, Want: "-device cpu: on a GPU there is float32 only"}
	case auto:
	case c.Device == "cpu" || kind == "cpu" && slices.Contains(have, c.Device):
		config.DeviceCount = map[string]int32{"GPU": 0}
	case kind == "gpu" && slices.Contains(have, c.Device):
		config.GpuOptions.VisibleDeviceList = index
	default:
		want := "auto, cpu or one of those that libtensorflow sees: " + strings.Join(have, ", ")
		return nil, &graph.RangeError{Setting: "device", Value: c.Device, Want: want}
	}
	return marshal(config)
}

// Devices lists the devices that libtensorflow sees on this machine, as "cpu:0"
// or "gpu:0".
func Devices() ([]string, error) { return Compute{}.devices() }

func (c Compute) devices() ([]string, error) {
	options, err := marshal(c.config())
	if err != nil {
		return nil, err
	}
	session, err := tf.NewSession(tf.NewGraph(), options)
	if err != nil {
		return nil, fmt.Errorf("listing devices: %w", err)
	}
	defer session.Close()
	devices, err := session.ListDevices()
	if err != nil {
		return nil, fmt.Errorf("listing devices: %w", err)
	}
	var names []string
	for _, d := range devices {
		// /job:localhost/replica:0/task:0/device:CPU:0
		if _, name, ok := strings.Cut(d.Name, "/device:"); ok {
			names = append(names, strings.ToLower(name))
		}
	}
	return names, nil
}

// config returns what all sessions have in common.
func (c Compute) config() *configpb.ConfigProto {
	return &configpb.ConfigProto{
		AllowSoftPlacement:        true, // for the ops that have no GPU kernel
		GpuOptions:                &configpb.GPUOptions{AllowGrowth: true},
		IntraOpParallelismThreads: int32(c.IntraOp),
		InterOpParallelismThreads: int32(c.InterOp),
	}
}

func marshal(config *configpb.ConfigProto) (*tf.SessionOptions, error) {
	data, err := proto.Marshal(config)
	return &tf.SessionOptions{Config: data}, err
}
