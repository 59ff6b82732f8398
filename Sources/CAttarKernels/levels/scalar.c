/// The level that every processor can run: the plain twins.
#include "../kernels.h"

#include <math.h>
#include <string.h>

#include "../half.h"
#include "../scalar/gemm.h"
#include "../blocks.h"
#include "../scalar/gemm_blocks.h"
#include "../scalar/attention.h"
#include "../scalar/cache.h"
#include "../scalar/rotary.h"
#include "../scalar/rowwise.h"
#include "../scalar/elementwise.h"
#include "../scalar/distances.h"
#include "../scalar/vectors.h"
#include "../scalar/codes.h"
#include "../scalar/max_sim.h"
#include "../scalar/postings.h"
#include "../scalar/checksum.h"
#include "../scalar/peak.h"

#define LEVEL ATTAR_CPU_SCALAR
#define LEVEL_TABLE attar_kernels_scalar
#include "table.h"
