/// 64-bit ARM: vectors of 4 floats, 32 registers.
#include "../kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <math.h>

#include "../vector/lanes_neon.h"
#include "../vector/families.h"

#define LEVEL ATTAR_CPU_NEON
#define LEVEL_TABLE attar_kernels_neon
#include "table.h"

#endif
