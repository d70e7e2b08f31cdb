package main

import (
	"encoding/json"
	"path/filepath"
	"runtime"
	"time"

	"github.com/klauspost/cpuid/v2"
	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	"golang.org/x/sys/unix"

	"tfrunner/train"
)

// A machine is what the numbers were measured on.
type machine struct {
	CPU        string    `json:"cpu"`
	Cores      int       `json:"cores"`
	Memory     uint64    `json:"memory"` // bytes
	TensorFlow string    `json:"tensorflow"`
	Go         string    `json:"go"`
	Date       time.Time `json:"date"`
}

func thisMachine() (machine, error) {
	var info unix.Sysinfo_t
	err := unix.Sysinfo(&info)
	return machine{
		CPU: cpuid.CPU.BrandName, Cores: runtime.NumCPU(), Memory: info.Totalram * uint64(info.Unit),
		TensorFlow: tf.Version(), Go: runtime.Version(), Date: time.Now().UTC().Truncate(time.Second),
	}, err
}

// write writes bench.json, with all samples up to now.
func (b *bench) write() error {
	if b.out == "" {
		return nil
	}
	m, err := thisMachine()
	if err != nil {
		return err
	}
	flops, err := stepFLOPs(128)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(struct {
		Machine  machine  `json:"machine"`
		Settings settings `json:"settings"`
		FLOPs    int64    `json:"flops_per_step"`
		Samples  []sample `json:"samples"`
	}{m, b.settings, flops, b.samples}, "", "  ")
	if err != nil {
		return err
	}
	return train.WriteFile(filepath.Join(b.out, "bench.json"), append(data, '\n'))
}
