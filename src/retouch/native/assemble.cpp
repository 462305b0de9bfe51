// Put a fill together from the gradients of its sources instead of their colours. The Python twin, slower and in
// numpy, is retouch/synthesis/assembly.py; it explains the choices.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common.h"
#include "multigrid.h"
#include "smooth.h"

namespace retouch {

struct Limits { // see native/assembling.py
    float anchor, hold, step, smooth_step, faintest, most;
    int32_t steps;
    float tolerance;
    int32_t threads;
};

struct Piece { // the picture, what is to be filled, and where it was taken from
    const float *image, *fill;
    const uint8_t *hole, *readable, *smooth;
    const int32_t *sources;
    int height, width;

    bool inside(int row, int column) const { return row >= 0 && row < height && column >= 0 && column < width; }
    size_t cell(int row, int column) const { return size_t(row) * width + column; }
    const float *now(size_t at) const { return (hole[at] ? fill : image) + 3 * at; }
};

// What a pair of neighbours should differ by, beyond what it does.
struct Pair {
    float wanted[3], excess;
    bool used, coherent, both_smooth, mixed;
};

// The pair of a cell and its neighbour to the right or below.
inline Pair pair_of(const Piece &piece, int row, int column, int down, int right) {
    Pair pair{};
    const int beside_row = row + down, beside_column = column + right;
    if (!piece.inside(beside_row, beside_column)) return pair;
    const size_t here = piece.cell(row, column), there = piece.cell(beside_row, beside_column);
    // What may not be borrowed from need not be met either.
    const bool counts = (piece.hole[here] || piece.readable[here]) && (piece.hole[there] || piece.readable[there]);
    pair.used = counts && (piece.hole[here] || piece.hole[there]);
    if (!pair.used) return pair;
    const auto source = [&](size_t at, int y, int x, int axis) { return piece.hole[at] ? piece.sources[2 * at + axis] : axis ? x : y; };
    const int y = source(here, row, column, 0), x = source(here, row, column, 1);
    const int v = source(there, beside_row, beside_column, 0), u = source(there, beside_row, beside_column, 1);
    const size_t from = piece.cell(y, x), to = piece.cell(v, u);
    pair.coherent = piece.hole[here] && piece.hole[there] && v - y == down && u - x == right;
    // The gradients beside both sources. A known pixel's own crosses the border, and is not known.
    float gradients[2][3];
    int count = 0;
    if (piece.hole[here] && piece.inside(y + down, x + right)) {
        const size_t next = piece.cell(y + down, x + right);
        if (piece.readable[next]) {
            for (int channel = 0; channel < 3; channel++)
                gradients[count][channel] = piece.image[3 * next + channel] - piece.image[3 * from + channel];
            count++;
        }
    }
    if (piece.hole[there] && !pair.coherent && piece.inside(v - down, u - right)) {
        const size_t before = piece.cell(v - down, u - right);
        if (piece.readable[before]) {
            for (int channel = 0; channel < 3; channel++)
                gradients[count][channel] = piece.image[3 * to + channel] - piece.image[3 * before + channel];
            count++;
        }
    }
    // One of them, whole: chosen channel by channel, colours would drift.
    float sizes[2] = {0, 0};
    for (int each = 0; each < count; each++)
        for (const float along : gradients[each]) sizes[each] += along * along;
    const float *chosen = count ? gradients[count == 2 && sizes[1] < sizes[0]] : nullptr;
    const float *mine = piece.now(here), *theirs = piece.now(there);
    for (int channel = 0; channel < 3; channel++) {
        pair.wanted[channel] = (chosen ? chosen[channel] : 0) - (theirs[channel] - mine[channel]);
        pair.excess = std::max(pair.excess, std::fabs(pair.wanted[channel]));
    }
    if (pair.coherent) pair.excess = 0;
    pair.both_smooth = piece.smooth[from] && piece.smooth[to];
    pair.mixed = piece.smooth[from] != piece.smooth[to];
    return pair;
}

// Weights and wishes of all pairs in one direction, added to the system. `box` holds the hole and one cell around it.
inline void add_pairs(const Piece &piece, const Box &box, const Limits &options, int down, int right,
                      Grid &grid) {
    const int height = box.height(), width = box.width();
    std::vector<Pair> pairs(size_t(height) * width);
    parallel(options.threads, height, [&](int row) {
        for (int column = 0; column < width; column++)
            pairs[size_t(row) * width + column] =
                pair_of(piece, row + box.top, column + box.left, down, right);
    });
    const auto excess = [&](int row, int column) {
        return row < 0 || column < 0 || row >= height || column >= width ? 0 : pairs[size_t(row) * width + column].excess;
    };
    std::vector<float> &links = down ? grid.south : grid.east;
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            const Pair &pair = pairs[size_t(row) * width + column];
            if (!pair.used) continue;
            float weight = 1;
            if (!pair.coherent) {
                float around = 0;
                for (int y = -1; y <= 1; y++)
                    for (int x = -1; x <= 1; x++) around += excess(row + y, column + x);
                const float part = std::max(pair.excess, around / 9) / (pair.both_smooth ? options.smooth_step : options.step);
                weight = pair.mixed ? options.faintest : std::max(options.faintest, 1 / (1 + part * part * part * part));
            }
            const size_t here = grid.at(row, column), there = grid.at(row + down, column + right);
            const size_t mine = piece.cell(row + box.top, column + box.left);
            const bool begins = piece.hole[mine], ends = piece.hole[mine + (down ? piece.width : 1)];
            if (begins && ends) links[here] = weight;
            else grid.anchor[begins ? here : there] += weight;
            // Brightness, and how much more red and blue are.
            const float *wish = pair.wanted, grey = (wish[0] + wish[1] + wish[2]) / 3;
            const float parts[3] = {grey, wish[0] - grey, wish[2] - grey};
            for (int each = 0; each < 3; each++) {
                if (begins) grid.right[here].value[each] -= weight * parts[each];
                if (ends) grid.right[there].value[each] += weight * parts[each];
            }
        }
}

} // namespace retouch

// Correct the colours of a hole.
//   image, fill  h·w·3; of the fill the hole alone is looked at
//   hole         h·w, other than 0 = filled
//   readable     h·w, where sources and their neighbours may lie
//   smooth       h·w, where the picture is smooth; the hole's values are not looked at
//   sources      h·w·2, row and column each pixel of the hole was taken from
//   made         h·w·3; only the hole is written
// Returns how many steps the solution took.
EXPORT int retouch_assemble(const float *image, const float *fill, const uint8_t *hole, const uint8_t *readable,
                            const uint8_t *smooth, const int32_t *sources, int32_t height, int32_t width,
                            const retouch::Limits *options, float *made) {
    using namespace retouch;
    const Piece piece{image, fill, hole, readable, smooth, sources, height, width};
    Flags known(size_t(height) * width);
    for (size_t cell = 0; cell < known.size(); cell++) known[cell] = !hole[cell];
    const Box box = around_unknown(known, height, width, 1);
    if (box.bottom == 0) return 0;
    const Team team(options->threads);
    Grid grid(box.height(), box.width());
    for (int row = 0; row < grid.height; row++)
        for (int column = 0; column < grid.width; column++) {
            if (!hole[piece.cell(row + box.top, column + box.left)]) continue;
            grid.anchor[grid.at(row, column)] = options->anchor, grid.hold[grid.at(row, column)] = options->hold;
        }
    add_pairs(piece, box, *options, 0, 1, grid);
    add_pairs(piece, box, *options, 1, 0, grid);
    const int steps = solve(grid, options->steps, options->tolerance, options->threads);
    for (int row = 0; row < grid.height; row++)
        for (int column = 0; column < grid.width; column++) {
            const size_t cell = piece.cell(row + box.top, column + box.left);
            if (!hole[cell]) continue;
            const float *parts = grid.solution[grid.at(row, column)].value;
            const float corrections[3] = {parts[0] + parts[1], parts[0] - parts[1] - parts[2], parts[0] + parts[2]};
            for (int channel = 0; channel < 3; channel++)
                made[3 * cell + channel] = fill[3 * cell + channel] +
                                           std::min(std::max(corrections[channel], -options->most), options->most);
        }
    return steps;
}
