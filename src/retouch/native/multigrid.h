// Solve a weighted Poisson problem on the unknown cells of a grid: conjugate gradients, with one multigrid cycle over
// 2×2 aggregates as preconditioner (Braess 1995). The same bits for any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "common.h"

namespace retouch {

struct Colour {
    float value[4] = {0, 0, 0, 0}; // brightness, and two numbers of colour; the fourth fills a register
};

using Colours = std::vector<Colour>;

// Some cells of a grid, row by row.
struct Cells {
    std::vector<uint32_t> places, begins{0}; // the places of each row lie from its beginning to that of the next

    void end_row() { begins.push_back(uint32_t(places.size())); }

    // Call use(place) for those of some rows.
    template <class Use> void each(int from, int to, const Use &use) const {
        for (uint32_t number = begins[from]; number < begins[to]; number++) use(places[number]);
    }
};

// One resolution, with a margin of one cell. A cell is unknown where its anchor is above 0.
struct Grid {
    int height, width, line;
    std::vector<float> east, south; // links of a cell to its neighbours
    std::vector<float> anchor;      // links to what is known
    std::vector<float> hold;        // more of them, for colour alone
    Colours part;                   // one through the sum of a cell's links; 0 where known
    Colours right, solution;        // of the equations
    // Where the unknown cells are, row by row: a scan with a thousand specks is known almost everywhere. All of them
    // in reading order, and apart those whose row and column are both even or both odd, and the rest.
    Cells unknown, halves[2];

    Grid(int rows, int columns) : height(rows), width(columns), line(columns + 2) {
        const size_t cells = size_t(line) * (height + 2);
        for (auto *each : {&east, &south, &anchor, &hold}) each->assign(cells, 0.0f);
        for (auto *each : {&part, &right, &solution}) each->resize(cells);
    }

    size_t at(int row, int column) const { return size_t(row + 1) * line + column + 1; }

    void prepare() {
        for (int row = 0; row < height; row++) {
            for (int column = 0; column < width; column++) {
                const size_t here = at(row, column);
                if (!(anchor[here] > 0)) continue;
                const float sum = anchor[here] + east[here] + east[here - 1] + south[here] + south[here - line];
                for (int each = 0; each < 4; each++) part[here].value[each] = 1 / (each ? sum + hold[here] : sum);
                unknown.places.push_back(uint32_t(here)), halves[(row + column) % 2].places.push_back(uint32_t(here));
            }
            unknown.end_row(), halves[0].end_row(), halves[1].end_row();
        }
    }

    bool known(size_t here) const { return part[here].value[0] == 0; }

    // What the neighbours of a cell pull it to.
    Colour pulled(const Colours &from, size_t here) const {
        Colour sum;
        const float right = east[here], left = east[here - 1], below = south[here], above = south[here - line];
        for (int each = 0; each < 4; each++)
            sum.value[each] = right * from[here + 1].value[each] + left * from[here - 1].value[each] +
                              below * from[here + line].value[each] + above * from[here - line].value[each];
        return sum;
    }
};

// The next coarser grid. Halved, its links cost a slope as much as the finer grid's.
inline Grid coarser(const Grid &fine) {
    Grid made((fine.height + 1) / 2, (fine.width + 1) / 2);
    for (int row = 0; row < fine.height; row++)
        for (int column = 0; column < fine.width; column++) {
            const size_t here = fine.at(row, column), whole = made.at(row / 2, column / 2);
            made.anchor[whole] += fine.anchor[here], made.hold[whole] += fine.hold[here];
            if (column % 2) made.east[whole] += 0.5f * fine.east[here];
            if (row % 2) made.south[whole] += 0.5f * fine.south[here];
        }
    made.prepare();
    return made;
}

// Gauss-Seidel on every other cell.
inline void smooth_half(Grid &grid, int parity, int threads) {
    parallel(threads, (grid.height + 15) / 16, [&](int band) {
        grid.halves[parity].each(16 * band, std::min(grid.height, 16 * band + 16), [&](size_t here) {
            const Colour sum = grid.pulled(grid.solution, here);
            for (int each = 0; each < 4; each++)
                grid.solution[here].value[each] =
                    grid.part[here].value[each] * (grid.right[here].value[each] + sum.value[each]);
        });
    });
}

constexpr int FEW_CELLS = 64, LAST_SWEEPS = 8;
constexpr size_t WIDE = 64 * 64; // cells that are worth threads

// One V-cycle from 0: smooth, correct by the coarser grids, smooth in the opposite order.
inline void cycle(std::vector<Grid> &grids, size_t number, int threads) {
    Grid &grid = grids[number];
    if (grid.unknown.places.size() < WIDE) threads = 1;
    if (number + 1 == grids.size()) {
        std::fill(grid.solution.begin(), grid.solution.end(), Colour());
        for (int sweep = 0; sweep < LAST_SWEEPS; sweep++) smooth_half(grid, 0, 1), smooth_half(grid, 1, 1);
        for (int sweep = 0; sweep < LAST_SWEEPS; sweep++) smooth_half(grid, 1, 1), smooth_half(grid, 0, 1);
        return;
    }
    // From 0, half of the cells need no neighbours, and the other half ends without a residual.
    parallel(threads, grid.height, [&](int row) {
        grid.halves[0].each(row, row + 1, [&](size_t here) {
            for (int each = 0; each < 4; each++)
                grid.solution[here].value[each] = grid.part[here].value[each] * grid.right[here].value[each];
        });
    });
    smooth_half(grid, 1, threads);
    Grid &coarse = grids[number + 1];
    parallel(threads, coarse.height, [&](int row) {
        coarse.unknown.each(row, row + 1, [&](size_t whole) {
            const int column = int(whole - coarse.at(row, 0));
            Colour sum;
            for (int y = 2 * row; y < std::min(2 * row + 2, grid.height); y++)
                for (int x = 2 * column + y % 2; x < std::min(2 * column + 2, grid.width); x += 2) {
                    const size_t here = grid.at(y, x);
                    if (grid.known(here)) continue;
                    const Colour pulled = grid.pulled(grid.solution, here);
                    for (int each = 0; each < 4; each++)
                        sum.value[each] += grid.right[here].value[each] + pulled.value[each] -
                                           grid.solution[here].value[each] / grid.part[here].value[each];
                }
            coarse.right[whole] = sum;
        });
    });
    cycle(grids, number + 1, threads);
    parallel(threads, grid.height, [&](int row) {
        grid.unknown.each(row, row + 1, [&](size_t here) {
            const int column = int(here - grid.at(row, 0));
            const Colour &correction = coarse.solution[coarse.at(row / 2, column / 2)];
            for (int each = 0; each < 4; each++) grid.solution[here].value[each] += correction.value[each];
        });
    });
    smooth_half(grid, 1, threads), smooth_half(grid, 0, threads);
}

// Solve for `given.right`, to a residual that is `tolerance` of the first or for so many steps. Returns the steps.
inline int solve(Grid &given, int most_steps, float tolerance, int threads) {
    given.prepare();
    std::vector<Grid> grids;
    grids.push_back(given);
    while (grids.back().height * grids.back().width > FEW_CELLS) grids.push_back(coarser(grids.back()));
    Grid &grid = grids[0];
    const std::vector<uint32_t> &unknown = grid.unknown.places;
    Colours direction(grid.right.size()), pushed(grid.right.size()), &residual = grid.right;
    double before[3] = {1, 1, 1}, first = 0;
    int step = 0;
    while (step < most_steps) {
        cycle(grids, 0, threads);
        double product[3] = {0, 0, 0};
        for (const uint32_t cell : unknown)
            for (int each = 0; each < 3; each++)
                product[each] += double(residual[cell].value[each]) * double(grid.solution[cell].value[each]);
        const double size = product[0] + product[1] + product[2];
        if (step == 0) first = size;
        if (!(size > double(tolerance) * tolerance * first)) break;
        float turn[4] = {0, 0, 0, 0}, stride[4] = {0, 0, 0, 0};
        for (int each = 0; each < 3; each++) turn[each] = step && before[each] > 0 ? float(product[each] / before[each]) : 0;
        for (const uint32_t cell : unknown)
            for (int each = 0; each < 4; each++)
                direction[cell].value[each] = grid.solution[cell].value[each] + turn[each] * direction[cell].value[each];
        double energy[3] = {0, 0, 0};
        for (const uint32_t here : unknown) {
            const Colour pulled = grid.pulled(direction, here);
            for (int each = 0; each < 4; each++)
                pushed[here].value[each] = direction[here].value[each] / grid.part[here].value[each] - pulled.value[each];
            for (int each = 0; each < 3; each++)
                energy[each] += double(direction[here].value[each]) * double(pushed[here].value[each]);
        }
        for (int each = 0; each < 3; each++) stride[each] = energy[each] > 0 ? float(product[each] / energy[each]) : 0, before[each] = product[each];
        for (const uint32_t cell : unknown)
            for (int each = 0; each < 4; each++) {
                given.solution[cell].value[each] += stride[each] * direction[cell].value[each];
                residual[cell].value[each] -= stride[each] * pushed[cell].value[each];
            }
        step++;
    }
    return step;
}

} // namespace retouch
