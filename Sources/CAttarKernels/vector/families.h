/// Every family over the lanes of the level that includes this file, in the order in which they use each other.
#include "lanes.h"
#include "functions.h"
#include "gemm.h"
#include "rowwise.h"
#include "attention.h"
#include "elementwise.h"
#include "vectors.h"
