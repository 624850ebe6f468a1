// Datasets: the same samples whenever and in whatever order they are asked for, and nothing outside of them.
#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <thread>

#include "base/failure.hpp"
#include "prove/plugin_cases.hpp"
#include "prove/prove.hpp"
#include "train/data.hpp"

namespace lamina::prove {
namespace {

/// The data set that the example describes; nothing, told in `found`, where it needs files that are not here or cannot be opened.
struct Opened {
  Experiment experiment;
  std::unique_ptr<Data> data;
};
std::unique_ptr<Opened> opened(const Subject& s, Findings& found) {
  auto o = std::make_unique<Opened>();
  const std::vector<Attribute> settings = example_settings(s.plugin, found);
  if (!found.passed()) return nullptr;
  for (auto& p : s.plugin.parameters) {
    if (!(p.flags & LAMINA_PATH)) continue;
    for (auto& a : settings)
      if (a.name == p.name)
        for (auto& path : a.texts)
          if (std::error_code failed; !std::filesystem::exists(path, failed)) {
            found.leave_out("the example reads \"", path, "\", which is not on this machine");
            return nullptr;
          }
  }
  o->experiment.dataset = PluginConfig{&s.plugin, settings, {}};
  found.at("opening the example");
  o->data = std::make_unique<Data>(o->experiment);
  return o;
}

constexpr size_t most_bytes = 64 << 20, most_samples = 4096;  // of a column that are looked at

/// The first samples of a column, read in one piece.
std::vector<uint8_t> first_samples(const Data& data, const DataSplit& split, size_t column, size_t& count) {
  const uint64_t each = data.columns()[column].bytes;
  count = std::min({split.rows.size(), most_samples, std::max<size_t>(1, most_bytes / each)});
  std::vector<uint8_t> bytes(count * each);
  if (const auto* all = static_cast<const uint8_t*>(data.in_memory(split, column))) {
    for (size_t i = 0; i < count; ++i) std::memcpy(bytes.data() + i * each, all + uint64_t(split.rows[i]) * each, each);
    volatile uint8_t last = all[uint64_t(split.rows.back() + 1) * each - 1];  // is there as much as is claimed?
    (void)last;
  } else {
    data.read(split, column, split.rows.data(), count, bytes.data());
  }
  return bytes;
}

template <class Body>
void for_each_column(const Data& data, Findings& found, Body body) {
  for (const DataSplit& split : data.splits())
    for (size_t c = 0; c < data.columns().size(); ++c) {
      const std::string what = describe("split \"", split.name, "\", column \"", data.columns()[c].name, "\"");
      found.at(what);
      body(split, c, what);
    }
}

/// Class numbers that name no class.
void check_labels(const DataColumn& column, const std::vector<uint8_t>& bytes, const std::string& what, Findings& found) {
  if (!column.class_count) return;
  for (size_t at = 0; at < bytes.size(); at += size_of(column.sample.dtype)) {
    int64_t label = bytes[at];
    if (size_of(column.sample.dtype) == 4) {
      int32_t wide;
      std::memcpy(&wide, bytes.data() + at, sizeof wide);
      label = column.sample.dtype == DType::uint32 ? int64_t(uint32_t(wide)) : wide;
    }
    if (label >= 0 && label < int64_t(column.class_count)) continue;
    return found.fault(what, ": sample ", at / column.bytes, " has the class number ", label, "; there are ", column.class_count,
                       " classes");
  }
}

}  // namespace

void check_samples(const Subject& s, Findings& found) {
  const auto one = opened(s, found);
  if (!one) return;
  const auto other = opened(s, found);
  const Data &a = *one->data, &b = *other->data;
  for (const DataSplit& split : a.splits()) {
    found.note("\"", split.name, "\" ", split.rows.size(), split.rows.size() == 1 ? " sample" : " samples");
    found.expect(!split.rows.empty(), "split \"", split.name, "\" has no samples");
  }
  for (const DataColumn& c : a.columns()) found.note(c.name, " ", to_text(c.sample));
  found.expect(a.split("train"), "there is no split \"train\"");
  found.expect(a.splits().size() == b.splits().size(), "opened again, it has another number of splits");
  if (!found.passed()) return;
  for_each_column(a, found, [&](const DataSplit& split, size_t c, const std::string& what) {
    const DataSplit* same = b.split(split.name);
    if (!found.expect(
            same && same->rows.size() == split.rows.size() && c < b.columns().size() && b.columns()[c].sample == a.columns()[c].sample,
            what, ": opened again, it has another size"))
      return;
    size_t count = 0;
    const std::vector<uint8_t> bytes = first_samples(a, split, c, count);
    found.expect(bytes == first_samples(b, *same, c, count), what, ": opened again, it has other samples");
    check_labels(a.columns()[c], bytes, what, found);
  });
}

void check_reading(const Subject& s, Findings& found) {
  const auto one = opened(s, found);
  if (!one) return;
  const Data& data = *one->data;
  size_t read = 0;
  for_each_column(data, found, [&](const DataSplit& split, size_t c, const std::string& what) {
    if (data.in_memory(split, c)) return;
    ++read;
    const uint64_t each = data.columns()[c].bytes;
    size_t count = 0;
    const std::vector<uint8_t> expected = first_samples(data, split, c, count);
    // In another order, one by one, with bytes behind that must stay as they are.
    constexpr uint8_t canary = 0xa5;
    for (size_t k = count; k-- > 0;) {
      std::vector<uint8_t> sample(each + 64, canary);
      data.read(split, c, &split.rows[k], 1, sample.data());
      const bool same = std::equal(sample.begin(), sample.begin() + ptrdiff_t(each), expected.begin() + ptrdiff_t(k * each));
      if (!found.expect(same, what, ": sample ", k, " is another one when it is read alone")) return;
      const bool inside = std::all_of(sample.begin() + ptrdiff_t(each), sample.end(), [](uint8_t b) { return b == canary; });
      if (!found.expect(inside, what, ": reading sample ", k, " writes behind its ", each, " bytes")) return;
    }
    // By several threads at once.
    std::vector<std::vector<uint8_t>> seen(4);
    std::vector<std::exception_ptr> failed(seen.size());
    std::vector<std::thread> threads;
    for (size_t t = 0; t < seen.size(); ++t)
      threads.emplace_back([&, t] {
        try {
          seen[t].resize(expected.size());
          data.read(split, c, split.rows.data(), count, seen[t].data());
        } catch (...) {
          failed[t] = std::current_exception();
        }
      });
    for (auto& t : threads) t.join();
    for (auto& f : failed)
      if (f) std::rethrow_exception(f);
    for (auto& bytes : seen) found.expect(bytes == expected, what, ": four threads that read at once see other samples");
  });
  found.note(read ? describe(read, read == 1 ? " column is" : " columns are", " decoded on demand") : "all columns are in memory");
}

}  // namespace lamina::prove
