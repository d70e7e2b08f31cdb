"""Trains a small network by each optimizer of tf.compat.v1.train for 30 steps, and by two with its schedules.

    optimizers.py IN OUT

IN holds the bytes of float32 arrays: x [64, 784], y [64, 10], w1 [784, 20] and w2 [20, 10]. For each case,
OUT/CASE.losses gets the bytes of the float32 losses, OUT/CASE.rates those of the learning rates if there is a schedule,
and OUT/CASE.ckpt is the checkpoint at the end.
"""

import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import tensorflow.compat.v1 as tf  # noqa: E402

tf.disable_eager_execution()
tf.enable_resource_variables()

CASES = {
    "sgd": lambda step: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda step: tf.train.MomentumOptimizer(0.01, 0.9),
    "nesterov": lambda step: tf.train.MomentumOptimizer(0.01, 0.9, use_nesterov=True),
    "adagrad": lambda step: tf.train.AdagradOptimizer(0.01),
    "adagrad-da": lambda step: tf.train.AdagradDAOptimizer(0.01, step),
    "adagrad-da with l1 and l2": lambda step: tf.train.AdagradDAOptimizer(
        0.01, step, l1_regularization_strength=0.001, l2_regularization_strength=0.01),
    "adadelta": lambda step: tf.train.AdadeltaOptimizer(),
    "adam": lambda step: tf.train.AdamOptimizer(),
    "ftrl": lambda step: tf.train.FtrlOptimizer(0.01),
    "ftrl with l1 and l2": lambda step: tf.train.FtrlOptimizer(
        0.01, l1_regularization_strength=0.001, l2_regularization_strength=0.01),
    "rmsprop": lambda step: tf.train.RMSPropOptimizer(0.001),
    "rmsprop with momentum": lambda step: tf.train.RMSPropOptimizer(0.001, momentum=0.5),
    "centered-rmsprop": lambda step: tf.train.RMSPropOptimizer(0.001, centered=True),
    "proximal-sgd": lambda step: tf.train.ProximalGradientDescentOptimizer(0.1),
    "proximal-sgd with l1 and l2": lambda step: tf.train.ProximalGradientDescentOptimizer(
        0.1, l1_regularization_strength=0.001, l2_regularization_strength=0.01),
    "proximal-adagrad": lambda step: tf.train.ProximalAdagradOptimizer(0.01),
    "proximal-adagrad with l1 and l2": lambda step: tf.train.ProximalAdagradOptimizer(
        0.01, l1_regularization_strength=0.001, l2_regularization_strength=0.01),
}

SCHEDULES = {
    "exponential": lambda rate, step: tf.train.exponential_decay(rate, step, 7, 0.9),
    "step": lambda rate, step: tf.train.exponential_decay(rate, step, 7, 0.9, staircase=True),
    "cosine": lambda rate, step: tf.train.cosine_decay(rate, step, 20, 0.3),
}

SCHEDULED = {
    "sgd": lambda decay: tf.train.GradientDescentOptimizer(decay(0.1)),
    "rmsprop": lambda decay: tf.train.RMSPropOptimizer(decay(0.001)),
}


def main():
    source, out = sys.argv[1:]

    def read(name, shape):
        return np.fromfile(os.path.join(source, name), np.float32).reshape(shape)

    x, y = read("x", [64, 784]), read("y", [64, 10])

    def train(case, optimizer, decay):
        with tf.Graph().as_default():
            X, Y = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.float32, [None, 10])
            w1, w2 = tf.Variable(read("w1", [784, 20]), name="w1"), tf.Variable(read("w2", [20, 10]), name="w2")
            step = tf.train.get_or_create_global_step()
            logits = tf.matmul(tf.nn.relu(tf.matmul(X, w1)), w2)
            fetches = [tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=logits, labels=Y))]

            def decayed(rate):
                fetches.append(decay(rate, step))
                return fetches[-1]

            train_op = optimizer(decayed if decay else step).minimize(fetches[0], global_step=step)
            with tf.Session() as sess:
                sess.run(tf.global_variables_initializer())
                values = [sess.run([fetches, train_op], {X: x, Y: y})[0] for _ in range(30)]
                for name, column in zip(["losses", "rates"], zip(*values)):
                    np.array(column, np.float32).tofile(os.path.join(out, f"{case}.{name}"))
                tf.train.Saver().save(sess, os.path.join(out, case + ".ckpt"), write_meta_graph=False, write_state=False)

    for case, optimizer in CASES.items():
        train(case, optimizer, None)
    for case, optimizer in SCHEDULED.items():
        for name, decay in SCHEDULES.items():
            train(f"{case} {name}", optimizer, decay)


if __name__ == "__main__":
    sys.exit(main())
