/// What is a vector here? LANES floats (or 32-bit integers) in one register. Arithmetic is written with operators; a
/// comparison gives lanes of all ones or all zeros, and `condition ? a : b` chooses lane by lane.
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((ext_vector_type(LANES)));
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef uint32_t vu __attribute__((ext_vector_type(LANES)));
typedef uint8_t vbytes __attribute__((ext_vector_type(4 * LANES)));

/// From and to any address: what holds pairs of 16-bit numbers need not be aligned for floats.
INLINE vf v_load(const void *p) {
    vf v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE vi v_load_i32(const void *p) {
    vi v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE void v_store(void *p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
