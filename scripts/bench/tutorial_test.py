"""Tests the tutorial's model as the tutorial does: with dropouts that keep all, in batches of 500."""

import numpy as np

import timing  # first, for the path of tutorial
import tutorial
from tutorial import tf


def main():
    args = timing.testing_parser(__doc__).parse_args()
    X = tf.placeholder(tf.float32, [None, 28, 28, 1])
    p_keep = {"conv": tf.placeholder(tf.float32, []), "hidden": tf.placeholder(tf.float32, [])}
    weights = tutorial.all_weights(lambda s: None)
    py_x = tutorial.model(X, *weights, lambda l, keep, s: tf.nn.dropout(l, p_keep[keep]))
    predict_op = tf.argmax(py_x, 1)
    saver = tf.train.Saver(weights)
    with tf.Session(config=tutorial.session_config(args.precision)) as sess:
        saver.restore(sess, tf.train.latest_checkpoint(args.run))

        def classes(images):
            return sess.run(predict_op, {X: images, p_keep["conv"]: 1.0, p_keep["hidden"]: 1.0})

        def all_classes(images):
            n = timing.TEST_BATCH
            return np.concatenate([classes(images[i:i + n]) for i in range(0, len(images), n)])

        timing.test(args, all_classes, classes)


if __name__ == "__main__":
    main()
