"""Loads a SavedModel in each of the ways that TensorFlow for Python has, and saves what it gives.

    exported.py SAVEDMODEL PIXELS IMAGE OUT

PIXELS holds the bytes of images of 28x28 pixels, IMAGE is a PNG or JPEG file. For each way, OUT/WAY.classes
gets the bytes of the int64 classes, OUT/WAY.probabilities those of the float32 probabilities.
"""

import os
import subprocess
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402


def main():
    model, pixels_file, image_file, out = sys.argv[1:]
    pixels = np.fromfile(pixels_file, np.uint8).reshape(-1, 28, 28, 1)
    images = pixels.astype(np.float32) * np.float32(1.0 / 255.0)
    with open(image_file, "rb") as f:
        encoded = f.read()

    def save(way, result):
        for name in ["classes", "probabilities"]:
            np.asarray(result[name]).tofile(os.path.join(out, f"{way}.{name}"))

    loaded = tf.saved_model.load(model)
    save("load", loaded.signatures["serving_default"](images=tf.constant(images)))
    save("pixels", loaded.signatures["pixels"](pixels=tf.constant(pixels)))
    save("encoded", loaded.signatures["encoded"](image=tf.constant(encoded)))
    save("keras", keras.layers.TFSMLayer(model, call_endpoint="serving_default")(images))

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], model)
        signature = meta.signature_def["serving_default"]
        save("v1", session.run({k: v.name for k, v in signature.outputs.items()}, {signature.inputs["images"].name: images}))

    images_file = os.path.join(out, "images.npy")
    np.save(images_file, images)
    cli = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]
    subprocess.run(cli + ["show", "--dir", model, "--all"], check=True, capture_output=True)
    subprocess.run(cli + ["run", "--dir", model, "--tag_set", "serve", "--signature_def", "serving_default",
                          "--inputs", f"images={images_file}", "--outdir", out],
                   check=True, capture_output=True)
    save("cli", {name: np.load(os.path.join(out, name + ".npy")) for name in ["classes", "probabilities"]})


if __name__ == "__main__":
    sys.exit(main())
