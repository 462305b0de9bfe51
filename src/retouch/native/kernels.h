// What painting does with single patches: load, compare, look for and add them up. All paths give the same numbers.
#pragma once

#include <algorithm>

#include "scan.h"

namespace retouch {

// Load `rows` rows of `used` bytes, `stride` apart, and as many weights beside them. What lies beyond weighs nothing.
using Load = void (*)(const uint8_t *pixels, const uint8_t *weights, size_t stride, int rows, int used, Query &query);

template <int CHUNKS>
void load_plain(const uint8_t *pixels, const uint8_t *weights, size_t stride, int rows, int used, Query &query) {
    for (int row = 0; row < rows; row++)
        for (int lane = 0; lane < CHUNKS * LANES; lane++) {
            query.pixels[row * CHUNKS * LANES + lane] = pixels[row * stride + lane];
            query.weights[row * CHUNKS * LANES + lane] = lane < used ? weights[row * stride + lane] : 0;
        }
}

#if RETOUCH_X86
// 16 bytes of which the first `used` are kept.
inline __m128i first_bytes(const uint8_t *bytes, int used) {
    static const uint8_t ones[2 * LANES] = {255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255};
    const __m128i keep = _mm_loadu_si128(reinterpret_cast<const __m128i *>(ones + LANES - used));
    return _mm_and_si128(_mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes)), keep);
}

template <int CHUNKS>
void load_sse2(const uint8_t *pixels, const uint8_t *weights, size_t stride, int rows, int used, Query &query) {
    const __m128i zero = _mm_setzero_si128();
    const auto widen = [&](__m128i all, int16_t *made) {
        _mm_store_si128(reinterpret_cast<__m128i *>(made), _mm_unpacklo_epi8(all, zero));
        _mm_store_si128(reinterpret_cast<__m128i *>(made + 8), _mm_unpackhi_epi8(all, zero));
    };
    for (int row = 0; row < rows; row++)
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            const size_t from = row * stride + chunk * LANES;
            const int at = (row * CHUNKS + chunk) * LANES;
            widen(_mm_loadu_si128(reinterpret_cast<const __m128i *>(pixels + from)), query.pixels + at);
            widen(first_bytes(weights + from, std::min(LANES, used - chunk * LANES)), query.weights + at);
        }
}

template <int CHUNKS>
TARGET_AVX2 void load_avx2(const uint8_t *pixels, const uint8_t *weights, size_t stride, int rows, int used,
                           Query &query) {
    for (int row = 0; row < rows; row++)
        for (int chunk = 0; chunk < CHUNKS; chunk++) {
            const size_t from = row * stride + chunk * LANES;
            const int at = (row * CHUNKS + chunk) * LANES;
            const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i *>(pixels + from));
            const __m128i heavy = first_bytes(weights + from, std::min(LANES, used - chunk * LANES));
            _mm256_store_si256(reinterpret_cast<__m256i *>(query.pixels + at), _mm256_cvtepu8_epi16(all));
            _mm256_store_si256(reinterpret_cast<__m256i *>(query.weights + at), _mm256_cvtepu8_epi16(heavy));
        }
}
#endif

// Add rows of a patch, times a weight, to sums of three numbers a pixel, and the weight to sums of weights. One
// number beyond a row may have 0 added.
using AddPatch = void (*)(const uint8_t *bytes, size_t stride, int side, int rows, float weight, float *sums,
                          float *weights, int line);

inline void add_patch_plain(const uint8_t *bytes, size_t stride, int side, int rows, float weight, float *sums,
                            float *weights, int line) {
    for (int row = 0; row < rows; row++) {
        for (int each = 0; each < 3 * side; each++)
            sums[size_t(row) * line * 3 + each] += weight * float(bytes[row * stride + each]);
        for (int each = 0; each < side; each++) weights[size_t(row) * line + each] += weight;
    }
}

#if RETOUCH_X86
TARGET_AVX2 inline void add_patch_avx2(const uint8_t *bytes, size_t stride, int side, int rows, float weight,
                                       float *sums, float *weights, int line) {
    if (side != 5) return add_patch_plain(bytes, stride, side, rows, weight, sums, weights, line);
    const __m256 low = _mm256_set1_ps(weight);
    const __m256 high = _mm256_blend_ps(low, _mm256_setzero_ps(), 0x80);
    for (int row = 0; row < rows; row++) {
        const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + row * stride));
        float *target = sums + size_t(row) * line * 3, *beside = weights + size_t(row) * line;
        const __m256 first = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(all));
        const __m256 second = _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(all, 8)));
        _mm256_storeu_ps(target, _mm256_add_ps(_mm256_loadu_ps(target), _mm256_mul_ps(low, first)));
        _mm256_storeu_ps(target + 8, _mm256_add_ps(_mm256_loadu_ps(target + 8), _mm256_mul_ps(high, second)));
        _mm_storeu_ps(beside, _mm_add_ps(_mm_loadu_ps(beside), _mm256_castps256_ps128(low)));
        beside[4] += weight;
    }
}
#endif

// The fastest of each that there is; `portable` leaves out what not every x86-64 processor has.
struct Kernels {
    Load load;
    Compare compare;
    Scanner scan;
    AddPatch add_patch;
};

template <int CHUNKS> Kernels kernels_of(bool portable) {
#if RETOUCH_X86
    if (!portable && has_avx2())
        return {load_avx2<CHUNKS>, compare_avx2<CHUNKS>, scan_avx2<CHUNKS>, add_patch_avx2};
    return {load_sse2<CHUNKS>, compare_sse2<CHUNKS>, scan_sse2<CHUNKS>, add_patch_plain};
#else
    (void)portable;
    return {load_plain<CHUNKS>, compare_plain<CHUNKS>, scan_plain<CHUNKS>, add_patch_plain};
#endif
}

inline Kernels kernels(int side, bool portable) {
    return 3 * side > LANES ? kernels_of<2>(portable) : kernels_of<1>(portable);
}

} // namespace retouch
