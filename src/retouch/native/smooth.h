// Smooth guesses of what a hole holds. The Python twin is retouch/synthesis/pyramid.py.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "common.h"

namespace retouch {

using Floats = std::vector<float>;
using Flags = std::vector<uint8_t>;

inline int limited(int value, int low, int high) { return value < low ? low : value > high ? high : value; }

constexpr int SMOOTHING_STEPS = 4;

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

// Call use(begin, end) for each run of unknown cells of a row.
template <class Use> void each_unknown_run(const uint8_t *known, int width, const Use &use) {
    for (int begin = 0; begin < width;) {
        const void *first = std::memchr(known + begin, 0, width - begin);
        if (!first) return;
        begin = int(static_cast<const uint8_t *>(first) - known);
        int end = begin + 1;
        while (end < width && !known[end]) end++;
        use(begin, end);
        begin = end;
    }
}

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

    // Runs of unknown cells, along rows.
    struct Run {
        int row, begin, end;
    };
    std::vector<Run> runs;
    size_t unknown = 0;
    for (int row = 0; row < height; row++)
        each_unknown_run(&known[size_t(row) * width], width, [&](int begin, int end) {
            runs.push_back({row, begin, end});
            unknown += end - begin;
        });
    const float down = float(rows) / height, across = float(columns) / width;
    for (const Run &run : runs) {
        const Between first(run.row, 0, down, across, rows, columns);
        const float *top = &coarse[size_t(first.top) * columns * channels];
        const float *bottom = &coarse[size_t(first.bottom) * columns * channels];
        float *target = &values[(size_t(run.row) * width + run.begin) * channels];
        for (int column = run.begin; column < run.end; column++) {
            const Between between(run.row, column, down, across, rows, columns);
            for (int channel = 0; channel < channels; channel++)
                *target++ = between([&](int row, int beside) {
                    return (row == first.top ? top : bottom)[beside * channels + channel];
                });
        }
    }
    // Each cell becomes the mean of its four neighbours; beyond the edge lies the cell itself.
    Floats next(unknown * channels);
    for (int step = 0; step < SMOOTHING_STEPS; step++) {
        float *mean = next.data();
        for (const Run &run : runs) {
            const float *cells = &values[size_t(run.row) * width * channels];
            const float *above = run.row > 0 ? cells - size_t(width) * channels : cells;
            const float *below = run.row + 1 < height ? cells + size_t(width) * channels : cells;
            const int from = run.begin * channels, to = run.end * channels;
            const int inner = std::max(from, channels), outer = std::min(to, (width - 1) * channels);
            const auto average = [&](int each, int left, int right) {
                *mean++ = (cells[left] + cells[right] + above[each] + below[each]) / 4;
            };
            for (int each = from; each < inner; each++) average(each, each, each + channels);
            for (int each = inner; each < outer; each++)
                mean[each - inner] = (cells[each - channels] + cells[each + channels] + above[each] + below[each]) / 4;
            mean += std::max(0, outer - inner);
            for (int each = std::max(inner, outer); each < to; each++) average(each, each - channels, each);
        }
        mean = next.data();
        for (const Run &run : runs) {
            const int count = (run.end - run.begin) * channels;
            std::copy_n(mean, count, &values[(size_t(run.row) * width + run.begin) * channels]);
            mean += count;
        }
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

// The same for a large picture: only what lies around the hole is looked at, and returned.
inline Floats smooth_part(const float *values, const Flags &known, int width, int channels, const Box &box) {
    const size_t line = size_t(box.width()) * channels;
    Floats part(line * box.height());
    Flags seen(size_t(box.width()) * box.height());
    for (int y = 0; y < box.height(); y++) {
        const size_t from = size_t(y + box.top) * width + box.left;
        std::copy_n(&values[from * channels], line, &part[y * line]);
        std::copy_n(&known[from], box.width(), &seen[size_t(y) * box.width()]);
    }
    fill_whole(part, seen, box.height(), box.width(), channels);
    return part;
}

// What smooth_part needs to see: the whole picture where all around the hole is unknown.
inline Box smooth_box(const Flags &known, int height, int width) {
    const Box box = around_unknown(known, height, width, 32);
    for (int y = box.top; y < box.bottom; y++)
        if (std::memchr(&known[size_t(y) * width + box.left], 1, box.width())) return box;
    return {0, 0, height, width};
}

} // namespace retouch
