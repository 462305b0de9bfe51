// Searches of patches that are described by floats: what continues the neighbours' sources, and random ones.
//
// Barnes et al., "PatchMatch", SIGGRAPH 2009, in scan order. Bands of rows are worked on at the same time,
// first the even ones, then the odd ones; so no two neighbours move at once, and any number of threads gives
// the same bits.
#include "common.h"
#include "distances.h"

#include <algorithm>
#include <cmath>

namespace retouch::features {

constexpr int BAND = 16;        // rows
constexpr int FEWEST = 2048;    // queries that are worth a thread

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
    int32_t radius_count, threads;
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

inline int map_of(const Task &task, int line) {
    int index = 0;
    while (index + 1 < task.map_count && line >= task.maps[3 * (index + 1)]) index++;
    return index;
}

// The source that continues a neighbour's, or -1. From one map into another nothing continues.
inline int64_t continued(const Task &task, int64_t theirs, int64_t step) {
    const int64_t mine = theirs - step;
    if (theirs < 0 || mine < 0 || mine >= task.cells) return -1;
    if (task.map_count > 1 && map_of(task, static_cast<int>(mine / task.source_stride)) !=
                                  map_of(task, static_cast<int>(theirs / task.source_stride)))
        return -1;
    return mine;
}

// What one query tries in a round.
struct Candidates {
    int64_t near[4]; // what continues its neighbours' sources, or -1
    std::vector<int64_t> tried;
    int count = 0; // of `tried`

    explicit Candidates(const Task &task) : tried(4 + task.radius_count + 1) {}

    void gather(const Task &task, const Field &field, int place, int64_t present) {
        const int64_t steps[4] = {1, -1, task.source_stride, -int64_t(task.source_stride)};
        const int around[4] = {1, -1, field.pitch, -field.pitch};
        count = 0;
        for (int side = 0; side < 4; side++) {
            const int64_t each = continued(task, field.sources[place + around[side]], steps[side]);
            near[side] = each;
            if (each < 0 || each == present || !task.allowed[each]) continue;
            if (std::find(tried.begin(), tried.begin() + count, each) == tried.begin() + count) tried[count++] = each;
        }
    }

    void draw(const Task &task, int64_t present, Random &random) {
        const int line = static_cast<int>(present / task.source_stride);
        const int column = static_cast<int>(present % task.source_stride);
        const int32_t *map = task.maps + 3 * map_of(task, line);
        // A source lies wholly in its map, so no nearer to its edge than the margin.
        const int top = map[0] + 2 * task.margin, bottom = map[0] + map[1] - 1;
        const int left = 2 * task.margin, right = map[2] - 1;
        for (int number = 0; number < task.radius_count; number++) {
            const int radius = task.radii[number];
            const int down = static_cast<int>(random.below(2 * radius + 1)) - radius;
            const int across = static_cast<int>(random.below(2 * radius + 1)) - radius;
            const int64_t each = int64_t(std::clamp(line + down, top, bottom)) * task.source_stride +
                                 std::clamp(column + across, left, right);
            if (task.allowed[each] && each != present) tried[count++] = each;
        }
        if (task.anywhere_count)
            tried[count++] = task.anywhere[random.below(static_cast<uint32_t>(task.anywhere_count))];
    }

    // How many more neighbours agree with one source than with another.
    int gained(int64_t one, int64_t other) const {
        int gained = 0;
        for (const int64_t each : near) gained += (each == one) - (each == other);
        return gained;
    }
};

template <class Cost> void search_band(const Task &task, Field &field, const Cost &cost, int band, int round) {
    std::vector<float> room(cost.room());
    Candidates candidates(task);
    Random random(0, 0, 0, 0);
    int row = -1; // that `random` is for
    const int64_t begin = field.begins[band], size = field.begins[band + 1] - begin;
    for (int64_t number = 0; number < size; number++) {
        // Every other round goes backwards.
        const int place = field.places[begin + (round % 2 ? size - 1 - number : number)];
        const int64_t rank = field.ranks[place];
        int64_t present = field.sources[place];
        candidates.gather(task, field, place, present);
        if (round < task.exploring) {
            if (place / field.pitch != row) {
                row = place / field.pitch;
                random = Random(task.seed, 0, round, row);
            }
            candidates.draw(task, present, random);
        }
        if (!candidates.count && round > 0) continue;
        for (int each = 0; each < candidates.count; each++) cost.fetch(candidates.tried[each]);
        const float *query = cost.prepare(rank, room.data());
        // Measured here: a sum in another order could be a little more, and equal sources would change.
        float value = round > 0 ? task.values[rank] : cost(rank, query, present, HUGE_VALF);
        const float price = task.prices ? task.prices[rank] : 0;
        for (int next = 0; next < candidates.count; next++) {
            const int64_t each = candidates.tried[next];
            if (each == present) continue;
            const float limit = value + price * static_cast<float>(candidates.gained(each, present));
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

template <class Cost> void search(const Task &task, const Cost &cost) {
    Field field(task);
    const int threads = task.count < FEWEST ? 1 : task.threads;
    const Team team(threads);
    for (int round = 0; round < task.rounds; round++)
        for (int odd = 0; odd < 2; odd++)
            parallel(threads, (field.bands + 1 - odd) / 2,
                     [&](int number) { search_band(task, field, cost, 2 * number + odd, round); });
    for (const int place : field.places) task.sources[field.ranks[place]] = field.sources[place];
}

} // namespace retouch::features

using namespace retouch::features;

// The interface's version; the Python side refuses another one.
EXPORT int retouch_interface(void) { return 5; }

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
