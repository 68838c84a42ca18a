"""The sample images, and public datasets from the folders that they are published as.

Examples
--------
>>> import napari_lungmtl as lm
>>> lm.datasets.sample_ct().name, lm.datasets.sample_radiograph().name
('ct', 'radiograph.dcm')

``lm.datasets.radiographs("NODE21")`` lists the cases of NODE21, NIH ChestX-ray14, JSRT with SCR or COCO, told apart by their files;
``lm.datasets.nodule_cubes("luna16_nodules")`` and ``lm.datasets.rated_nodules("luna16_nodules")`` read nodules cut out of LUNA16.
"""

from importlib.resources import files
from pathlib import Path

from ..data.public.luna16_nodules import load_cubes as nodule_cubes
from ..data.public.open_radiographs import open_radiograph_cases as radiographs
from ..data.public.rated_nodules import load_rated_nodules as rated_nodules

__all__ = ["nodule_cubes", "radiographs", "rated_nodules", "sample_ct", "sample_radiograph"]


def sample_ct() -> Path:
    """The folder with the slices of the synthetic chest CT that comes with the package."""
    return Path(str(files("napari_lungmtl"))) / "sample_data" / "ct"


def sample_radiograph() -> Path:
    """The file of the synthetic chest radiograph that comes with the package."""
    return Path(str(files("napari_lungmtl"))) / "sample_data" / "radiograph.dcm"
