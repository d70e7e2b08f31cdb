"""Writes graphs of small classifiers of digits for TestImport, GraphDefs in a folder, NAME.pb each."""

import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
import tensorflow.compat.v1 as tf  # noqa: E402

tf.disable_eager_execution()


def one_hot_loss(labels, logits):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=tf.one_hot(labels, 10)))


def sparse_loss(labels, logits):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xent"))


@tf.RegisterGradient("Reversed")
def reversed_gradient(op, gradient):
    return -gradient


def reversing_relu(x):
    with tf.get_default_graph().gradient_override_map({"Relu": "Reversed"}):
        return tf.nn.relu(x)


def perceptron(name, loss=one_hot_loss, shape=(784,), dtype=tf.int64, hidden=tf.nn.relu, batch=None,
               weights=tf.float32, constant=None, dropout=False, train=True, resource=True):
    """Two layers with biases, and RMSProp with a step counter, by which its learning rate decays, times 1."""
    tf.reset_default_graph()
    tf.set_random_seed(7)
    images = tf.placeholder(tf.float32, (batch,) + shape, name="images")
    labels = tf.placeholder(dtype, [batch], name="labels")
    with tf.variable_scope("layers", use_resource=resource):
        w_var = tf.get_variable("w", [784, 30], weights, tf.glorot_uniform_initializer())
        w = tf.cast(w_var, tf.float32)
        b = tf.get_variable("b", [30], initializer=tf.zeros_initializer())
        w_o = tf.get_variable("w_o", [30, 10], initializer=tf.glorot_uniform_initializer())
        b_o = tf.get_variable("b_o", [10], initializer=tf.zeros_initializer())
    with tf.colocate_with(images):
        first = tf.identity(images) if shape == (784,) else tf.reshape(images, [-1, 784])
    first = tf.nn.bias_add(tf.matmul(first, w), b)
    if constant == "first":
        first = tf.stop_gradient(first)
    first = hidden(first)
    if dropout:
        count = tf.get_variable("count", [], initializer=tf.zeros_initializer(), trainable=False, use_resource=True)
        with tf.control_dependencies([count.assign_add(1)]):
            first = tf.nn.dropout(first, keep_prob=tf.placeholder(tf.float32, [], name="keep"))
    logits = tf.nn.bias_add(tf.matmul(first, w_o), b_o)
    if constant == "logits":
        logits = tf.stop_gradient(logits)
    cost = tf.identity(loss(labels, logits), name="cost")
    tf.argmax(logits, 1, output_type=tf.int32, name="classes")
    if train:
        with tf.variable_scope("training", use_resource=resource):
            step = tf.get_variable("step", [], tf.int64, tf.zeros_initializer(), trainable=False)
            rate = tf.train.exponential_decay(0.01, step, 10, 1.0)
            optimizer = tf.train.RMSPropOptimizer(rate, 0.8, momentum=0.5, epsilon=1e-3)
            optimizer.minimize(cost, global_step=step, name="train")
        tf.global_variables_initializer()
        tf.train.Saver()
    graph = tf.get_default_graph().as_graph_def()
    if name == "uninitialized":
        halve = w_var.assign(w_var / 2, read_value=False)
        load = w_var.assign(tf.placeholder(tf.float32, [784, 30]), read_value=False)
        graph = tf.graph_util.extract_sub_graph(
            tf.get_default_graph().as_graph_def(), ["cost", "classes", "save/restore_all", halve.name, load.name])
    with open(os.path.join(sys.argv[1], name + ".pb"), "wb") as f:
        f.write(graph.SerializeToString())


perceptron("flat")
perceptron("rows", shape=(28, 28), dtype=tf.int32)
perceptron("frozen", constant="first")
perceptron("dropout", dropout=True)
perceptron("sparse", loss=sparse_loss)
perceptron("custom", hidden=reversing_relu)
perceptron("ref", train=False, resource=False)
perceptron("double", weights=tf.float64)
perceptron("constant", constant="logits", train=False)
perceptron("fixed", batch=128)
perceptron("uninitialized")
