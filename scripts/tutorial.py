"""The MNIST tutorial's ConvNet, in Python: the reference that the Go program is held against.

The model and the loop of nlintz/TensorFlow-Tutorials, 05_convolutional_net.py, written anew for
TensorFlow 2's tf.compat.v1 with resource variables. What differs from the tutorial:

- seeds: with -seed S, w, w2, w3, w4 and w_o have the op seeds 1 to 5, the four dropouts 6 to 9,
  and the draw of test images 10;
- testing runs a copy of the model without dropout on the same weights. Dropout that keeps
  everything changes no number, but it draws random numbers, which would shift those of the
  training that goes on after the test;
- after each epoch the 5,000 validation images are tested too, at the end all test images.

The flags and the JSON lines are those of cmd/train.
"""

import argparse
import json
import os
import sys
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
import tensorflow.compat.v1 as tf  # noqa: E402
from tensorflow.core.protobuf.rewriter_config_pb2 import RewriterConfig  # noqa: E402

from idx import read_set  # noqa: E402

tf.disable_eager_execution()
tf.enable_resource_variables()

BATCH, TEST_BATCH, SAMPLE, VALIDATION = 128, 500, 256, 5000


def init_weights(name, shape, seed):
    return tf.Variable(tf.random_normal(shape, stddev=0.01, seed=seed), name=name)


def all_weights(seed):
    """Returns w, w2, w3, w4 and w_o; seed gives each its seed."""
    return (
        init_weights("w", [3, 3, 1, 32], seed(1)),  # 3x3x1 conv, 32 outputs
        init_weights("w2", [3, 3, 32, 64], seed(2)),  # 3x3x32 conv, 64 outputs
        init_weights("w3", [3, 3, 64, 128], seed(3)),  # 3x3x64 conv, 128 outputs
        init_weights("w4", [128 * 4 * 4, 625], seed(4)),  # FC 128 * 4 * 4 inputs, 625 outputs
        init_weights("w_o", [625, 10], seed(5)),  # FC 625 inputs, 10 outputs (labels)
    )


def model(X, w, w2, w3, w4, w_o, dropout):
    l1a = tf.nn.relu(tf.nn.conv2d(X, w, strides=[1, 1, 1, 1], padding="SAME"))  # (?, 28, 28, 32)
    l1 = tf.nn.max_pool(l1a, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")  # (?, 14, 14, 32)
    l1 = dropout(l1, "conv", 6)

    l2a = tf.nn.relu(tf.nn.conv2d(l1, w2, strides=[1, 1, 1, 1], padding="SAME"))  # (?, 14, 14, 64)
    l2 = tf.nn.max_pool(l2a, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")  # (?, 7, 7, 64)
    l2 = dropout(l2, "conv", 7)

    l3a = tf.nn.relu(tf.nn.conv2d(l2, w3, strides=[1, 1, 1, 1], padding="SAME"))  # (?, 7, 7, 128)
    l3 = tf.nn.max_pool(l3a, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")  # (?, 4, 4, 128)
    l3 = tf.reshape(l3, [-1, w4.get_shape().as_list()[0]])  # (?, 2048)
    l3 = dropout(l3, "conv", 8)

    l4 = tf.nn.relu(tf.matmul(l3, w4))
    l4 = dropout(l4, "hidden", 9)

    return tf.matmul(l4, w_o)


def session_config(precision):
    config = tf.ConfigProto()
    if precision == "bfloat16":
        config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = RewriterConfig.ON
    return config


def parse():
    p = argparse.ArgumentParser(description="Train the MNIST tutorial's ConvNet in Python.", allow_abbrev=False)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    p.add_argument("-data", default=os.path.join(cache, "tfrunner", "mnist"), help="MNIST's four files")
    p.add_argument("-epochs", type=int, default=100)
    p.add_argument("-steps", type=int, default=0, help="end after so many steps; 0: no such end")
    p.add_argument("-target", type=float, default=0, help="end when the validation accuracy reaches this; 0: no such end")
    p.add_argument("-seed", type=int, default=0, help="0: random")
    p.add_argument("-precision", choices=["float32", "bfloat16"], default="float32", help="bfloat16 where TensorFlow finds it safe")
    p.add_argument("-json", action="store_true", help="write records as lines of JSON on stdout")
    p.add_argument("-dump-graph", help="write the GraphDef, and do not train")
    p.add_argument("-init", help="restore the weights and slots from the checkpoint of this prefix")
    p.add_argument("-checkpoint", help="write the weights and slots to a checkpoint of this prefix")
    p.add_argument("-classes", help="write the predicted class of each test image to a file, a byte each")
    return p.parse_args()


def main():
    args = parse()
    if args.seed:
        tf.set_random_seed(args.seed)
    seed = (lambda s: s) if args.seed else (lambda s: None)

    X = tf.placeholder(tf.float32, [None, 28, 28, 1], name="X")
    Y = tf.placeholder(tf.float32, [None, 10], name="Y")

    w, w2, w3, w4, w_o = all_weights(seed)

    p_keep = {
        "conv": tf.placeholder(tf.float32, [], name="p_keep_conv"),
        "hidden": tf.placeholder(tf.float32, [], name="p_keep_hidden"),
    }
    py_x = model(X, w, w2, w3, w4, w_o, lambda l, keep, s: tf.nn.dropout(l, p_keep[keep], seed=seed(s)))
    py_x = tf.identity(py_x, name="py_x")

    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=py_x, labels=Y))
    cost = tf.identity(cost, name="cost")
    train_op = tf.train.RMSPropOptimizer(0.001, 0.9).minimize(cost)
    tf.argmax(py_x, 1, name="predict_op")
    predict_op = tf.argmax(model(X, w, w2, w3, w4, w_o, lambda l, keep, s: l), 1, name="test_predict_op")

    test_size = tf.placeholder(tf.int32, [], name="test_size")
    shuffled = tf.random_shuffle(tf.range(test_size), seed=seed(10))
    init, saver = tf.global_variables_initializer(), tf.train.Saver()

    if args.dump_graph:
        with open(args.dump_graph, "wb") as f:
            f.write(tf.get_default_graph().as_graph_def().SerializeToString())
        return

    trX, trY = read_set(args.data, "train")
    teX, teY = read_set(args.data, "t10k")
    vaX, vaY, trX, trY = trX[:VALIDATION], trY[:VALIDATION], trX[VALIDATION:], trY[VALIDATION:]

    def record(**fields):
        if args.json:
            print(json.dumps(fields, separators=(",", ":")), flush=True)
        elif fields["kind"] != "step":
            print(fields, flush=True)

    with tf.Session(config=session_config(args.precision)) as sess:
        sess.run(init)
        if args.init:
            saver.restore(sess, args.init)

        def classes(images):
            return np.concatenate([
                sess.run(predict_op, {X: images[i:i + TEST_BATCH]}) for i in range(0, len(images), TEST_BATCH)])

        def accuracy(images, labels):
            return float(np.mean(classes(images) == np.argmax(labels, axis=1)))

        start, step, epoch = time.time(), 0, 0
        done = False
        while epoch < args.epochs and not done:
            epoch_start, losses = time.time(), []
            for i in range(0, len(trX) - BATCH + 1, BATCH):
                _, loss = sess.run([train_op, cost], {
                    X: trX[i:i + BATCH], Y: trY[i:i + BATCH], p_keep["conv"]: 0.8, p_keep["hidden"]: 0.5})
                losses.append(float(loss))
                step += 1
                # str of a float32 is the shortest decimal that is exactly it.
                record(kind="step", epoch=epoch, step=step, loss=float(str(loss)))
                done = step == args.steps
                if done:
                    break
            if len(losses) < len(trX) // BATCH:
                break
            trained = time.time() - epoch_start
            validation = accuracy(vaX, vaY)
            sample = sess.run(shuffled, {test_size: len(teX)})[:SAMPLE]
            record(kind="epoch", epoch=epoch, step=step, loss=float(str(np.float32(np.mean(losses)))),
                   validation_accuracy=validation, sample_accuracy=accuracy(teX[sample], teY[sample]),
                   images_per_second=len(losses) * BATCH / trained, seconds=time.time() - epoch_start)
            epoch += 1
            done = done or 0 < args.target <= validation
        predicted = classes(teX)
        correct = int(np.sum(predicted == np.argmax(teY, axis=1)))
        record(kind="final", epochs=epoch, step=step, test_accuracy=correct / len(teX),
               correct=correct, total=len(teX), seconds=time.time() - start)
        if args.classes:
            predicted.astype(np.uint8).tofile(args.classes)
        if args.checkpoint:
            saver.save(sess, args.checkpoint, write_meta_graph=False, write_state=False)


if __name__ == "__main__":
    sys.exit(main())
