// Shared by the compiled parts: exporting, random numbers, and work in bands.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
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

// Threads that wait for work as long as this object lives, for whoever made it: starting some for each of the
// several hundred short tasks of a fill takes longer than many of the tasks.
class Team {
  public:
    explicit Team(int threads) : before_(current()) {
        for (int each = 1; each < threads; each++) others_.emplace_back([this] { serve(); });
        current() = this;
    }

    Team(const Team &) = delete;
    Team &operator=(const Team &) = delete;

    ~Team() {
        current() = before_;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            ended_ = true;
        }
        begun_.notify_all();
        for (auto &each : others_) each.join();
    }

    // The calling thread's own team, if it has one and that is idle.
    static Team *&current() {
        static thread_local Team *team = nullptr;
        return team;
    }

    template <class Work> void run(int count, const Work &work) {
        current() = nullptr; // work within work starts threads of its own
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            call_ = [](const void *given, int number) { (*static_cast<const Work *>(given))(number); };
            work_ = &work, count_ = count, next_ = 0, open_ = true, task_++;
        }
        begun_.notify_all();
        take();
        std::unique_lock<std::mutex> lock(mutex_);
        open_ = false; // who has not woken up yet is not waited for
        ended_task_.wait(lock, [this] { return active_ == 0; });
        current() = this;
    }

  private:
    void take() {
        for (int number = next_++; number < count_; number = next_++) call_(work_, number);
    }

    void serve() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (uint64_t seen = 0;;) {
            begun_.wait(lock, [&] { return ended_ || (open_ && task_ != seen); });
            if (ended_) return;
            seen = task_, active_++;
            lock.unlock();
            take();
            lock.lock();
            if (--active_ == 0) ended_task_.notify_one();
        }
    }

    Team *before_;
    std::vector<std::thread> others_;
    std::mutex mutex_;
    std::condition_variable begun_, ended_task_;
    std::atomic<int> next_{0};
    void (*call_)(const void *, int) = nullptr;
    const void *work_ = nullptr;
    uint64_t task_ = 0;
    int count_ = 0, active_ = 0;
    bool open_ = false, ended_ = false;
};

// Call work(number) for every number in [0, count), on so many threads, those of the caller's team if it has one.
// Numbers may run at the same time.
template <class Work> void parallel(int threads, int count, const Work &work) {
    if (threads <= 1 || count <= 1) {
        for (int number = 0; number < count; number++) work(number);
        return;
    }
    if (Team *team = Team::current()) return team->run(count, work);
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
