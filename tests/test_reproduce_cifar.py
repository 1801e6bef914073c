"""The parts of the two CIFAR-10 experiments, against loops, closed forms and other solvers."""

import math
from itertools import pairwise

import pytest
import torch
from sklearn.svm import LinearSVC
from torch.nn import functional as F

from deepcourse.reproduce import cifar10_cnn
from deepcourse.reproduce.parts import cifar10_recipe, patch_classifier, patch_features, patch_plain
from deepcourse.reproduce.parts.cifar10_network import Network, evaluate, multiply_adds, six_views
from deepcourse.reproduce.parts.muon import Muon, orthogonal


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def pictures(count, side=32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, 3, side, side)
    return torch.randint(256, shape, generator=generator, dtype=torch.uint8)


# ---- patches ----------------------------------------------------------------------------------


def test_contrast_normalization_gives_mean_zero_and_the_variance_that_the_floor_leaves():
    rows = 50 + 20 * drawn(30, 108)
    found = patch_features.normalize_contrast(rows)
    variance = rows.var(dim=1)
    torch.testing.assert_close(found.mean(dim=1), torch.zeros(30), atol=1e-5, rtol=0)
    torch.testing.assert_close(found.var(dim=1), variance / (variance + 10), rtol=1e-4, atol=0)


def test_whitened_rows_have_the_identity_as_covariance_and_stay_near_the_rows():
    rows = (drawn(4000, 12, dtype=torch.float64) @ drawn(12, 12, seed=1, dtype=torch.float64)) + 3
    mean, matrix = patch_features.whitening(rows, floor=0.0)
    white = (rows - mean) @ matrix
    torch.testing.assert_close(white.T @ white / 4000, torch.eye(12, dtype=torch.float64))
    # ZCA: of all whitening matrices the symmetric one with positive eigenvalues.
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > 0


def test_sampled_patches_are_cut_out_of_the_pictures():
    X = pictures(3, side=9)
    torch.manual_seed(0)
    rows = patch_features.sample_patches(X, 40, 6).view(-1, 3, 6, 6)
    whole = {tuple(X[i, :, r : r + 6, c : c + 6].flatten().tolist()) for i in range(3)
             for r in range(4) for c in range(4)}  # fmt: skip
    found = {tuple(row.flatten().int().tolist()) for row in rows}
    assert found <= whole
    assert len(found) > 20


def test_nearest_centroids_are_those_that_brute_force_finds_across_blocks():
    rows, centroids = drawn(57, 10), drawn(8, 10, seed=1)
    brute = torch.stack([((row - centroids) ** 2).sum(dim=1) for row in rows]).argmin(dim=1)
    assert torch.equal(patch_features.nearest(rows, centroids, block=10), brute)


def test_kmeans_ends_at_the_means_of_well_separated_heaps():
    torch.manual_seed(0)
    centres = 20 * torch.eye(4, 6)
    rows = (centres[:, None] + 0.1 * drawn(4, 50, 6)).reshape(200, 6)
    spread = lambda found: float(((rows - found[patch_features.nearest(rows, found)]) ** 2).mean())
    found = min((patch_features.kmeans(rows, 4, 10) for _ in range(8)), key=spread)
    order = patch_features.nearest(centres, found)
    torch.testing.assert_close(found[order], rows.view(4, 50, 6).mean(dim=1))


def test_a_round_of_kmeans_never_increases_the_distance_to_the_centroids():
    rows = drawn(300, 5)
    spreads = []
    for rounds in range(6):
        torch.manual_seed(3)
        found = patch_features.kmeans(rows, 12, rounds)
        spreads.append(float(torch.cdist(rows, found).min(dim=1).values.square().mean()))
    assert all(late <= early + 1e-6 for early, late in pairwise(spreads))
    assert spreads[-1] < 0.9 * spreads[0]


def test_kmeans_refuses_more_centroids_than_patches():
    with pytest.raises(ValueError, match="sample more patches"):
        patch_features.kmeans(drawn(5, 3), 6, 1)


def test_triangle_features_equal_a_loop_over_patches_and_centroids():
    rows, centroids = drawn(9, 7), drawn(5, 7, seed=1)
    found = patch_features.triangle(rows, centroids)
    for row, features in zip(rows, found, strict=True):
        distances = [math.dist(row.tolist(), one.tolist()) for one in centroids]
        mean = sum(distances) / len(distances)
        expected = torch.tensor([max(0.0, mean - one) for one in distances])
        torch.testing.assert_close(features, expected, atol=1e-4, rtol=0)


def test_triangle_features_in_bfloat16_are_near_those_in_float32():
    rows, centroids = drawn(200, 108), 0.7 * drawn(64, 108, seed=1)
    exact = patch_features.triangle(rows, centroids)
    rough = patch_features.triangle(rows, centroids, torch.bfloat16).float()
    assert (rough - exact).norm() / exact.norm() < 0.06


def test_bfloat16_keeps_the_distance_of_long_vectors_that_nearly_agree():
    # Whole numbers, so that the products are exact and only the squared lengths can be rounded.
    rows = drawn(64, 108).mul(2).round().clamp(-6, 6)
    centroids = rows.clone()
    centroids[:, 0] += 1
    assert ((rows**2).sum(dim=1) > 256).any(), "longer than bfloat16's whole numbers"
    exact = patch_features.triangle(rows, centroids).diagonal()
    rough = patch_features.triangle(rows, centroids, torch.bfloat16).float().diagonal()
    torch.testing.assert_close(rough, exact, atol=0.15, rtol=0)


def test_the_plain_way_gives_the_same_features_of_a_map_whose_quadrants_do_not_overlap():
    X = pictures(3, side=11)
    rows = patch_features.normalize_contrast(patch_features.sample_patches(X, 500, 6))
    mean, matrix = patch_features.whitening(rows, 0.1)
    centroids = patch_features.kmeans((rows - mean) @ matrix, 6, 2)
    ours = patch_features.encode(X, centroids, mean, matrix, 6)  # (batch, quadrant, centroid)
    encoder = patch_plain.Encoder((centroids, mean, matrix), 6)
    plain = patch_plain.encode(X, torch.zeros(3).long(), encoder, tiny=True)
    expected = plain.view(3, 6, 4).transpose(1, 2).flatten(1) * 9  # sums over 3x3 places
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3)


def test_quadrants_share_the_middle_of_an_odd_side_and_cover_each_place_once():
    weights = patch_features.quadrants(5).view(4, 5, 5)
    assert weights[0, :, 0].tolist() == [1, 1, 0.5, 0, 0]
    assert weights[0, 2, 2] == 0.25
    assert torch.equal(weights.sum(dim=0), torch.ones(5, 5))
    assert torch.equal(
        patch_features.quadrants(4).view(4, 4, 4)[1, 0], torch.tensor([0, 0, 1, 1.0])
    )


def dictionary(count, mirrored):
    torch.manual_seed(0)
    rows = patch_features.sample_patches(pictures(20, side=12, seed=5), 600, 4)
    rows = patch_features.normalize_contrast(rows)
    rows = torch.cat([rows, patch_features.mirror(rows, 4)])
    mean, matrix = patch_features.whitening(rows, 0.1)
    centroids = patch_features.kmeans((rows - mean) @ matrix, count, 2)
    if mirrored:
        centroids = torch.cat([centroids, patch_features.mirror(centroids, 4)])
    return centroids, mean, matrix


def test_white_patches_equal_those_that_are_cut_out_one_by_one():
    X = pictures(3, side=12)
    X[0] = X[0] // 16 + 200  # little contrast
    _, mean, matrix = dictionary(4, mirrored=False)
    cut = F.unfold(X.float(), 4).transpose(1, 2)
    expected = (patch_features.normalize_contrast(cut.flatten(0, 1)) - mean) @ matrix
    found = patch_features.white_patches(X, mean, matrix, 4)
    assert found.shape == (3, 81, 48)
    torch.testing.assert_close(found.flatten(0, 1), expected, atol=2e-3, rtol=1e-3)


def test_features_of_a_picture_equal_a_loop_over_its_patches():
    X = pictures(2, side=12)
    centroids, mean, matrix = dictionary(6, mirrored=False)
    found = patch_features.encode(X, centroids, mean, matrix, 4)
    expected = torch.zeros(2, 2, 2, 6)
    half = lambda place: {True: [0], False: [1]}[place < 4] if place != 4 else [0, 1]
    for i in range(2):
        for r in range(9):
            for c in range(9):
                patch = X[i, :, r : r + 4, c : c + 4].float().reshape(1, -1)
                white = (patch_features.normalize_contrast(patch) - mean) @ matrix
                said = patch_features.triangle(white, centroids)[0]
                share = (0.5 if r == 4 else 1) * (0.5 if c == 4 else 1)
                for up in half(r):
                    for left in half(c):
                        expected[i, up, left] += share * said
    torch.testing.assert_close(found, expected.reshape(2, -1), atol=1e-3, rtol=1e-3)


def test_a_picture_and_its_mirror_image_have_the_same_features():
    X = pictures(3, side=12)
    learned = dictionary(5, mirrored=True)
    seen = patch_features.encode(X, *learned, 4, mirrored=True)
    turned = patch_features.encode(X.flip(3), *learned, 4, mirrored=True)
    torch.testing.assert_close(seen, turned, atol=2e-3, rtol=1e-3)
    plain = patch_features.encode(X, *learned, 4)
    assert seen.shape == (3, 20)
    assert plain.shape == (3, 40)
    torch.testing.assert_close(seen.sum(), plain.sum())
    assert not torch.allclose(plain, patch_features.encode(X.flip(3), *learned, 4), atol=0.1)


# ---- the linear classifier --------------------------------------------------------------------


def two_heaps():
    X = drawn(120, 6)
    X[:60, 0] += 1.0
    return X - X.mean(dim=0), torch.where(torch.arange(120) < 60, 1.0, -1.0)[:, None]


def test_the_moving_ridge_finds_the_support_vector_machine_of_liblinear():
    X, signs = two_heaps()
    penalty = 0.05
    found = patch_classifier.squared_hinge(X, signs, X.T @ X, penalty, 200)
    oracle = LinearSVC(C=1 / (2 * penalty * 120), tol=1e-8, max_iter=100_000, intercept_scaling=1e4)
    oracle.fit(X.numpy(), signs[:, 0].numpy())
    torch.testing.assert_close(
        found[:-1, 0], torch.tensor(oracle.coef_[0], dtype=torch.float32), atol=2e-3, rtol=1e-2
    )
    assert found[-1, 0] == pytest.approx(oracle.intercept_[0], abs=2e-3)


def test_few_ridges_come_near_the_loss_of_many():
    X, signs = two_heaps()

    def loss(number):
        weights = patch_classifier.squared_hinge(X, signs, X.T @ X, 0.05, number)
        short = (1 - signs * (X @ weights[:-1] + weights[-1])).clamp(min=0)
        return float((short**2).sum() + 0.05 * 120 * (weights[:-1] ** 2).sum())

    assert loss(200) < loss(1)
    assert loss(25) == pytest.approx(loss(200), rel=1e-3)


# ---- the network ------------------------------------------------------------------------------


def test_multiply_adds_are_those_that_one_counts_by_hand():
    model = Network((64, 256, 256), 12)
    first = 31 * 31 * 32 * 12
    group_1 = 31 * 31 * 64 * 32 * 9 + 15 * 15 * 64 * 64 * 9
    group_2 = 15 * 15 * 256 * 64 * 9 + 7 * 7 * 256 * 256 * 9
    group_3 = 7 * 7 * 256 * 256 * 9 + 3 * 3 * 256 * 256 * 9
    expected = first + group_1 + group_2 + group_3 + 256 * 10
    assert multiply_adds(model, pictures(1)) == expected == 122_667_904
    assert model.training, "counting leaves the mode as it was"
    assert float(model.groups[0].norms[0].running_mean.abs().max()) == 0, "and the statistics"


def test_the_first_layer_whitens_the_patches_of_pictures():
    X = F.interpolate(drawn(40, 3, 8, 8), (32, 32), mode="bilinear")
    X = (128 + 60 * X).clamp(0, 255).to(torch.uint8)
    model = Network((8,), 4)
    model.whiten(X)
    Z = model.patches((X.float() - model.mean) / model.std).transpose(0, 1).flatten(1)
    torch.testing.assert_close(Z[:4], -Z[4:8])
    assert (Z[8:] == 0).all(), "what fills up the channels"
    product = Z[:4] @ Z[:4].T / Z.shape[1]
    torch.testing.assert_close(product, torch.eye(4), atol=0.02, rtol=0)


def test_a_group_begins_by_passing_its_input_on():
    group = Network((24,), 4).groups[0]
    X = drawn(2, 16, 6, 6)
    torch.testing.assert_close(group.first(X)[:, :8], X[:, :8])
    assert group.first.weight[8:].std() > 0, "constant channels are not passed on"
    Z = drawn(2, 24, 6, 6)
    torch.testing.assert_close(group.second(Z), Z)


def test_a_residual_connection_adds_what_went_into_the_second_convolution():
    torch.manual_seed(0)
    model = Network((16,), 4, residual=True).eval()
    X = drawn(2, 16, 6, 6)
    group = model.groups[0]
    middle = F.gelu(group.norms[0](F.max_pool2d(group.first(X), 2)))
    expected = F.gelu(middle + group.norms[1](group.second(middle)))
    torch.testing.assert_close(group(X), expected)
    group.residual = False
    assert not torch.allclose(group(X), expected)


def test_no_channel_is_constant_before_it_is_normalized():
    torch.manual_seed(0)
    model = Network((16, 16), 4)
    model.whiten(pictures(20))
    seen = []
    for group in model.groups:
        for norm in group.norms:
            norm.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    model(pictures(8))
    assert all(inputs.var((0, 2, 3)).min() > 1e-3 for inputs in seen)
    assert len(seen) == 4


def test_six_views_average_the_scores_with_weights_that_add_up_to_one():
    X = pictures(2)
    pixel = torch.zeros(2, 10)

    class Corner(torch.nn.Module):
        def forward(self, Z):
            return Z[:, 0, 4, 5].float()[:, None].expand(-1, 10)

    found = six_views(Corner(), X)
    for row, column, share in ((4, 5, 0.5), (3, 4, 0.25), (5, 6, 0.25)):
        for place in (column, None):
            # Mirroring after the move: column 5 of the mirrored view is 26 of the moved picture.
            at = place if place is not None else 26 + (column - 5)
            pixel += share / 2 * X[:, 0, row, at].float()[:, None]
    torch.testing.assert_close(found, pixel)


def test_six_views_of_a_picture_and_of_its_mirror_image_agree_where_nothing_is_moved():
    torch.manual_seed(0)
    model = Network((8,), 4).eval()
    X = pictures(2)
    same = X.clone()
    same[:] = X[:, :, 16:17, 16:17]  # one colour a picture: every view is the same
    torch.testing.assert_close(six_views(model, same), model(same), atol=1e-5, rtol=1e-4)


def test_evaluate_counts_the_right_answers():
    class Bright(torch.nn.Module):
        def forward(self, Z):
            level = (Z.float().mean((1, 2, 3)) / 25.6).long()
            return F.one_hot(level, 10).float()

    y = torch.arange(10).repeat(120)
    X = (25.6 * y + 12).to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 32, 32)
    wrong = y.clone()
    wrong[:300] = (y[:300] + 1) % 10
    assert evaluate(Bright(), X, wrong) == pytest.approx([0.75, 0.75])


# ---- its training -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(6, 20), (20, 6), (8, 8)])
def test_an_orthogonal_step_has_singular_values_near_one_and_the_gradients_directions(shape):
    matrix = drawn(*shape)
    found = orthogonal(matrix, num_steps=6)
    U, S, V = torch.linalg.svd(matrix, full_matrices=False)
    inside = U.T @ found @ V.T
    assert ((inside.diagonal() > 0.6) & (inside.diagonal() < 1.3)).all()
    torch.testing.assert_close(inside - torch.diag(inside.diagonal()), torch.zeros_like(inside),
                               atol=1e-3, rtol=0)  # fmt: skip
    assert S.max() / S.min() > 1.5, "a gradient that is not orthogonal already"


def test_a_step_of_muon_moves_filters_of_fixed_length_against_the_gradient():
    filters = torch.nn.Parameter(5 * drawn(8, 3, 3, 3))
    before = filters.detach() * 8**0.5 / filters.detach().norm()
    gradient = drawn(8, 3, 3, 3, seed=1)
    filters.grad = gradient.clone()
    Muon([filters], lr=0.1, momentum=0.6).step()
    moved = (before - filters.detach()) / 0.1
    torch.testing.assert_close(moved.view(8, -1), orthogonal(gradient.view(8, -1)), atol=1e-4,
                               rtol=1e-3)  # fmt: skip


def test_muon_refuses_a_bias():
    with pytest.raises(ValueError, match="use SGD there"):
        Muon([torch.nn.Parameter(torch.zeros(3))], lr=0.1, momentum=0.6)


def test_a_batch_depends_on_step_and_seed_alone_and_an_epoch_shows_each_picture_once():
    config = cifar10_cnn.Config(batch_size=8, shift=0)
    X = torch.arange(32, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 6, 6).contiguous()
    y = torch.arange(32)
    batches = [cifar10_recipe.make_batch(X, y, step, config, seed=1) for step in range(8)]
    for epoch in (batches[:4], batches[4:]):
        labels = torch.cat([labels for _, labels in epoch])
        assert sorted(labels.tolist()) == list(range(32))
    assert not torch.equal(batches[0][1], batches[4][1])
    again = cifar10_recipe.make_batch(X, y, 5, config, seed=1)
    assert torch.equal(again[0], batches[5][0])
    assert torch.equal(again[1], batches[5][1])
    assert not torch.equal(cifar10_recipe.make_batch(X, y, 5, config, seed=2)[1], batches[5][1])
    for inputs, labels in batches:
        assert torch.equal(inputs[:, 0, 0, 0].long(), labels)


def test_two_epochs_show_both_sides_of_each_picture():
    config = cifar10_cnn.Config(batch_size=16, shift=0)
    X, y = pictures(16, side=6), torch.arange(16)
    sides = {}
    for step in range(2):
        inputs, labels = cifar10_recipe.make_batch(X, y, step, config, seed=0)
        for picture, label in zip(inputs, labels.tolist(), strict=True):
            as_it_is = torch.equal(picture, X[label])
            assert as_it_is != torch.equal(picture, X[label].flip(2))
            sides.setdefault(label, set()).add(as_it_is)
    assert all(seen == {True, False} for seen in sides.values())


def test_rates_fall_on_a_line_to_zero_and_the_first_layers_sooner():
    config = cifar10_cnn.Config()
    optimizers = cifar10_recipe.make_optimizers(Network((8,), 4), config)
    trained = [one for each in optimizers for group in each.param_groups for one in group["params"]]
    assert len(trained) == 1 + 2 + 1 + 2
    cifar10_recipe.set_rates(optimizers, 0.25, 0.6)
    rates = [group["lr"] for each in optimizers for group in each.param_groups]
    assert rates == pytest.approx([0.4 * 0.053, 0.75 * 0.053, 0.75 * 0.67, 0.75 * 0.24])
    cifar10_recipe.set_rates(optimizers, 1.0, 2.0)
    assert [group["lr"] for each in optimizers for group in each.param_groups] == [0, 0, 0, 0]
