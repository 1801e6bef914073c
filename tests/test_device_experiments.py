"""Each full-size experiment, its tiny version, runs on a second device, and its benchmark too."""

import pytest
import torch

import second_device
from deepcourse.reproduce.frame import experiments, record
from deepcourse.reproduce.frame.bench import checked
from deepcourse.reproduce.frame.session import Session
from run_on_second_device import ProductsHere

DEVICE = torch.device(second_device.NAME)
NAMES = experiments.find_experiments()


@pytest.fixture
def counts():
    """Count products of matrices and convolutions, there and here."""
    second_device.OPS.clear()
    with ProductsHere() as here:
        yield lambda: (sum(second_device.OPS[one] for one in second_device.PRODUCTS), here.number)


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_runs_on_the_second_device(name, tmp_path, counts):
    experiment = experiments.load_experiment(name)
    session = Session(0, DEVICE, tmp_path, tiny=True)
    numbers = record.plain(experiment.module.run(experiment.config(tiny=True), 0, session))
    there, here = counts()
    assert there > 20 * max(here, 1), (there, here)
    found = record.summarize([numbers])
    assert all(aim.number in found for aim in experiment.module.AIMS)


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs_on_the_second_device(name, tmp_path, counts):
    experiment = experiments.load_experiment(name)
    session = Session(0, DEVICE, tmp_path, tiny=True)
    checked(experiment.module.bench(experiment.config(tiny=True), 0, session), name)
    assert counts()[0] > 20
