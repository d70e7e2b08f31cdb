"""Trains the tutorial's layers with PyTorch on the CPU. What differs: its RMSprop starts with slots of zero."""

import numpy as np
import torch
from torch import nn

import timing


def convnet():
    layers, channels = [], 1
    for filters in 32, 64, 128:
        layers += [
            nn.Conv2d(channels, filters, 3, padding="same", bias=False), nn.ReLU(),
            nn.MaxPool2d(2, ceil_mode=True), nn.Dropout(0.2)]
        channels = filters
    model = nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(2048, 625, bias=False), nn.ReLU(), nn.Dropout(0.5), nn.Linear(625, 10, bias=False))
    for w in model.parameters():
        nn.init.normal_(w, std=0.01)
    return model


def to_torch(images):
    """Returns NHWC images of one channel as NCHW."""
    return torch.from_numpy(images).reshape(-1, 1, 28, 28)


def parse(parser):
    """Returns the arguments, the layout of images and weights, and the context of the model's calls."""
    parser.add_argument("-channels-last", action="store_true", dest="last")
    args = parser.parse_args()
    layout = torch.channels_last if args.last else torch.contiguous_format
    return args, layout, torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.precision == "bfloat16")


def all_classes(model, images):
    with torch.no_grad():
        n = timing.TEST_BATCH
        return np.concatenate([model(images[i:i + n]).argmax(1).numpy() for i in range(0, len(images), n)])


def main():
    args, layout, precision = parse(timing.training_parser(__doc__))
    model = convnet().to(memory_format=layout)
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-10)
    trX, trY = timing.read_set(args.data, "train")
    teX, teY = timing.read_set(args.data, "t10k")
    trX, trY = to_torch(trX[timing.VALIDATION:]), torch.from_numpy(trY[timing.VALIDATION:].argmax(1))
    with precision:
        for step in range(args.steps):
            i = step * timing.BATCH
            images = trX[i:i + timing.BATCH].contiguous(memory_format=layout)
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(images), trY[i:i + timing.BATCH])
            loss.backward()
            optimizer.step()
            timing.record(kind="step", step=step + 1, loss=loss.item())
        model.eval()
        classes = all_classes(model, to_torch(teX).contiguous(memory_format=layout))
    timing.record(kind="final", step=args.steps, correct=int(np.sum(classes == teY.argmax(1))), total=len(teX))


if __name__ == "__main__":
    main()
