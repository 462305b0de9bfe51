// The layout of one level in one call, for other painters than the compiled one, and for tests.
#include "layout.h"

// Find a layout.
//   image      h·w·3 in [0, 1]; what is not known is not looked at
//   certainty  h·w in [0, 1]; 0 = fill this
//   readable   h·w, other than 0 where pixels may be borrowed; some whole patch of 5×5
//   texture    h·w·2, or null
//   lines      h·w in [0, 1], or null
//   guess      h·w·3, the image with a guess in its hole
//   other      h·w·4, another guess of the hole's colours and the variance of their error; or null
//   better     h·w·3, of the hole a better guess
//   colours    h·w·3, the image filled
//   sources    h·w, the number of the pixel that each of the hole was taken from; -1 elsewhere
// Returns 0, or 2 if nothing can be borrowed.
EXPORT int retouch_lay_out(const float *image, const float *certainty, const uint8_t *readable, const float *texture,
                           const float *lines, const uint8_t *guess, const float *other, int32_t height, int32_t width, uint64_t seed,
                           int32_t threads, int32_t portable, float *better, uint8_t *colours, int32_t *sources) {
    using namespace retouch;
    const size_t cells = size_t(height) * width;
    Level level;
    level.height = height, level.width = width, level.image = image;
    level.certainty.assign(certainty, certainty + cells);
    level.readable.assign(readable, readable + cells);
    if (texture) level.texture.assign(texture, texture + 2 * cells);
    if (lines) level.lines.assign(lines, lines + cells);
    if (!usable_patches(level, 5, 1)) return 2;
    Floats theirs;
    if (other) theirs.assign(other, other + 4 * cells);
    const Layout made = lay_out(level, {guess, guess + 3 * cells}, other ? &theirs : nullptr, seed, threads, portable != 0);
    std::copy(made.guess.begin(), made.guess.end(), better);
    std::copy(made.fill.colours.begin(), made.fill.colours.end(), colours);
    std::copy(made.fill.sources.begin(), made.fill.sources.end(), sources);
    return 0;
}
