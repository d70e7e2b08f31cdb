"""Trains the tutorial's layers with Keras's fit. What differs: Keras's RMSprop starts with slots of zero."""

import os

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
os.environ["KERAS_BACKEND"] = "tensorflow"
import keras  # noqa: E402

import timing  # noqa: E402


def convnet(precision):
    if precision == "bfloat16":
        keras.mixed_precision.set_global_policy("mixed_bfloat16")

    def normal():
        return keras.initializers.RandomNormal(stddev=0.01)

    layers = [keras.Input((28, 28, 1))]
    for filters in 32, 64, 128:
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same", use_bias=False, activation="relu", kernel_initializer=normal()),
            keras.layers.MaxPooling2D(2, padding="same"),
            keras.layers.Dropout(0.2),
        ]
    return keras.Sequential(layers + [
        keras.layers.Flatten(),
        keras.layers.Dense(625, use_bias=False, activation="relu", kernel_initializer=normal()),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(10, use_bias=False, dtype="float32", kernel_initializer=normal()),
    ])


class Lines(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        timing.record(kind="step", step=batch + 1, loss=float(logs["loss"]))


def main():
    args = timing.training_parser(__doc__).parse_args()
    model = convnet(args.precision)
    model.compile(keras.optimizers.RMSprop(0.001, rho=0.9, epsilon=1e-10),
                  keras.losses.CategoricalCrossentropy(from_logits=True))
    trX, trY = timing.read_set(args.data, "train")
    teX, teY = timing.read_set(args.data, "t10k")
    trX, trY = trX[timing.VALIDATION:], trY[timing.VALIDATION:]
    model.fit(trX, trY, batch_size=timing.BATCH, steps_per_epoch=args.steps, shuffle=False, verbose=0, callbacks=[Lines()])
    logits = model.predict(teX, batch_size=timing.TEST_BATCH, verbose=0)
    correct = int(np.sum(np.argmax(logits, axis=1) == np.argmax(teY, axis=1)))
    timing.record(kind="final", step=args.steps, correct=correct, total=len(teX))


if __name__ == "__main__":
    main()
