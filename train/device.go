package train

import (
	"fmt"
	"slices"
	"strings"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	configpb "github.com/tensorflow/tensorflow/tensorflow/go/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"

	"tfrunner/graph"
)

// Devices lists the devices that libtensorflow sees on this machine, as "cpu:0"
// or "gpu:0".
func Devices() ([]string, error) {
	options, err := marshal(&configpb.ConfigProto{GpuOptions: &configpb.GPUOptions{AllowGrowth: true}})
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

// SessionOptions returns the options of a session on a device: auto, cpu or one
// of [Devices]. A GPU's memory is taken as it is needed, not all at once.
func SessionOptions(device string) (*tf.SessionOptions, error) {
	config := &configpb.ConfigProto{
		AllowSoftPlacement: true, // for the ops that have no GPU kernel
		GpuOptions:         &configpb.GPUOptions{AllowGrowth: true},
	}
	if device == "" || device == "auto" {
		return marshal(config)
	}
	have, err := Devices()
	if err != nil {
		return nil, err
	}
	kind, index, _ := strings.Cut(device, ":")
	switch {
	case device == "cpu" || kind == "cpu" && slices.Contains(have, device):
		config.DeviceCount = map[string]int32{"GPU": 0}
	case kind == "gpu" && slices.Contains(have, device):
		config.GpuOptions.VisibleDeviceList = index
	default:
		want := "auto, cpu or one of those that libtensorflow sees: " + strings.Join(have, ", ")
		return nil, &graph.RangeError{Setting: "device", Value: device, Want: want}
	}
	return marshal(config)
}

func marshal(config *configpb.ConfigProto) (*tf.SessionOptions, error) {
	data, err := proto.Marshal(config)
	return &tf.SessionOptions{Config: data}, err
}
