/* The kernels for the processor every build may assume (SSE2 on x86-64, NEON on arm64). */
#define ISA baseline
#include "kernels.inc.h"
