"""How far radiographs are varied in training: settings only, no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """How far radiographs are varied: standard deviations of normal draws, fractions of radiographs, half ranges of uniform draws.

    Parameters
    ----------
    mirror
        Fraction of radiographs that are mirrored. The labels change sides too: right is what lies on the left of the picture.
    degrees, zoom, aspect, shift
        Orientation; log scale, log ratio of height to width; shift as a fraction of the side. Zoom in and shift are the paper's
        random cropping.
    bend
        Elastic deformation: standard deviation of the displacement as a fraction of the side, on a coarse grid.
    gamma, window
        Log gamma, and how far black and white point move (fraction of the grey range).
    noise
        Largest standard deviation of Gaussian noise, and of Poisson noise at white (its normal approximation).
    veil
        Fraction of radiographs with known lungs that get smooth opacities in them, as of pneumonia.
    blur, sharpen, shade, frame, letters
        Fractions of radiographs that get each.
    """

    mirror: float = 0.5
    degrees: float = 6.0
    zoom: float = 0.14
    aspect: float = 0.07
    shift: float = 0.07
    bend: float = 0.012
    gamma: float = 0.4
    window: float = 0.18
    noise: float = 0.015
    veil: float = 0.45
    blur: float = 0.1
    sharpen: float = 0.2
    shade: float = 0.5
    frame: float = 0.15
    letters: float = 0.3
