// Exemplar-based inpainting in one call: coherent patches of the known area, from coarse to fine. The Python
// twin, slower and in torch, is retouch/synthesis; it explains the choices.
//
// The finest level is put together from the caller's own values.
#include <future>
#include <memory>

#include "canvas.h"
#include "common.h"

namespace retouch {

// Called after each round: what is done of what there is to do, and the level as it is painted, rows of
// `stride` bytes; at the end, as it was before the last round. Returns other than 0 to stop.
using Report = int (*)(double done, int height, int width, const uint8_t *pixels, int64_t stride);

constexpr int SHORTEST = 24, FEWEST = 30;

} // namespace retouch

// Whether pictures are compared with AVX2.
EXPORT int retouch_avx2(void) {
#if RETOUCH_X86
    return retouch::has_avx2();
#else
    return 0;
#endif
}

// Fill one picture.
//   image    h·w·3 in [0, 1]; its hole is not looked at
//   hole     h·w, other than 0 = fill this; some of it, and not all
//   allowed  h·w, other than 0 where may be borrowed from
//   lines    h·w, other than 0 on lines that go on through the hole; null if there are none
//   guess    rows·columns·4, a guess of the picture's colours, hole and all, at any size, and the variance of their
//            error; null if there is none. It is heeded where there is a layout
//   made     h·w·3; only the hole is written
//   sources  h·w·2, row and column each pixel of the hole was taken from; -1 elsewhere
// Returns 0; 1 if `report` asked to stop; 2 if nothing can be borrowed.
EXPORT int retouch_paint(const float *image, const uint8_t *hole, const uint8_t *allowed,
                         const uint8_t *lines, const float *guess, int32_t rows, int32_t columns, int32_t height,
                         int32_t width, const retouch::Options *given, retouch::Report report, float *made,
                         int32_t *sources) {
    using namespace retouch;
    Options options = *given;
    const Team team(options.threads);
    const size_t cells = size_t(height) * width;
    std::vector<Level> levels(1);
    Level &finest = levels[0];
    finest.height = height, finest.width = width;
    finest.image = image;
    finest.certainty.resize(cells), finest.readable.resize(cells);
    for (size_t cell = 0; cell < cells; cell++) {
        finest.certainty[cell] = hole[cell] ? 0.0f : 1.0f;
        finest.readable[cell] = !hole[cell] && allowed[cell];
    }
    if (lines)
        for (size_t cell = 0; cell < cells; cell++) finest.lines.push_back(lines[cell] ? 1.0f : 0.0f);
    while (!usable_patches(finest, options.patch, 1)) {
        if (options.patch == 1) return 2;
        options.patch -= 2;
    }
    while (std::min(levels.back().height, levels.back().width) >= 2 * SHORTEST) {
        Level coarser = halve(levels.back(), options.threads);
        bool whole = true;
        for (const float certainty : coarser.certainty) whole &= certainty > 0;
        if (whole || !usable_patches(coarser, options.patch, FEWEST)) break;
        levels.push_back(std::move(coarser));
    }

    // Where a layout can be found, that is the coarsest level.
    int coarsest = int(levels.size()) - 1, laid = coarsest;
    while (laid > 0 && std::min(levels[laid].height, levels[laid].width) < SHORTEST_LAYOUT) laid--;
    std::unique_ptr<Layout> layout;
    if (laid > 0) {
        const Canvas smooth(levels[laid], laid, options);
        if (smooth.suits_layout()) {
            const float cell = float(1 << laid);
            Floats other;
            if (guess)
                for (int row = 0; row < levels[laid].height; row++)
                    for (int column = 0; column < levels[laid].width; column++) {
                        const Between between(row, column, cell * rows / height, cell * columns / width, rows, columns);
                        for (int each = 0; each < 4; each++)
                            other.push_back(between([&](int y, int x) { return guess[(size_t(y) * columns + x) * 4 + each]; }));
                    }
            layout.reset(new Layout(lay_out(levels[laid], smooth.picture(), guess ? &other : nullptr, options.seed,
                                            options.threads, options.portable != 0)));
            coarsest = laid;
        }
    }

    std::vector<int> rounds(coarsest + 1);
    double all = 0, done = 0;
    for (int number = 0; number <= coarsest; number++) {
        rounds[number] = options.rounds[std::min(number, options.rounds_count - 1)];
        all += rounds[number] * std::pow(0.25, number);
    }
    const auto prepared = [&](int number) {
        return std::async(options.threads > 1 ? std::launch::async : std::launch::deferred, [&, number] {
            return std::unique_ptr<Canvas>(new Canvas(levels[number], number, options, layout.get(), laid - number));
        });
    };
    std::unique_ptr<Canvas> canvas;
    auto next = prepared(coarsest);
    for (int number = coarsest; number >= 0; number--) {
        std::unique_ptr<Canvas> coarser = std::move(canvas);
        canvas = next.get();
        if (number > 0) next = prepared(number - 1); // while this one is painted
        if (number < coarsest) canvas->refine(*coarser);
        else if (layout) canvas->begin_with_layout();
        else canvas->begin();
        for (int round = 0; round < rounds[number]; round++) {
            canvas->improve(round, number == 0, number == coarsest, round == rounds[number] - 1);
            done += std::pow(0.25, number);
            if (report && report(done / all, canvas->height(), canvas->width(), canvas->pixel(0, 0), canvas->stride()))
                return 1;
        }
    }
    canvas->finish(image, made);
    std::fill_n(sources, 2 * cells, -1);
    canvas->name_sources(sources);
    return 0;
}
