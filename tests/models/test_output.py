"""Probabilities are the softmax of the scores, and a batch's prediction has them with its maps."""

import numpy as np
import torch
from scipy.special import softmax

from attnmel.models.classifiers import build_network
from attnmel.models.output import predict_batch, probabilities


def test_probabilities_are_the_softmax_of_divided_scores_in_double_precision() -> None:
    logits = 5 * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    for temperature, divisor in ((None, 1.0), (2.5, 2.5)):
        found = probabilities(logits, temperature).numpy()
        np.testing.assert_allclose(found, softmax(logits.numpy().astype(np.float64) / divisor, axis=1), rtol=1e-14)
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-15)


def test_a_batch_has_the_probabilities_and_maps_of_its_output() -> None:
    torch.manual_seed(0)
    network, images = build_network("attnmel-cnn", width=0.05, classes=3).eval(), torch.rand(2, 3, 64, 64)
    found, output = predict_batch(network, images, 2.0), network(images)
    np.testing.assert_allclose(found.probabilities, probabilities(output.logits, 2.0).detach().numpy(), rtol=1e-6)
    for attention, expected in zip(found.attention, output.attention, strict=True):
        np.testing.assert_allclose(attention, expected[:, 0].detach().numpy(), rtol=1e-6)
