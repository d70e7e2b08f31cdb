package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// report prints the tables and writes the pictures.
func (b *bench) report(w io.Writer) error {
	limits, err := b.limits()
	if err != nil {
		return err
	}
	m, err := thisMachine()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s, %d cores, %.0f GB; TensorFlow %s, %s; rounds: %d\n\n", m.CPU, m.Cores, float64(m.Memory)/1e9, m.TensorFlow, m.Go, b.Rounds)
	for _, p := range b.parts {
		for _, m := range p.metrics {
			if len(p.rows) == 0 {
				continue
			}
			if err := b.table(w, p, m, limits); err != nil {
				return err
			}
		}
	}
	if limits != nil {
		flops, err := stepFLOPs(128)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "The limit: the products of matrices of a step, convolutions among them, are %.2f GFLOP (forward, and the gradients\n"+
			"of weights and inputs, but for that of the first layer's), which at the speed of the large product take", float64(flops)/1e9)
		sep := " "
		for _, precision := range []string{float32s, bfloat16s} {
			if limit := limits[precision]; limit > 0 {
				fmt.Fprintf(w, "%s1/%.1f s in %s", sep, limit, precision)
				sep = ", "
			}
		}
		fmt.Fprintln(w, ".")
	}
	return b.draw(limits)
}

// limits returns the steps/s at which products of matrices as fast as the
// measured peaks alone fill the time, by precision; nil without peaks.
func (b *bench) limits() (map[string]float64, error) {
	var limits map[string]float64
	for _, p := range b.parts {
		if p.name != "peak" || len(p.rows) == 0 {
			continue
		}
		flops, err := stepFLOPs(128)
		if err != nil {
			return nil, err
		}
		limits = map[string]float64{}
		for _, r := range p.rows {
			limits[r.precision] = 1e9 * median(b.values(p, r, "gflops")) / float64(flops)
		}
	}
	return limits, nil
}

// table prints a metric of a part's programs.
func (b *bench) table(w io.Writer, p part, m metric, limits map[string]float64) error {
	base := math.NaN()
	for _, r := range p.rows {
		if r.name == reference {
			base = median(b.values(p, r, m.name))
		}
	}
	limited := p.name == "training" && m.name == "rate" && limits != nil
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\tmedian\tmin\tmax\t", m.title)
	if base > 0 {
		fmt.Fprint(t, "/ Python\t")
	}
	if limited {
		fmt.Fprint(t, "of the limit\t")
	}
	fmt.Fprintln(t)
	for _, r := range p.rows {
		values := b.values(p, r, m.name)
		middle := median(values)
		fmt.Fprintf(t, "%s\t"+m.format+"\t"+m.format+"\t"+m.format+"\t", r.title, middle, slices.Min(values), slices.Max(values))
		if base > 0 {
			fmt.Fprintf(t, "%.2fx\t", middle/base)
		}
		if limited {
			share := "-"
			if limit := limits[r.precision]; limit > 0 {
				share = fmt.Sprintf("%.0f %%", 100*middle/limit)
			}
			fmt.Fprintf(t, "%s\t", share)
		}
		fmt.Fprintln(t)
	}
	fmt.Fprintln(t)
	return t.Flush()
}
