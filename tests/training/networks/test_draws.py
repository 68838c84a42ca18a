"""Every network's batches follow from their place alone: no two processes and no two steps draw the same."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch

from napari_lungmtl.training.data.public.luna16_nodules import NoduleCube
from napari_lungmtl.training.data.public.rated_nodules import load_rated_nodules
from napari_lungmtl.training.fitting.batches import Place
from napari_lungmtl.training.fitting.hardness import Hardness
from napari_lungmtl.training.networks.ag3d import config as ag3d_config
from napari_lungmtl.training.networks.ag3d.network import Ag3d
from napari_lungmtl.training.networks.ag3d.patches import Patches
from napari_lungmtl.training.networks.ag3d.stored.patches import StoredPatches, draw_store
from napari_lungmtl.training.networks.dhn import config as dhn_config
from napari_lungmtl.training.networks.dhn import training as dhn_training
from napari_lungmtl.training.networks.mosegnet import config as mosegnet_config
from napari_lungmtl.training.networks.mosegnet import samples as mosegnet_samples
from napari_lungmtl.training.networks.mtcnn import config as mtcnn_config
from napari_lungmtl.training.networks.mtcnn.fitting import Views, indices
from napari_lungmtl.training.networks.mtcnn.samples import nodule_samples
from napari_lungmtl.training.networks.mtmr.training import Balanced
from tests.stand_ins.blob_radiographs import ToyRadiographs
from tests.stand_ins.disc_radiographs import Blobs
from tests.stand_ins.rated_cubes import write_rated_cubes


def ag3d():
    rng = np.random.default_rng(0)
    nothing = np.zeros((0, 4))
    cubes = [
        NoduleCube(str(i), rng.integers(0, 255, (50, 50, 50), np.uint8), nothing, nothing, "1", {})
        for i in range(3)
    ]
    config = ag3d_config.TrainingConfig(batch=1, patch=64)
    return Patches(cubes, [], config, Hardness(3))


def stored():
    small = dataclasses.replace(ag3d_config.SHIPPED, stem_channels=4, growth=4, pyramid_channels=4)
    return StoredPatches(draw_store(ag3d(), Ag3d(small).eval(), 6), 8)


def dhn():
    network = dataclasses.replace(dhn_config.SHIPPED, side=64)
    return dhn_training.Samples(Blobs(64), network, dhn_config.TrainingConfig(batch=2))


def mosegnet():
    network = dataclasses.replace(mosegnet_config.SHIPPED, side=64)
    augmentation = mosegnet_config.SHIPPED_TRAINING.augmentation
    return mosegnet_samples.Samples(ToyRadiographs(64), network, augmentation, 2, crop=32)


def mtmr():
    return Balanced(np.array([1, 0, -1] * 20), 16)


@pytest.fixture(scope="module")
def mtcnn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cubes")
    write_rated_cubes(folder, 12)
    config = mtcnn_config.TrainingConfig(batch=4)
    samples = nodule_samples(load_rated_nodules(folder), config)
    network = dataclasses.replace(mtcnn_config.SHIPPED, pixels=16)
    return Views(samples, np.arange(12), network, config)


def contents(value):
    """What a batch holds, to compare and to count."""
    if torch.is_tensor(value):
        return value.numpy().tobytes()
    if isinstance(value, dict):
        return tuple((key, contents(v)) for key, v in value.items())
    return tuple(map(contents, value)) if isinstance(value, list) else value


def drawn(draw, place):
    return contents(draw(place, (0,)))


@pytest.mark.parametrize("make", [ag3d, stored, dhn, mosegnet, mtmr, "mtcnn"])
def test_places_draw_different_batches_and_each_the_same_again(make, request):
    draw = request.getfixturevalue(make) if isinstance(make, str) else make()
    places = [Place(step, rank, 2, part, 2) for step in range(3) for rank in (0, 1) for part in (0, 1)]
    batches = [drawn(draw, place) for place in places]
    assert len(set(batches)) == len(places)
    # In another process, in another order.
    again = pickle.loads(pickle.dumps(draw))
    assert [drawn(again, place) for place in reversed(places)] == batches[::-1]


def test_the_epochs_of_all_processes_hold_every_sample_once(mtcnn):
    """Three batches of four make an epoch of twelve, whoever draws them."""
    for ranks in (1, 3):
        places = [Place(step, rank, ranks) for step in range(3 // ranks) for rank in range(ranks)]
        epoch = [indices(mtcnn.samples, mtcnn.chosen, mtcnn.config, place) for place in places]
        assert sorted(np.concatenate(epoch)) == list(range(12))
