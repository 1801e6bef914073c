import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import datasets

from deepcourse.pictures import load_photo


@pytest.mark.parametrize(("name", "file"), [("pagoda", "china.jpg"), ("dahlia", "flower.jpg")])
def test_a_photograph_is_the_grey_picture_that_pillow_makes_of_it(name, file):
    colours = datasets.load_sample_image(file)
    by_pillow = np.asarray(Image.fromarray(colours).convert("L")) / 255
    assert np.abs(load_photo(name, shrink=1).numpy() - by_pillow).max() < 1.01 / 255


def test_a_shrunken_pixel_is_the_mean_of_its_square():
    full, small = load_photo(shrink=1), load_photo(shrink=5)
    assert small.shape == (85, 128)
    assert torch.allclose(small[3, 7], full[15:20, 35:40].mean())


def test_grey_levels_lie_between_black_and_white():
    photo = load_photo("dahlia")
    assert photo.min() >= 0
    assert photo.max() <= 1
    assert photo.dtype == torch.get_default_dtype()


def test_an_unknown_photograph_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"dahlia.*pagoda.*'cat'"):
        load_photo("cat")


@pytest.mark.parametrize("shrink", [0, 428, 2.5])
def test_a_shrink_that_makes_no_picture_is_refused(shrink):
    with pytest.raises(ValueError, match="from 1 to 427"):
        load_photo(shrink=shrink)
