"""Trains a small Keras model on MNIST for seconds and saves it in the forms that cmd/predict takes.

usage: digitmodels.py MNIST-FOLDER OUT-FOLDER

In OUT-FOLDER:

- keras: by Keras's export, serving_default from float32 [?,28,28,1] to probabilities;
- pixels: a tf.Module, signature pixels from uint8 [?,28,28,1] to probabilities, next to a
  serving_default that gives wrong answers;
- logits: a tf.Module, serving_default from float32 [?,28,28] to logits;
- flat: by Keras's export, serving_default from float32 [?,784] to probabilities;
- other: a tf.Module whose signatures have nothing to do with digits;
- ambiguous: a tf.Module whose serving_default gives two outputs, neither called probabilities;
- broken: a tf.Module that gives NaN;
- expected.json: the class that keras gives for each of the first 300 test images.
"""

import gzip
import json
import os
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402


def read(name, header):
    for path, opener in ((name, open), (name + ".gz", gzip.open)):
        if os.path.exists(path):
            with opener(path, "rb") as f:
                return np.frombuffer(f.read(), np.uint8, offset=header)
    sys.exit(f"{name}: no such file")


def spec(dtype, *shape):
    return tf.TensorSpec([None, *shape], dtype)


def save(out, **signatures):
    module = tf.Module()
    module.weights = [v.value for v in model.variables]  # a Keras 3 model alone would not be saved with them
    tf.saved_model.save(module, out, signatures=signatures)


data, out = sys.argv[1:]
images = read(os.path.join(data, "train-images-idx3-ubyte"), 16).reshape(-1, 28, 28, 1)
labels = read(os.path.join(data, "train-labels-idx1-ubyte"), 8)
test = read(os.path.join(data, "t10k-images-idx3-ubyte"), 16).reshape(-1, 28, 28, 1)[:300]

keras.utils.set_random_seed(7)
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(16, 5, strides=2, activation="relu"),
    keras.layers.Conv2D(32, 3, strides=2, activation="relu"),
    keras.layers.Flatten(),
    keras.layers.Dense(64, activation="relu"),
    keras.layers.Dense(10),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(images[:30000].astype(np.float32) / 255, labels[:30000], batch_size=64, epochs=2, verbose=0)

softmax = keras.Sequential([model, keras.layers.Softmax()])
softmax.export(os.path.join(out, "keras"), verbose=False)
flat = keras.Sequential([keras.Input((784,)), keras.layers.Reshape((28, 28, 1)), softmax])
flat.export(os.path.join(out, "flat"), verbose=False)


@tf.function(input_signature=[spec(tf.uint8, 28, 28, 1)])
def pixels(images):
    classes = tf.nn.softmax(model(tf.cast(images, tf.float32) / 255))
    return {"probabilities": classes, "logits": tf.math.log(classes)}


@tf.function(input_signature=[spec(tf.float32, 28, 28)])
def logits(images):
    scores = model(images[..., tf.newaxis])
    return {"logits": scores, "class": tf.argmax(scores, 1)}


@tf.function(input_signature=[spec(tf.float32, 28, 28, 1)])
def wrong(images):
    return {"probabilities": tf.one_hot(tf.zeros_like(images[:, 0, 0, 0], tf.int32), 10)}


@tf.function(input_signature=[spec(tf.float32, 28, 28, 1)])
def nan(images):
    return {"probabilities": model(images) * float("nan")}


@tf.function(input_signature=[spec(tf.float32, 28, 28, 1)])
def ambiguous(images):
    return {"scores": model(images), "others": -model(images)}


@tf.function(input_signature=[spec(tf.float32, 5), spec(tf.int64)])
def other(x, y):
    return {"sum": x, "count": y}


save(os.path.join(out, "pixels"), pixels=pixels, serving_default=wrong)
save(os.path.join(out, "logits"), serving_default=logits)
save(os.path.join(out, "broken"), serving_default=nan)
save(os.path.join(out, "ambiguous"), serving_default=ambiguous)
save(os.path.join(out, "other"), serving_default=other)
with open(os.path.join(out, "expected.json"), "w") as f:
    json.dump(np.argmax(model(test.astype(np.float32) / 255), 1).tolist(), f)
