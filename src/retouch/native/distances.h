// Weighted squared distances of patches that are described by floats. Sums have one order, so that the same
// code gives the same bits on every processor of a kind. AVX2 instructions would gain 5 %: memory decides.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__GNUC__)
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define PREFETCH(place)
#endif

namespace retouch::features {

constexpr int LANES = 8;   // partial sums
constexpr int CHECKED = 4; // groups of lanes after which a sum may be given up

// Eight partial sums, whatever the processor's registers hold.
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wpsabi"  // these functions are inlined
typedef float Lanes __attribute__((vector_size(LANES * sizeof(float))));
#else
struct Lanes {
    float numbers[LANES];
    float operator[](int lane) const { return numbers[lane]; }
};
#define EACH_LANE(name, sign)                                                                                          \
    inline Lanes operator name(Lanes one, const Lanes &other) {                                                        \
        for (int lane = 0; lane < LANES; lane++) one.numbers[lane] sign other.numbers[lane];                           \
        return one;                                                                                                    \
    }
EACH_LANE(+, +=)
EACH_LANE(-, -=)
EACH_LANE(*, *=)
#endif

inline Lanes load(const float *place) {
    Lanes lanes;
    std::memcpy(&lanes, place, sizeof(lanes));
    return lanes;
}

inline float total(const Lanes &sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

enum Kind { PLAIN, WEIGHTED, SCALED };

const float ZEROS[LANES] = {};
// Ones for the last numbers of a row, in a group that ends with the row.
const float LAST[2 * LANES] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

template <Kind kind>
inline void add(Lanes &sums, const float *query, const float *source, const float *weights, const Lanes &factors,
                const float *mask) {
    Lanes theirs = load(source);
    if (kind == SCALED) theirs = theirs * factors;
    Lanes away = load(query) - theirs;
    if (mask) away = away * load(mask);
    away = away * away;
    if (kind == WEIGHTED) away = away * load(weights);
    sums = sums + away;
}

// Adds weighted squared differences of a row of numbers. Partial sums only grow, so that a sum which has
// reached the limit can be given up; says whether it was.
template <Kind kind>
inline bool add_row(Lanes &sums, const float *query, const float *source, const float *weights, float factor,
                    int length, float limit) {
    const float repeated[LANES] = {factor, factor, factor, factor, factor, factor, factor, factor};
    const Lanes factors = load(repeated);
    int place = 0, groups = 0;
    for (; place + LANES <= length; place += LANES) {
        add<kind>(sums, query + place, source + place, kind == WEIGHTED ? weights + place : nullptr, factors,
                  nullptr);
        if (++groups % CHECKED == 0 && total(sums) >= limit) return true;
    }
    const int left = length - place;
    if (!left) return false;
    if (length >= LANES) {
        const int last = length - LANES;
        add<kind>(sums, query + last, source + last, kind == WEIGHTED ? weights + last : nullptr, factors,
                  LAST + left);
        return false;
    }
    float few[3][LANES] = {};
    std::memcpy(few[0], query, length * sizeof(float));
    std::memcpy(few[1], source, length * sizeof(float));
    if (kind == WEIGHTED) std::memcpy(few[2], weights, length * sizeof(float));
    add<kind>(sums, few[0], few[1], few[2], factors, nullptr);
    return false;
}

// Distances of rows that describe whole patches.
template <Kind kind> struct RowCost {
    const float *queries, *table, *weights;
    int width;

    size_t room() const { return 0; }

    const float *prepare(int64_t rank, float *) const { return queries + rank * width; }

    void fetch(int64_t source) const {
        const float *row = table + source * width;
        for (int place = 0; place < width && place < 64; place += 16) PREFETCH(row + place);
    }

    float operator()(int64_t rank, const float *query, int64_t source, float limit) const {
        Lanes sums = load(ZEROS);
        add_row<kind>(sums, query, table + source * width, kind == WEIGHTED ? weights + rank * width : nullptr, 1,
                      width, limit);
        return total(sums);
    }
};

// Distances of patches of cells. A row of a patch is `length` numbers in one piece.
template <Kind kind> struct PatchCost {
    const float *query_cells, *source_cells;
    const float *query_factors, *source_factors, *bias; // of a query, and of a flat position of the sources
    const int64_t *queries;
    int side, channels, query_stride, source_stride;

    size_t room() const { return static_cast<size_t>(side) * side * channels; }

    const float *prepare(int64_t rank, float *room) const {
        const int half = side / 2, length = side * channels;
        const float factor = kind == SCALED ? query_factors[rank] : 1;
        for (int row = 0; row < side; row++) {
            const float *cells = query_cells + (queries[rank] + (row - half) * int64_t(query_stride) - half) * channels;
            for (int place = 0; place < length; place++) room[row * length + place] = cells[place] * factor;
        }
        return room;
    }

    const float *corner(int64_t source) const {
        return source_cells + (source - int64_t(side / 2) * (source_stride + 1)) * channels;
    }

    void fetch(int64_t source) const {
        const float *cells = corner(source);
        for (int row = 0; row < side && row < 3; row++) PREFETCH(cells + int64_t(row) * source_stride * channels);
    }

    float operator()(int64_t, const float *query, int64_t source, float limit) const {
        const int length = side * channels;
        const float factor = kind == SCALED ? source_factors[source] : 1;
        const float *cells = corner(source);
        const float begin[LANES] = {kind == SCALED ? bias[source] : 0};
        Lanes sums = load(begin);
        for (int row = 0; row < side; row++) {
            if (add_row<kind>(sums, query + row * length, cells + int64_t(row) * source_stride * channels, nullptr,
                              factor, length, limit) ||
                total(sums) >= limit)
                break;
        }
        return total(sums);
    }
};

} // namespace retouch::features
