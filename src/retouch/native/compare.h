// Weighted squared differences of one patch and several others. All paths give the same integers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) || defined(_M_X64)
#define RETOUCH_X86 1
#include <immintrin.h>
#if defined(_MSC_VER)
#include <intrin.h>
#define TARGET_AVX2
#else
#define TARGET_AVX2 __attribute__((target("avx2")))
#endif
#endif

namespace retouch {

constexpr int LANES = 16; // bytes of a row of a patch that are compared at once

constexpr int LARGEST_PATCH = 9; // so a row, 27 bytes, fits into two times 16

// A patch, ready to be compared: rows of one or two times 16 bytes, as 16-bit numbers.
struct Query {
    alignas(32) int16_t pixels[LARGEST_PATCH * 2 * LANES];
    alignas(32) int16_t weights[LARGEST_PATCH * 2 * LANES];
};

// Differences of `count` patches, by the address of their first byte, to rows of a query.
using Compare = void (*)(const int16_t *pixels, const int16_t *weights, int rows, size_t stride,
                         const uint8_t *const *places, int count, int32_t *differences);

template <int CHUNKS>
void compare_plain(const int16_t *pixels, const int16_t *weights, int rows, size_t stride,
                   const uint8_t *const *places, int count, int32_t *differences) {
    for (int each = 0; each < count; each++) {
        int32_t total = 0;
        for (int row = 0; row < rows; row++) {
            const uint8_t *bytes = places[each] + row * stride;
            for (int lane = 0; lane < CHUNKS * LANES; lane++) {
                const int at = row * CHUNKS * LANES + lane;
                const int32_t away = bytes[lane] - pixels[at];
                total += away * weights[at] * away;
            }
        }
        differences[each] = total;
    }
}

#if RETOUCH_X86
template <int CHUNKS>
void compare_sse2(const int16_t *pixels, const int16_t *weights, int rows, size_t stride,
                  const uint8_t *const *places, int count, int32_t *differences) {
    const __m128i zero = _mm_setzero_si128();
    for (int each = 0; each < count; each++) {
        __m128i total = zero;
        for (int row = 0; row < rows; row++)
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                const int at = (row * CHUNKS + chunk) * LANES;
                const __m128i bytes =
                    _mm_loadu_si128(reinterpret_cast<const __m128i *>(places[each] + row * stride + chunk * LANES));
                for (int half = 0; half < 2; half++) {
                    const __m128i theirs = half ? _mm_unpackhi_epi8(bytes, zero) : _mm_unpacklo_epi8(bytes, zero);
                    const __m128i *mine = reinterpret_cast<const __m128i *>(pixels + at + 8 * half);
                    const __m128i *weight = reinterpret_cast<const __m128i *>(weights + at + 8 * half);
                    const __m128i away = _mm_sub_epi16(theirs, _mm_load_si128(mine));
                    total = _mm_add_epi32(total,
                                          _mm_madd_epi16(_mm_mullo_epi16(away, _mm_load_si128(weight)), away));
                }
            }
        total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0x4e));
        total = _mm_add_epi32(total, _mm_shuffle_epi32(total, 0xb1));
        differences[each] = _mm_cvtsi128_si32(total);
    }
}

template <int CHUNKS>
TARGET_AVX2 void compare_avx2(const int16_t *pixels, const int16_t *weights, int rows, size_t stride,
                              const uint8_t *const *places, int count, int32_t *differences) {
    for (int each = 0; each < count; each++) {
        __m256i total = _mm256_setzero_si256();
        for (int row = 0; row < rows; row++)
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                const int at = (row * CHUNKS + chunk) * LANES;
                const __m256i theirs = _mm256_cvtepu8_epi16(
                    _mm_loadu_si128(reinterpret_cast<const __m128i *>(places[each] + row * stride + chunk * LANES)));
                const __m256i away =
                    _mm256_sub_epi16(theirs, _mm256_load_si256(reinterpret_cast<const __m256i *>(pixels + at)));
                const __m256i weight = _mm256_load_si256(reinterpret_cast<const __m256i *>(weights + at));
                total = _mm256_add_epi32(total, _mm256_madd_epi16(_mm256_mullo_epi16(away, weight), away));
            }
        __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(total), _mm256_extracti128_si256(total, 1));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1));
        differences[each] = _mm_cvtsi128_si32(sum);
    }
}

inline bool has_avx2() {
#if defined(_MSC_VER)
    int found[4];
    __cpuid(found, 0);
    if (found[0] < 7) return false;
    __cpuid(found, 1);
    const bool saved = (found[2] & (1 << 27)) && (_xgetbv(0) & 6) == 6; // the system keeps wide registers
    __cpuidex(found, 7, 0);
    return saved && (found[1] & (1 << 5));
#else
    return __builtin_cpu_supports("avx2");
#endif
}
#endif

} // namespace retouch
