"""What the experiments on digits and on CIFAR-10 are made of: networks, optimizers, features."""
