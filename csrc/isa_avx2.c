/* The kernels for x86-64 with AVX2 and FMA; setup.py gives the flags. */
#define ISA avx2
#include "kernels.inc.h"
