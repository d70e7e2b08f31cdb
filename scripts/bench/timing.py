"""What the benchmark's scripts share: the lines of JSON that they print, and how testing is timed."""

import argparse
import json
import os
import sys
import time

import numpy as np

sys.path.insert(1, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from idx import read_set  # noqa: E402, F401

BATCH, TEST_BATCH, VALIDATION = 128, 500, 5000
WEIGHTS = ["w", "w2", "w3", "w4", "w_o"]


def record(**fields):
    print(json.dumps(fields, separators=(",", ":")), flush=True)


def parser(description):
    p = argparse.ArgumentParser(description=description, allow_abbrev=False)
    p.add_argument("-data", required=True, help="MNIST's four files")
    p.add_argument("-precision", choices=["float32", "bfloat16"], default="float32")
    return p


def training_parser(description):
    p = parser(description)
    p.add_argument("-steps", type=int, required=True, help="fewer than in an epoch")
    return p


def testing_parser(description):
    p = parser(description)
    p.add_argument("-run", required=True, help="the folder of cmd/train's run, with the weights in NAME.npy too")
    p.add_argument("-classes", required=True, help="write the predicted class of each test image to this file, a byte each")
    p.add_argument("-passes", type=int, required=True, help="evaluate so often")
    p.add_argument("-calls", type=int, required=True, help="classify single images so often")
    return p


def weights(args):
    return [np.load(os.path.join(args.run, name + ".npy")) for name in WEIGHTS]


def test(args, all_classes, one_class, prepare=lambda images: images):
    """Times all_classes of all prepared test images, and one_class of single ones, after a warm-up."""
    images, labels = read_set(args.data, "t10k")
    images, labels = prepare(images), np.argmax(labels, axis=1)
    classes = all_classes(images)
    for _ in range(args.passes):
        start = time.perf_counter()
        classes = all_classes(images)
        seconds = time.perf_counter() - start
        record(kind="evaluation", seconds=seconds, correct=int(np.sum(classes == labels)))
    calls = []
    for i in range(-100, args.calls):
        image = images[i % len(images):][:1]
        start = time.perf_counter()
        one_class(image)
        if i >= 0:
            calls.append(time.perf_counter() - start)
    record(kind="latency", calls=calls)
    classes.astype(np.uint8).tofile(args.classes)
