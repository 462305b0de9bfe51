// The first look at many candidates for one patch: by their guides and their middle rows.
#pragma once

#include "compare.h"

namespace retouch {

// What guides a search beside the patch: means of colour and texture over it.
struct Guide {
    uint8_t values[8];
};

inline int apart(const Guide &one, const Guide &other) {
#if RETOUCH_X86
    const __m128i zero = _mm_setzero_si128();
    const __m128i mine = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(one.values)), zero);
    const __m128i theirs = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(other.values)), zero);
    const __m128i away = _mm_sub_epi16(mine, theirs);
    __m128i sum = _mm_madd_epi16(away, away);
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
#else
    int total = 0;
    for (int each = 0; each < 8; each++) {
        const int away = int(one.values[each]) - int(other.values[each]);
        total += away * away;
    }
    return total;
#endif
}

// Candidates for a query that are not too dear by their guide and one row alone.
struct Scan {
    const int16_t *pixels, *weights; // that row of the query
    int reach;                       // half of its side
    Guide guide;
    float scale, pull, least;        // a candidate costs scale · patch + pull · guide, and must be below `least`
};

struct Found {
    int32_t place, guide; // where, and how far its guide is
};

// Look at candidates from `first` on, four at a time, until `end` or until `room` are found; fewer than four more may
// be. Their middles lie 3 · place bytes after `bytes`. Returns where to go on.
using Scanner = size_t (*)(const Scan &scan, const uint8_t *bytes, const int32_t *places, const Guide *guides,
                           size_t first, size_t end, int room, Found *found, int &count);

template <int CHUNKS>
size_t scan_plain(const Scan &scan, const uint8_t *bytes, const int32_t *places, const Guide *guides, size_t first,
                  size_t end, int room, Found *found, int &count) {
    for (; first < end && count < room; first++) {
        const uint8_t *there = bytes + (size_t(places[first]) - scan.reach) * 3;
        const int32_t guide = apart(scan.guide, guides[first]);
        int32_t row;
        compare_plain<CHUNKS>(scan.pixels, scan.weights, 1, 0, &there, 1, &row);
        found[count] = {places[first], guide};
        count += scan.scale * float(row) + scan.pull * float(guide) < scan.least;
    }
    return first;
}

#if RETOUCH_X86
// Append those of four that are cheap enough.
inline void keep_cheap(const Scan &scan, __m128i rows, __m128i away, const int32_t *places, Found *found, int &count) {
    const __m128 price = _mm_add_ps(_mm_mul_ps(_mm_set1_ps(scan.scale), _mm_cvtepi32_ps(rows)),
                                    _mm_mul_ps(_mm_set1_ps(scan.pull), _mm_cvtepi32_ps(away)));
    const int cheap = _mm_movemask_ps(_mm_cmplt_ps(price, _mm_set1_ps(scan.least)));
    if (!cheap) return;
    alignas(16) int32_t guides[4];
    _mm_store_si128(reinterpret_cast<__m128i *>(guides), away);
    for (int each = 0; each < 4; each++) {
        found[count] = {places[each], guides[each]};
        count += cheap >> each & 1;
    }
}

// The sums of four times four numbers.
inline __m128i four_sums(const __m128i *each) {
    const __m128i first = _mm_add_epi32(_mm_unpacklo_epi32(each[0], each[1]), _mm_unpackhi_epi32(each[0], each[1]));
    const __m128i second = _mm_add_epi32(_mm_unpacklo_epi32(each[2], each[3]), _mm_unpackhi_epi32(each[2], each[3]));
    return _mm_add_epi32(_mm_unpacklo_epi64(first, second), _mm_unpackhi_epi64(first, second));
}

template <int CHUNKS>
size_t scan_sse2(const Scan &scan, const uint8_t *bytes, const int32_t *places, const Guide *guides, size_t first,
                 size_t end, int room, Found *found, int &count) {
    const __m128i zero = _mm_setzero_si128();
    const __m128i guide = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(scan.guide.values)), zero);
    for (; first < end && count < room; first += 4) {
        __m128i away[4], rows[4];
        for (int each = 0; each < 4; each++) {
            const __m128i values = _mm_loadl_epi64(reinterpret_cast<const __m128i *>(guides[first + each].values));
            const __m128i apart = _mm_sub_epi16(guide, _mm_unpacklo_epi8(values, zero));
            away[each] = _mm_madd_epi16(apart, apart);
            rows[each] = zero;
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                const uint8_t *there = bytes + (size_t(places[first + each]) - scan.reach) * 3 + chunk * LANES;
                const __m128i all = _mm_loadu_si128(reinterpret_cast<const __m128i *>(there));
                for (int half = 0; half < 2; half++) {
                    const int at = chunk * LANES + 8 * half;
                    const __m128i theirs = half ? _mm_unpackhi_epi8(all, zero) : _mm_unpacklo_epi8(all, zero);
                    const __m128i step =
                        _mm_sub_epi16(theirs, _mm_load_si128(reinterpret_cast<const __m128i *>(scan.pixels + at)));
                    const __m128i weight = _mm_load_si128(reinterpret_cast<const __m128i *>(scan.weights + at));
                    rows[each] = _mm_add_epi32(rows[each], _mm_madd_epi16(_mm_mullo_epi16(step, weight), step));
                }
            }
        }
        keep_cheap(scan, four_sums(rows), four_sums(away), places + first, found, count);
    }
    return first;
}

TARGET_AVX2 inline __m128i four_sums_avx2(__m256i first, __m256i second, __m256i third, __m256i fourth) {
    const __m256i all = _mm256_hadd_epi32(_mm256_hadd_epi32(first, second), _mm256_hadd_epi32(third, fourth));
    return _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
}

template <int CHUNKS>
TARGET_AVX2 size_t scan_avx2(const Scan &scan, const uint8_t *bytes, const int32_t *places, const Guide *guides,
                             size_t first, size_t end, int room, Found *found, int &count) {
    __m256i pixels[CHUNKS], weights[CHUNKS];
    for (int chunk = 0; chunk < CHUNKS; chunk++) {
        pixels[chunk] = _mm256_load_si256(reinterpret_cast<const __m256i *>(scan.pixels + chunk * LANES));
        weights[chunk] = _mm256_load_si256(reinterpret_cast<const __m256i *>(scan.weights + chunk * LANES));
    }
    const __m128i one = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(scan.guide.values)));
    const __m256i guide = _mm256_broadcastsi128_si256(one);
    for (; first < end && count < room; first += 4) {
        __m256i guided[2], rows[4];
        for (int pair = 0; pair < 2; pair++) {
            const __m256i apart = _mm256_sub_epi16(
                guide, _mm256_cvtepu8_epi16(
                           _mm_loadu_si128(reinterpret_cast<const __m128i *>(guides + first + 2 * pair))));
            guided[pair] = _mm256_madd_epi16(apart, apart);
        }
        for (int each = 0; each < 4; each++) {
            const uint8_t *there = bytes + (size_t(places[first + each]) - scan.reach) * 3;
            rows[each] = _mm256_setzero_si256();
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                const __m256i step = _mm256_sub_epi16(
                    _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i *>(there + chunk * LANES))),
                    pixels[chunk]);
                rows[each] = _mm256_add_epi32(
                    rows[each], _mm256_madd_epi16(_mm256_mullo_epi16(step, weights[chunk]), step));
            }
        }
        // Lanes hold guides 0 and 2, and 1 and 3.
        __m256i sums = _mm256_hadd_epi32(guided[0], guided[1]);
        sums = _mm256_hadd_epi32(sums, sums);
        const __m128i away = _mm_unpacklo_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        keep_cheap(scan, four_sums_avx2(rows[0], rows[1], rows[2], rows[3]), away, places + first, found, count);
    }
    return first;
}
#endif

} // namespace retouch
