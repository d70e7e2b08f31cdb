package tensors_test

import (
	"bytes"
	"fmt"
	"os"

	tf "github.com/tensorflow/tensorflow/tensorflow/go"

	"tfrunner/graph/savedmodel/tensors"
)

func Example() {
	x, err := tensors.FromExpression("[[i*0.5 for i in range(3)]]*2", tf.Half, tf.MakeShape(-1, 3))
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	if err := tensors.WriteNPY(&file, x); err != nil {
		fmt.Println(err)
		return
	}
	again, err := tensors.ReadNPY(file.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tensors.Describe(again))
	if err := tensors.Print(os.Stdout, again); err != nil {
		fmt.Println(err)
	}
	_, err = tensors.FromExpression("[[1, 2], [3]]", tf.Half, tf.MakeShape(-1, 2))
	fmt.Println(err)
	// Output:
	// float16 (2, 3)
	// [[  0 0.5   1]
	//  [  0 0.5   1]]
	// at [1]: a list of 1, want 2 values, as before it
}
