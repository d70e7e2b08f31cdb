"""Loads a SavedModel in each of the ways that TensorFlow for Python has, and saves what it gives.

    exported.py SAVEDMODEL PIXELS.npy IMAGE.png OUT

PIXELS.npy are uint8 [n, 28, 28, 1]. For each way, OUT/WAY.classes.npy and OUT/WAY.probabilities.npy
are written, and OUT/show.txt is what saved_model_cli shows.
"""

import contextlib
import os
import subprocess
import sys

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

CLI = [sys.executable, "-m", "tensorflow.python.tools.saved_model_cli"]


def main():
    model, pixels_file, image_file, out = sys.argv[1:]
    pixels = np.load(pixels_file)
    images = pixels.astype(np.float32) * np.float32(1.0 / 255.0)
    with open(image_file, "rb") as f:
        encoded = f.read()

    def save(way, result):
        for name in ["classes", "probabilities"]:
            np.save(os.path.join(out, f"{way}.{name}.npy"), np.asarray(result[name]))

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
    subprocess.run(CLI + ["run", "--dir", model, "--tag_set", "serve", "--signature_def", "serving_default",
                          "--inputs", f"images={images_file}", "--outdir", out, "--overwrite"],
                   check=True, capture_output=True)
    save("cli", {name: np.load(os.path.join(out, name + ".npy")) for name in ["classes", "probabilities"]})
    with open(os.path.join(out, "show.txt"), "wb") as f:
        f.write(subprocess.run(CLI + ["show", "--dir", model, "--all"], check=True, capture_output=True).stdout)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        sys.exit(main())
