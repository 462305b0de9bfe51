// One level of exemplar-based inpainting: its patches, their sources, and the painting.
//
// Patches are compared in bytes, with integer weights, so every processor and any number of threads gives the
// same result.
#pragma once

#include <limits>

#include "layout.h"

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

constexpr int64_t ALL_PAIRS = 6'000'000;
// Rounds that compare all pairs: the first for all queries, the others for a quarter each, whose finds the sweeps
// spread. Where a speck has thousands of sources, one finds what there is to find.
constexpr int ALL_PAIRS_ROUNDS = 5;
constexpr size_t MANY_SOURCES = 8192;
constexpr size_t WORTH_THREADS = 4096; // queries; starting threads takes time too
// A layout is found on the coarsest level of so many cells, if so many pairs are there to compare at most.
constexpr int SHORTEST_LAYOUT = 60;
constexpr int64_t LARGEST_LAYOUT = 60'000'000;
constexpr int EXPLORATIONS = 6, LAST_RADIUS = 8, BAND = 16, BLOCK = 16, QUERIES = 64;
constexpr float GOOD_PART = 0.2f, FAINTEST = 1e-8f;
constexpr float LINE_PART = 0.4f; // of a cell: then it lies on a line
constexpr float SHALLOW = 2; // cells from the known area: there the nearest source is searched for after a layout too

// One level: its patches, their sources, and the painting.
class Canvas {
  public:
    // The guess of a layout, found `coarser` levels above, is better than a smooth one.
    Canvas(const Level &level, int number, const Options &options, const Layout *layout = nullptr, int coarser = 0)
        : level_(level), options_(options), layout_(layout), scale_of_layout_(std::pow(0.5f, float(coarser))), number_(number), height_(level.height), width_(level.width),
          side_(options.patch), reach_(side_ / 2), margin_(std::max(1, reach_)), line_(width_ + 2 * margin_),
          kernels_(kernels(side_, options.portable != 0)) {
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
        find_lines();
        if (queries_.size() >= WORTH_THREADS) threads_ = options.threads;
        prepare();
        fresh_ = pixels_;
    }

    int height() const { return height_; }
    int width() const { return width_; }
    const uint8_t *pixel(int row, int column) const { return &pixels_[size_t(flat(row, column)) * 3]; }
    int64_t stride() const { return int64_t(line_) * 3; }
    int flat(int row, int column) const { return (row + margin_) * line_ + column + margin_; }
    int row_of(int place) const { return place / line_ - margin_; }
    int column_of(int place) const { return place % line_ - margin_; }
    bool all_pairs() const { return int64_t(queries_.size()) * int64_t(valid_places_.size()) <= ALL_PAIRS; }

    // Begin with what is nearest to the smooth guess.
    void begin() {
        for (size_t each = 0; each < queries_.size(); each++) source_[queries_[each]] = random_source(0, each);
        if (all_pairs()) nearest(0);
    }

    // Begin with the layout, on the level that it was found on.
    void begin_with_layout() {
        const Peeled &fill = layout_->fill;
        for (size_t each = 0; each < queries_.size(); each++) {
            const int found = laid_out(fill.sources, queries_[each]);
            source_[queries_[each]] = found >= 0 ? found : random_source(1, each);
            vote_[queries_[each]] = found >= 0 ? fading_[each] : 0;
        }
        for (const auto &row : hole_rows_)
            for (const int place : row)
                std::memcpy(&pixels_[size_t(place) * 3], &fill.colours[cell_of(place) * 3], 3);
        close_margin(pixels_, 3);
        fresh_ = pixels_;
        laid_out_ = true;
        paint();
    }

    // The level with what is painted in its hole.
    std::vector<uint8_t> picture() const {
        std::vector<uint8_t> made;
        for (int row = 0; row < height_; row++) made.insert(made.end(), pixel(row, 0), pixel(row, 0) + size_t(width_) * 3);
        return made;
    }

    // Whether a layout can be found, in little time, on a level that is not too short.
    bool suits_layout() const {
        return std::min(height_, width_) < 2 * SHORTEST_LAYOUT &&
               int64_t(queries_.size()) * int64_t(valid_places_.size()) <= LARGEST_LAYOUT && usable_patches(level_, 5, 1);
    }

    // Begin with the sources and the painting of the coarser level.
    void refine(const Canvas &coarse) {
        for (size_t each = 0; each < queries_.size(); each++) {
            const int row = row_of(queries_[each]), column = column_of(queries_[each]);
            const int theirs = coarse.source_[coarse.flat(row / 2, column / 2)];
            int mine = -1;
            if (theirs >= 0)
                mine = flat(std::min(coarse.row_of(theirs) * 2 + row % 2, height_ - 1),
                            std::min(coarse.column_of(theirs) * 2 + column % 2, width_ - 1));
            const bool found = mine >= 0 && may_borrow(queries_[each], mine);
            source_[queries_[each]] = found ? mine : random_source(1, each);
            vote_[queries_[each]] = found ? fading_[each] : 0;
        }
        parallel(threads_, height_, [&](int row) { enlarge_from(coarse, row); });
        close_margin(pixels_, 3);
        paint();
    }

    void improve(int round, bool finest, bool coarsest, bool last) {
        const int rounds = finest && valid_places_.size() > MANY_SOURCES ? 1 : ALL_PAIRS_ROUNDS;
        if (!last && round < rounds && all_pairs()) nearest(round);
        judge();
        sweep(round, finest ? LAST_RADIUS : std::max(height_, width_) / 2, !coarsest || laid_out_ || !all_pairs());
        weigh();
        if (!finest || !last) paint(); // what comes out is put together by finish()
    }

    // Row and column of what each pixel of the hole was taken from.
    void name_sources(int32_t *sources) const {
        for (const auto &row : hole_rows_)
            for (const int place : row) {
                int32_t *target = sources + 2 * cell_of(place);
                target[0] = row_of(source_[place]), target[1] = column_of(source_[place]);
            }
    }

    // Put the hole together from the caller's own values, as it was painted last. Where all patches show the same
    // value, that is copied.
    void finish(const float *image, float *made) const {
        std::vector<int32_t> cells(source_.size(), -1); // of the sources, in the picture without its margin
        for (const int place : queries_) cells[place] = int32_t(cell_of(source_[place]));
        parallel(threads_, height_, [&](int row) {
            Voters voters;
            for (const int place : hole_rows_[row]) {
                ask(place, cells, voters);
                float *target = made + cell_of(place) * 3;
                const float *first = image + size_t(cells[place]) * 3;
                float sum[3] = {0, 0, 0}, weight = 0;
                bool same = voters.agree;
                if (!same) {
                    same = true;
                    for (int each = 0; each < voters.count; each++) {
                        const float *values = image + size_t(voters.from[each]) * 3;
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

    // Patches whose middle lies on a line borrow from such patches alone, where there are any.
    void find_lines() {
        if (level_.lines.empty()) return;
        on_line_.assign(valid_.size(), 0);
        for (size_t cell = 0; cell < known_.size(); cell++)
            on_line_[flat(int(cell / width_), int(cell % width_))] = level_.lines[cell] > LINE_PART;
        for (const int place : valid_places_)
            if (on_line_[place]) line_places_.push_back(place);
    }

    bool follows(int place) const { return !line_places_.empty() && on_line_[place]; }

    bool may_borrow(int place, int source) const { return valid_[source] && (!follows(place) || on_line_[source]); }

    void prepare() {
        parallel(options_.threads, 2, [&](int which) { which ? weigh_pixels() : guess_colours(); });
    }

    void guess_colours() {
        for (int row = 0; row < height_; row++)
            to_bytes(&level_.image[size_t(row) * width_ * 3], width_ * 3, &pixels_[size_t(flat(row, 0)) * 3]);
        if (layout_) {
            for (int row = 0; row < height_; row++)
                for (const int place : hole_rows_[row])
                    layout_->show(row, column_of(place), scale_of_layout_, &pixels_[size_t(place) * 3]);
        } else {
            const Box box = smooth_box(known_, height_, width_);
            const Floats part = smooth_part(level_.image, known_, width_, 3, box);
            for (int row = 0; row < box.height(); row++)
                to_bytes(&part[size_t(row) * box.width() * 3], box.width() * 3,
                         &pixels_[size_t(flat(row + box.top, box.left)) * 3]);
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

        const Floats squares = squared_depth(known_, height_, width_);
        const float area = float(side_ * side_), pull = options_.guidance * side_ * options_.guidance * side_;
        const float deepest = std::log(FAINTEST) / std::min(-1e-6f, std::log(options_.fading));
        const auto faded = [&](float square) {
            const float deep = std::sqrt(square);
            return deep < deepest ? std::pow(options_.fading, deep) : FAINTEST;
        };
        Floats table(512); // powers take time, and most holes have few depths
        for (size_t square = 0; square < table.size(); square++) table[square] = faded(float(square));
        for (Floats *each : {&scale_, &share_, &pull_, &fading_}) each->reserve(queries_.size());
        for (const int place : queries_) {
            const float share = hides[place] / area;
            scale_.push_back(area / float(std::max<int>(weighs[place], 1)));
            share_.push_back(share);
            pull_.push_back(pull * share);
            const float square = squares[size_t(row_of(place)) * width_ + column_of(place)];
            shallow_.push_back(square <= SHALLOW * SHALLOW);
            fading_.push_back(square < float(table.size()) ? table[size_t(square)] : faded(square));
        }
        distance_.assign(queries_.size(), 0);
    }

    // Means of colour and texture, and how much lies on lines; the edge is repeated.
    void find_guides() {
        average(pixels_, 3, 0);
        const auto add = [&](const Floats &values, int channels, int first, float weight) {
            std::vector<uint8_t> bytes(guides_.size() * channels);
            for (int row = 0; row < height_; row++)
                for (int each = 0; each < channels * width_; each++)
                    bytes[size_t(flat(row, 0)) * channels + each] =
                        byte_of(weight * values[size_t(row) * width_ * channels + each]);
            close_margin(bytes, channels);
            average(bytes, channels, first);
        };
        if (!level_.texture.empty()) add(level_.texture, 2, 3, TEXTURE_WEIGHT);
        if (!level_.lines.empty()) add(level_.lines, 1, 5, 1);
        if (!all_pairs()) return;
        every_place_ = valid_places_;
        while (every_place_.size() % 4 != 0) every_place_.push_back(every_place_.back()); // four are looked at together
        for (const int place : every_place_) every_guide_.push_back(guides_[place]);
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

    // The source of a patch by that of the nearest pixel in it which a layout filled; -1 if that is no whole patch.
    int laid_out(const std::vector<int32_t> &sources, int place) const {
        const int row = row_of(place), column = column_of(place);
        int found = -1, nearest = std::numeric_limits<int>::max();
        for (int y = std::max(0, row - reach_); y <= std::min(height_ - 1, row + reach_); y++)
            for (int x = std::max(0, column - reach_); x <= std::min(width_ - 1, column + reach_); x++) {
                const int source = sources[size_t(y) * width_ + x], away = (y - row) * (y - row) + (x - column) * (x - column);
                if (source < 0 || away >= nearest) continue;
                const int there = source / width_ + row - y, beside = source % width_ + column - x;
                if (there < 0 || there >= height_ || beside < 0 || beside >= width_ || !valid_[flat(there, beside)]) continue;
                found = flat(there, beside), nearest = away;
            }
        return found;
    }

    int random_source(int purpose, size_t rank) const {
        Random random(options_.seed, number_, 1000 + purpose, rank);
        const auto &places = follows(queries_[rank]) ? line_places_ : valid_places_;
        return places[random.below(uint32_t(places.size()))];
    }

    // Paint the hole of a row by the coarser level. Bilinear, as torch enlarges by two; halves go to even numbers.
    void enlarge_from(const Canvas &coarse, int row) {
        const int near = row / 2, beside = limited(row % 2 ? near + 1 : near - 1, 0, coarse.height_ - 1);
        for (const int place : hole_rows_[row]) {
            const int column = column_of(place), here = column / 2;
            const int there = limited(column % 2 ? here + 1 : here - 1, 0, coarse.width_ - 1);
            const uint8_t *corners[4] = {coarse.pixel(near, here), coarse.pixel(near, there), coarse.pixel(beside, here),
                                         coarse.pixel(beside, there)};
            for (int channel = 0; channel < 3; channel++) {
                const int sum = 9 * corners[0][channel] + 3 * corners[1][channel] + 3 * corners[2][channel] + corners[3][channel];
                pixels_[size_t(place) * 3 + channel] = uint8_t((sum + 7 + ((sum >> 4) & 1)) >> 4);
            }
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
        const size_t first = first_byte(place);
        kernels_.load(&pixels_[first], &weights_[first], stride(), side_, 3 * side_, query);
    }

    void compare(const Query &query, const uint8_t *const *places, int count, int32_t *found) const {
        kernels_.compare(query.pixels, query.weights, side_, stride(), places, count, found);
    }

    float total(size_t rank, int32_t patches, int guides) const {
        return scale_[rank] * float(patches) + pull_[rank] * float(guides);
    }

    // The nearest source of each query, whatever its neighbours borrow.
    void nearest(int round) {
        const int blocks = int((queries_.size() + QUERIES - 1) / QUERIES);
        parallel(options_.threads, blocks, [&](int block) {
            Query query;
            const uint8_t *places[BLOCK];
            int32_t patches[BLOCK];
            Found found[BLOCK];
            const int middle = reach_ * (3 * side_ > LANES ? 2 : 1) * LANES;
            const size_t end = std::min(queries_.size(), size_t(block + 1) * QUERIES);
            for (size_t rank = size_t(block) * QUERIES; rank < end; rank++) {
                const int place = queries_[rank];
                if (laid_out_ && !shallow_[rank]) continue; // deeper, it would break up the layout
                if (round > 0 && (row_of(place) + round) % 2 + (column_of(place) + round / 2) % 2 > 0) continue;
                load(place, query);
                Scan scan{query.pixels + middle, query.weights + middle, reach_, guides_[place], scale_[rank], pull_[rank],
                          std::numeric_limits<float>::max()};
                int best = source_[place], count = 0;
                const auto decide = [&] {
                    for (int each = 0; each < count; each++) places[each] = &pixels_[first_byte(found[each].place)];
                    compare(query, places, count, patches);
                    for (int each = 0; each < count; each++) {
                        const float here = total(rank, patches[each], found[each].guide);
                        if (here < scan.least) scan.least = here, best = found[each].place;
                    }
                    count = 0;
                };
                // What it had, and what continues the query before, are seldom bad.
                const auto consider = [&](int source) {
                    found[count++] = {source, apart(scan.guide, guides_[source])};
                };
                consider(best);
                const int before = rank % QUERIES ? source_[place - 1] : -1;
                if (before >= 0 && valid_[before + 1]) consider(before + 1);
                decide();
                for (size_t first = 0; first < every_guide_.size(); decide())
                    first = kernels_.scan(scan, pixels_.data(), every_place_.data(), every_guide_.data(), first, every_guide_.size(),
                                  BLOCK - 3, found, count);
                const float least = scan.least;
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
        constexpr int MOST = 4 + 2 * EXPLORATIONS;
        const uint8_t *places[MOST];
        int candidates[MOST], guides[MOST];
        int32_t found[MOST];
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
                if (candidate == present || candidate < 0 || !may_borrow(place, candidate)) continue;
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
                    length += may_borrow(place, candidate) && pull * float(guides[length]) < least;
                }
            }
            // What lies around a source is seldom on a line, so places on lines are tried too; not on the finest
            // level, where what is found by chance breaks lines up.
            for (int each = 0; each < EXPLORATIONS && number_ > 0 && follows(place); each++) {
                const int candidate = line_places_[random.below(uint32_t(line_places_.size()))];
                candidates[length] = candidate;
                guides[length] = apart(guide, guides_[candidate]);
                length += pull * float(guides[length]) < least;
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

    void ask(int place, const std::vector<int32_t> &cells, Voters &voters) const {
        const int shared = cells[place];
        voters.count = 0, voters.agree = true;
        for (int down = -reach_; down <= reach_; down++) {
            const int row = place - down * line_;
            for (int right = -reach_; right <= reach_; right++) {
                const int source = cells[row - right];
                if (source < 0) continue; // beside the picture there are no patches
                const int from = source + down * width_ + right;
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
                kernels_.add_patch(&pixels_[size_t(source_[place] + step) * 3], size_t(line_) * 3, side_, high - low, vote_[place],
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
        for (int parity = 0; parity < 2; parity++) // marks reach into the bands beside
            parallel(threads_, (bands + 1 - parity) / 2, [&](int each) { show(2 * each + parity); });
        close_margin(pixels_, 3);
    }

    // Let a band show what was painted, and mark the patches that look different.
    void show(int band) {
        std::vector<uint8_t> changed(line_, 0), near(line_, 0); // pixels of a row, and patches around them
        const int inner = line_ - 2 * reach_;
        for (int row = band * BAND; row < std::min(height_, (band + 1) * BAND); row++) {
            bool any = false;
            for (const int place : hole_rows_[row]) {
                uint8_t *old = &pixels_[3 * size_t(place)];
                const uint8_t *made = &fresh_[3 * size_t(place)];
                const bool other = old[0] != made[0] || old[1] != made[1] || old[2] != made[2];
                std::memcpy(old, made, 3);
                changed[place % line_] = other, any |= other;
            }
            if (!any) continue;
            std::memcpy(&near[reach_], &changed[reach_], inner);
            for (int away = 1; away <= reach_; away++)
                for (int each = reach_; each < reach_ + inner; each++)
                    near[each] |= changed[each - away] | changed[each + away];
            for (int down = -reach_; down <= reach_; down++) {
                uint8_t *dirty = &dirty_[size_t(row + margin_ + down) * line_];
                for (int each = reach_; each < reach_ + inner; each++) dirty[each] |= near[each];
            }
            for (const int place : hole_rows_[row]) changed[place % line_] = 0;
        }
    }

    const Level &level_;
    const Options &options_;
    const Layout *layout_;
    float scale_of_layout_;
    int number_, height_, width_, side_, reach_, margin_, line_;
    int threads_ = 1; // for work that grows with the queries alone
    Kernels kernels_;
    // One entry for each place of the padded level.
    std::vector<uint8_t> pixels_, fresh_, weights_;
    Flags known_, valid_;
    Flags dirty_; // where a patch shows something else than when its distance was measured
    std::vector<int32_t> source_;
    Floats vote_;
    std::vector<Guide> guides_;
    std::vector<int32_t> valid_places_;
    Flags on_line_;
    std::vector<int32_t> line_places_; // of the valid ones, those on lines
    std::vector<int32_t> every_place_; // the same, and their guides, where all pairs are compared
    std::vector<Guide> every_guide_;
    // One entry for each query, in reading order.
    std::vector<int32_t> queries_;
    std::vector<size_t> row_begin_; // the first query of each row, and the end
    std::vector<std::vector<int32_t>> hole_rows_; // places of the hole, by row
    Floats scale_, share_, pull_, fading_, distance_;
    Flags shallow_;
    float fee_ = 0;
    bool laid_out_ = false;
};

} // namespace retouch
