"""The generated keys show what their labels say, at the places their labels name."""

import doctest

import pytest
import torch

from deepcourse import keys
from deepcourse.keys import ANGLES, KINDS, PARTS, make_keys


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


CLEAN = make_keys(600, seeded(), noise=0.0, clutter=0)


def ink(chosen):
    """Return where each picture is brighter than the middle of its range (batch, 32, 32)."""
    X = CLEAN.X[chosen, 0]
    low, high = X.amin(dim=(1, 2), keepdim=True), X.amax(dim=(1, 2), keepdim=True)
    return (low + high) / 2 < X


def round_end(end, radius):
    """Return the share of ink within `radius` pixels of that end of each key (batch,)."""
    row, column = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
    place = CLEAN.places[:, end, :, None, None]
    near = torch.hypot(row - place[:, 0], column - place[:, 1]) <= radius
    return (ink(slice(None)) & near).sum(dim=(1, 2)) / near.sum(dim=(1, 2))


def test_the_docstrings_hold():
    assert doctest.testmod(keys).failed == 0


def test_the_same_seed_draws_the_same_keys_and_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    first, again = make_keys(300, seeded(3)), make_keys(300, seeded(3))
    assert torch.equal(first.X, again.X)
    assert torch.equal(first.places, again.places)
    assert not torch.equal(first.X, make_keys(300, seeded(4)).X)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.rand(1))


def test_kind_ends_and_has_agree_on_the_parts():
    assert (CLEAN.has.sum(dim=1) == 2).all()
    for kind, ends, has in zip(CLEAN.kind, CLEAN.ends, CLEAN.has, strict=True):
        assert sorted(ends.tolist()) == KINDS[kind].tolist() == has.nonzero().flatten().tolist()


def test_kinds_angles_and_the_order_of_the_ends_are_balanced():
    assert CLEAN.kind.bincount(minlength=6).min() > 70
    assert CLEAN.angle.bincount(minlength=4).min() > 110
    assert 240 < (CLEAN.ends[:, 0] < CLEAN.ends[:, 1]).sum() < 360


def test_the_two_places_lie_eighteen_pixels_apart_along_the_angle():
    down, right = (CLEAN.places[:, 0] - CLEAN.places[:, 1]).T
    assert torch.allclose(torch.hypot(down, right), torch.tensor(18.0), atol=1e-3)
    seen = torch.rad2deg(torch.atan2(-down, right))  # rows count downward
    off = (seen - torch.tensor(ANGLES)[CLEAN.angle] + 90) % 180 - 90
    assert off.abs().max() <= 8.01


def test_each_end_shows_its_part():
    middle = torch.stack([round_end(end, 1.3) for end in (0, 1)], dim=1)
    around = torch.stack([round_end(end, 3.3) for end in (0, 1)], dim=1)
    hole = {part: middle[CLEAN.ends == index].mean() for index, part in enumerate(PARTS)}
    mass = {part: around[CLEAN.ends == index].mean() for index, part in enumerate(PARTS)}
    assert hole["ring"] < 0.2, "a ring is empty in the middle"
    assert hole["block"] > 0.95
    assert mass["block"] > 0.8
    assert max(mass["ring"], mass["bar"], mass["fork"]) < 0.7


def test_no_ink_lies_far_from_a_key_without_clutter_and_some_does_with_it():
    def stray(batch):
        u = batch.places[:, 0] - batch.places[:, 1]
        middle = batch.places.mean(dim=1)
        grid = torch.cartesian_prod(torch.arange(32.0), torch.arange(32.0))
        away = grid - middle[:, None]
        across = (away[..., 0] * u[:, None, 1] - away[..., 1] * u[:, None, 0]) / 18
        X = batch.X.flatten(1)
        low, high = X.amin(dim=1, keepdim=True), X.amax(dim=1, keepdim=True)
        bright = low + 0.7 * (high - low) < X
        return (bright & (across.abs() > 6.5)).any(dim=1).float().mean()

    assert stray(CLEAN) == 0
    assert stray(make_keys(200, seeded(), noise=0.0, clutter=2)) > 0.5


def test_noise_has_the_standard_deviation_that_was_asked_for():
    corner = make_keys(400, seeded(), noise=0.1, clutter=0).X[:, 0, :2, :2]
    residue = corner - corner.mean(dim=(1, 2), keepdim=True)
    assert residue.std().item() == pytest.approx(0.1 * (3 / 4) ** 0.5, rel=0.1)


def test_keys_are_picked_by_slices_indices_and_booleans():
    assert len(CLEAN[:7]) == 7
    assert torch.equal(CLEAN[torch.tensor([5, 2])].kind, CLEAN.kind[[5, 2]])
    rings = CLEAN[CLEAN.has[:, 0]]
    assert rings.has[:, 0].all()
    assert rings.X.shape[1:] == (1, 32, 32)


def test_fewer_than_one_key_is_refused():
    with pytest.raises(ValueError, match="at least one key"):
        make_keys(0, seeded())
