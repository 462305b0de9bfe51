// The layout of a hole, found on a coarse level by copying whole patches from its rim inwards ("onion peel"; Criminisi,
// Perez and Toyama, "Region filling and object removal by exemplar-based image inpainting", IEEE TIP 2004, with their
// confidence but without their data term). The Python twin, which explains the choices, is
// retouch/synthesis/layout.py.
#pragma once

#include <limits>

#include "common.h"
#include "kernels.h"
#include "pyramid.h"

namespace retouch {

constexpr float TEXTURE_WEIGHT = 1.5f;
constexpr int FULL_WEIGHT = 127; // of a known pixel: times a difference of bytes it fits 16 bits

inline uint8_t byte_of(float value) { return uint8_t(std::min(std::max(value * 255 + 0.5f, 0.0f), 255.0f)); }

inline void to_bytes(const float *from, int count, uint8_t *made) {
    for (int each = 0; each < count; each++) made[each] = byte_of(from[each]);
}

// How a hole is filled from its rim inwards.
struct Manner {
    int side;       // of the patches: 5, 7 or 9
    float price;    // of a source that is far away
    float guidance; // weight of the guess
    float noise;    // standard deviation of a factor of the costs
    float disorder; // how far the order may depart from that of confidence
};

constexpr Manner PLAIN{7, 1, 0.3f, 0, 0};

// A fill from the rim inwards.
struct Peeled {
    std::vector<uint8_t> colours; // h·w·3
    std::vector<int32_t> sources; // h·w, the cell that each of the hole was taken from; -1 elsewhere
    float cost = 0;               // mean of what the copies cost
};

// A level, ready to be filled from the rim inwards, again and again.
class Peeling {
  public:
    // `guess` is h·w·3, the level with a guess in its hole.
    Peeling(const Level &level, const std::vector<uint8_t> &guess, bool portable)
        : level_(level), portable_(portable), height_(level.height), width_(level.width), line_(width_ + 2 * MARGIN),
          count_(size_t(line_) * (height_ + 2 * MARGIN)), pixels_(count_ * 3 + 4 * LANES, 0), confidence_(count_, 0.0f),
          inside_(count_, 0), guides_(count_, Guide{}) {
        for (int row = 0; row < height_; row++) {
            std::memcpy(&pixels_[size_t(flat(row, 0)) * 3], &guess[size_t(row) * width_ * 3], size_t(width_) * 3);
            for (int column = 0; column < width_; column++) {
                const int place = flat(row, column);
                inside_[place] = 1;
                confidence_[place] = level.certainty[size_t(row) * width_ + column];
            }
        }
        repeat_edge(pixels_, 3);
        find_guides();
        for (Sources &each : sources_) find_sources(each, SMALLEST + 2 * int(&each - sources_));
    }

    Peeled fill(const Manner &manner, uint64_t seed) const {
        int which = (manner.side - SMALLEST) / 2;
        while (which > 0 && sources_[which].count < FEWEST_SOURCES) which--;
        Work work(*this, sources_[which], SMALLEST + 2 * which, manner, seed);
        double cost = 0;
        int copies = 0;
        for (int place = work.next(); place >= 0; place = work.next(), copies++) cost += work.copy(place);
        Peeled made;
        made.cost = float(cost / std::max(copies, 1));
        for (int row = 0; row < height_; row++) {
            const uint8_t *line = &work.pixels[size_t(flat(row, 0)) * 3];
            made.colours.insert(made.colours.end(), line, line + size_t(width_) * 3);
            for (int column = 0; column < width_; column++) {
                const int from = work.from[flat(row, column)];
                made.sources.push_back(from < 0 ? -1 : (from / line_ - MARGIN) * width_ + from % line_ - MARGIN);
            }
        }
        return made;
    }

    // Whether there is any whole patch to copy.
    bool possible() const { return sources_[0].count > 0; }

  private:
    static constexpr int SMALLEST = 5, MARGIN = 4, GUIDE_SIDE = 7, FEWEST_SOURCES = 30, BATCH = 16, NEAR = 8;
    static constexpr float LEAST_TRUST = 0.05f, FAR = 4;

    struct Sources {
        std::vector<int32_t> places; // of the middles, a multiple of four; the last is repeated
        std::vector<Guide> guides;
        int count = 0;

        // Where the places of a row and of those below it begin; a multiple of four.
        size_t begins(int row, int line) const {
            return (std::lower_bound(places.begin(), places.end(), row * line) - places.begin()) / 4 * 4;
        }
    };

    // One fill on its way.
    struct Work {
        const Peeling &level;
        const Sources &sources;
        const Manner &manner;
        uint64_t seed;
        int side, reach, chunks, line;
        float diagonal;
        Kernels kernel;
        std::vector<uint8_t> pixels, weights;
        std::vector<int32_t> from, open; // where pixels were taken from; what is still to be filled
        Floats confidence, around, order; // around: sums of the confidence over patches
        std::vector<uint64_t> luck;

        Work(const Peeling &given, const Sources &among, int wide, const Manner &how, uint64_t number)
            : level(given), sources(among), manner(how), seed(number), side(wide), reach(wide / 2),
              chunks(3 * wide > LANES ? 2 : 1), line(given.line_),
              diagonal(std::sqrt(float(given.height_) * given.height_ + float(given.width_) * given.width_)),
              kernel(kernels(wide, given.portable_)), pixels(given.pixels_), weights(given.pixels_.size(), 0),
              from(given.count_, -1), confidence(given.confidence_), around(given.count_, 0.0f),
              order(given.count_, 1.0f) {
            Random random(seed, 0, 0, 0);
            for (int row = 0; row < level.height_; row++)
                for (int column = 0; column < level.width_; column++) {
                    const int place = level.flat(row, column);
                    if (confidence[place] > 0) {
                        weigh(place);
                        continue;
                    }
                    open.push_back(place);
                    order[place] += manner.disorder * (float(random.below(2001)) / 1000 - 1);
                    if (!level.level_.lines.empty())
                        order[place] += LINES_FIRST * (level.level_.lines[size_t(row) * level.width_ + column] > 0.5f);
                }
        }

        // A pixel that became known counts in the comparisons from now on.
        void weigh(int place) {
            const float trust = (std::sqrt(confidence[place]) + LEAST_TRUST) / (1 + LEAST_TRUST);
            std::fill_n(&weights[size_t(place) * 3], 3, uint8_t(FULL_WEIGHT * trust + 0.5f));
            for (int y = -reach; y <= reach; y++)
                for (int x = -reach; x <= reach; x++) around[place + y * line + x] += confidence[place];
        }

        // The patch of the rim to fill next: that of the most confidence. -1 if there is none.
        int next() const {
            int found = -1;
            float most = -1;
            for (const int place : open) {
                const float here = around[place] * order[place];
                if (here > most && (confidence[place - 1] > 0 || confidence[place + 1] > 0 ||
                                    confidence[place - line] > 0 || confidence[place + line] > 0))
                    most = here, found = place;
            }
            return found;
        }

        // Copy the best source into what is open of a patch; returns what it costs.
        float copy(int place) {
            const auto [cost, source] = best(place);
            const float sure = std::max(around[place] / float(side * side), 1e-4f);
            std::vector<int> fresh;
            for (int y = -reach; y <= reach; y++)
                for (int x = -reach; x <= reach; x++) {
                    const int there = place + y * line + x;
                    if (!level.inside_[there] || confidence[there] > 0) continue;
                    from[there] = source + y * line + x;
                    std::memcpy(&pixels[size_t(there) * 3], &level.pixels_[size_t(from[there]) * 3], 3);
                    confidence[there] = sure;
                    fresh.push_back(there);
                }
            for (const int there : fresh) weigh(there);
            open.erase(std::remove_if(open.begin(), open.end(), [&](int each) { return confidence[each] > 0; }),
                       open.end());
            return cost;
        }

        std::pair<float, int> best(int place) const {
            Query query;
            const size_t corner = size_t(reach) * line + reach, bytes = size_t(line) * 3;
            kernel.load(&pixels[(place - corner) * 3], &weights[(place - corner) * 3], bytes, side, 3 * side, query);
            int whole = 0, row = 0, heaviest = -1; // the row that says most is looked at first
            for (int each = 0; each < side; each++) {
                int sum = 0;
                for (int lane = 0; lane < 3 * side; lane++) sum += query.weights[each * chunks * LANES + lane];
                whole += sum;
                if (sum > heaviest) heaviest = sum, row = each;
            }
            const float scale = 3 / float(std::max(whole, 1)), bound = 1 - 2 * manner.noise; // the least noise
            const size_t at_row = size_t(row) * chunks * LANES;
            Scan scan{query.pixels + at_row, query.weights + at_row, reach, level.guides_[place], scale, manner.guidance,
                      std::numeric_limits<float>::max()};
            const uint8_t *first = level.pixels_.data() + (ptrdiff_t(row) - reach) * ptrdiff_t(bytes);
            float least = std::numeric_limits<float>::max();
            int chosen = std::numeric_limits<int>::max();
            Found found[BATCH];
            const uint8_t *where[BATCH];
            int32_t patches[BATCH];
            const auto look = [&](size_t at, size_t end) {
                while (at < end) {
                    int count = 0;
                    at = kernel.scan(scan, first, sources.places.data(), sources.guides.data(), at, end, BATCH - 3,
                                     found, count);
                    for (int each = 0; each < count; each++)
                        where[each] = &level.pixels_[(size_t(found[each].place) - corner) * 3];
                    kernel.compare(query.pixels, query.weights, side, bytes, where, count, patches);
                    for (int each = 0; each < count; each++) {
                        const int source = found[each].place;
                        const float alike = scale * float(patches[each]) + manner.guidance * float(found[each].guide);
                        if (alike * bound > least) continue; // what follows is slow, and only makes it dearer
                        const float down = float(source / line - place / line), across = float(source % line - place % line);
                        const float away = std::sqrt(down * down + across * across) / diagonal;
                        const float priced = alike * (1 + FAR * manner.price * away);
                        if (priced * bound > least) continue;
                        const float cost = priced * noise(place, source);
                        if (cost < least || (cost == least && source < chosen)) least = cost, chosen = source;
                    }
                    scan.least = std::nextafter(least / bound, std::numeric_limits<float>::max());
                }
            };
            // What is near is cheap, so the rows around come first, and most of what is far need not be compared.
            const auto row_of = [&](int from) { return sources.begins(from, line); };
            const size_t near = row_of(place / line - NEAR), far = row_of(place / line + NEAR + 1);
            look(near, far), look(0, near), look(far, sources.places.size());
            return {least, chosen};
        }

        // About normal around 1, and at most two deviations away. It depends on its arguments alone, because which
        // sources are looked at differs between processors.
        float noise(int place, int source) const {
            if (!(manner.noise > 0)) return 1;
            const uint64_t drawn = mixed(seed ^ mixed(uint64_t(place) << 32 | uint32_t(source)));
            float bell = -3; // of three uniform numbers in [0, 2], whose deviation is 1
            for (int each = 0; each < 3; each++) bell += float(drawn >> (16 * each) & 0xffff) / 32768;
            return 1 + manner.noise * std::min(std::max(bell, -2.0f), 2.0f);
        }
    };

    static constexpr float LINES_FIRST = 1000;

    int flat(int row, int column) const { return (row + MARGIN) * line_ + column + MARGIN; }

    void repeat_edge(std::vector<uint8_t> &bytes, int channels) const {
        for (int row = -MARGIN; row < height_ + MARGIN; row++)
            for (int column = -MARGIN; column < width_ + MARGIN; column++) {
                const int inner = flat(limited(row, 0, height_ - 1), limited(column, 0, width_ - 1));
                if (inner == flat(row, column)) continue;
                std::memcpy(&bytes[size_t(flat(row, column)) * channels], &bytes[size_t(inner) * channels], channels);
            }
    }

    // Means of colour and texture, and how much lies on lines.
    void find_guides() {
        average(pixels_, 3, 0);
        const auto add = [&](const Floats &values, int channels, int first, float weight) {
            std::vector<uint8_t> bytes(count_ * channels);
            for (size_t cell = 0; cell < size_t(height_) * width_; cell++)
                for (int each = 0; each < channels; each++)
                    bytes[size_t(flat(int(cell / width_), int(cell % width_))) * channels + each] =
                        byte_of(weight * values[cell * channels + each]);
            repeat_edge(bytes, channels);
            average(bytes, channels, first);
        };
        if (!level_.texture.empty()) add(level_.texture, 2, 3, TEXTURE_WEIGHT);
        if (!level_.lines.empty()) add(level_.lines, 1, 5, 1);
    }

    void average(const std::vector<uint8_t> &bytes, int channels, int first) {
        box_totals(bytes, height_ + 2 * MARGIN, line_, channels, GUIDE_SIDE, [&](size_t at, const uint16_t *sums) {
            for (int each = 0; each < line_ - GUIDE_SIDE + 1; each++)
                for (int channel = 0; channel < channels; channel++)
                    guides_[at + each].values[first + channel] =
                        uint8_t(float(sums[each * channels + channel]) / (GUIDE_SIDE * GUIDE_SIDE) + 0.5f);
        });
    }

    void find_sources(Sources &made, int side) const {
        std::vector<uint8_t> barred(count_, 1);
        for (int row = 0; row < height_; row++)
            for (int column = 0; column < width_; column++)
                barred[flat(row, column)] = !level_.readable[size_t(row) * width_ + column];
        box_totals(barred, height_ + 2 * MARGIN, line_, 1, side, [&](size_t at, const uint16_t *sums) {
            for (int each = 0; each < line_ - side + 1; each++)
                if (sums[each] == 0) made.places.push_back(int32_t(at + each));
        });
        made.count = int(made.places.size());
        while (made.places.size() % 4 != 0) made.places.push_back(made.places.back());
        for (const int place : made.places) made.guides.push_back(guides_[place]);
    }

    const Level &level_;
    bool portable_;
    int height_, width_, line_;
    size_t count_;
    // One entry for each place of the padded level.
    std::vector<uint8_t> pixels_;
    Floats confidence_;
    Flags inside_;
    std::vector<Guide> guides_;
    Sources sources_[3]; // of patches of 5, 7 and 9
};

// What a hole holds: a guess of its colours, and a fill to begin with.
struct Layout {
    int height, width;
    Floats guess; // h·w·3
    Peeled fill;

    // The guess of a pixel of a finer level, as three bytes; `scale` are cells to a pixel.
    void show(int row, int column, float scale, uint8_t *made) const {
        const Between between(row, column, scale, scale, height, width);
        float colour[3];
        for (int channel = 0; channel < 3; channel++)
            colour[channel] = between([&](int y, int x) { return guess[(size_t(y) * width + x) * 3 + channel]; });
        to_bytes(colour, 3, made);
    }
};

constexpr int LAYOUTS = 16, ENDS = 6;
constexpr float SPREAD_PART = 2, LEAST_VARIANCE = 0.002f; // of a layout's error, beside the variance among the fills

// Draw the colours of a layout to another guess of them, by the variances of both. `shares` are the weights of the
// fills whose mean the layout is; `other` is h·w·4, colours and the variance of their error.
inline void heed(Floats &guess, const Floats &mean, const std::vector<Peeled> &fills, const Floats &shares,
                 const Floats &other) {
    for (size_t cell = 0; cell < guess.size() / 3; cell++) {
        float spread = 0;
        for (size_t each = 0; each < fills.size(); each++)
            for (size_t at = 3 * cell; at < 3 * cell + 3; at++) {
                const float step = fills[each].colours[at] / 255.0f - mean[at];
                spread += shares[each] * step * step / 3;
            }
        const float mine = SPREAD_PART * spread + LEAST_VARIANCE, part = mine / (mine + other[4 * cell + 3]);
        for (int channel = 0; channel < 3; channel++)
            guess[3 * cell + channel] += part * (other[4 * cell + channel] - guess[3 * cell + channel]);
    }
}

// Fill a level in many manners; their mean is the guess, and the fill that it guides and that is most like it is where
// to begin. `other`, if not null, is another guess, h·w·4: colours, and the variance of their error.
inline Layout lay_out(const Level &level, std::vector<uint8_t> guess, const Floats *other, uint64_t seed, int threads,
                      bool portable) {
    static const int sides[3] = {7, 5, 9};
    static const float prices[4] = {1, 0.5f, 2, 1}, guidances[3] = {0.3f, 0.15f, 0.6f};
    const size_t count = guess.size();
    const Peeling first(level, guess, portable);
    std::vector<Peeled> fills(LAYOUTS);
    parallel(threads, LAYOUTS, [&](int each) {
        const Manner manner{sides[each % 3], prices[each / 2 % 4], guidances[each / 3 % 3], 0.1f, each % 2 ? 0.3f : 0.0f};
        fills[each] = first.fill(manner, mixed(seed) + each);
    });
    Floats mean(count, 0.0f), shares;
    float whole = 0;
    for (const Peeled &each : fills) {
        const float weight = 1 / std::max(each.cost * each.cost, 1e-6f);
        whole += weight;
        shares.push_back(weight);
        for (size_t at = 0; at < count; at++) mean[at] += weight * each.colours[at];
    }
    for (float &each : mean) each /= whole * 255;
    for (float &each : shares) each /= whole;

    const int width = level.width, height = level.height;
    Layout made{height, width, mean, {}}; // the guess is blurred a little
    const auto at = [&](int row, int column, int channel) {
        return mean[(size_t(limited(row, 0, height - 1)) * width + limited(column, 0, width - 1)) * 3 + channel];
    };
    for (size_t cell = 0; cell < count / 3; cell++) {
        if (level.known(cell)) continue;
        const int row = int(cell / width), column = int(cell % width);
        for (int channel = 0; channel < 3; channel++) {
            float sum = 0;
            for (int down = -1; down <= 1; down++)
                for (int across = -1; across <= 1; across++)
                    sum += (down ? 0.2f : 0.6f) * (across ? 0.2f : 0.6f) * at(row + down, column + across, channel);
            made.guess[3 * cell + channel] = sum;
        }
    }
    if (other) heed(made.guess, mean, fills, shares, *other);
    for (size_t cell = 0; cell < count / 3; cell++)
        if (!level.known(cell)) to_bytes(&made.guess[3 * cell], 3, &guess[3 * cell]);
    const Peeling second(level, guess, portable);
    std::vector<Peeled> ends(ENDS);
    parallel(threads, ENDS, [&](int each) {
        const Manner manner = each ? Manner{sides[each % 3], 1, 0.3f, 0.1f, 0.3f} : PLAIN;
        ends[each] = second.fill(manner, mixed(seed) + LAYOUTS + each);
    });
    double least = std::numeric_limits<double>::max();
    for (Peeled &each : ends) {
        double away = 0;
        for (size_t at = 0; at < count; at++) {
            const double step = each.colours[at] / 255.0 - made.guess[at];
            if (!level.known(at / 3)) away += step * step;
        }
        if (away < least) least = away, made.fill = std::move(each);
    }
    return made;
}

} // namespace retouch
