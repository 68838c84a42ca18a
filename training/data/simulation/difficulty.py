"""How hard the simulated nodules are to see. Frozen before any network was compared: see `DIFFICULTY`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difficulty:
    """What is drawn for each radiograph and each nodule; ranges are uniform.

    Parameters
    ----------
    mediastinum
        Logarithm of the attenuation that lies between the grey values of a radiograph's lungs and its mediastinum; it gives the
        radiograph's slope (grey value per unit). Scattered light and the processing that every digital radiograph goes through
        (local contrast is raised, the whole range squeezed) leave less than the 2.4 of 12 cm of tissue: a posterior rib, about
        0.12, shows a tenth of the range on NIH's radiographs, and so must a nodule of 8 mm.
    dense_gain
        Share of the slope that is left behind heart and diaphragm, where more of the light is scattered and radiographs saturate.
    blur_mm
        Standard deviation of the detector's and the display's blur.
    noise
        Grey values (0–1) of the noise that is renewed where something is pasted.
    nodules
        Probabilities of 0, 1, 2, 3 nodules on a radiograph.
    shams
        Probabilities of 0, 1, 2 sham pastes on a radiograph, whether it shows nodules or not.
    magnify
        Factor on the size of a nodule, and so on what it adds: the beam diverges, and the nodules of a screening CT are smaller
        than those that radiographs were kept for.
    hidden
        Share of the nodules placed behind heart and mediastinum instead of in the open lung.
    """

    mediastinum: tuple[float, float] = (0.5, 0.9)
    dense_gain: float = 0.5
    blur_mm: tuple[float, float] = (0.3, 0.8)
    noise: tuple[float, float] = (0.002, 0.008)
    nodules: tuple[float, ...] = (0.5, 0.32, 0.13, 0.05)
    shams: tuple[float, ...] = (0.4, 0.4, 0.2)
    hidden: float = 0.1
    magnify: tuple[float, float] = (1.0, 1.0)


PRACTICE = Difficulty(mediastinum=(0.2, 0.9), nodules=(0.35, 0.1, 0.1, 0.1, 0.1, 0.1, 0.08, 0.07))
"""What networks train on: more nodules, some of them plainer than any that they are evaluated on. On `DIFFICULTY` alone they had
found nothing after a thousand steps."""
REAL = Difficulty(mediastinum=(0.35, 1.8), nodules=(0.0, 0.6, 0.25, 0.15), hidden=0.12, magnify=(1.05, 1.7))
"""What is put into real radiographs to train on beside real nodules. JSRT's stand out by 0.03 of the grey range (median, at 15 mm;
experiments/radiographs/contrast.py), and so do these at 0.7 to 2.2; with `PRACTICE` they stood out twice as far. The plainer ones
are there to be learnt first."""
DIFFICULTY = Difficulty()
"""Frozen on 2026-11-21, before the first network was trained on it: changing it makes every published figure void."""
