"""Full-size experiments on real data: the lectures' headline numbers, each remade by one command.

    python -m deepcourse.reproduce --list
    python -m deepcourse.reproduce mnist_mlp           # writes results/mnist_mlp.json
    python -m deepcourse.reproduce mnist_mlp --help    # its settings
    python -m deepcourse.reproduce mnist_mlp --tiny    # on generated data, in seconds
    python -m deepcourse.reproduce --bench mnist_mlp   # seconds to target, beside a baseline
    python -m deepcourse.reproduce --draw mnist_mlp    # the figures of its record, anew

and in a notebook `recorded("mnist_mlp")` shows the result that was recorded.

`frame` runs, records and shows all of them, `figures` draws what was recorded, `parts` and `clinic`
hold what would make a file too long to read in one sitting: networks, optimizers, features. An
experiment is one file `NAME.py` in this folder, of at most 200 lines, that holds

- a docstring: its first line is the title; then what it does, from which source, what it aims at;
- `DATA`, the names of its data sets, such as ``("mnist",)``, and `SEEDS`, how many its record has;
- ``@dataclass(frozen=True) class Config``, each field ``lr: float = setting(0.1, "a sentence")``;
- `TINY`, a `Config` with which it runs on generated data from end to end in seconds;
- `AIMS`, a tuple of `Aim`: what others reported, the target, both or either;
- ``run(config, seed, session)``, which returns a dictionary of numbers, lists and dictionaries of
  them; numbers get a mean and a standard deviation over the seeds, lists (curves) do not;
- ``bench(config, seed, session)``, a race against a plain baseline, for which see `frame.bench`;
- where wanted, `NOTE`, what must stand beside each result (a licence, a warning).

`session` (see `frame.session`) gives the device, data, progress bars, a clock and checkpoints. The
rules: every choice is made on a validation split of the training part; the test part is touched
once for each trained model; all randomness comes from torch's global generator, seeded before
`run`, or from generators whose state is in the checkpoint, so that an interrupted run gives the
same numbers.
"""


def recorded(name):
    """Return the card of a recorded result: in a notebook it shows itself, as text it prints.

    `name` is an experiment's, or that of a variant, such as "mnist_cnn.cuda". `.record` holds
    everything the record says. Raises UserError for a name without a record.
    """
    from deepcourse.reproduce.frame.card import read_card

    return read_card(name)
