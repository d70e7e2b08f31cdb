"""Reads MNIST's IDX files."""

import gzip
import os

import numpy as np


def read_idx(folder, name, header):
    """Returns the bytes of an IDX file, gzipped or not, after its header."""
    path = os.path.join(folder, name)
    with open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz") as f:
        return np.frombuffer(f.read(), np.uint8, offset=header)


def read_set(folder, prefix):
    """Returns images, float32 [n, 28, 28, 1], and labels, one-hot float32 [n, 10]."""
    pixels = read_idx(folder, prefix + "-images-idx3-ubyte", 16).reshape(-1, 28, 28, 1)
    labels = read_idx(folder, prefix + "-labels-idx1-ubyte", 8)
    return pixels.astype(np.float32) * np.float32(1.0 / 255.0), np.eye(10, dtype=np.float32)[labels]
