/// What is a vector here? LANES floats (or 32-bit integers) in one register. Arithmetic is written with operators; a
/// comparison gives lanes of all ones or all zeros, and `condition ? a : b` chooses lane by lane.
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((ext_vector_type(LANES)));
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef uint32_t vu __attribute__((ext_vector_type(LANES)));

INLINE vf v_load(const float *p) {
    vf v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE vi v_load_i32(const int32_t *p) {
    vi v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

INLINE void v_store(float *p, vf v) { __builtin_memcpy(p, &v, sizeof v); }
