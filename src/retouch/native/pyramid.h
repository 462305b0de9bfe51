// Resolutions of a picture with a hole, and what is measured on them. The Python twin, which explains the choices, is
// retouch/synthesis/pyramid.py.
#pragma once

#include <cmath>

#include "smooth.h"

namespace retouch {

// One resolution. Colours are interleaved.
struct Level {
    int height = 0, width = 0;
    const float *image = nullptr; // h·w·3; values in the hole have no meaning
    Floats own;        // where they lie, but for the caller's picture
    Floats certainty;  // h·w, the known part of a cell's average; 0 in the hole
    Flags readable;    // h·w, where pixels may be borrowed
    Floats texture;    // h·w·2; empty on the finest level
    Floats lines;      // h·w, the part of a cell on lines that go on through the hole; empty if there are none

    bool known(size_t place) const { return certainty[place] > 0; }
};

constexpr float KNOWN_PART = 0.05f;
constexpr int TEXTURE_REACH = 4; // half of a box of 9×9

// Binomial average of 4×4 around each 2×2 cells, at half the resolution; beyond the edge lie zeros or the edge.
// read(row, values) writes a row of interleaved values. Each is asked for once.
template <class Read>
Floats halved(int height, int width, int channels, bool repeat_edge, const Read &read) {
    const int rows = (height + 1) / 2, columns = (width + 1) / 2;
    static const float taps[4] = {0.125f, 0.375f, 0.375f, 0.125f};
    const int line = width * channels;
    Floats made(size_t(rows) * columns * channels), sum(line), ring(size_t(line) * 4);
    int ready = 0; // rows that were read
    for (int row = 0; row < rows; row++) {
        std::fill(sum.begin(), sum.end(), 0.0f);
        for (int tap = 0; tap < 4; tap++) {
            int y = 2 * row - 1 + tap;
            if (repeat_edge) y = limited(y, 0, height - 1);
            if (y < 0 || y >= height) continue;
            for (; ready <= y; ready++) read(ready, &ring[size_t(ready % 4) * line]);
            const float *values = &ring[size_t(y % 4) * line], weight = taps[tap];
            for (int each = 0; each < line; each++) sum[each] += weight * values[each];
        }
        float *target = &made[size_t(row) * columns * channels];
        for (int column = 0; column < columns; column++) {
            const bool inner = column > 0 && 2 * column + 2 < width;
            for (int channel = 0; channel < channels; channel++) {
                float total = 0;
                if (inner) {
                    const float *first = &sum[(2 * column - 1) * channels + channel];
                    total = taps[0] * first[0] + taps[1] * first[channels] + taps[2] * first[2 * channels] +
                            taps[3] * first[3 * channels];
                } else {
                    for (int tap = 0; tap < 4; tap++) {
                        int x = 2 * column - 1 + tap;
                        if (repeat_edge) x = limited(x, 0, width - 1);
                        if (x >= 0 && x < width) total += taps[tap] * sum[x * channels + channel];
                    }
                }
                target[column * channels + channel] = total;
            }
        }
    }
    return made;
}

// How much brightness changes around each cell, across and down: h·w·2; guessed in the hole.
inline Floats texture_of(const Level &level) {
    const int height = level.height, width = level.width, reach = TEXTURE_REACH;
    const size_t cells = size_t(height) * width;
    Floats grey(cells);
    for (size_t cell = 0; cell < cells; cell++)
        grey[cell] = (level.image[3 * cell] + level.image[3 * cell + 1] + level.image[3 * cell + 2]) / 3;
    Flags whole(cells, 1); // cells whose gradient does not touch the hole
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            if (level.known(size_t(y) * width + x)) continue;
            for (int row = std::max(0, y - 1); row <= std::min(height - 1, y + 1); row++)
                for (int column = std::max(0, x - 1); column <= std::min(width - 1, x + 1); column++)
                    whole[size_t(row) * width + column] = 0;
        }
    // Sums over boxes: columns are summed as rows enter and leave, then along the row.
    Floats sums(size_t(width) * 3, 0.0f), made(cells * 2, 0.0f);
    const auto add_row = [&](int y, float sign) {
        const float *row = &grey[size_t(y) * width];
        const float *above = y > 0 ? row - width : row, *below = y + 1 < height ? row + width : row;
        const uint8_t *counts = &whole[size_t(y) * width];
        float *across = sums.data(), *down = across + width, *count = down + width;
        const auto add = [&](int x, int left, int right) {
            const float seen = sign * counts[x];
            across[x] += seen * std::fabs(row[right] - row[left]);
            down[x] += seen * std::fabs(below[x] - above[x]);
            count[x] += seen;
        };
        add(0, 0, std::min(1, width - 1));
        for (int x = 1; x < width - 1; x++) add(x, x - 1, x + 1);
        if (width > 1) add(width - 1, width - 2, width - 1);
    };
    Flags measured(cells, 0);
    bool any = false;
    for (int y = -reach; y < height; y++) {
        if (y + reach < height) add_row(y + reach, 1);
        if (y - reach - 1 >= 0) add_row(y - reach - 1, -1);
        if (y < 0) continue;
        float total[3] = {0, 0, 0};
        for (int x = -reach; x < width; x++) {
            for (int each = 0; each < 3; each++) {
                if (x + reach < width) total[each] += sums[size_t(each) * width + x + reach];
                if (x - reach - 1 >= 0) total[each] -= sums[size_t(each) * width + x - reach - 1];
            }
            if (x < 0 || total[2] < 0.5f) continue;
            const size_t cell = size_t(y) * width + x;
            if (!level.known(cell)) continue;
            measured[cell] = any = true;
            for (int each = 0; each < 2; each++)
                made[2 * cell + each] = std::sqrt(std::max(0.0f, total[each]) / (2 * total[2]));
        }
    }
    if (!any) return made;
    const Box box = smooth_box(measured, height, width);
    const Floats part = smooth_part(made.data(), measured, width, 2, box);
    const size_t line = size_t(box.width()) * 2;
    for (int y = 0; y < box.height(); y++)
        std::copy_n(&part[y * line], line, &made[(size_t(y + box.top) * width + box.left) * 2]);
    return made;
}

inline Level halve(const Level &level, int threads) {
    const int height = level.height, width = level.width;
    Level made;
    made.height = (height + 1) / 2, made.width = (width + 1) / 2;
    Floats sums;
    const auto sum_colours = [&] {
        sums = halved(height, width, 5, false, [&](int row, float *values) {
            for (int column = 0; column < width; column++, values += 5) {
                const size_t cell = size_t(row) * width + column;
                const float certainty = level.certainty[cell];
                for (int channel = 0; channel < 3; channel++)
                    values[channel] = level.image[3 * cell + channel] * certainty;
                values[3] = certainty;
                values[4] = certainty > 0 && !level.readable[cell];
            }
        });
    };
    const auto halve_texture = [&] {
        const Floats fresh = level.texture.empty() ? texture_of(level) : Floats();
        const Floats &texture = level.texture.empty() ? fresh : level.texture;
        made.texture = halved(height, width, 2, true, [&](int row, float *values) {
            std::copy_n(&texture[size_t(row) * width * 2], size_t(width) * 2, values);
        });
    };
    parallel(threads, 2, [&](int which) { which ? halve_texture() : sum_colours(); });
    if (!level.lines.empty()) {
        made.lines = halved(height, width, 1, true, [&](int row, float *values) {
            std::copy_n(&level.lines[size_t(row) * width], width, values);
        });
        for (float &part : made.lines) part = std::min(1.0f, 2 * part); // a stroke stays as wide as a cell
    }
    const auto ones = [](int, float *values) { *values = 1; };
    const Floats down = halved(height, 1, 1, false, ones);
    const Floats across = halved(1, width, 1, false, [&](int, float *values) { std::fill_n(values, width, 1.0f); });
    const size_t coarse = size_t(made.height) * made.width;
    made.own.assign(coarse * 3, 0.0f);
    made.image = made.own.data(); // moving a vector leaves its values in place
    made.certainty.assign(coarse, 0.0f);
    made.readable.assign(coarse, 0);
    for (size_t cell = 0; cell < coarse; cell++) {
        // The part of the average that lies inside the picture; a line of one cell has one tap.
        const float whole = down[cell / made.width] * across[cell % made.width] / (0.375f * 0.375f);
        const float *sum = &sums[5 * cell], certainty = sum[3] / whole;
        if (!(certainty > KNOWN_PART)) continue;
        made.certainty[cell] = std::min(certainty, 1.0f);
        made.readable[cell] = sum[4] == 0;
        for (int channel = 0; channel < 3; channel++)
            made.own[3 * cell + channel] = sum[channel] / std::max(sum[3], 1e-6f);
    }
    return made;
}

// Whether there are so many whole patches that may be borrowed.
inline bool usable_patches(const Level &level, int side, int fewest) {
    std::vector<int> above(level.width, 0); // readable cells up from this one
    for (int row = 0; row < level.height; row++)
        for (int column = 0, beside = 0; column < level.width; column++) {
            above[column] = level.readable[size_t(row) * level.width + column] ? above[column] + 1 : 0;
            beside = above[column] >= side ? beside + 1 : 0;
            fewest -= beside >= side;
            if (fewest <= 0) return true;
        }
    return false;
}

// Squared distance of each hole cell to the nearest known one (Felzenszwalb and Huttenlocher 2012); 0 where known.
inline Floats squared_depth(const Flags &known, int whole_height, int whole_width) {
    const Box box = around_unknown(known, whole_height, whole_width, 1);
    const int height = box.height(), width = box.width();
    // Along columns: the nearest known cell above, or below.
    const float far = 1e6f;
    Floats squares(size_t(height) * width), made(known.size(), 0.0f);
    const auto pass_on = [&](int y, int before) {
        const uint8_t *seen = &known[size_t(y + box.top) * whole_width + box.left];
        const float *beside = before < 0 || before >= height ? nullptr : &squares[size_t(before) * width];
        float *values = &squares[size_t(y) * width];
        for (int x = 0; x < width; x++) {
            const float now = before < y ? far : values[x], passed = beside ? beside[x] + 1 : far;
            values[x] = seen[x] ? 0 : std::min(now, passed);
        }
    };
    for (int y = 0; y < height; y++) pass_on(y, y - 1);
    for (int y = height - 1; y >= 0; y--) pass_on(y, y + 1);
    for (float &each : squares) each *= each;
    // Along rows, from one known cell to the next: what lies beyond is farther away.
    Floats line(width), bounds(width + 1);
    std::vector<int> parabola(width);
    const auto transform = [&](float *values, int count) {
        for (int each = 0; each < count; each++) line[each] = values[each];
        int last = -1;
        for (int each = 0; each < count; each++) {
            if (line[each] >= far * far) continue;
            float meet = -far * far;
            while (last >= 0) {
                const int other = parabola[last];
                meet = ((line[each] + float(each) * each) - (line[other] + float(other) * other)) /
                       (2.0f * (each - other));
                if (meet > bounds[last]) break;
                last--;
            }
            if (last < 0) meet = -far * far;
            parabola[++last] = each;
            bounds[last] = meet;
        }
        if (last < 0) return;
        int which = 0;
        for (int each = 0; each < count; each++) {
            while (which < last && bounds[which + 1] < each) which++;
            const float away = float(each - parabola[which]);
            values[each] = line[parabola[which]] + away * away;
        }
    };
    for (int y = 0; y < height; y++)
        each_unknown_run(&known[size_t(y + box.top) * whole_width + box.left], width, [&](int begin, int end) {
            const int from = std::max(0, begin - 1);
            transform(&squares[size_t(y) * width + from], std::min(width, end + 1) - from);
        });
    for (int y = 0; y < height; y++)
        std::copy_n(&squares[size_t(y) * width], width, &made[size_t(y + box.top) * whole_width + box.left]);
    return made;
}

// Sums over boxes of side × side of interleaved bytes, side at most 9. use(place, sums) gets, for each row that has
// whole boxes, the place of the first one's middle and its sums; the others follow.
template <class Use>
void box_totals(const std::vector<uint8_t> &from, int height, int width, int channels, int side, const Use &use) {
    const int line = width * channels, reach = side / 2, length = line - (side - 1) * channels;
    std::vector<uint16_t> sums(line, 0), totals(line);
    for (int y = 0; y < height; y++) {
        const uint8_t *entering = &from[size_t(y) * line];
        for (int each = 0; each < line; each++) sums[each] = uint16_t(sums[each] + entering[each]);
        if (y >= side) {
            const uint8_t *leaving = &from[size_t(y - side) * line];
            for (int each = 0; each < line; each++) sums[each] = uint16_t(sums[each] - leaving[each]);
        }
        if (y < side - 1) continue;
        std::copy_n(sums.begin(), length, totals.begin());
        for (int step = 1; step < side; step++) {
            const uint16_t *beside = &sums[step * channels];
            for (int each = 0; each < length; each++) totals[each] = uint16_t(totals[each] + beside[each]);
        }
        use(size_t(y - reach) * width + reach, totals.data());
    }
}

} // namespace retouch
