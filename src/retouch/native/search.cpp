// Searches of patches that are described by floats: what continues the neighbours' sources, and random ones.
//
// Barnes et al., "PatchMatch", SIGGRAPH 2009, in scan order. Bands of rows are worked on at the same time,
// first the even ones, then the odd ones; so no two neighbours move at once, and any number of threads gives
// the same bits. All sums have one order, so processors with and without AVX2 give the same bits too.
#include "common.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#if defined(__GNUC__)
#define INLINE inline __attribute__((always_inline))
#define PREFETCH(place) __builtin_prefetch(place)
#else
#define INLINE inline
#define PREFETCH(place)
#endif
#if defined(__GNUC__) && defined(__x86_64__)
#define WITH_AVX2 1
#endif

using namespace retouch;

namespace {

constexpr int LANES = 8;       // partial sums
constexpr int CHECKED = 4;     // groups of lanes after which a sum may be given up
constexpr int BAND = 16;       // rows
constexpr int MOST_RADII = 32; // further ones are ignored

} // namespace

// What is searched, and how; feature_search.py has the same fields in the same order, and describes them.
struct Task {
    int64_t count;
    const int64_t *queries;
    int64_t *sources;
    float *values;
    const float *prices; // null: no price
    int32_t height, width, margin, stride;
    const uint8_t *allowed;
    const int32_t *maps;
    int64_t cells;
    int32_t map_count, source_stride, rounds, exploring;
    const int32_t *radii;
    const int64_t *anywhere;
    int64_t anywhere_count;
    uint64_t seed;
    int32_t radius_count, measure, threads, portable;
};

namespace {

INLINE float total(const float *sums) {
    return ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
}

enum Kind { PLAIN, WEIGHTED, SCALED };

// For the last numbers of a row: ones where a group that ends with the row holds what was not added yet.
alignas(32) const float LAST[2 * LANES] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1};

// Adds weighted squared differences of a row of numbers. Partial sums only grow, so that a sum which has
// reached the limit can be given up; says whether it was.
template <Kind kind>
INLINE bool add_row(float *sums, const float *query, const float *source, const float *weights, float factor,
                    int length, float limit) {
    int place = 0, groups = 0;
    for (; place + LANES <= length; place += LANES) {
        for (int lane = 0; lane < LANES; lane++) {
            const float theirs = kind == SCALED ? source[place + lane] * factor : source[place + lane];
            const float difference = query[place + lane] - theirs;
            const float square = difference * difference;
            sums[lane] += kind == WEIGHTED ? square * weights[place + lane] : square;
        }
        if (++groups % CHECKED == 0 && total(sums) >= limit) return true;
    }
    const int left = length - place;
    if (!left) return false;
    if (length < LANES) {
        for (int lane = 0; lane < left; lane++) {
            const float theirs = kind == SCALED ? source[lane] * factor : source[lane];
            const float difference = query[lane] - theirs;
            const float square = difference * difference;
            sums[lane] += kind == WEIGHTED ? square * weights[lane] : square;
        }
        return false;
    }
    place = length - LANES;
    const float *mask = LAST + left;
    for (int lane = 0; lane < LANES; lane++) {
        const float theirs = kind == SCALED ? source[place + lane] * factor : source[place + lane];
        const float difference = (query[place + lane] - theirs) * mask[lane];
        const float square = difference * difference;
        sums[lane] += kind == WEIGHTED ? square * weights[place + lane] : square;
    }
    return false;
}

// Distances of rows that describe whole patches.
template <Kind kind> struct RowCost {
    const float *queries, *table, *weights;
    int width;

    size_t room() const { return 0; }

    INLINE const float *prepare(int64_t rank, float *) const { return queries + rank * width; }

    INLINE void fetch(int64_t source) const {
        const float *row = table + source * width;
        for (int place = 0; place < width && place < 64; place += 16) PREFETCH(row + place);
    }

    INLINE float operator()(int64_t rank, const float *query, int64_t source, float limit) const {
        float sums[LANES] = {};
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

    INLINE const float *prepare(int64_t rank, float *room) const {
        const int half = side / 2, length = side * channels;
        const float factor = kind == SCALED ? query_factors[rank] : 1;
        for (int row = 0; row < side; row++) {
            const float *cells = query_cells + (queries[rank] + (row - half) * int64_t(query_stride) - half) * channels;
            for (int place = 0; place < length; place++) room[row * length + place] = cells[place] * factor;
        }
        return room;
    }

    INLINE const float *corner(int64_t source) const {
        return source_cells + (source - int64_t(side / 2) * (source_stride + 1)) * channels;
    }

    INLINE void fetch(int64_t source) const {
        const float *cells = corner(source);
        for (int row = 0; row < side && row < 3; row++) PREFETCH(cells + int64_t(row) * source_stride * channels);
    }

    INLINE float operator()(int64_t, const float *query, int64_t source, float limit) const {
        const int length = side * channels;
        const float factor = kind == SCALED ? source_factors[source] : 1;
        const float *cells = corner(source);
        float sums[LANES] = {kind == SCALED ? bias[source] : 0};
        for (int row = 0; row < side; row++) {
            if (add_row<kind>(sums, query + row * length, cells + int64_t(row) * source_stride * channels, nullptr,
                              factor, length, limit) ||
                total(sums) >= limit)
                break;
        }
        return total(sums);
    }
};

// The sources of all queries as a map with a border, so that a neighbour is one step away; -1 for no query.
struct Field {
    int pitch, bands;
    std::vector<int32_t> sources, ranks; // of the map with its border
    std::vector<int32_t> places;         // of the queries in it, in scan order
    std::vector<int64_t> begins;         // of each band in `places`

    explicit Field(const Task &task)
        : pitch(task.width + 2), bands((task.height + BAND - 1) / BAND),
          sources(size_t(pitch) * (task.height + 2), -1), ranks(sources.size(), -1), begins(bands + 1) {
        for (int64_t rank = 0; rank < task.count; rank++) {
            const int64_t row = task.queries[rank] / task.stride - task.margin;
            const int64_t column = task.queries[rank] % task.stride - task.margin;
            const int64_t place = (row + 1) * pitch + column + 1;
            ranks[place] = static_cast<int32_t>(rank);
            sources[place] = static_cast<int32_t>(task.sources[rank]);
        }
        places.reserve(task.count);
        for (int row = 0; row < task.height; row++) {
            if (row % BAND == 0) begins[row / BAND] = static_cast<int64_t>(places.size());
            for (int place = (row + 1) * pitch + 1; place < (row + 2) * pitch - 1; place++)
                if (ranks[place] >= 0) places.push_back(place);
        }
        begins[bands] = static_cast<int64_t>(places.size());
    }
};

INLINE int map_of(const Task &task, int line) {
    int index = 0;
    while (index + 1 < task.map_count && line >= task.maps[3 * (index + 1)]) index++;
    return index;
}

// The source that continues a neighbour's, or -1. From one map into another nothing continues.
INLINE int64_t continued(const Task &task, int64_t theirs, int64_t step) {
    if (theirs < 0) return -1;
    const int64_t mine = theirs - step;
    if (mine < 0 || mine >= task.cells) return -1;
    if (task.map_count > 1 && map_of(task, static_cast<int>(mine / task.source_stride)) !=
                                  map_of(task, static_cast<int>(theirs / task.source_stride)))
        return -1;
    return mine;
}

template <class Cost> INLINE void search_band(const Task &task, Field &field, const Cost &cost, int band, int round) {
    const int64_t steps[4] = {1, -1, task.source_stride, -int64_t(task.source_stride)};
    const int around[4] = {1, -1, field.pitch, -field.pitch};
    const bool explores = round < task.exploring;
    const int radii = explores ? std::min(task.radius_count, MOST_RADII) : 0;
    std::vector<float> room(cost.room());
    int64_t near[4], tried[4 + MOST_RADII + 1];
    Random random(0, 0, 0, 0);
    int drawn = -1; // the row that `random` is for
    const int64_t begin = field.begins[band], size = field.begins[band + 1] - begin;
    for (int64_t number = 0; number < size; number++) {
        // Every other round goes backwards.
        const int place = field.places[begin + (round % 2 ? size - 1 - number : number)];
        const int64_t rank = field.ranks[place];
        int64_t present = field.sources[place];
        int count = 0;
        for (int side = 0; side < 4; side++) {
            near[side] = continued(task, field.sources[place + around[side]], steps[side]);
            const int64_t each = near[side];
            if (each < 0 || each == present || !task.allowed[each]) continue;
            if ((side > 0 && each == near[0]) || (side > 1 && each == near[1]) || (side > 2 && each == near[2])) continue;
            tried[count++] = each;
        }
        if (explores) {
            if (place / field.pitch != drawn) {
                drawn = place / field.pitch;
                random = Random(task.seed, 0, round, drawn);
            }
            const int line = static_cast<int>(present / task.source_stride);
            const int32_t *map = task.maps + 3 * map_of(task, line);
            const int margin = task.margin;
            // A source lies wholly in its map, so no nearer to its edge than the margin.
            const int top = map[0] + 2 * margin, bottom = map[0] + map[1] - 1;
            const int left = 2 * margin, right = map[2] - 1;
            const int column = static_cast<int>(present - int64_t(line) * task.source_stride);
            for (int number = 0; number < radii; number++) {
                const int radius = task.radii[number];
                const int down = int(random.below(2 * radius + 1)) - radius, across = int(random.below(2 * radius + 1)) - radius;
                const int64_t each = int64_t(std::clamp(line + down, top, bottom)) * task.source_stride +
                                     std::clamp(column + across, left, right);
                if (task.allowed[each] && each != present) tried[count++] = each;
            }
            if (task.anywhere_count)
                tried[count++] = task.anywhere[random.below(static_cast<uint32_t>(task.anywhere_count))];
        }
        const bool measured = !task.measure || round > 0;
        if (!count && measured) continue;
        for (int each = 0; each < count; each++) cost.fetch(tried[each]);
        const float *query = cost.prepare(rank, room.data());
        float value = measured ? task.values[rank] : cost(rank, query, present, HUGE_VALF);
        const float price = task.prices ? task.prices[rank] : 0;
        for (int number = 0; number < count; number++) {
            const int64_t each = tried[number];
            if (each == present) continue;
            int saved = 0;
            for (int side = 0; side < 4; side++) saved += (near[side] == each) - (near[side] == present);
            const float limit = value + price * static_cast<float>(saved);
            const float found = cost(rank, query, each, limit);
            if (found < limit) {
                present = each;
                value = found;
            }
        }
        field.sources[place] = static_cast<int32_t>(present);
        task.values[rank] = value;
    }
}

template <class Cost> void search_portable(const Task &task, Field &field, const Cost &cost, int band, int round) {
    search_band(task, field, cost, band, round);
}

#if WITH_AVX2
template <class Cost>
__attribute__((target("avx2"))) void search_avx2(const Task &task, Field &field, const Cost &cost, int band, int round) {
    search_band(task, field, cost, band, round);
}
#endif

template <class Cost> void search(const Task &task, const Cost &cost) {
    auto work = search_portable<Cost>;
#if WITH_AVX2
    if (!task.portable && __builtin_cpu_supports("avx2")) work = search_avx2<Cost>;
#endif
    Field field(task);
    for (int round = 0; round < task.rounds; round++)
        for (int odd = 0; odd < 2; odd++)
            parallel(task.threads, (field.bands + 1 - odd) / 2,
                     [&](int number) { work(task, field, cost, 2 * number + odd, round); });
    for (const int place : field.places) task.sources[field.ranks[place]] = field.sources[place];
}

} // namespace

// The interface's version; the Python side refuses another one.
EXPORT int retouch_interface(void) { return 2; }

// Compare rows of `width` numbers, one for each query and one for each flat position of the sources; weights
// may be null.
EXPORT void retouch_search_rows(const Task *task, const float *queries, const float *table, const float *weights,
                                int32_t width) {
    if (weights)
        search(*task, RowCost<WEIGHTED>{queries, table, weights, width});
    else
        search(*task, RowCost<PLAIN>{queries, table, nullptr, width});
}

// Compare patches of `side` × `side` cells of `channels` numbers. With factors, cells are multiplied by the
// factor of the query or of the source before; `bias`, 0 or more, is added.
EXPORT void retouch_search_patches(const Task *task, const float *query_cells, const float *source_cells,
                                   const float *query_factors, const float *source_factors, const float *bias,
                                   int32_t side, int32_t channels) {
    if (query_factors)
        search(*task, PatchCost<SCALED>{query_cells, source_cells, query_factors, source_factors, bias, task->queries,
                                        side, channels, task->stride, task->source_stride});
    else
        search(*task, PatchCost<PLAIN>{query_cells, source_cells, nullptr, nullptr, nullptr, task->queries, side,
                                       channels, task->stride, task->source_stride});
}
