import numpy as np
import pytest
import torch
from sklearn import datasets

from deepcourse.data import Split, load_diabetes, load_digits

PARTS = ("train", "val", "test")


def rows(split):
    """Return every example with its target as a sorted list of rows."""
    joined = [
        torch.cat([getattr(split, f"X_{part}"), getattr(split, f"y_{part}")], dim=1)
        for part in PARTS
    ]
    return sorted(torch.cat(joined).tolist())


def test_the_three_parts_hold_every_patient_once_with_the_right_target():
    original = datasets.load_diabetes(scaled=False)
    table = np.column_stack([original.data, original.target]).astype(np.float32)
    assert rows(load_diabetes()) == sorted(table.tolist())


def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    assert torch.equal(load_diabetes(3).X_test, load_diabetes(3).X_test)
    assert not torch.equal(load_diabetes(3).X_test, load_diabetes(4).X_test)
    assert rows(load_diabetes(3)) == rows(load_diabetes(4))


def test_targets_have_one_column_so_that_they_do_not_broadcast_against_answers():
    data = load_diabetes()
    assert data.X_train.shape == (265, 10)
    assert data.y_train.shape == (265, 1)
    assert data.y_train.dtype == data.X_train.dtype == torch.float32


def test_loading_leaves_the_random_generators_alone():
    np.random.seed(0)  # noqa: NPY002 - the global generator is what must not move
    torch.manual_seed(0)
    expected = np.random.rand(), torch.rand(1).item()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    load_diabetes()
    assert (np.random.rand(), torch.rand(1).item()) == expected  # noqa: NPY002


def test_the_fractions_say_how_large_the_parts_are():
    data = load_diabetes(fractions=(0.5, 0.25, 0.25))
    assert [len(data.X_train), len(data.X_val), len(data.X_test)] == [221, 110, 111]


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.8, 0.2, 0.0), (0.5, 0.4, 0.2)])
def test_fractions_that_are_no_three_parts_are_refused(fractions):
    with pytest.raises(ValueError, match="three positive fractions"):
        load_diabetes(fractions=fractions)


def test_a_part_without_examples_is_refused():
    with pytest.raises(ValueError, match="one is empty"):
        load_diabetes(fractions=(0.999, 0.0005, 0.0005))


def test_standardizing_uses_the_training_part_alone():
    data = load_diabetes()
    scaled = data.standardized()
    expected = (data.X_test - data.X_train.mean(0)) / data.X_train.std(0, correction=0)
    torch.testing.assert_close(scaled.X_test, expected)
    torch.testing.assert_close(scaled.X_train.mean(0), torch.zeros(10), atol=1e-5, rtol=0)
    assert scaled.X_val.mean(0).abs().max() > 1e-3


def test_standardizing_leaves_the_targets_and_the_original_unless_asked():
    data = load_diabetes()
    before = data.X_train.clone()
    assert torch.equal(data.standardized().y_train, data.y_train)
    assert torch.equal(data.X_train, before)


def test_with_targets_scaled_the_training_mean_has_mean_squared_error_one():
    scaled = load_diabetes().standardized(targets=True)
    assert (scaled.y_train**2).mean().item() == pytest.approx(1, rel=1e-5)


def test_a_constant_column_is_refused_by_number():
    X, y = torch.tensor([[1.0, 5.0], [2.0, 5.0]]), torch.ones(2, 1)
    with pytest.raises(ValueError, match=r"column \[1\] of X_train is constant"):
        Split(X, y, X, y, X, y).standardized()


def test_the_three_parts_hold_every_digit_once_with_its_label():
    original = datasets.load_digits()
    split = load_digits()
    pictures = torch.cat([getattr(split, f"X_{part}") for part in PARTS])
    assert sorted(pictures.tolist()) == sorted((original.data / 16).tolist())
    labels = {tuple(x): label for x, label in zip(original.data / 16, original.target, strict=True)}
    for part in PARTS:
        X, y = getattr(split, f"X_{part}"), getattr(split, f"y_{part}")
        assert [labels[tuple(x)] for x in X.tolist()] == y.argmax(dim=1).tolist()


def test_a_digits_target_is_a_row_with_a_single_one():
    data = load_digits(seed=2)
    assert data.y_train.shape == (1078, 10)
    assert data.X_train.dtype == data.y_train.dtype == torch.float32
    assert set(data.y_train.unique().tolist()) == {0.0, 1.0}
    assert (data.y_train.sum(dim=1) == 1).all()


def test_pixels_reach_from_paper_to_ink():
    data = load_digits()
    assert (data.X_train.min(), data.X_train.max()) == (0, 1)


def test_another_seed_deals_the_digits_into_other_parts():
    assert torch.equal(load_digits(3).X_test, load_digits(3).X_test)
    assert not torch.equal(load_digits(3).X_test, load_digits(4).X_test)
