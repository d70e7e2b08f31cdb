package graphdiff

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	attrpb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/attr_value_go_proto"
	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	"google.golang.org/protobuf/encoding/prototext"
)

// Print writes a report for people: the differences, each with its two nodes
// side by side and the way to them, then what was looked through.
func (r Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range r.Differences {
		fmt.Fprintf(t, "DIFFERENT: %s\n", d.What)
		fmt.Fprintf(t, "at %s\n", strings.Join(d.Path, " <- "))
		for _, row := range rows(d.A, d.B) {
			mark := " "
			if row[1] != row[2] && row[0] != "" && row[0] != "name" {
				mark = "*"
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\n", row[0], row[1], mark, row[2])
		}
		if err := t.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, line := range r.Through {
		fmt.Fprintf(w, "looked through: %s\n", line)
	}
	if len(r.Differences) > 0 {
		_, err := fmt.Fprintf(w, "the graphs differ, after %d nodes paired one to one\n", r.Nodes)
		return err
	}
	_, err := fmt.Fprintf(w, "the graphs are the same: %d nodes paired one to one\n", r.Nodes)
	return err
}

// rows puts what there is to say of two nodes side by side.
func rows(a, b *nodepb.NodeDef) [][3]string {
	text := [2]map[string]string{{}, {}}
	var names []string
	for i, n := range []*nodepb.NodeDef{a, b} {
		if n == nil {
			continue
		}
		for name, v := range n.Attr {
			text[i][name] = attributeText(v)
			names = append(names, name)
		}
	}
	slices.Sort(names)
	all := [][3]string{
		{"", "A", "B"},
		{"name", or(a.GetName()), or(b.GetName())},
		{"op", or(a.GetOp()), or(b.GetOp())},
		{"inputs", or(strings.Join(a.GetInput(), " ")), or(strings.Join(b.GetInput(), " "))},
	}
	for _, name := range slices.Compact(names) {
		all = append(all, [3]string{name, or(text[0][name]), or(text[1][name])})
	}
	return all
}

// or returns s, or a dash for nothing.
func or(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// attributeText returns a value in one line of at most 60 characters.
func attributeText(v *attrpb.AttrValue) string {
	// Fields collapse spaces, of which prototext puts varying numbers.
	text := strings.Join(strings.Fields(prototext.MarshalOptions{}.Format(v)), " ")
	if runes := []rune(text); len(runes) > 60 {
		return string(runes[:59]) + "…"
	}
	return text
}
