"""The kernels alone: GB/s from cache to memory, and against PyTorch, numpy and scipy.

Every instruction set that is there is measured, on the same arrays; all take turns.
Called from Python on both sides, as users would: PyTorch with its autograd, caviar's
kernels through ``_kernels``, one thread. Kernels that work in place are called again on
what they left: their inputs are such that it stays of the same size.
"""

import random
from statistics import median

import numpy as np
from scipy.special import expit

from benchmarks.suite.bench_kernels import KERNELS, aligned
from caviar import _kernels

from .libraries import NotOffered, attempt, clock
from .tables import markdown, microseconds

ISAS = _kernels.AVAILABLE_ISAS
# The last one is no power of two: vectors a multiple of 16 MB apart, such as Adam's two
# would be, disturb the prefetching (3 times as long), and few networks' are.
SIZES = {"16 KB": 2**14, "256 KB": 2**18, "8 MB": 2**23, "256 MB": 250_000 * 2**10}
MAIN = (
    "rows_gather relu_forward tanh_forward logistic_forward gelu_forward silu_forward "
    "mish_forward batch_norm_forward "
    "batch_norm_backward softmax_loss sgd_update rmsprop_update adam_update"
).split()


def measure(options, log):
    """Return a dict per kernel and size, and one per contest; ``seconds`` is by name."""
    n_rounds = options.rounds or (1 if options.quick else 7)
    results = []
    for size, n_bytes in list(SIZES.items())[: 1 if options.quick else None]:
        for kernel in ["copy", *MAIN]:
            log(f"{kernel}: {size}")
            calls, moved = by_isa(kernel, n_bytes)
            result = {"kernel": kernel, "size": size, "n_bytes": moved}
            results.append(result | {"seconds": race(calls, n_rounds, options.quick)})
            del calls  # before the next ones are made
    for contest in contests(options.quick):
        log(f"{contest['what']}: {', '.join(contest['targets'])}")
        result = {key: value for key, value in contest.items() if key != "make"}
        calls, result["note"] = attempt(contest["make"])
        result["seconds"] = race(calls, n_rounds, options.quick) if calls else {}
        results.append(result)
        del calls
    return results


def race(calls, n_rounds, quick):
    """Return {name: seconds of a call, one per round}; a turn is a millisecond or more."""
    times = {name: [] for name in calls}
    turns = {}
    for name, call in calls.items():
        once = min(seconds_of(call, 1) for _ in range(2))  # the first one warms up
        turns[name] = 1 if quick else max(1, round(1e-3 / max(once, 1e-7)))
    shuffler = random.Random(0)
    for _ in range(n_rounds):
        for name in shuffler.sample(list(calls), len(calls)):
            times[name].append(seconds_of(calls[name], turns[name]))
    return times


def seconds_of(call, n_calls):
    start = clock()
    for _ in range(n_calls):
        call()
    return (clock() - start) / n_calls


def by_isa(kernel, n_bytes):
    """Calls of a kernel on that many bytes of float32, and the bytes each moves."""
    shape = (n_bytes // 1024, 256)
    if kernel == "copy":
        source = aligned(np.ones(shape, np.float32))
        target = aligned(source)
        return {"copy": lambda: np.copyto(target, source)}, 2 * n_bytes
    call, moved = KERNELS[kernel](np.float32, shape)
    return {isa: lambda isa=isa: call(isa) for isa in ISAS}, moved


def contests(quick):
    """What is set against what: dicts of what, targets {rival: ratio} and make."""
    rows = (8,) if quick else (256, 4096)
    for B, target in zip(rows, (5, 2), strict=False):
        for activation in ("identity", "relu"):
            what = f"batch norm{' + relu' * (activation == 'relu')}, {B} x 256"
            make = bind(batch_norm, B, activation)
            yield {"what": what, "targets": {"PyTorch": target}, "make": make}
    for B in rows:
        for K in (10, 1000):
            what = f"softmax cross-entropy, {B} x {K}"
            make = bind(cross_entropy, B, K)
            yield {"what": what, "targets": {"PyTorch": 2}, "make": make}
    fused, default = "PyTorch, fused Adam", "PyTorch, Adam"
    for P, least in ((1000, 5),) if quick else ((100_000, 5), (64_000_000, 1)):
        what, targets = f"Adam, {P:,} parameters", {default: least, fused: least}
        yield {"what": what, "targets": targets, "make": bind(adam, P, list(targets))}
    for dtype in ("float32", "float64"):
        for size in ("16 KB",) if quick else ("16 KB", "256 KB", "256 MB"):
            for name, (_, rivals) in ELEMENTARY.items():
                what = f"{name}, {dtype}, {size}"
                make = bind(elementary, name, dtype, SIZES[size])
                yield {"what": what, "targets": dict.fromkeys(rivals, 1), "make": make}


def bind(make, *arguments):
    return lambda: make(*arguments)


def torch_on_one_thread():
    try:
        import torch
    except ModuleNotFoundError as error:
        raise NotOffered(f"not installed ({error.name})") from error
    torch.set_num_threads(1)
    return torch


def normal(*shape, dtype=np.float32):
    return aligned(np.random.default_rng(0).standard_normal(shape, dtype=dtype))


def batch_norm(B, activation):
    """Forward and backward, without running statistics on either side."""
    torch = torch_on_one_thread()
    Z, dH = normal(B, 256), aligned(normal(B, 256)[::-1])
    H = aligned(Z)
    beta = aligned(np.zeros(256, np.float32))
    mean, var, dgamma, dbeta = (aligned(beta) for _ in range(4))
    gamma = aligned(Z.std(axis=0))  # so that dH keeps its scale
    inputs = [torch.tensor(a, requires_grad=True) for a in (Z, gamma, beta)]
    d = torch.tensor(dH)
    args = (float(B), 1e-5, activation)

    def ours(isa):
        _kernels.batch_norm_forward(H, mean, var, Z, None, gamma, beta, *args, isa)
        _kernels.batch_norm_backward(
            dH, dgamma, dbeta, Z, H, None, mean, var, gamma, beta, *args, isa
        )

    def theirs():
        z, g, b = inputs
        y = torch.nn.functional.batch_norm(z, None, None, g, b, training=True)
        y = torch.relu(y) if activation == "relu" else y
        torch.autograd.grad(y, inputs, d)

    return {"PyTorch": theirs} | {isa: bind(ours, isa) for isa in ISAS}


def cross_entropy(B, K):
    torch = torch_on_one_thread()
    Z, y = normal(B, K), np.random.default_rng(0).integers(K, size=B, dtype=np.int32)
    z, targets = torch.tensor(Z, requires_grad=True), torch.tensor(y).long()

    def ours(isa):
        _kernels.loss_and_gradient(Z, y, None, float(B), "softmax", isa)

    def theirs():
        torch.autograd.grad(torch.nn.functional.cross_entropy(z, targets), z)

    return {"PyTorch": theirs} | {isa: bind(ours, isa) for isa in ISAS}


def adam(P, rivals):
    torch = torch_on_one_thread()
    ones = np.ones(P, np.float32)
    params, grads, slots = aligned(ones), aligned(ones), aligned(np.stack([ones, ones]))
    theirs = torch.ones(P, requires_grad=True)
    theirs.grad = torch.ones(P)
    calls = {
        name: torch.optim.Adam([theirs], lr=1e-6, fused="fused" in name or None).step
        for name in rivals
    }

    def ours(isa):
        _kernels.update(params, slots, grads, P, "adam", isa, learning_rate=1e-6)

    return calls | {isa: bind(ours, isa) for isa in ISAS}


def logistic_of_numpy(X, out):
    np.negative(X, out=out)
    np.exp(out, out=out)
    out += 1
    np.divide(1, out, out=out)


# The bias with which it may be repeated in place (exp(z - 1) tends to 1); the rivals.
ELEMENTARY = {
    "exp": (-1.0, {"numpy": np.exp}),
    "tanh": (None, {"numpy": np.tanh}),
    "logistic": (None, {"numpy": logistic_of_numpy, "scipy": expit}),
}


def elementary(name, dtype, n_bytes):
    bias, functions = ELEMENTARY[name]
    columns = 1024  # the kernel goes row by row where there is a bias
    rows = n_bytes // np.dtype(dtype).itemsize // columns
    X = aligned(np.minimum(normal(rows, columns, dtype=dtype), 1))
    Z, out = aligned(X), aligned(X)
    b = None if bias is None else aligned(np.full(columns, bias, dtype))

    def ours(isa):
        _kernels.activation_forward(Z, Z, b, name, isa)

    def theirs(function):
        function(X, out=out)

    calls = {rival: bind(theirs, function) for rival, function in functions.items()}
    return calls | {isa: bind(ours, isa) for isa in ISAS}


def report(results):
    return {
        "kernels-bandwidth": bandwidth([r for r in results if "kernel" in r]),
        "kernels-rivals": rivals([r for r in results if "what" in r]),
    }


def bandwidth(results):
    """A row per kernel, a column per size; the instruction sets one after another."""
    sizes = list(dict.fromkeys(result["size"] for result in results))
    rows = [[f"GB/s: {' / '.join(ISAS)}", *sizes]]
    for kernel in ["copy", *MAIN]:
        rows.append([kernel.replace("_", " ")])
        for result in results:
            if result["kernel"] == kernel:
                speeds = [
                    f"{result['n_bytes'] / median(seconds) / 1e9:#.3g}".rstrip(".")
                    for seconds in result["seconds"].values()
                ]
                rows[-1].append(" / ".join(speeds))
    return markdown(rows)


def rivals(results):
    """A row per contest and rival: its time over caviar's, with each instruction set."""
    rows = [["", "rival", "its time", *ISAS[:-1], f"{ISAS[-1]} (target)"]]
    for result in results:
        for rival, target in result["targets"].items():
            if result["note"]:
                note = [result["note"], *["-"] * len(ISAS)]
                rows.append([result["what"], rival, *note])
                continue
            time = median(result["seconds"][rival])
            ratios = [f"{time / median(result['seconds'][isa]):#.3g}x" for isa in ISAS]
            ratios[-1] += f" (>= {target})"
            rows.append([result["what"], rival, microseconds(time), *ratios])
    return markdown(rows)
