"""Writes small SavedModels and GraphDefs with TensorFlow for Python, each with
what Python itself reads from it: the Go side must get the same bits.

usage: fixtures.py FOLDER

  MODEL/model                     a SavedModel
  MODEL/SIGNATURE.CASE/in/*.npy   inputs, a file each
  MODEL/SIGNATURE.CASE/out/*.npy  what Python computes from them
  keras/show.txt                  what saved_model_cli show --all prints
  graph/graph.pb, graph.pbtxt     a bare GraphDef with a variable
  npy/*.npy                       arrays in the ways that numpy stores them;
  npy/plain/*.npy                 the same, little-endian and in C order
"""

import contextlib
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.tools import saved_model_cli

out = sys.argv[1]
float32 = np.float32
bfloat16 = tf.bfloat16.as_numpy_dtype


def path(*names):
    name = os.path.join(out, *names)
    os.makedirs(os.path.dirname(name), exist_ok=True)
    return name


def save(name, value):
    value = np.asarray(value)
    if value.dtype == object:  # TensorFlow's strings
        value = value.astype("S")
    np.save(name, value)


def expect(model, signature, **cases):
    """Saves the inputs of the cases and what the signature makes of them."""
    run = tf.saved_model.load(path(model, "model")).signatures[signature]
    for case, inputs in cases.items():
        outputs = run(**{key: tf.constant(value) for key, value in inputs.items()})
        for side, tensors in ("in", inputs), ("out", outputs):
            for key, value in tensors.items():
                save(path(model, signature + "." + case, side, key + ".npy"), value)


def spec(dtype, *shape):
    return tf.TensorSpec(shape, dtype)


def random(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(float32)


# Keras 3, with an unknown batch size.
keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((4, 4, 1), name="image"),
    keras.layers.Conv2D(3, 2, activation="relu"),
    keras.layers.Flatten(),
    keras.layers.Dense(5, activation="softmax"),
])
model.export(path("keras", "model"), verbose=False)
expect("keras", "serving_default", one={"image": random(1, 4, 4, 1)}, many={"image": random(7, 4, 4, 1)},
       empty={"image": random(0, 4, 4, 1)})
with open(path("keras", "show.txt"), "w") as file, contextlib.redirect_stdout(file):
    saved_model_cli._show_all(path("keras", "model"))


# Several signatures, several inputs and outputs.
class Module(tf.Module):
    def __init__(self):
        self.w = tf.Variable(random(3, 2), name="w")
        self.calls = tf.Variable(0, dtype=tf.int64, name="calls")

    @tf.function(input_signature=[spec(tf.float32, None, 3), spec(tf.float32, None, 2)])
    def dense(self, x, b):
        y = x @ self.w + b
        return {"y": y, "sum": tf.reduce_sum(y), "rows": tf.shape(x, tf.int64)[0]}

    @tf.function(input_signature=[spec(tf.float32), spec(tf.int32)])
    def scalar(self, x, n):
        return {"y": x / 3, "n": n + 1}

    @tf.function(input_signature=[tf.TensorSpec(None, tf.float32)])
    def any_rank(self, x):
        return {"y": x * 2}

    @tf.function(input_signature=[spec(tf.float32, None), spec(tf.float32)])
    def default(self, x, factor=tf.constant(3.0)):
        return {"y": x * factor}

    @tf.function(input_signature=[])
    def count(self):
        return {"calls": self.calls.assign_add(1)}


module = Module()
tf.saved_model.save(module, path("module", "model"), signatures={
    "dense": module.dense, "scalar": module.scalar, "any_rank": module.any_rank, "default": module.default,
    "count": module.count})
expect("module", "dense", two={"x": random(2, 3), "b": random(2, 2)}, empty={"x": random(0, 3), "b": random(0, 2)})
expect("module", "scalar", one={"x": float32(0.1), "n": np.int32(-7)})
expect("module", "any_rank", scalar={"x": float32(0.1)}, cube={"x": random(2, 3, 4)})
expect("module", "default", three={"x": random(2), "factor": float32(3)})
expect("module", "count", first={})


# Every dtype.
class Dtypes(tf.Module):
    @tf.function(input_signature=[
        spec(tf.string, None, None), spec(tf.int64, None), spec(tf.bool, None), spec(tf.float16, None), spec(tf.bfloat16, None)])
    def five(self, text, n, flag, half, brain):
        return {"text": tf.strings.upper(text), "length": tf.strings.length(text), "n": n + 1, "flag": tf.logical_not(flag),
                "half": half * 1.1, "brain": brain * 1.1}

    @tf.function(input_signature=[spec(dtype, None, 2) for dtype in (
        tf.int8, tf.int16, tf.int32, tf.uint8, tf.uint16, tf.uint32, tf.uint64, tf.float64, tf.complex64, tf.complex128)])
    def others(self, i8, i16, i32, u8, u16, u32, u64, f64, c64, c128):
        return {"i8": i8, "i16": i16, "i32": i32, "u8": u8, "u16": u16, "u32": u32, "u64": u64, "f64": f64 / 3,
                "c64": c64 * c64, "c128": c128 * c128}


dtypes = Dtypes()
tf.saved_model.save(dtypes, path("dtypes", "model"), signatures={"five": dtypes.five, "others": dtypes.others})
expect("dtypes", "five", some={
    "text": np.array([["a;b", "grün"], ["", "x" * 40]]), "n": np.array([2**53 + 1, -2**63]), "flag": np.array([True, False]),
    "half": np.array([0.1, -65504, 6e-8], np.float16), "brain": np.array([0.1, -3e38, 1e-40], bfloat16)}, empty={
    "text": np.zeros((0, 2), "S1"), "n": np.zeros(0, np.int64), "flag": np.zeros(0, bool),
    "half": np.zeros(0, np.float16), "brain": np.zeros(0, bfloat16)})
ends = {key: np.array([[np.iinfo(dtype).min, np.iinfo(dtype).max]], dtype) for key, dtype in {
    "i8": np.int8, "i16": np.int16, "i32": np.int32, "u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "u64": np.uint64}.items()}
expect("dtypes", "others", ends={
    **ends, "f64": np.array([[0.1, np.inf]]), "c64": np.array([[1 + 2j, 0.1j]], np.complex64), "c128": np.array([[1 + 2j, 0.1j]])})


# A hash table whose words are an asset.
with open(path("table", "words.txt"), "w") as file:
    file.write("zero\none\ntwo\n")


class Table(tf.Module):
    def __init__(self):
        self.table = tf.lookup.StaticHashTable(tf.lookup.TextFileInitializer(
            tf.saved_model.Asset(path("table", "words.txt")), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER), -1)

    @tf.function(input_signature=[spec(tf.string, None)])
    def find(self, word):
        return {"line": self.table.lookup(word)}


table = Table()
tf.saved_model.save(table, path("table", "model"), signatures=table.find)
expect("table", "serving_default", words={"word": np.array([b"two", b"nine", b"zero"], object)})

# TensorFlow 1, with a reference variable.
v1 = tf.compat.v1
with tf.Graph().as_default(), v1.Session() as session:
    x = v1.placeholder(tf.float32, [None, 3], name="x")
    w = v1.get_variable("w", initializer=random(3, 2), use_resource=False)
    y = tf.nn.softmax(x @ w, name="y")
    session.run(w.initializer)
    v1.saved_model.simple_save(session, path("v1", "model"), {"x": x}, {"y": y})
expect("v1", "serving_default", two={"x": random(2, 3)})

# Tensors that are made of several.
with tf.Graph().as_default(), v1.Session() as session:
    x = v1.sparse_placeholder(tf.float32, [None, 3], name="x")
    r = v1.ragged.placeholder(tf.int32, 1, [], name="r")
    outputs = {"y": x * 2.0, "s": r + 1}
    v1.saved_model.simple_save(session, path("composite", "model"), {"x": x, "r": r}, outputs)
    inputs = {"x.indices": [[0, 2], [1, 0]], "x.values": float32([5, 0.1]), "x.dense_shape": [2, 3], "r.0": np.int32([7, 8, 9]), "r.1": [0, 1, 3]}
    y, s = session.run([outputs["y"], outputs["s"]], {
        x: v1.SparseTensorValue(inputs["x.indices"], inputs["x.values"], inputs["x.dense_shape"]),
        r.flat_values: inputs["r.0"], r.row_splits: inputs["r.1"]})
    parts = {"y.indices": y.indices, "y.values": y.values, "y.dense_shape": y.dense_shape, "s.0": s.values, "s.1": s.row_splits}
    for side, tensors in ("in", inputs), ("out", parts):
        for key, value in tensors.items():
            save(path("composite", "serving_default.one", side, key + ".npy"), value)

# A bare GraphDef: w must be initialized, and step counts.
with tf.Graph().as_default() as graph, v1.Session() as session:
    X = v1.placeholder(tf.float32, [None, 3], name="X")
    w = v1.get_variable("w", initializer=random(3, 2), use_resource=True)
    y = tf.matmul(X, w, name="y")
    top = tf.math.top_k(y, 1, name="top")
    step = tf.group(w.assign(w + 1), name="step")
    init = tf.group(w.initializer, name="init")
    for name in "graph.pb", "graph.pbtxt":
        tf.io.write_graph(graph, path("graph", ""), name, as_text=name.endswith("txt"))
    session.run(init)
    session.run(step)
    save(path("graph", "X.npy"), random(2, 3))
    for name in "y:0", "top:1":
        save(path("graph", name + ".npy"), session.run(name, {X: random(2, 3)}))

# Arrays in the ways of numpy.
cube = np.arange(24).reshape(2, 3, 4)
arrays = {
    "float32": cube.astype("<f4"), "big_float32": cube.astype(">f4"), "fortran": np.asfortranarray(cube.astype("<f4")),
    "big_fortran_int16": np.asfortranarray(cube.astype(">i2")), "big_complex": (cube + 1j).astype(">c8"),
    "fortran_half": np.asfortranarray(cube.astype("<f2")), "big_uint64": cube.astype(">u8"), "bool": cube % 3 == 0,
    "scalar": np.array(0.1), "empty": np.zeros((0, 3), "<f4"), "bfloat16": cube.astype(bfloat16),
    "bytes": np.array([b"", b"a\0b", b"long"]), "fortran_bytes": np.asfortranarray([[b"a", b"b"], [b"c", b"d"]]),
}
for name, array in arrays.items():
    np.save(path("npy", name + ".npy"), array)
    np.save(path("npy", "plain", name + ".npy"), np.ascontiguousarray(array).reshape(array.shape).astype(array.dtype.newbyteorder("<")))
text = np.array(["grün", "", "日本"])
for name, array in ("unicode", text), ("big_unicode", text.astype(">U4")):
    np.save(path("npy", name + ".npy"), array)
    np.save(path("npy", "plain", name + ".npy"), np.char.encode(text, "utf-8"))
with open(path("npy", "version2.npy"), "wb") as file:
    np.lib.format.write_array(file, arrays["float32"], version=(2, 0))
np.save(path("npy", "plain", "version2.npy"), arrays["float32"])
np.save(path("npy", "objects.npy"), np.array([1, "a"], object))
np.save(path("npy", "fields.npy"), np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
np.savez(path("npy", "two.npz"), x=arrays["float32"], y=arrays["bool"])
np.savez_compressed(path("npy", "one.npz"), arrays["float32"])
