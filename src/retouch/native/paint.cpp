// Exemplar-based inpainting in one call: coherent patches of the known area, from coarse to fine. The Python
// twin, slower and in torch, is retouch/synthesis; it explains the choices.
//
// Patches are compared in bytes, with integer weights, so every processor and any number of threads gives the
// same result. The finest level is put together from the caller's own values.
#include <limits>
#include <memory>

#include "common.h"
#include "kernels.h"
#include "pyramid.h"

namespace retouch {

struct Options {
    int32_t patch;           // odd side
    int32_t threads;
    int32_t portable;        // leave out AVX2
    int32_t rounds_count;
    int32_t rounds[16];      // from the finest level on; the last number stands for all coarser levels
    float coherence, guidance, trust, fading;
    uint64_t seed;
};

// Called after each round: what is done of what there is to do, and the level as it is painted, rows of
// `stride` bytes. Returns other than 0 to stop.
using Report = int (*)(double done, int height, int width, const uint8_t *pixels, int64_t stride);

constexpr int SHORTEST = 24, FEWEST = 30;
constexpr int64_t ALL_PAIRS = 6'000'000;
// Rounds that compare all pairs. Where a speck has thousands of sources, one finds what there is to find.
constexpr int ALL_PAIRS_ROUNDS = 3;
constexpr size_t MANY_SOURCES = 8192;
constexpr size_t WORTH_THREADS = 4096; // queries; starting threads takes time too
constexpr int EXPLORATIONS = 6, LAST_RADIUS = 8, BAND = 16, BLOCK = 16, QUERIES = 64;
constexpr float TEXTURE_WEIGHT = 1.5f, GOOD_PART = 0.2f, FAINTEST = 1e-8f;
constexpr int FULL_WEIGHT = 127; // of a known pixel: times a difference of bytes it fits 16 bits

struct Guide { // what guides a search beside the patch: means of colour and texture over it
    uint8_t values[8];
};

inline int apart(const Guide &one, const Guide &other) {
#if RETOUCH_X86
    const __m128i zero = _mm_setzero_si128();
    const __m128i mine = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(one.values)), zero);
    const __m128i theirs = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(other.values)), zero);
    const __m128i away = _mm_sub_epi16(mine, theirs);
    __m128i sum = _mm_madd_epi16(away, away);
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xb1)));
#else
    int total = 0;
    for (int each = 0; each < 8; each++) {
        const int away = int(one.values[each]) - int(other.values[each]);
        total += away * away;
    }
    return total;
#endif
}

// The same for four in a row. Returns whether any is at most `most`.
inline bool four_apart(const Guide &one, const Guide *others, int32_t most, int32_t *made) {
#if RETOUCH_X86
    const __m128i zero = _mm_setzero_si128();
    const __m128i mine = _mm_unpacklo_epi8(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(one.values)), zero);
    __m128i sums[2];
    for (int pair = 0; pair < 2; pair++) {
        const __m128i two = _mm_loadu_si128(reinterpret_cast<const __m128i *>(others + 2 * pair));
        const __m128i low = _mm_sub_epi16(mine, _mm_unpacklo_epi8(two, zero));
        const __m128i high = _mm_sub_epi16(mine, _mm_unpackhi_epi8(two, zero));
        const __m128i first = _mm_madd_epi16(low, low), second = _mm_madd_epi16(high, high);
        sums[pair] = _mm_add_epi32(_mm_unpacklo_epi32(first, second), _mm_unpackhi_epi32(first, second));
    }
    const __m128i all = _mm_add_epi32(_mm_unpacklo_epi64(sums[0], sums[1]), _mm_unpackhi_epi64(sums[0], sums[1]));
    _mm_storeu_si128(reinterpret_cast<__m128i *>(made), all);
    return _mm_movemask_epi8(_mm_cmpgt_epi32(all, _mm_set1_epi32(most))) != 0xffff;
#else
    bool any = false;
    for (int each = 0; each < 4; each++) any |= (made[each] = apart(one, others[each])) <= most;
    return any;
#endif
}

inline uint8_t byte_of(float value) { return uint8_t(std::min(std::max(value * 255 + 0.5f, 0.0f), 255.0f)); }

// One level: its patches, their sources, and the painting.
class Canvas {
  public:
    Canvas(const Level &level, int number, const Options &options)
        : level_(level), options_(options), number_(number), height_(level.height), width_(level.width),
          side_(options.patch), reach_(side_ / 2), margin_(std::max(1, reach_)), line_(width_ + 2 * margin_),
          compare_(comparison(side_, options.portable != 0)),
          add_patch_(addition(options.portable != 0)) {
        const size_t places = size_t(line_) * (height_ + 2 * margin_);
        pixels_.assign(places * 3 + 4 * LANES, 0);
        valid_.assign(places, 0);
        source_.assign(places, -1);
        vote_.assign(places, 0);
        dirty_.assign(places, 1);
        guides_.assign(places, Guide{});
        known_.resize(size_t(height_) * width_);
        for (size_t cell = 0; cell < known_.size(); cell++) known_[cell] = level.known(cell);
        find_patches();
        if (queries_.size() >= WORTH_THREADS) threads_ = options.threads;
        prepare();
        fresh_ = pixels_;
    }

    int height() const { return height_; }
    int width() const { return width_; }
    const std::vector<int32_t> &sources() const { return source_; }
    const uint8_t *corner() const { return &pixels_[size_t(flat(0, 0)) * 3]; }
    int64_t stride() const { return int64_t(line_) * 3; }
    int flat(int row, int column) const { return (row + margin_) * line_ + column + margin_; }
    int row_of(int place) const { return place / line_ - margin_; }
    int column_of(int place) const { return place % line_ - margin_; }
    bool all_pairs() const { return int64_t(queries_.size()) * int64_t(valid_places_.size()) <= ALL_PAIRS; }

    // Begin with what is nearest to the smooth guess.
    void begin() {
        scatter(0);
        if (all_pairs()) nearest();
    }

    // Begin with the sources and the painting of the coarser level.
    void refine(const Canvas &coarse) {
        scatter(1);
        Flags unknown(queries_.size(), 0);
        for (size_t each = 0; each < queries_.size(); each++) {
            const int row = row_of(queries_[each]), column = column_of(queries_[each]);
            const int theirs = coarse.source_[coarse.flat(row / 2, column / 2)];
            unknown[each] = 1;
            if (theirs < 0) continue;
            const int y = std::min(coarse.row_of(theirs) * 2 + row % 2, height_ - 1);
            const int x = std::min(coarse.column_of(theirs) * 2 + column % 2, width_ - 1);
            if (!valid_[flat(y, x)]) continue;
            source_[queries_[each]] = flat(y, x);
            unknown[each] = 0;
        }
        for (int row = 0; row < height_; row++)
            for (int column = 0; column < width_; column++)
                if (!known_[size_t(row) * width_ + column]) enlarge_from(coarse, row, column);
        close_margin(pixels_, 3);
        for (size_t each = 0; each < queries_.size(); each++)
            vote_[queries_[each]] = unknown[each] ? 0 : fading_[each];
        paint();
    }

    void improve(int round, bool finest, bool coarsest, bool last) {
        const int rounds = finest && valid_places_.size() > MANY_SOURCES ? 1 : ALL_PAIRS_ROUNDS;
        if (!last && round < rounds && all_pairs()) nearest();
        judge();
        sweep(round, finest ? LAST_RADIUS : std::max(height_, width_) / 2, !coarsest || !all_pairs());
        weigh();
        paint();
    }

    // Put the hole together from the caller's own values, as it was painted last. Where all patches show the same
    // value, that is copied.
    void finish(const float *image, float *made) const {
        parallel(threads_, height_, [&](int row) {
            Voters voters;
            for (const int place : hole_rows_[row]) {
                ask(place, voters);
                float *target = made + cell_of(place) * 3;
                const float *first = image + cell_of(source_[place]) * 3;
                float sum[3] = {0, 0, 0}, weight = 0;
                bool same = voters.agree;
                if (!same) {
                    same = true;
                    for (int each = 0; each < voters.count; each++) {
                        const float *values = image + cell_of(voters.from[each]) * 3;
                        for (int channel = 0; channel < 3; channel++) {
                            sum[channel] += voters.weight[each] * values[channel];
                            same &= values[channel] == first[channel];
                        }
                        weight += voters.weight[each];
                    }
                }
                for (int channel = 0; channel < 3; channel++)
                    target[channel] = same ? first[channel] : sum[channel] / std::max(weight, 1e-30f);
            }
        });
    }

    // Number of a place in the picture without its margin.
    size_t cell_of(int place) const {
        const unsigned line = unsigned(place) / unsigned(line_);
        return size_t(place) - size_t(margin_) * (line_ + 1) - size_t(line - margin_) * 2 * margin_;
    }

  private:
    // Queries are the patches that touch the hole; sources are whole, known and allowed.
    void find_patches() {
        // Beyond the edge nothing is hole, and nothing may be borrowed.
        Flags hole(valid_.size(), 0), barred(valid_.size(), 1);
        for (int row = 0; row < height_; row++)
            for (int column = 0; column < width_; column++) {
                const size_t cell = size_t(row) * width_ + column;
                hole[flat(row, column)] = !known_[cell], barred[flat(row, column)] = !level_.readable[cell];
            }
        Flags touches(valid_.size(), 0);
        const int tall = height_ + 2 * margin_, length = line_ - side_ + 1;
        box_totals(hole, tall, line_, 1, side_, [&](size_t at, const uint16_t *sums) {
            for (int each = 0; each < length; each++) touches[at + each] = sums[each] > 0;
        });
        box_totals(barred, tall, line_, 1, side_, [&](size_t at, const uint16_t *sums) {
            for (int each = 0; each < length; each++) valid_[at + each] = sums[each] == 0;
        });
        hole_rows_.resize(height_);
        for (int row = 0; row < height_; row++) {
            row_begin_.push_back(queries_.size());
            for (int column = 0; column < width_; column++) {
                const size_t cell = size_t(row) * width_ + column;
                if (!known_[cell]) hole_rows_[row].push_back(flat(row, column));
                if (touches[flat(row, column)]) queries_.push_back(flat(row, column));
                if (valid_[flat(row, column)]) valid_places_.push_back(flat(row, column));
            }
        }
        row_begin_.push_back(queries_.size());
    }

    void prepare() {
        parallel(options_.threads, 2, [&](int which) { which ? weigh_pixels() : guess_colours(); });
    }

    void guess_colours() {
        Floats guess = level_.image;
        smooth_fill(guess, known_, height_, width_, 3);
        for (int row = 0; row < height_; row++) {
            const float *from = &guess[size_t(row) * width_ * 3];
            uint8_t *target = &pixels_[size_t(flat(row, 0)) * 3];
            for (int each = 0; each < 3 * width_; each++) target[each] = byte_of(from[each]);
        }
        close_margin(pixels_, 3);
        find_guides();
    }

    void weigh_pixels() {
        // Outside the picture, pixels weigh nothing.
        weights_.assign(pixels_.size(), 0);
        std::vector<uint8_t> hidden(valid_.size()), weight(valid_.size());
        const int unsure = std::max(1, int(options_.trust * FULL_WEIGHT + 0.5f));
        for (int row = 0; row < height_; row++)
            for (int column = 0; column < width_; column++) {
                const size_t cell = size_t(row) * width_ + column, place = flat(row, column);
                const int here = std::max(unsure, int(level_.certainty[cell] * FULL_WEIGHT + 0.5f));
                uint8_t *three = &weights_[3 * place];
                weight[place] = three[0] = three[1] = three[2] = uint8_t(here);
                hidden[place] = !known_[cell];
            }
        close_margin(hidden, 1);
        std::vector<uint16_t> weighs(valid_.size()), hides(valid_.size());
        const int tall = height_ + 2 * margin_, length = line_ - side_ + 1;
        box_totals(weight, tall, line_, 1, side_, [&](size_t at, const uint16_t *sums) { std::copy_n(sums, length, &weighs[at]); });
        box_totals(hidden, tall, line_, 1, side_, [&](size_t at, const uint16_t *sums) { std::copy_n(sums, length, &hides[at]); });

        const Floats depth = depth_of(known_, height_, width_);
        const float area = float(side_ * side_), pull = options_.guidance * side_ * options_.guidance * side_;
        const float deepest = std::log(FAINTEST) / std::min(-1e-6f, std::log(options_.fading));
        for (const int place : queries_) {
            const float share = hides[place] / area;
            scale_.push_back(area / float(std::max<int>(weighs[place], 1)));
            share_.push_back(share);
            pull_.push_back(pull * share);
            const float deep = depth[size_t(row_of(place)) * width_ + column_of(place)];
            fading_.push_back(deep < deepest ? std::pow(options_.fading, deep) : FAINTEST);
        }
        distance_.assign(queries_.size(), 0);
    }

    // Means of colour and texture; the edge is repeated.
    void find_guides() {
        average(pixels_, 3, 0);
        if (!level_.texture.empty()) {
            std::vector<uint8_t> texture(guides_.size() * 2);
            for (int row = 0; row < height_; row++)
                for (int each = 0; each < 2 * width_; each++)
                    texture[size_t(flat(row, 0)) * 2 + each] =
                        byte_of(TEXTURE_WEIGHT * level_.texture[size_t(row) * width_ * 2 + each]);
            close_margin(texture, 2);
            average(texture, 2, 3);
        }
        for (const int place : valid_places_) valid_guides_.push_back(guides_[place]);
        valid_guides_.resize((valid_guides_.size() + 3) / 4 * 4); // four are looked at together
    }

    void average(const std::vector<uint8_t> &bytes, int channels, int first) {
        const float part = 1.0f / float(side_ * side_);
        box_totals(bytes, height_ + 2 * margin_, line_, channels, side_, [&](size_t at, const uint16_t *sums) {
            for (int each = 0; each < line_ - side_ + 1; each++)
                for (int channel = 0; channel < channels; channel++)
                    guides_[at + each].values[first + channel] =
                        uint8_t(float(sums[each * channels + channel]) * part + 0.5f);
        });
    }

    // A random source for each query.
    void scatter(int purpose) {
        for (size_t each = 0; each < queries_.size(); each++) {
            Random random(options_.seed, number_, 1000 + purpose, each);
            source_[queries_[each]] = valid_places_[random.below(uint32_t(valid_places_.size()))];
        }
    }

    // Bilinear, as torch enlarges by two.
    void enlarge_from(const Canvas &coarse, int row, int column) {
        const Between between(row, column, 0.5f, 0.5f, coarse.height_, coarse.width_);
        for (int channel = 0; channel < 3; channel++) {
            const auto at = [&](int r, int c) { return float(coarse.pixels_[size_t(coarse.flat(r, c)) * 3 + channel]); };
            pixels_[size_t(flat(row, column)) * 3 + channel] = uint8_t(std::lrint(between(at)));
        }
    }

    // Repeat the edge in the margin of interleaved bytes.
    void close_margin(std::vector<uint8_t> &bytes, int channels) const {
        const size_t row = size_t(line_) * channels;
        for (int y = margin_; y < height_ + margin_; y++)
            for (int each = 0; each < margin_; each++) {
                uint8_t *start = &bytes[y * row], *end = start + (width_ + margin_) * channels;
                std::memcpy(start + each * channels, start + margin_ * channels, channels);
                std::memcpy(end + each * channels, end - channels, channels);
            }
        for (int each = 0; each < margin_; each++) {
            std::memcpy(&bytes[each * row], &bytes[margin_ * row], row);
            std::memcpy(&bytes[(height_ + margin_ + each) * row], &bytes[(height_ + margin_ - 1) * row], row);
        }
    }

    size_t first_byte(int place) const { return (size_t(place) - size_t(reach_) * line_ - reach_) * 3; }

    void load(int place, Query &query) const {
        const int chunks = 3 * side_ > LANES ? 2 : 1;
        for (int row = 0; row < side_; row++) {
            const size_t first = first_byte(place) + size_t(row) * line_ * 3;
            for (int chunk = 0; chunk < chunks; chunk++) {
                const int at = (row * chunks + chunk) * LANES, from = chunk * LANES;
                widen(&pixels_[first + from], query.pixels + at, LANES);
                widen(&weights_[first + from], query.weights + at, std::min(LANES, 3 * side_ - from));
            }
        }
    }

    void compare(const Query &query, const uint8_t *const *places, int count, int32_t *found) const {
        compare_(query.pixels, query.weights, side_, stride(), places, count, found);
    }

    // The same for the middle row alone, which often shows that a source is too far.
    void compare_middle(const Query &query, const uint8_t *const *places, int count, int32_t *found) const {
        const int at = reach_ * (3 * side_ > LANES ? 2 : 1) * LANES;
        compare_(query.pixels + at, query.weights + at, 1, stride(), places, count, found);
    }

    float total(size_t rank, int32_t patches, int guides) const {
        return scale_[rank] * float(patches) + pull_[rank] * float(guides);
    }

    static int32_t farthest(float least, float pull) {
        return pull > 0 ? int32_t(std::min(least / pull, 2e9f)) : 2'000'000'000;
    }

    // The nearest source of each query, whatever its neighbours borrow.
    void nearest() {
        const int blocks = int((queries_.size() + QUERIES - 1) / QUERIES);
        parallel(options_.threads, blocks, [&](int block) {
            Query query;
            const uint8_t *places[BLOCK];
            int32_t found[BLOCK];
            int numbers[BLOCK], guides[BLOCK];
            const size_t end = std::min(queries_.size(), size_t(block + 1) * QUERIES);
            for (size_t rank = size_t(block) * QUERIES; rank < end; rank++) {
                const int place = queries_[rank];
                load(place, query);
                const Guide &guide = guides_[place];
                // What it had, and what continues the query before, are seldom bad.
                int best = source_[place];
                numbers[0] = best, numbers[1] = best;
                const int before = rank % QUERIES ? source_[place - 1] : -1;
                if (before >= 0 && valid_[before + 1]) numbers[1] = before + 1;
                for (int each = 0; each < 2; each++) places[each] = &pixels_[first_byte(numbers[each])];
                compare(query, places, 2, found);
                float least = std::numeric_limits<float>::max();
                for (int each = 0; each < 2; each++) {
                    const float here = total(rank, found[each], apart(guide, guides_[numbers[each]]));
                    if (here < least) least = here, best = numbers[each];
                }
                int count = 0;
                const auto decide = [&] {
                    for (int each = 0; each < count; each++)
                        places[each] = &pixels_[first_byte(numbers[each]) + size_t(reach_) * line_ * 3];
                    compare_middle(query, places, count, found);
                    int left = 0;
                    for (int each = 0; each < count; each++) {
                        numbers[left] = numbers[each], guides[left] = guides[each];
                        left += total(rank, found[each], guides[each]) < least;
                    }
                    for (int each = 0; each < left; each++) places[each] = &pixels_[first_byte(numbers[each])];
                    compare(query, places, left, found);
                    for (int each = 0; each < left; each++) {
                        const float here = total(rank, found[each], guides[each]);
                        if (here < least) least = here, best = numbers[each];
                    }
                    count = 0;
                };
                // A guide that is farther than this makes a source too dear by itself.
                int32_t most = farthest(least, pull_[rank]);
                for (size_t first = 0; first < valid_places_.size(); first += 4) {
                    int32_t away[4];
                    if (!four_apart(guide, &valid_guides_[first], most, away)) continue;
                    for (int each = 0; each < 4 && first + each < valid_places_.size(); each++) {
                        numbers[count] = valid_places_[first + each], guides[count] = away[each];
                        count += away[each] <= most;
                    }
                    if (count <= BLOCK - 4) continue;
                    decide();
                    most = farthest(least, pull_[rank]);
                }
                decide();
                source_[place] = best, distance_[rank] = least, dirty_[place] = 0;
            }
        });
    }

    // Measure the present sources, and set the price by their distances.
    void judge() {
        const int blocks = int((queries_.size() + 255) / 256);
        parallel(threads_, blocks, [&](int block) {
            Query query;
            const size_t end = std::min(queries_.size(), size_t(block + 1) * 256);
            for (size_t rank = size_t(block) * 256; rank < end; rank++) {
                const int place = queries_[rank], source = source_[place];
                if (!dirty_[place]) continue;
                dirty_[place] = 0;
                load(place, query);
                const uint8_t *where = &pixels_[first_byte(source)];
                int32_t found;
                compare(query, &where, 1, &found);
                distance_[rank] = total(rank, found, apart(guides_[place], guides_[source]));
            }
        });
        fee_ = queries_.empty() ? 0 : options_.coherence * quantile(0.5f);
    }

    float quantile(float part) const {
        Floats sorted = distance_;
        const size_t which = size_t(part * float(sorted.size() - 1));
        std::nth_element(sorted.begin(), sorted.begin() + which, sorted.end());
        return sorted[which];
    }

    // Every query tries what continues its neighbours' sources, and random places around its own.
    void sweep(int round, int radius, bool explore) {
        const int bands = (height_ + BAND - 1) / BAND;
        for (int parity = 0; parity < 2; parity++) // bands that run at the same time do not touch
            parallel(threads_, (bands + 1 - parity) / 2,
                     [&](int each) { sweep_band(2 * each + parity, round, radius, explore); });
    }

    void sweep_band(int band, int round, int radius, bool explore) {
        const size_t begin = row_begin_[band * BAND], end = row_begin_[std::min(height_, (band + 1) * BAND)];
        const int steps[4] = {1, -1, line_, -line_};
        Random random(options_.seed, number_, round, band);
        Query query;
        const uint8_t *places[4 + EXPLORATIONS];
        int candidates[4 + EXPLORATIONS], guides[4 + EXPLORATIONS];
        int32_t found[4 + EXPLORATIONS];
        for (size_t count = 0; count < end - begin; count++) {
            const size_t rank = round % 2 ? end - 1 - count : begin + count;
            const int place = queries_[rank], present = source_[place];
            const float fee = fee_ * 2 * share_[rank], pull = pull_[rank];
            const Guide &guide = guides_[place];
            int continued[4], length = 0;
            for (int each = 0; each < 4; each++) {
                const int theirs = source_[place + steps[each]];
                continued[each] = theirs < 0 ? -1 : theirs - steps[each];
            }
            const auto agreement = [&](int candidate) {
                return fee * float((continued[0] == candidate) + (continued[1] == candidate) +
                                   (continued[2] == candidate) + (continued[3] == candidate));
            };
            float least = distance_[rank] - agreement(present);
            // What its guide alone makes too dear is not looked at.
            for (int each = 0; each < 4; each++) {
                const int candidate = continued[each];
                if (candidate == present || candidate < 0 || !valid_[candidate]) continue;
                if ((each > 0 && candidate == continued[0]) || (each > 1 && candidate == continued[1]) ||
                    (each > 2 && candidate == continued[2]))
                    continue;
                candidates[length] = candidate;
                guides[length] = apart(guide, guides_[candidate]);
                length += pull * float(guides[length]) - 4 * fee < least;
            }
            if (explore) {
                const int row = row_of(present), column = column_of(present);
                for (int each = 0, away = radius; each < EXPLORATIONS; each++, away = std::max(1, away / 3)) {
                    const uint32_t span = 2 * uint32_t(away) + 1;
                    const int y = limited(row + int(random.below(span)) - away, 0, height_ - 1);
                    const int x = limited(column + int(random.below(span)) - away, 0, width_ - 1);
                    const int candidate = flat(y, x);
                    candidates[length] = candidate;
                    guides[length] = apart(guide, guides_[candidate]);
                    length += valid_[candidate] && pull * float(guides[length]) < least;
                }
            }
            if (length == 0) continue;
            load(place, query);
            for (int each = 0; each < length; each++) places[each] = &pixels_[first_byte(candidates[each])];
            compare(query, places, length, found);
            for (int each = 0; each < length; each++) {
                const float away = total(rank, found[each], guides[each]);
                const float energy = away - agreement(candidates[each]);
                if (energy < least) least = energy, source_[place] = candidates[each], distance_[rank] = away;
            }
        }
    }

    // Votes fade with depth and with the distance of a patch to its source.
    void weigh() {
        if (queries_.empty()) return;
        const float good = std::max(1e-8f * 255 * 255, quantile(GOOD_PART));
        parallel(threads_, int((queries_.size() + 4095) / 4096), [&](int block) {
            const size_t end = std::min(queries_.size(), size_t(block + 1) * 4096);
            for (size_t rank = size_t(block) * 4096; rank < end; rank++)
                vote_[queries_[rank]] =
                    fading_[rank] * std::max(1e-12f, std::exp(-distance_[rank] / (2 * good)));
        });
    }

    // What the patches over a pixel of the hole show: where from, and how much each counts.
    struct Voters {
        int from[LARGEST_PATCH * LARGEST_PATCH];
        float weight[LARGEST_PATCH * LARGEST_PATCH];
        int count = 0;
        bool agree = true; // all show the same pixel
    };

    void ask(int place, Voters &voters) const {
        const int shared = source_[place];
        voters.count = 0, voters.agree = true;
        for (int down = -reach_; down <= reach_; down++) {
            const int row = place - down * line_;
            for (int right = -reach_; right <= reach_; right++) {
                const int source = source_[row - right];
                if (source < 0) continue; // beside the picture there are no patches
                const int from = source + down * line_ + right;
                voters.from[voters.count] = from;
                voters.weight[voters.count++] = vote_[row - right];
                voters.agree &= from == shared;
            }
        }
    }

    // Each pixel of the hole becomes the weighted mean of what the patches over it show. Patches add themselves in
    // reading order, whatever the number of threads.
    void paint() {
        const int bands = (height_ + BAND - 1) / BAND;
        parallel(threads_, bands, [&](int band) {
            const int top = band * BAND, bottom = std::min(height_, top + BAND);
            bool any = false;
            for (int row = top; row < bottom; row++) any |= !hole_rows_[row].empty();
            if (!any) return;
            const int first_line = top + margin_; // of the padded picture
            Floats sums(size_t(bottom - top) * line_ * 3 + 2 * LANES, 0.0f), weights(size_t(bottom - top) * line_ + LANES, 0.0f);
            const size_t begin = row_begin_[std::max(0, top - reach_)], end = row_begin_[std::min(height_, bottom + reach_)];
            for (size_t rank = begin; rank < end; rank++) {
                const int place = queries_[rank], line = place / line_;
                const int low = std::max(line - reach_, first_line), high = std::min(line + reach_ + 1, bottom + margin_);
                const int step = (low - line) * line_ - reach_;
                const size_t at = size_t(place + step) - size_t(first_line) * line_;
                add_patch_(&pixels_[size_t(source_[place] + step) * 3], size_t(line_) * 3, side_, high - low, vote_[place],
                           &sums[3 * at], &weights[at], line_);
            }
            for (int row = top; row < bottom; row++)
                for (const int place : hole_rows_[row]) {
                    const size_t at = size_t(place) - size_t(first_line) * line_;
                    if (!(weights[at] > 0)) continue;
                    const float part = 1 / weights[at];
                    for (int channel = 0; channel < 3; channel++)
                        fresh_[3 * size_t(place) + channel] = uint8_t(std::min(sums[3 * at + channel] * part + 0.5f, 255.0f));
                }
        });
        for (const auto &row : hole_rows_)
            for (const int place : row) {
                uint8_t *old = &pixels_[3 * size_t(place)];
                const uint8_t *made = &fresh_[3 * size_t(place)];
                if (old[0] == made[0] && old[1] == made[1] && old[2] == made[2]) continue;
                std::memcpy(old, made, 3);
                for (int down = -reach_; down <= reach_; down++)
                    std::memset(&dirty_[size_t(place) + down * line_ - reach_], 1, side_);
            }
        close_margin(pixels_, 3);
    }

    const Level &level_;
    const Options &options_;
    int number_, height_, width_, side_, reach_, margin_, line_;
    int threads_ = 1; // for work that grows with the queries alone
    Compare compare_;
    AddPatch add_patch_;
    // One entry for each place of the padded level.
    std::vector<uint8_t> pixels_, fresh_, weights_;
    Flags known_, valid_;
    Flags dirty_; // where a patch shows something else than when its distance was measured
    std::vector<int32_t> source_;
    Floats vote_;
    std::vector<Guide> guides_;
    std::vector<int32_t> valid_places_;
    std::vector<Guide> valid_guides_;
    // One entry for each query, in reading order.
    std::vector<int32_t> queries_;
    std::vector<size_t> row_begin_; // the first query of each row, and the end
    std::vector<std::vector<int32_t>> hole_rows_; // places of the hole, by row
    Floats scale_, share_, pull_, fading_, distance_;
    float fee_ = 0;
};

inline int usable_patches(const Level &level, int side) {
    if (std::min(level.height, level.width) < side) return 0;
    Flags barred(level.readable.size());
    for (size_t cell = 0; cell < barred.size(); cell++) barred[cell] = !level.readable[cell];
    int count = 0;
    box_totals(barred, level.height, level.width, 1, side, [&](size_t, const uint16_t *sums) {
        for (int each = 0; each < level.width - side + 1; each++) count += sums[each] == 0;
    });
    return count;
}

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
//   made     h·w·3; only the hole is written
//   sources  h·w·2, row and column each pixel of the hole was taken from; -1 elsewhere
// Returns 0; 1 if `report` asked to stop; 2 if nothing can be borrowed.
EXPORT int retouch_paint(const float *image, const uint8_t *hole, const uint8_t *allowed, int32_t height,
                         int32_t width, const retouch::Options *given, retouch::Report report, float *made,
                         int32_t *sources) {
    using namespace retouch;
    Options options = *given;
    const size_t cells = size_t(height) * width;
    std::vector<Level> levels(1);
    Level &finest = levels[0];
    finest.height = height, finest.width = width;
    finest.image.assign(image, image + cells * 3);
    finest.certainty.resize(cells), finest.readable.resize(cells);
    for (size_t cell = 0; cell < cells; cell++) {
        finest.certainty[cell] = hole[cell] ? 0.0f : 1.0f;
        finest.readable[cell] = !hole[cell] && allowed[cell];
    }
    while (usable_patches(finest, options.patch) == 0) {
        if (options.patch == 1) return 2;
        options.patch -= 2;
    }
    while (std::min(levels.back().height, levels.back().width) >= 2 * SHORTEST) {
        Level coarser = halve(levels.back(), options.threads);
        bool whole = true;
        for (const float certainty : coarser.certainty) whole &= certainty > 0;
        if (whole || usable_patches(coarser, options.patch) < FEWEST) break;
        levels.push_back(std::move(coarser));
    }

    const int count = int(levels.size());
    std::vector<int> rounds(count);
    double all = 0, done = 0;
    for (int number = 0; number < count; number++) {
        rounds[number] = options.rounds[std::min(number, options.rounds_count - 1)];
        all += rounds[number] * std::pow(0.25, number);
    }
    std::unique_ptr<Canvas> canvas;
    for (int number = count - 1; number >= 0; number--) {
        std::unique_ptr<Canvas> next(new Canvas(levels[number], number, options));
        const bool coarsest = !canvas;
        if (coarsest) next->begin();
        else next->refine(*canvas);
        canvas = std::move(next);
        for (int round = 0; round < rounds[number]; round++) {
            canvas->improve(round, number == 0, coarsest, round == rounds[number] - 1);
            done += std::pow(0.25, number);
            if (report && report(done / all, canvas->height(), canvas->width(), canvas->corner(), canvas->stride()))
                return 1;
        }
    }
    canvas->finish(image, made);
    for (int row = 0; row < height; row++)
        for (int column = 0; column < width; column++) {
            const size_t cell = size_t(row) * width + column;
            sources[2 * cell] = sources[2 * cell + 1] = -1;
            if (!hole[cell]) continue;
            const int from = canvas->sources()[canvas->flat(row, column)];
            sources[2 * cell] = canvas->row_of(from), sources[2 * cell + 1] = canvas->column_of(from);
        }
    return 0;
}
