"""The paper's own numbers, for an overlay beside what is measured here. Never an expectation for small networks.

Source: Lin et al. 2020 (ICLR, OpenReview SJlHwkBYDH), tables 1, 2 and 4, figure 2. Success in per cent of 1000 ImageNet
images, eps 16/255, T = 10. Imports no torch.
"""

from __future__ import annotations

TARGETS = (
    "Inception-v3",
    "Inception-v4",
    "Inception-ResNet-v2",
    "ResNet-v2-101",
    "Inception-v3, ens3-adv",
    "Inception-v3, ens4-adv",
    "Inception-ResNet-v2, ens-adv",
)
"""Columns of tables 1 and 4; the last three are adversarially trained."""
ROBUST_FROM = 4

ON_INCEPTION_V3: dict[str, tuple[float, ...]] = {
    "FGSM": (67.1, 26.7, 25.0, 24.4, 10.5, 10.0, 4.5),
    "I-FGSM": (99.9, 20.7, 18.5, 15.3, 3.6, 5.8, 2.9),
    "PGD": (99.5, 17.3, 15.1, 13.1, 6.1, 5.6, 3.1),
    "C&W": (100.0, 18.4, 16.2, 14.3, 3.8, 4.7, 2.7),
    "NI-FGSM": (100.0, 52.6, 51.4, 41.0, 12.9, 12.8, 6.4),
    "SI-NI-FGSM": (100.0, 76.0, 73.3, 67.6, 31.6, 30.0, 17.4),
    "TIM": (100.0, 47.8, 42.8, 39.5, 24.0, 21.4, 12.9),
    "SI-NI-TIM": (100.0, 77.2, 75.8, 66.5, 51.8, 45.9, 33.5),
    "DIM": (98.7, 67.7, 62.9, 54.0, 20.5, 18.4, 9.7),
    "SI-NI-DIM": (99.6, 84.7, 81.7, 75.4, 36.9, 34.6, 20.2),
    "TI-DIM": (98.5, 66.1, 63.0, 56.1, 38.6, 34.9, 22.5),
    "SI-NI-TI-DIM": (99.6, 85.5, 80.9, 75.7, 61.5, 56.9, 40.7),
}
"""Tables 4 and 1: crafted on Inception-v3, the first column is the white box."""

ON_INCEPTION_RESNET: dict[str, tuple[float, ...]] = {
    "TIM": (62.0, 56.2, 97.5, 51.3, 32.8, 27.9, 21.9),
    "SI-NI-TIM": (86.4, 83.2, 99.5, 77.2, 66.1, 60.2, 57.1),
    "TI-DIM": (73.2, 67.5, 92.4, 61.3, 46.4, 40.2, 35.8),
    "SI-NI-TI-DIM": (89.6, 87.0, 99.1, 83.9, 74.0, 67.9, 63.7),
}
"""Table 1: crafted on Inception-ResNet-v2, the third column is the white box."""

ON_ENSEMBLE: dict[str, tuple[float, float, float]] = {
    "TIM": (71.6, 67.0, 53.2),
    "SI-NI-TIM": (93.2, 90.1, 84.5),
    "DIM": (66.4, 60.9, 41.6),
    "SI-NI-DIM": (88.2, 85.1, 69.7),
    "TI-DIM": (85.2, 80.2, 73.3),
    "SI-NI-TI-DIM": (96.0, 94.3, 90.3),
}
"""Table 2: crafted on the mean logits of the four normal models, on the three adversarially trained ones."""

FIGURE_2: dict[str, tuple[float, ...]] = {
    "T": (4, 6, 8, 10, 12, 14, 16),
    "MI-FGSM": (15.5, 22.0, 28.4, 32.3, 35.7, 39.3, 41.5),
    "NI-FGSM": (15.9, 24.0, 31.8, 37.0, 44.5, 50.0, 53.3),
}
"""Figure 2, read off the plot to half a point: Inception-v3 to Inception-v4. It fits a fixed step of 1/255."""


def black_box_mean(recipe: str) -> float:
    """Mean of a row of ON_INCEPTION_V3 over the six models that were not attacked, in per cent."""
    row = ON_INCEPTION_V3[recipe][1:]
    return sum(row) / len(row)
