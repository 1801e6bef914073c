"""A second torch device without hardware: it computes on the CPU and keeps CUDA's rules.

Importing this file registers the device `twin`. Its tensors are the CPU's under a cover, so
numbers agree with the CPU's, but mixing both kinds, numpy, and draws with a CPU generator fail as
they do on CUDA, in CUDA's words. What it draws itself comes from a stream of its own, as on
CUDA: equal seeds, other numbers. `OPS` counts what ran on it.

Built on torch's PrivateUse1 key and its experimental backend in Python (torch 2.13); all that
depends on that stands in this file. What it cannot show: CUDA's rounding, its choice of algorithms
and their order of sums, its speed, and operations that CUDA lacks, but for products of integers.
"""

from collections import Counter

import torch
from torch.utils import backend_registration

NAME = "twin"
OPS = Counter()  # how often each operation ran on the device
FIRST_SEED = 67280421310721  # so far from a lesson's seeds that streams cannot meet
MARK = 1 << 62  # seeds from here on are those of the device's own generators
# What CUDA lets pass: indices may be on the CPU, a copy goes anywhere.
INDEXING = {"aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_"}
JOINING = {"aten::cat", "aten::stack"}  # these take no CPU scalar either
PRODUCTS = {f"aten::{name}" for name in ("mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "dot")}
PRODUCTS |= {"aten::convolution", "aten::convolution_backward"}
INEXACT = {torch.float32, torch.float64, torch.float16, torch.bfloat16}
INEXACT |= {torch.complex64, torch.complex128}
PLAIN = {"aten::_local_scalar_dense", "aten::equal", "aten::is_same_size"}


class SecondTensor(torch.Tensor):
    """A tensor on the device; `raw` is what holds its numbers, and views share them."""

    # Without it torch's methods would take this for a subclass with wishes of its own.
    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, raw):
        """Cover `raw`, a CPU tensor."""
        cover = torch.Tensor._make_wrapper_subclass(
            cls,
            raw.size(),
            strides=raw.stride(),
            storage_offset=raw.storage_offset(),
            dtype=raw.dtype,
            layout=raw.layout,
            device=torch.device(NAME, 0),
        )
        cover.raw = raw
        return cover

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return run(func, args, kwargs or {})

    def numpy(self, *, force=False):
        """Refuse, as CUDA does."""
        if force:
            return self.detach().cpu().numpy()
        raise TypeError(
            f"can't convert {self.device} device type tensor to numpy. Use Tensor.cpu() to copy "
            "the tensor to host memory first."
        )

    def tolist(self):
        """Return the numbers, which CUDA lets out."""
        return self.detach().cpu().tolist()

    def __array__(self, dtype=None, copy=None):
        return self.numpy()

    def new_tensor(self, data, dtype=None, device=None, requires_grad=False):
        """Make a tensor of the type and on the device of this one."""
        made = torch.tensor(data, dtype=dtype or self.dtype, device=device or self.device)
        return made.requires_grad_(requires_grad)

    def __getitem__(self, index):
        return super().__getitem__(_index(index))

    def __setitem__(self, index, value):
        super().__setitem__(_index(index), value)

    def __format__(self, spec):
        return format(self.item(), spec) if self.dim() == 0 else format(str(self), spec)

    def __repr__(self, **_):
        return f"{repr(self.detach().cpu())[:-1]}, device='{self.device}')"

    def __deepcopy__(self, memo):
        copy = self.detach().clone()
        copy.requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copy = torch.nn.Parameter(copy, self.requires_grad)
        memo[id(self)] = copy
        return copy


def _index(index):
    """Turn lists in an index into tensors, which torch cannot do for a backend in Python."""
    if isinstance(index, tuple):
        return tuple(map(_index, index))
    if not isinstance(index, list):
        return index
    return torch.tensor(index) if index else torch.zeros(0, dtype=torch.long)


def run(func, args, kwargs):
    """Run the operation `func` for the device; raise where CUDA would."""
    name = func._schema.name
    OPS[name] += 1
    if name == "aten::_to_copy":
        return _moved(func, *args, **kwargs)
    if name == "aten::copy_":
        _raw(args[0]).copy_(_raw(args[1]), *args[2:])
        return args[0]
    if name in PRODUCTS and not any(v.dtype in INEXACT for v in _tensors(args)):
        raise RuntimeError(f"{name} is not implemented for integers on a GPU")
    if name == "aten::_efficientzerotensor":  # zeros without memory, of which covers know nothing
        func = torch.ops.aten.zeros.default
    ours = _require_one_device(name, func, args, kwargs)
    args, kwargs = _raw(args), {key: _raw(value) for key, value in kwargs.items()}
    if kwargs.get("device"):
        kwargs["device"] = torch.device("cpu")
    if torch.Tag.nondeterministic_seeded in func.tags:
        result = _drawn(func, args, kwargs)
    else:
        result = func(*args, **kwargs)
    return result if name in PLAIN else _covered(result, ours)


def _moved(func, tensor, *, device=None, **options):
    there = (device or tensor.device).type == NAME
    copy = func(_raw(tensor), device=torch.device("cpu"), **options)
    return SecondTensor(copy) if there else copy


def _raw(value):
    """Return what is under the cover, also within lists."""
    if isinstance(value, SecondTensor):
        return value.raw
    return type(value)(map(_raw, value)) if type(value) in (list, tuple) else value


def _covered(value, ours):
    """Cover a result; one that was changed in place keeps the cover it had."""
    if type(value) in (list, tuple):
        return type(value)(_covered(part, ours) for part in value)
    if not isinstance(value, torch.Tensor):
        return value
    for tensor in ours:
        if tensor.raw is value:
            if tensor.shape != value.shape or tensor.stride() != value.stride():
                tensor.data, tensor.raw = SecondTensor(value), value
            return tensor
    return SecondTensor(value)


def _tensors(values):
    """Yield the tensors among `values`, also within lists."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif type(value) in (list, tuple):
            yield from _tensors(value)


def _require_one_device(name, func, args, kwargs):
    """Return the device's tensors among the arguments, unless others are beside them."""
    tensors = list(_tensors([*args, *kwargs.values()]))
    ours = [tensor for tensor in tensors if isinstance(tensor, SecondTensor)]
    if len(ours) in (0, len(tensors)):
        return ours
    here = not isinstance(args[0], SecondTensor)
    if name in INDEXING:
        if here:
            raise RuntimeError(
                "indices should be either on cpu or on the same device as the indexed tensor (cpu)"
            )
        tensors = list(_tensors(args[2:3]))  # the indices before it may be anywhere
    strict = name in JOINING or (here and func._schema.arguments[0].is_write)
    for tensor in tensors:
        if not isinstance(tensor, SecondTensor) and (strict or tensor.dim() > 0):
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found at least two devices, "
                f"{NAME}:0 and {tensor.device}! (in {name})"
            )
    return ours


def _drawn(func, args, kwargs):
    """Run a random operation, which draws from the device's stream and not from the CPU's."""
    given = [one for one in [*args, *kwargs.values()] if isinstance(one, _CpuGenerator)]
    if any(one.initial_seed() < MARK for one in given):
        raise RuntimeError(f"Expected a '{NAME}' device type for generator but found 'cpu'")
    if given:
        return func(*args, **kwargs)
    kept = torch.get_rng_state()
    torch.set_rng_state(Backend.stream)
    try:
        return func(*args, **kwargs)
    finally:
        Backend.stream = torch.get_rng_state()
        torch.set_rng_state(kept)


class SecondGenerator(torch.Generator):
    """What `torch.Generator("twin")` is; torch hands on its seed, not its type, hence the mark."""

    def __init__(self):
        self.manual_seed(0)

    def manual_seed(self, seed):
        """Begin the stream of `seed`, whose numbers are not those of the CPU; return this."""
        super().manual_seed(MARK + (FIRST_SEED + seed) % MARK)
        return self


class _Generators(type):
    """Lets `isinstance(value, torch.Generator)` know both kinds."""

    def __instancecheck__(cls, value):
        return isinstance(value, _CpuGenerator)


class Generator(metaclass=_Generators):
    """Stands for `torch.Generator`, and makes one for either device."""

    def __new__(cls, device="cpu"):
        """Make a generator for `device`."""
        return SecondGenerator() if torch.device(device).type == NAME else _CpuGenerator(device)


class Backend(backend_registration._DummyBackendModule):
    """What `torch.twin` is: `torch.manual_seed` asks it to seed the device's stream."""

    stream = torch.Generator().manual_seed(FIRST_SEED).get_state()

    def get_amp_supported_dtype(self):
        """Let `torch.autocast` in, which changes no operation here: it stays float32."""
        return [torch.bfloat16, torch.float16]

    def manual_seed_all(self, seed):
        """Begin the stream of `seed`, whose numbers are not those of the CPU."""
        Backend.stream = torch.Generator().manual_seed(FIRST_SEED + seed).get_state()


backend_registration._setup_privateuseone_for_python_backend(NAME, Backend())
# Like CUDA: a moved module keeps its parameters, so that an optimizer made before still holds them.
torch.__future__.set_swap_module_params_on_conversion(True)
LIBRARY = torch.library.Library("_", "IMPL")
LIBRARY.fallback(lambda func, *args, **kwargs: run(func, args, kwargs), "PrivateUse1")
LIBRARY.fallback(torch.library.fallthrough_kernel, "AutocastPrivateUse1")


def _numbers(data):
    """Fetch the device's scalars that stand in lists."""
    if type(data) in (list, tuple):
        return [_numbers(part) for part in data]
    return data.cpu() if isinstance(data, SecondTensor) else data


def _tensor(data, *, device=None, requires_grad=False, **options):
    """Make a tensor of numbers and of the device's scalars, as CUDA lets one do."""
    made = _make(_numbers(data) if type(data) in (list, tuple) else data, **options)
    return (made.to(device) if device else made).requires_grad_(requires_grad)


_make, torch.tensor = torch.tensor, _tensor
_CpuGenerator, torch.Generator = torch.Generator, Generator
