"""Batched augmentation against what the same draw does to one picture at a time."""

import math

import pytest
import torch

from deepcourse.reproduce.frame import augment
from deepcourse.reproduce.frame.affine import random_affine

SHAPE = (64, 3, 9, 11)


@pytest.fixture
def X():
    """Pictures of different pixels, so that no two moves look the same."""
    return torch.randint(
        1, 256, SHAPE, dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )


def seeded():
    return torch.Generator().manual_seed(5)


def crops(picture, padding, mode):
    """Return every crop of one padded picture, made by torch's own padding."""
    height, width = picture.shape[1:]
    padded = torch.nn.functional.pad(picture[None].float(), [padding] * 4, mode=mode)[0]
    steps = range(2 * padding + 1)
    return {
        (top, left): padded[:, top : top + height, left : left + width].to(picture.dtype)
        for top in steps
        for left in steps
    }


@pytest.mark.parametrize("mode", ["reflect", "constant"])
def test_a_crop_is_one_of_the_crops_of_the_padded_picture_and_all_occur(X, mode):
    moved = augment.random_crop(X, 2, seeded(), mode)
    assert (moved.dtype, moved.shape) == (X.dtype, X.shape)
    seen = set()
    for picture, found in zip(X, moved, strict=True):
        fits = [k for k, crop in crops(picture, 2, mode).items() if torch.equal(crop, found)]
        assert len(fits) == 1
        seen.add(fits[0])
    assert {top for top, _ in seen} == {left for _, left in seen} == {0, 1, 2, 3, 4}
    assert len(seen) > 15, "rows and columns are drawn apart"


def test_without_padding_a_crop_changes_nothing(X):
    assert torch.equal(augment.random_crop(X, 0, seeded()), X)


def test_a_flip_mirrors_about_half_of_the_pictures(X):
    found = augment.random_flip(X, seeded())
    flipped = [torch.equal(a.flip(2), b) for a, b in zip(X, found, strict=True)]
    kept = [torch.equal(a, b) for a, b in zip(X, found, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 16 < sum(flipped) < 48
    down = augment.random_flip(X, seeded(), axis=2)
    assert [torch.equal(a.flip(1), b) for a, b in zip(X, down, strict=True)] == flipped


def test_an_erased_square_has_its_side_and_the_rest_stays(X):
    found = augment.random_erase(X, 3, seeded())
    sizes = []
    for picture, erased in zip(X, found, strict=True):
        hole = (erased == 0).all(dim=0)
        assert torch.equal(erased[:, ~hole], picture[:, ~hole])
        rows, columns = hole.any(dim=1), hole.any(dim=0)
        assert torch.equal(hole, rows[:, None] & columns[None, :]), "a rectangle"
        sizes.append((int(rows.sum()), int(columns.sum())))
    assert max(sizes) == (3, 3)
    assert min(min(size) for size in sizes) == 2, "cut off at the border, the centre stays inside"
    assert sizes.count((3, 3)) > 20


def test_a_turn_is_one_of_four_and_all_occur():
    X = torch.rand(40, 1, 6, 6, generator=seeded())
    found = augment.random_turn(X, seeded())
    turns = [
        [k for k in range(4) if torch.equal(a.rot90(k, (1, 2)), b)]
        for a, b in zip(X, found, strict=True)
    ]
    assert all(len(each) == 1 for each in turns)
    assert {each[0] for each in turns} == {0, 1, 2, 3}
    with pytest.raises(ValueError, match=r"expected square pictures, came \(64, 3, 9, 11\)"):
        augment.random_turn(torch.rand(SHAPE))


def test_the_same_generator_gives_the_same_and_the_input_stays(X):
    before = X.clone()
    for change in (
        lambda g: augment.random_crop(X, 2, g),
        lambda g: augment.random_flip(X, g),
        lambda g: augment.random_erase(X, 3, g),
        lambda g: random_affine(X.float(), 10, 0.1, 0.1, 1, g),
    ):
        assert torch.equal(change(seeded()), change(seeded()))
        assert not torch.equal(change(seeded()), change(torch.Generator().manual_seed(6)))
    assert torch.equal(X, before)


def test_a_map_of_no_strength_leaves_pictures_as_they_are():
    X = torch.rand(7, 2, 8, 8, generator=seeded())
    torch.testing.assert_close(random_affine(X, 0, 0, 0, 0, group=3), X)


def test_a_turn_and_a_move_bring_a_dot_where_geometry_says():
    X = torch.zeros(200, 1, 21, 21)
    X[:, 0, 10, 16] = 1  # six to the right of the middle
    place = torch.arange(21.0) - 10
    weight = random_affine(X, 90, 0, 0, 0, seeded())[:, 0]
    x = (weight.sum(dim=1) * place).sum(dim=1) / weight.sum(dim=(1, 2))
    y = (weight.sum(dim=2) * place).sum(dim=1) / weight.sum(dim=(1, 2))
    torch.testing.assert_close((x**2 + y**2).sqrt(), torch.full((200,), 6.0), atol=0.3, rtol=0)
    angle = torch.atan2(y, x).abs().max() * 180 / math.pi
    assert 80 < angle <= 91
    X = X.roll(-6, dims=3)
    weight = random_affine(X, 0, 0, 0, 3, seeded())[:, 0]
    x = (weight.sum(dim=1) * place).sum(dim=1) / weight.sum(dim=(1, 2))
    assert 2.7 < x.abs().max() <= 3.01
    assert x.min() < 0 < x.max()


def test_pictures_of_a_group_share_a_map_and_groups_do_not():
    X = torch.rand(1, 1, 12, 12, generator=seeded()).expand(9, 1, 12, 12)
    found = random_affine(X, 20, 0.1, 0.1, 1, seeded(), group=4)
    assert torch.equal(found[0], found[3])
    assert not torch.equal(found[3], found[4])
    assert torch.equal(found[8], X[8]), "left over"
