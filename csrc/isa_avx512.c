/* The kernels for x86-64 with AVX-512 F, BW, DQ and VL; setup.py gives the flags. */
#define ISA avx512
#include "kernels.inc.h"
