package graph

import (
	"fmt"
	"maps"
	"slices"

	nodepb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/node_def_go_proto"
	typespb "github.com/tensorflow/tensorflow/tensorflow/go/core/framework/types_go_proto"
)

// A variable is one of a GraphDef.
type variable struct {
	handle  *nodepb.NodeDef
	initial ref
	weight  bool
}

func (v variable) name() string {
	if name := string(v.handle.Attr["shared_name"].GetS()); name != "" {
		return name
	}
	return v.handle.Name
}

// gradientEnds ends a walk back where gradients end too.
func (i *importer) gradientEnds(r ref) bool {
	return i.fed(r) || r.output < 0 || i.def.nodes[r.node].Op == "StopGradient"
}

// findVariables finds the variables that the names depend on, and those that
// their initializers depend on.
func (i *importer) findVariables() error {
	roots := slices.Collect(maps.Values(i.refs))
	initial := map[string]ref{}
	for found := -1; found < len(initial); {
		found = len(initial)
		i.needed = i.def.back(i.fed, roots...)
		for _, n := range i.def.proto.Node {
			if _, found := initial[n.Name]; found || n.Op != "VarHandleOp" || !i.needed[ref{n.Name, 0}] {
				continue
			}
			value, ok := i.def.initial(n.Name)
			if !ok {
				return fmt.Errorf("the variable %s has no initializer in the graph: export all of the graph", n.Name)
			}
			initial[n.Name] = value
			roots = append(roots, value)
		}
	}
	if err := i.checkNodes(); err != nil {
		return err
	}
	trained := i.def.back(i.gradientEnds, i.refs["loss"])
	resources, weights := map[string]string{}, 0
	for _, n := range i.def.proto.Node {
		value, ok := initial[n.Name]
		if !ok {
			continue
		}
		v := variable{handle: n, initial: value}
		resource := string(n.Attr["shared_name"].GetS())
		if other := resources[resource]; other != "" {
			return fmt.Errorf("the variables %s and %s are one resource, %q", other, n.Name, resource)
		}
		resources[resource] = n.Name
		if trained[ref{n.Name, 0}] {
			switch dtype := n.Attr["dtype"].GetType(); dtype {
			case typespb.DataType_DT_FLOAT:
				v.weight = true
				weights++
			case typespb.DataType_DT_HALF, typespb.DataType_DT_BFLOAT16, typespb.DataType_DT_DOUBLE:
				return fmt.Errorf("the variable %s is %s: want float32", n.Name, dtypeName(dtype))
			}
		}
		i.variables = append(i.variables, v)
	}
	if weights == 0 {
		return fmt.Errorf("nothing to train: loss=%s depends on no float32 variable", i.refs["loss"])
	}
	return nil
}
