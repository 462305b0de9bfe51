// Resolutions of a picture with a hole, and smooth guesses of what the hole holds. The Python twin, which
// explains the choices, is retouch/synthesis/pyramid.py.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common.h"

namespace retouch {

using Floats = std::vector<float>;
using Flags = std::vector<uint8_t>;

inline int limited(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

// One resolution. Colours are interleaved.
struct Level {
    int height = 0, width = 0;
    Floats image;      // h·w·3; values in the hole have no meaning
    Floats certainty;  // h·w, the known part of a cell's average; 0 in the hole
    Flags readable;    // h·w, where pixels may be borrowed
    Floats texture;    // h·w·2; empty on the finest level

    bool known(size_t place) const { return certainty[place] > 0; }
};

constexpr float KNOWN_PART = 0.05f;
constexpr int TEXTURE_REACH = 4; // half of a box of 9×9
constexpr int SMOOTHING_STEPS = 4;

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

// The place of a cell among coarser cells, to mix four of them bilinearly. `down` and `across` are coarser cells to
// a cell, and edges meet.
struct Between {
    int top, left, bottom, right;
    float v, u;

    Between(int row, int column, float down, float across, int rows, int columns) {
        const float y = std::max(0.0f, (row + 0.5f) * down - 0.5f), x = std::max(0.0f, (column + 0.5f) * across - 0.5f);
        top = std::min(int(y), rows - 1), left = std::min(int(x), columns - 1);
        bottom = std::min(top + 1, rows - 1), right = std::min(left + 1, columns - 1);
        v = y - top, u = x - left;
    }

    // at(row, column) is the value of a coarser cell.
    template <class At> float operator()(const At &at) const {
        const float upper = at(top, left) * (1 - u) + at(top, right) * u;
        const float lower = at(bottom, left) * (1 - u) + at(bottom, right) * u;
        return upper * (1 - v) + lower * v;
    }
};

// Fill unknown cells smoothly: averages are pulled up a pyramid and pushed down again. In place.
inline void fill_whole(Floats &values, const Flags &known, int height, int width, int channels) {
    const size_t cells = size_t(height) * width;
    if (std::memchr(known.data(), 0, cells) == nullptr) return;
    if (std::min(height, width) <= 2) {
        for (int channel = 0; channel < channels; channel++) {
            float total = 0, count = 0;
            for (size_t cell = 0; cell < cells; cell++)
                if (known[cell]) total += values[cell * channels + channel], count += 1;
            const float mean = total / std::max(count, 1e-6f);
            for (size_t cell = 0; cell < cells; cell++)
                if (!known[cell]) values[cell * channels + channel] = mean;
        }
        return;
    }
    const int rows = (height + 1) / 2, columns = (width + 1) / 2;
    Floats coarse(size_t(rows) * columns * channels, 0.0f);
    Flags seen(size_t(rows) * columns, 0);
    for (int row = 0; row < rows; row++)
        for (int column = 0; column < columns; column++) {
            float *target = &coarse[(size_t(row) * columns + column) * channels];
            int count = 0;
            for (int y = 2 * row; y < std::min(2 * row + 2, height); y++)
                for (int x = 2 * column; x < std::min(2 * column + 2, width); x++) {
                    const size_t cell = size_t(y) * width + x;
                    if (!known[cell]) continue;
                    count++;
                    for (int channel = 0; channel < channels; channel++)
                        target[channel] += values[cell * channels + channel];
                }
            seen[size_t(row) * columns + column] = count > 0;
            for (int channel = 0; channel < channels; channel++) target[channel] /= std::max(count, 1);
        }
    fill_whole(coarse, seen, rows, columns, channels);

    std::vector<size_t> unknown;
    for (size_t cell = 0; cell < cells; cell++)
        if (!known[cell]) unknown.push_back(cell);
    const float down = float(rows) / height, across = float(columns) / width;
    for (const size_t cell : unknown) {
        const Between between(int(cell / width), int(cell % width), down, across, rows, columns);
        for (int channel = 0; channel < channels; channel++)
            values[cell * channels + channel] = between([&](int row, int column) {
                return coarse[(size_t(row) * columns + column) * channels + channel];
            });
    }
    Floats next(unknown.size() * channels);
    for (int step = 0; step < SMOOTHING_STEPS; step++) {
        size_t place = 0;
        for (const size_t cell : unknown) {
            const int y = int(cell / width), x = int(cell % width);
            const size_t left = x > 0 ? cell - 1 : cell, right = x + 1 < width ? cell + 1 : cell;
            const size_t above = y > 0 ? cell - width : cell, below = y + 1 < height ? cell + width : cell;
            for (int channel = 0; channel < channels; channel++)
                next[place++] = (values[left * channels + channel] + values[right * channels + channel] +
                                 values[above * channels + channel] + values[below * channels + channel]) / 4;
        }
        place = 0;
        for (const size_t cell : unknown)
            for (int channel = 0; channel < channels; channel++) values[cell * channels + channel] = next[place++];
    }
}

struct Box {
    int top = 0, left = 0, bottom = 0, right = 0;
    int height() const { return bottom - top; }
    int width() const { return right - left; }
};

// The unknown cells and at least `margin` around them, on a grid of so many cells.
inline Box around_unknown(const Flags &known, int height, int width, int margin) {
    Box box{height, width, 0, 0};
    for (int y = 0; y < height; y++) {
        const uint8_t *row = &known[size_t(y) * width];
        const void *first = std::memchr(row, 0, width);
        if (!first) continue;
        box.top = std::min(box.top, y), box.bottom = y + 1;
        box.left = std::min(box.left, int(static_cast<const uint8_t *>(first) - row));
        for (int x = width - 1; x >= box.right; x--)
            if (!row[x]) {
                box.right = x + 1;
                break;
            }
    }
    if (box.bottom == 0) return Box{};
    const auto before = [&](int at) { return at < margin ? 0 : (at - margin) / margin * margin; };
    const auto after = [&](int at, int end) { return std::min(end, (at + 2 * margin - 1) / margin * margin); };
    return {before(box.top), before(box.left), after(box.bottom, height), after(box.right, width)};
}

// The same for a large picture: only what lies around the hole is looked at.
inline void smooth_fill(Floats &values, const Flags &known, int height, int width, int channels) {
    const Box box = around_unknown(known, height, width, 32);
    if (box.width() <= 0) return;
    const size_t line = size_t(box.width()) * channels;
    Floats part(line * box.height());
    Flags seen(size_t(box.width()) * box.height());
    bool any = false;
    for (int y = 0; y < box.height(); y++) {
        const size_t from = size_t(y + box.top) * width + box.left;
        std::copy_n(&values[from * channels], line, &part[y * line]);
        std::copy_n(&known[from], box.width(), &seen[size_t(y) * box.width()]);
        any |= std::memchr(&known[from], 1, box.width()) != nullptr;
    }
    if (!any) return fill_whole(values, known, height, width, channels);
    fill_whole(part, seen, box.height(), box.width(), channels);
    for (int y = 0; y < box.height(); y++)
        std::copy_n(&part[y * line], line, &values[(size_t(y + box.top) * width + box.left) * channels]);
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
        for (int x = 0; x < width; x++) {
            const float seen = sign * counts[x];
            const float right = row[std::min(x + 1, width - 1)], left = row[std::max(x - 1, 0)];
            across[x] += seen * std::fabs(right - left);
            down[x] += seen * std::fabs(below[x] - above[x]);
            count[x] += seen;
        }
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
    if (any) smooth_fill(made, measured, height, width, 2);
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
    const auto ones = [](int, float *values) { *values = 1; };
    const Floats down = halved(height, 1, 1, false, ones);
    const Floats across = halved(1, width, 1, false, [&](int, float *values) { std::fill_n(values, width, 1.0f); });
    const size_t coarse = size_t(made.height) * made.width;
    made.image.assign(coarse * 3, 0.0f);
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
            made.image[3 * cell + channel] = sum[channel] / std::max(sum[3], 1e-6f);
    }
    return made;
}

// Distance of each hole cell to the nearest known one (Felzenszwalb and Huttenlocher 2012); 0 where known.
inline Floats depth_of(const Flags &known, int whole_height, int whole_width) {
    const Box box = around_unknown(known, whole_height, whole_width, 1);
    const int height = box.height(), width = box.width();
    const float far = 1e12f;
    Floats squares(size_t(height) * width), made(known.size(), 0.0f);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            squares[size_t(y) * width + x] = known[size_t(y + box.top) * whole_width + x + box.left] ? 0 : far;
    const int longest = std::max(height, width);
    Floats line(longest), bounds(longest + 1);
    std::vector<int> parabola(longest);
    const auto transform = [&](float *values, int count, int stride) {
        for (int each = 0; each < count; each++) line[each] = values[size_t(each) * stride];
        int last = -1;
        for (int each = 0; each < count; each++) {
            if (line[each] >= far) continue;
            float meet = -far;
            while (last >= 0) {
                const int other = parabola[last];
                meet = ((line[each] + float(each) * each) - (line[other] + float(other) * other)) /
                       (2.0f * (each - other));
                if (meet > bounds[last]) break;
                last--;
            }
            if (last < 0) meet = -far;
            parabola[++last] = each;
            bounds[last] = meet;
        }
        if (last < 0) return;
        int which = 0;
        for (int each = 0; each < count; each++) {
            while (which < last && bounds[which + 1] < each) which++;
            const float away = float(each - parabola[which]);
            values[size_t(each) * stride] = line[parabola[which]] + away * away;
        }
    };
    for (int x = 0; x < width; x++) transform(&squares[x], height, width);
    for (int y = 0; y < height; y++) transform(&squares[size_t(y) * width], width, 1);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            made[size_t(y + box.top) * whole_width + x + box.left] = std::sqrt(squares[size_t(y) * width + x]);
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
