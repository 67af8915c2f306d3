"""Draws docs/augmentation.png: what each augmentation makes of one digit.

The digit is one of scikit-learn's, the program ``python docs/plot_augmentation.py`` with
matplotlib.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image
from scipy.ndimage import zoom
from sklearn.datasets import load_digits

from caviar import augmentation as aug

N_DRAWS = 8
SHAPE = (
    24,
    24,
)  # three times the size of the digits, so that small motions can be seen
AUGMENTATIONS = {
    "as it is": [],
    "HorizontalFlip": aug.HorizontalFlip(SHAPE),
    "RandomCrop(padding=3)": aug.RandomCrop(SHAPE, padding=3),
    "RandomCrop(scale=0.5)": aug.RandomCrop(SHAPE, scale=0.5),
    "RandomAffine": aug.RandomAffine(
        SHAPE, rotation=20, translate=0.1, scale=0.2, stretch=0.2, shear=15
    ),
    "LensDistortion(k=0.3)": aug.LensDistortion(SHAPE, k=0.3),
    "all of these but the flip": [
        aug.RandomCrop(SHAPE, scale=0.8),
        aug.RandomAffine(SHAPE, rotation=15, shear=10),
        aug.LensDistortion(SHAPE, k=0.2),
    ],
    "ColorJitter": aug.ColorJitter(SHAPE, brightness=0.5, contrast=0.5),
    "Cutout(size=8)": aug.Cutout(SHAPE, size=8),
    "CutMix": aug.CutMix(SHAPE, p=1.0),
    "Mixup(alpha=1)": aug.Mixup(alpha=1.0),
    "GaussianNoise": aug.GaussianNoise(std=0.2),
    "FeatureDropout": aug.FeatureDropout(p=0.2),
}


def digits():
    """The same 2 for each draw, then other digits for those that mix rows."""
    X, y = load_digits(return_X_y=True)
    images = X.reshape(-1, 8, 8) / 16
    rows = [images[y == 2][3]] * N_DRAWS + list(images[y != 2][: 4 * N_DRAWS])
    return np.array([zoom(image, 3, order=1).ravel() for image in rows])


def main():
    X = digits()
    figure, axes = plt.subplots(
        len(AUGMENTATIONS),
        N_DRAWS,
        dpi=72,
        figsize=(N_DRAWS * 0.8 + 2, len(AUGMENTATIONS) * 0.8),
    )
    for row, (name, augment) in zip(axes, AUGMENTATIONS.items(), strict=True):
        results = aug.augment(augment, X, random_state=1)[:N_DRAWS]
        for ax, image in zip(row, results, strict=True):
            ax.imshow(image.reshape(SHAPE), cmap="gray", vmin=0, vmax=1)
            ax.set_axis_off()
        row[0].text(
            -0.1, 0.5, name, transform=row[0].transAxes, ha="right", va="center"
        )
    figure.subplots_adjust(left=0.28, right=0.99, top=0.99, bottom=0.01, wspace=0.05)
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("L")
    picture.save(Path(__file__).with_name("augmentation.png"), optimize=True)


if __name__ == "__main__":
    main()
