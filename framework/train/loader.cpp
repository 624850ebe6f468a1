#include "train/loader.hpp"

namespace lamina {

Loader::Loader(const Data& data, const DataSplit& split) : data_(data), split_(split) {
  for (size_t c = 0; c < data.columns().size(); ++c) decodes_ |= !data.in_memory(split, c);
}

Loader::~Loader() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stage_ != Stage::wanted; });
    stage_ = Stage::end;
  }
  changed_.notify_all();
  thread_.join();
}

void Loader::decode(Batch& batch) const {
  batch.failure = nullptr;
  batch.decoded.resize(batch.columns->size());
  try {
    for (size_t i = 0; i < batch.columns->size(); ++i) {
      const size_t column = (*batch.columns)[i];
      if (data_.in_memory(split_, column)) continue;
      batch.decoded[i].resize(data_.columns()[column].bytes * batch.count);
      data_.read(split_, column, batch.rows, batch.count, batch.decoded[i].data());
    }
  } catch (...) {
    batch.failure = std::current_exception();
  }
}

void Loader::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stage_ == Stage::wanted || stage_ == Stage::end; });
    if (stage_ == Stage::end) return;
    lock.unlock();  // while a batch is wanted, next_ is this thread's
    decode(next_);
    lock.lock();
    stage_ = Stage::ready;
    changed_.notify_all();
  }
}

void Loader::announce(const Columns& columns, const int64_t* rows, size_t count) {
  if (!decodes_) return;
  await();
  next_.columns = &columns, next_.rows = rows, next_.count = count;
  {
    std::lock_guard lock(mutex_);
    stage_ = Stage::wanted;
  }
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
}

void Loader::await() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stage_ != Stage::wanted; });
}

const lamina_feed* Loader::feeds(const Columns& columns, const int64_t* rows, size_t count) {
  feeds_.clear();
  if (decodes_) {
    await();
    const bool announced = stage_ == Stage::ready && next_.columns == &columns && next_.rows == rows && next_.count == count;
    stage_ = Stage::idle;  // the thread waits: nobody else looks
    if (announced) {
      std::swap(current_, next_);
    } else {
      current_.columns = &columns, current_.rows = rows, current_.count = count;
      decode(current_);
    }
    if (current_.failure) std::rethrow_exception(current_.failure);
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    const int64_t bytes = int64_t(data_.columns()[columns[i]].bytes);
    if (const void* data = data_.in_memory(split_, columns[i]))
      feeds_.push_back({data, rows, bytes});
    else
      feeds_.push_back({current_.decoded[i].data(), nullptr, bytes});
  }
  return feeds_.data();
}

}  // namespace lamina
