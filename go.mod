module tfrunner

go 1.24.0

require github.com/tensorflow/tensorflow v2.21.0+incompatible

require google.golang.org/protobuf v1.36.11 // indirect

replace github.com/tensorflow/tensorflow => ./third_party/tensorflow
