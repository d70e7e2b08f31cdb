"""Tests the tutorial's layers with Keras: all images by predict, single ones by predict_on_batch."""

import numpy as np

import keras_fit
import timing


def main():
    args = timing.testing_parser(__doc__).parse_args()
    model = keras_fit.convnet(args.precision)
    model.set_weights(timing.weights(args))
    timing.test(
        args,
        lambda images: np.argmax(model.predict(images, batch_size=timing.TEST_BATCH, verbose=0), axis=1),
        lambda image: np.argmax(model.predict_on_batch(image), axis=1))


if __name__ == "__main__":
    main()
