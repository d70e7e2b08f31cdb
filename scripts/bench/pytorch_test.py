"""Tests the tutorial's layers with PyTorch on the CPU, without gradients."""

import numpy as np
import torch

import timing
from pytorch_train import all_classes, convnet, parse, to_torch


def main():
    args, layout, precision = parse(timing.testing_parser(__doc__))
    model = convnet().eval().to(memory_format=layout)
    *filters, w4, w_o = timing.weights(args)
    w4 = w4.reshape(4, 4, 128, 625).transpose(2, 0, 1, 3).reshape(2048, 625)  # the pixels of a channel together
    values = [w.transpose(3, 2, 0, 1) for w in filters] + [w4.T, w_o.T]
    with torch.no_grad():
        for w, value in zip(model.parameters(), values, strict=True):
            w.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    with precision:
        timing.test(
            args,
            lambda images: all_classes(model, images),
            lambda image: all_classes(model, image),
            prepare=lambda images: to_torch(images).contiguous(memory_format=layout))


if __name__ == "__main__":
    main()
