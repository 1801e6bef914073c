"""The lesions' network, its views and heads: against symmetries, scikit-learn and brute force."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch.nn import functional as F

from deepcourse.download import DownloadError
from deepcourse.reproduce.clinic import data, heads, imagenet
from deepcourse.reproduce.clinic import net as nets
from deepcourse.reproduce.frame.generated import make_ham10000
from deepcourse.reproduce.frame.session import Session


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def make_net(num_classes=2):
    net = imagenet.make_net((8, 16), num_classes)
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):  # so that no block is its bridge alone
            torch.nn.init.uniform_(part.weight, 0.5, 1.5)
    torch.nn.init.normal_(net.head.weight)
    return net


def make_pictures(count=3, height=12, width=12):
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def test_the_eight_views_are_the_symmetries_of_a_square():
    X = make_pictures(1)
    turned = [X.rot90(quarter, (2, 3)) for quarter in range(4)]
    symmetries = turned + [one.flip(3) for one in turned]
    views = [nets.see(X, view) for view in range(8)]
    for view in views:
        assert sum(torch.equal(view, one) for one in symmetries) == 1
    for one in symmetries:
        assert sum(torch.equal(view, one) for view in views) == 1


@pytest.mark.parametrize("view", range(8))
def test_logits_do_not_depend_on_how_the_camera_was_held(view):
    net, X = make_net(), make_pictures(height=10, width=14)
    expected = nets.logits_of(net, X)
    assert torch.allclose(nets.logits_of(net, nets.see(X, view)), expected, atol=1e-4)
    single = nets.logits_of(net, nets.see(X, 1), views=(0,))
    assert not torch.allclose(single, nets.logits_of(net, X, views=(0,)), atol=1e-3)


def test_logits_are_the_mean_over_the_views_and_leave_the_mode():
    net, X = make_net(), make_pictures()
    assert net.training
    found = nets.logits_of(net, X)
    assert net.training
    net.eval()
    with torch.no_grad():
        expected = sum(net(nets.see(X, view).float()) for view in range(8)) / 8
    assert torch.allclose(found, expected.double(), atol=1e-5)


def test_a_block_begins_as_its_bridge():
    block = nets.Residual(4, 4, 1)
    X = torch.rand(2, 4, 5, 5)
    assert torch.equal(block(X), X)
    torch.nn.init.ones_(block.norms[1].weight)
    assert not torch.equal(block(X), X)


@pytest.mark.parametrize("size", [(9, 13), (32, 32), (48, 64)])
def test_pictures_of_any_size_give_one_row_of_features(size):
    X = torch.rand(2, 3, *size)
    assert nets.make_body((4, 8, 16))(X).shape == (2, 16)


def test_a_turned_disc_stays_a_disc_in_pictures_that_are_not_square():
    y, x = torch.meshgrid(torch.arange(30) - 14.5, torch.arange(50) - 24.5, indexing="ij")
    inside = x**2 + y**2 < 14**2  # what no turn takes out of the picture
    for centre, least, most in ((0, 0, 10), (4, 30, 255)):
        disc = (255.0 * ((x - centre) ** 2 + y**2 < 64)).expand(20, 3, -1, -1)
        change = (nets.move_lesion(disc, zoom=0, shift=0, jitter=0) - disc).abs()
        assert least <= change[:, :, inside].mean() < most


def test_zoom_changes_areas_both_ways_and_no_zoom_does_not():
    y, x = torch.meshgrid(torch.arange(40) - 19.5, torch.arange(40) - 19.5, indexing="ij")
    disc = (255.0 * (x**2 + y**2 < 64)).expand(200, 3, -1, -1)
    area = nets.move_lesion(disc, shift=0, jitter=0).sum(dim=(1, 2, 3)) / disc[0].sum()
    assert 0.55 < area.min() < 0.75
    assert 1.4 < area.max() < 1.75
    still = nets.move_lesion(disc, zoom=0, shift=0, jitter=0).sum(dim=(1, 2, 3)) / disc[0].sum()
    assert still.min() > 0.97


def test_jitter_keeps_colours_near_and_none_keeps_them():
    grey = torch.full((50, 3, 8, 8), 100.0)
    assert torch.allclose(nets.move_lesion(grey, jitter=0), grey, atol=1e-3)
    moved = nets.move_lesion(grey).mean(dim=(2, 3))
    assert 70 < moved.min() < 90
    assert 110 < moved.max() < 133
    assert (moved.std(dim=1) > 0).all()  # the three colours move apart


def test_the_rate_rises_to_one_and_falls_to_nothing():
    shares = [nets.share_of_rate(step / 100) for step in range(101)]
    top = shares.index(max(shares))
    assert shares[:top] == sorted(shares[:top])
    assert shares[top:] == sorted(shares[top:], reverse=True)
    assert shares[0] > 0
    assert max(shares) == pytest.approx(1)
    assert 10 <= top <= 16
    assert shares[-1] == 0


def test_a_network_learns_what_generated_lesions_show(tmp_path):
    task = data.make_task(make_ham10000(), ("nv", "mel"), (24, 32), (0.5, 0.2, 0.3), seed=0)
    session = Session(0, "cpu", tmp_path, tiny=True)
    net = imagenet.make_net((8, 16), 2)
    recipe = nets.Recipe(num_steps=40, batch_size=16, lr=0.1, weight_decay=5e-4)
    rows = task.choose(0, 0)
    nets.train(
        net, task.X[rows], task.y[rows], recipe, nets.move_lesion, session, session.checkpoint, ""
    )
    test = task.find(data.TEST)
    predicted = nets.logits_of(net, task.X[test]).argmax(dim=1)
    assert (predicted == task.y[test]).float().mean() > 0.9


def test_a_training_that_leaves_the_finite_numbers_says_so(tmp_path):
    task = data.make_task(make_ham10000(), ("nv", "mel"), (24, 32), (0.5, 0.2, 0.3), seed=0)
    session = Session(0, "cpu", tmp_path, tiny=True)
    net, recipe = imagenet.make_net((8,), 2), nets.Recipe(20, 16, 1e20, 5e-4)
    with pytest.raises(FloatingPointError, match="a tenth of the rate"):
        nets.train(net, task.X, task.y, recipe, nets.move_lesion, session, session.checkpoint, "")


def test_grey_pictures_become_colour_of_equal_channels():
    grey = torch.randint(0, 256, (2, 1, 4, 4), dtype=torch.uint8)
    assert torch.equal(nets.as_colour(grey), torch.cat([grey] * 3, dim=1))
    X = make_pictures()
    assert torch.equal(nets.as_colour(X), X)


@pytest.mark.parametrize("classes", [2, 4])
def test_a_head_is_the_logistic_regression_of_scikit_learn(classes):
    features = torch.randn(1, 120, 5)
    y = (features[0] @ torch.randn(5, classes) + torch.randn(120, classes)).argmax(dim=1)
    weight, bias = heads.fit_head(features, y, classes, penalty=0.05)
    # Of two classes scikit-learn keeps one vector, the difference, at half the penalty.
    scale = 2 if classes == 2 else 1
    oracle = LogisticRegression(C=scale / (120 * 0.05), tol=1e-8, max_iter=1000)
    expected = oracle.fit(features[0].numpy(), y.numpy()).predict_proba(features[0].numpy())
    found = torch.softmax(features[0] @ weight.T + bias, dim=1).numpy()
    assert found == pytest.approx(expected, abs=2e-3)


def test_all_views_of_a_picture_train_the_head():
    features, y = torch.randn(2, 60, 4), torch.randint(0, 2, (60,))
    both = heads.fit_head(features, y, 2, penalty=0.1)
    flat = heads.fit_head(features.flatten(0, 1)[None], torch.cat([y, y]), 2, penalty=0.1)
    assert torch.allclose(both[0], flat[0], atol=1e-5)


def test_the_penalty_of_a_head_is_the_best_on_validation_lesions():
    task = data.make_task(make_ham10000(), ("nv", "mel"), (6, 8), (0.5, 0.3, 0.2), seed=0)
    features = torch.randn(2, len(task.X), 30) + 0.4 * task.y[None, :, None]
    rows, penalties = task.choose(0, 0), (1e-4, 1e-2, 1.0, 100.0)
    found = heads.choose_head(features, task, rows, penalties)
    losses, tests = [], []
    mean, std = features[:, rows].mean(dim=(0, 1)), features[:, rows].std(dim=(0, 1))
    scaled = (features - mean) / std
    val, test = task.find(data.VAL), task.find(data.TEST)
    for penalty in penalties:
        weight, bias = heads.fit_head(scaled[:, rows], task.y[rows], 2, penalty)
        logits = (scaled @ weight.T + bias).mean(dim=0)
        losses.append(F.cross_entropy(logits[val], task.y[val]).item())
        tests.append(logits[test])
    best = losses.index(min(losses))
    assert 0 < best < 3, "the best should lie inside, or any rule would pass"
    assert torch.allclose(found, tests[best].double(), atol=1e-4)


def test_heads_come_for_each_number_of_labels_and_once_for_all():
    task = data.make_task(make_ham10000(), ("nv", "mel"), (6, 8), (0.5, 0.3, 0.2), seed=0)
    features = torch.randn(2, len(task.X), 4)
    found = heads.heads_of(features, task, (10, 0), (3, 3), (0.1,))
    assert {name: len(runs) for name, runs in found.items()} == {"10": 3, "all": 1}
    assert not torch.equal(found["10"][0], found["10"][1])


def test_resnet18_has_the_parameters_and_names_of_the_published_weights():
    body = imagenet.ResNet18()
    assert sum(p.numel() for p in body.parameters()) == 11_689_512 - 513_000  # without its head
    names = set(body.state_dict())
    assert len(names) == 120
    assert {"conv1.weight", "bn1.running_var", "layer2.0.downsample.1.bias"} <= names
    assert "layer4.1.conv2.weight" in names
    assert body.eval()(torch.rand(1, 3, 48, 64)).shape == (1, 512)


def test_a_network_starts_at_the_weights_it_is_given():
    for body in (imagenet.ResNet18(), nets.make_body((8, 16))):
        weights = body.state_dict()
        net = imagenet.make_net((8, 16), 3, weights)
        assert type(net.body) is type(body)
        assert all(torch.equal(net.body.state_dict()[name], w) for name, w in weights.items())
        assert net(torch.rand(2, 3, 33, 40)).shape == (2, 3)


def test_imagenet_weights_lose_their_head_and_a_missing_network_is_told(monkeypatch):
    whole = {**imagenet.ResNet18().state_dict(), "fc.weight": torch.ones(2, 2)}
    monkeypatch.setattr("torch.hub.load_state_dict_from_url", lambda *_, **__: whole)
    assert set(imagenet.fetch_imagenet()) == set(imagenet.ResNet18().state_dict())

    def fail(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", fail)
    with pytest.raises(DownloadError, match=r"no route: leave out --set imagenet=true"):
        imagenet.fetch_imagenet()


def test_an_untrained_body_that_is_woken_uses_its_branches_and_knows_its_pictures():
    torch.manual_seed(0)
    model = imagenet.make_net((8, 16), 2)
    X = torch.randint(256, (64, 3, 12, 16), dtype=torch.uint8)
    asleep = nets.features_of_views(model, X, views=[0])
    for layer in model.modules():
        if isinstance(layer, nets.Residual):
            torch.nn.init.constant_(layer.second.weight, 7.0)
    torch.testing.assert_close(nets.features_of_views(model, X, views=[0]), asleep)
    nets.wake(model, X)
    assert not torch.allclose(nets.features_of_views(model, X, views=[0]), asleep)
    norm = model.body[1]
    seen = model.body[0](nets.scaled(X.float()))
    torch.testing.assert_close(norm.running_mean, seen.mean((0, 2, 3)))
