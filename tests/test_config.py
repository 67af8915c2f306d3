"""The installation: versions, instruction sets, what an import brings along."""

import importlib.metadata
import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import caviar
from caviar import _kernels
from caviar._blas_threads import scipy_blas_libraries, single_blas_thread


def run(code, **environment):
    """Run code in a new interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_version_is_that_of_the_distribution():
    assert caviar.__version__ == importlib.metadata.version("caviar")


def test_show_config_names_instruction_set_blas_and_dependencies(capsys):
    caviar.show_config()
    shown = capsys.readouterr().out
    for word in (f"caviar {caviar.__version__}", _kernels.ISA, "numpy", "scikit-learn"):
        assert word in shown
    for library in scipy_blas_libraries():
        assert f"{library.num_threads} threads outside of caviar" in shown


def test_an_unknown_instruction_set_is_an_import_error_that_lists_the_known():
    result = run("import caviar", CAVIAR_ISA="sse9")
    assert result.returncode == 1
    assert "CAVIAR_ISA must be one of ['baseline'" in result.stderr
    assert "got 'sse9'" in result.stderr


@pytest.mark.parametrize("isa", _kernels.AVAILABLE_ISAS)
def test_a_forced_instruction_set_is_used_and_trains_the_same_network(isa):
    code = (
        "import caviar, numpy as np, warnings; warnings.simplefilter('ignore')\n"
        "from sklearn.datasets import load_iris\n"
        "X, y = load_iris(return_X_y=True)\n"
        "clf = caviar.MLPClassifier((9,), batch_norm=True, random_state=0,"
        " max_iter=20).fit(X, y)\n"
        "print(caviar._kernels.ISA, repr(clf.loss_))"
    )
    used, loss = run(code, CAVIAR_ISA=isa).stdout.split()
    here = run(code).stdout.split()[1]
    assert used == isa
    np.testing.assert_allclose(float(loss), float(here), rtol=1e-9)


def test_importing_caviar_imports_no_extra():
    """Beyond what scikit-learn brings by itself."""
    before, after = (
        set(
            run(f"from {name} import *; import sys; print(*sys.modules)").stdout.split()
        )
        for name in ("sklearn.neural_network", "caviar")
    )
    extras = {"pandas", "matplotlib", "rich", "torch", "jax", "optuna", "dask"}
    assert "caviar.plotting" in after  # the star imports all that is public
    assert after
    assert not (after - before) & extras


def test_a_fit_limits_scipys_blas_to_one_thread_and_gives_it_back():
    libraries = scipy_blas_libraries()
    if not libraries:
        pytest.skip("scipy's BLAS is not one that threadpoolctl controls")
    with threadpool_limits(2):
        before = [library.num_threads for library in libraries]
        with single_blas_thread:
            assert [library.num_threads for library in libraries] == [1] * len(before)
            with single_blas_thread:
                pass
            assert [library.num_threads for library in libraries] == [1] * len(before)
        assert [library.num_threads for library in libraries] == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_inside_a_fit_leaves_the_child_unlimited():
    code = (
        "import os\n"
        "from threadpoolctl import threadpool_limits\n"
        "from caviar._blas_threads import single_blas_thread as guard\n"
        "from caviar._blas_threads import scipy_blas_libraries as libraries\n"
        "with threadpool_limits(2):\n"
        "    before = [lib.num_threads for lib in libraries()]\n"
        "    with guard:\n"
        "        pid = os.fork()\n"
        "        if pid == 0:\n"
        "            same = [lib.num_threads for lib in libraries()] == before\n"
        "            with guard:\n"
        "                one = all(lib.num_threads == 1 for lib in libraries())\n"
        "            os._exit(0 if same and one else 1)\n"
        "        status = os.waitpid(pid, 0)[1]\n"
        "print(status)"
    )
    assert run(code).stdout.strip() == "0"


@pytest.mark.parametrize(
    "name", ["augmentation", "diagnostics", "ensemble", "schedules"]
)
def test_public_modules_are_there_without_an_import_of_their_own(name):
    code = f"import caviar; caviar.{name}; assert {name!r} in dir(caviar)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        caviar.nothing  # noqa: B018 - to ask is the test
