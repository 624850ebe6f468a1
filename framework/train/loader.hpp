/// Batches of a split as a program takes them.
#pragma once
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "train/data.hpp"

namespace lamina {

/// Columns in memory are gathered by the backend inside the step: nothing is copied here, and no thread is started. Other columns are
/// decoded, the announced batch by a thread of its own while the step before it runs. Used from one thread; the split must stay.
class Loader {
 public:
  /// Numbers of columns in Data::columns(), in the order of a program's feeds. Its address names it: it must stay where it is.
  using Columns = std::vector<size_t>;

  Loader(const Data& data, const DataSplit& split);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  /// Where the inputs of a batch come from; valid until the next call. Failure(Exit::experiment) for data that cannot be decoded.
  const lamina_feed* feeds(const Columns& columns, const int64_t* rows, size_t count);
  /// Says what will be asked for next. `rows` must stay unchanged until then.
  void announce(const Columns& columns, const int64_t* rows, size_t count);

 private:
  struct Batch {
    const Columns* columns = nullptr;
    const int64_t* rows = nullptr;
    size_t count = 0;
    std::vector<std::vector<char>> decoded = {};  // one per column; empty where the column is in memory
    std::exception_ptr failure = {};
  };
  void decode(Batch& batch) const;
  void await();
  void work();

  const Data& data_;
  const DataSplit& split_;
  bool decodes_ = false;  ///< some column is not in memory
  std::vector<lamina_feed> feeds_;
  Batch current_, next_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  enum class Stage { idle, wanted, ready, end } stage_ = Stage::idle;  ///< of next_; guarded by mutex_
};

}  // namespace lamina
