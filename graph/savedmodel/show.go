package savedmodel

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"

	"tfrunner/graph/savedmodel/tensors"
)

// PrintTags writes the graphs' tags, as saved_model_cli does.
func PrintTags(w io.Writer, all []Description) error {
	var b strings.Builder
	b.WriteString("The given SavedModel contains the following tag-sets:\n")
	for _, d := range all {
		fmt.Fprintf(&b, "'%s'\n", strings.Join(d.Tags, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintKeys writes the names of the signatures, as saved_model_cli does.
func (d Description) PrintKeys(w io.Writer) error {
	var b strings.Builder
	b.WriteString("The given SavedModel MetaGraphDef contains SignatureDefs with the following keys:\n")
	for _, name := range keys(d.Signatures) {
		fmt.Fprintf(&b, "SignatureDef key: \"%s\"\n", name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintSignature writes a signature's inputs and outputs, as saved_model_cli
// does.
func PrintSignature(w io.Writer, s tf.Signature) error {
	var b strings.Builder
	addSignature(&b, s, "")
	_, err := io.WriteString(w, b.String())
	return err
}

func addSignature(b *strings.Builder, s tf.Signature, indent string) {
	for _, side := range []struct {
		name string
		all  map[string]tf.TensorInfo
	}{{"input", s.Inputs}, {"output", s.Outputs}} {
		fmt.Fprintf(b, "%sThe given SavedModel SignatureDef contains the following %s(s):\n", indent, side.name)
		for _, key := range keys(side.all) {
			t := side.all[key]
			shape := "unknown_rank"
			if t.Shape.NumDimensions() >= 0 {
				shape = tensors.ShapeString(t.Shape)
			}
			fmt.Fprintf(b, "%s  %ss['%s'] tensor_info:\n", indent, side.name, key)
			fmt.Fprintf(b, "%s      dtype: %s\n%[1]s      shape: %[3]s\n%[1]s      name: %[4]s\n", indent, typespb.DataType(t.DType), shape, t.Name)
		}
	}
	fmt.Fprintf(b, "%sMethod name is: %s\n", indent, s.MethodName)
}

// Print writes all of a description: the tags and the signatures, as
// saved_model_cli does, then TensorFlow's version, the variables and the ops.
func (d Description) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nMetaGraphDef with tag-set: '%s' contains the following SignatureDefs:\n", strings.Join(d.Tags, ", "))
	for _, name := range keys(d.Signatures) {
		fmt.Fprintf(&b, "\nsignature_def['%s']:\n", name)
		addSignature(&b, d.Signatures[name], "  ")
	}
	fmt.Fprintf(&b, "\nTensorFlow version: %s\n", cmp.Or(d.Version, "unknown"))
	fmt.Fprintf(&b, "Variables: %d, of which the signatures use %d\n", d.All.Count, d.Used.Count)
	fmt.Fprintf(&b, "Parameters: %d, of which the signatures use %d\n", d.All.Parameters, d.Used.Parameters)
	if d.All.UnknownShape > 0 {
		fmt.Fprintf(&b, "Variables of unknown shape, not in the parameters: %d\n", d.All.UnknownShape)
	}
	fmt.Fprintf(&b, "The MetaGraph with tag set %s contains the following ops:\n", quote(d.Tags))
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	ops := keys(d.Ops)
	slices.SortStableFunc(ops, func(a, b string) int { return d.Ops[b] - d.Ops[a] })
	for _, op := range ops {
		fmt.Fprintf(t, "  %s\t%d\n", op, d.Ops[op])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := io.WriteString(w, b.String())
	return err
}
