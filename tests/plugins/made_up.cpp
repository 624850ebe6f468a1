#include <lamina/dataset.hpp>
#include <lamina/philox.hpp>
using namespace lamina;

/// Samples [1, 6, 6] of three classes that are computed when they are asked for, or all at once.
struct MadeUp {
  int64_t samples = 50, damaged = -1;
  bool in_memory = false;

  void declare(Declaration& d) {
    d.optional("samples", samples, "[1, 100000]", "of each split");
    d.optional("in_memory", in_memory, "made when the dataset is opened");
    d.optional("damaged", damaged, "[-1, inf)", "sample that cannot be decoded; -1: none");
  }
  std::vector<Split> open(Source&) {
    std::vector<Split> splits;
    for (const char* name : {"train", "validation"}) {
      Split s{name, samples, {{"input", DType::float32, {1, 6, 6}}, {"target", DType::uint8, {}}}};
      s.columns[1].class_count = 3;
      std::vector<int64_t> rows(static_cast<size_t>(samples));
      for (size_t i = 0; i < rows.size(); ++i) rows[i] = int64_t(i);
      for (size_t c = 0; in_memory && c < 2; ++c) {
        s.columns[c].data.resize(rows.size() * (c ? 1 : 36 * sizeof(float)));
        read(splits.size(), c, rows, s.columns[c].data.data());
      }
      splits.push_back(std::move(s));
    }
    return splits;
  }
  void read(size_t split, size_t column, std::span<const int64_t> rows, void* out) const {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] == damaged && split == 0) throw Error(describe("sample ", rows[i], " is damaged"));
      const RandomStream stream = RandomStream::of(split, uint64_t(rows[i]), 0, 0);
      for (uint64_t e = 0; column == 0 && e < 36; ++e) {
        const float x = float(stream.word(e) >> 8) / float(1 << 23) - 1 + 0.3f * float(rows[i] % 3);
        std::memcpy(static_cast<char*>(out) + (i * 36 + e) * sizeof x, &x, sizeof x);
      }
      if (column == 1) static_cast<uint8_t*>(out)[i] = uint8_t(rows[i] % 3);
    }
  }
};
LAMINA_DATASET(MadeUp, "made_up", "samples that are computed")
