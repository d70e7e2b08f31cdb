"""Prints what TensorBoard reads from a folder of event files, as JSON."""
import base64
import json
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import graph_pb2

events = event_accumulator.EventAccumulator(sys.argv[1], size_guidance=dict.fromkeys(["scalars", "histograms", "images"], 0))
events.Reload()
tags = events.Tags()
graph = graph_pb2.GraphDef()
if tags["graph"]:
    graph = events.Graph()


def histogram(h):
    return {"min": h.min, "max": h.max, "num": h.num, "sum": h.sum, "counts": list(h.bucket), "limits": list(h.bucket_limit)}


print(json.dumps({
    "scalars": {tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in tags["scalars"]},
    "histograms": {tag: [{"step": e.step, **histogram(e.histogram_value)} for e in events.Histograms(tag)] for tag in tags["histograms"]},
    "images": {tag: [{"step": e.step, "width": e.width, "height": e.height, "png": base64.b64encode(e.encoded_image_string).decode()}
                     for e in events.Images(tag)] for tag in tags["images"]},
    "nodes": [n.name for n in graph.node],
}))
