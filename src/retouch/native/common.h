// Shared by the compiled parts: exporting, random numbers, and work in bands.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#if defined(_WIN32)
#define EXPORT extern "C" __declspec(dllexport)
#else
#define EXPORT extern "C" __attribute__((visibility("default")))
#endif

namespace retouch {

// A random number that depends on its arguments alone (splitmix64), so threads cannot change a result.
inline uint64_t mixed(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

// A stream of random numbers for one row of one round.
class Random {
  public:
    Random(uint64_t seed, uint64_t level, uint64_t round, uint64_t row)
        : state_(mixed(seed ^ mixed(level ^ mixed(round ^ mixed(row))))) {}

    uint32_t next() {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<uint32_t>(state_ >> 32);
    }

    // Uniform in [0, count).
    uint32_t below(uint32_t count) {
        return static_cast<uint32_t>((static_cast<uint64_t>(next()) * count) >> 32);
    }

  private:
    uint64_t state_;
};

// Call work(number) for every number in [0, count), on so many threads. Numbers may run at the same time.
template <class Work> void parallel(int threads, int count, const Work &work) {
    if (threads <= 1 || count <= 1) {
        for (int number = 0; number < count; number++) work(number);
        return;
    }
    std::atomic<int> next{0};
    const auto run = [&] {
        for (int number = next++; number < count; number = next++) work(number);
    };
    std::vector<std::thread> others;
    for (int each = 1; each < threads && each < count; each++) others.emplace_back(run);
    run();
    for (auto &each : others) each.join();
}

} // namespace retouch
