"""The native build: csrc is compiled once per instruction set, each with its own flags."""

import platform
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from itertools import chain

from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

C_SOURCES = {
    "csrc/dispatch.c": None,
    "csrc/isa_baseline.c": None,
    "csrc/isa_avx2.c": "avx2",
    "csrc/isa_avx512.c": "avx512",
}
# Neither -march=native nor -ffast-math: the result must run, and compute the same, on
# other machines. What the loops need to be vectorized is said flag by flag.
GCC_FLAGS = [
    "-O3",
    "-g0",  # the interpreter's flags may ask for what is three quarters of a library
    "-std=c11",
    "-fopenmp-simd",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
]
GCC_ISA_FLAGS = {
    None: [],
    "avx2": ["-mavx2", "-mfma"],
    "avx512": ["-mavx2", "-mfma", "-mprefer-vector-width=512"]
    + [f"-mavx512{part}" for part in ("f", "dq", "bw", "vl")],
}
MSVC_FLAGS = ["/O2", "/std:c11", "/W3"]
MSVC_ISA_FLAGS = {None: [], "avx2": ["/arch:AVX2"], "avx512": ["/arch:AVX512"]}


def is_x86():
    """Whether the build is for x86-64, as the interpreter it is built for says."""
    target = sysconfig.get_platform().lower()
    names = ("x86_64", "amd64")
    if "universal2" in target:
        return False
    return target.endswith(names) or platform.machine().lower() in names


class BuildKernels(build_ext):
    """Compile every csrc source with its own flags, then the extensions as usual."""

    def build_extension(self, ext):
        msvc = self.compiler.compiler_type == "msvc"
        flags = MSVC_FLAGS if msvc else GCC_FLAGS
        isa_flags = MSVC_ISA_FLAGS if msvc else GCC_ISA_FLAGS
        if ext.name == "caviar._kernels":

            def compile_for(isa_of_source):
                source, isa = isa_of_source
                return self.compiler.compile(
                    [source],
                    output_dir=self.build_temp,
                    macros=[("CAVIAR_WITH_X86", str(int(is_x86())))],
                    include_dirs=["csrc"],
                    extra_postargs=flags + isa_flags[isa],
                )

            wanted = [(s, isa) for s, isa in C_SOURCES.items() if is_x86() or not isa]
            with ThreadPoolExecutor() as pool:  # each takes half a minute
                ext.extra_objects += chain.from_iterable(pool.map(compile_for, wanted))
        ext.extra_compile_args = flags
        super().build_extension(ext)


def extension(name):
    return Extension(
        f"caviar.{name}",
        [f"src/caviar/{name}.pyx"],
        include_dirs=["csrc"],
        # Also what a source distribution takes along.
        depends=sorted(glob("csrc/*") + glob("src/caviar/*.p[xy][dx]")),
    )


setup(
    ext_modules=cythonize(
        [extension(name) for name in ("_kernels", "_network", "_epochs", "_team")],
        compiler_directives={
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "freethreading_compatible": True,
        },
    ),
    cmdclass={"build_ext": BuildKernels},
)
