#include <lamina/dataset.hpp>
#include <lamina/philox.hpp>
using namespace lamina;

/// Pictures of stripes, lying (class 0) or upright (class 1), under noise. They are made up, so no file is needed.
/// input: float32 [1, size, size]; target: the class, uint8.
struct FrozenDataset {
  // A setting is a member; its value here is the default. A member of type Path takes the name of a file: see lamina/plugin.hpp.
  int64_t samples = 4000, size = 12;
  double noise = 1;

  void declare(Declaration& d) {
    // Name, member, legal values, what it means: checked before a run, printed by `lamina plugins describe frozen_dataset`.
    d.optional("samples", samples, "[4, 1000000]", "of the training split; the test split has a quarter of them");
    d.optional("size", size, "[4, 256]", "of a picture", Unit("pixels"));
    d.optional("noise", noise, "[0, 100]", "largest number that is added to a pixel");
  }

  // What there is: splits, and their columns with type and shape of one sample. A reader of files checks them here, and fail("…") refuses.
  std::vector<Split> open(Source&) {
    const Column input = {"input", DType::float32, {1, size, size}};
    const Column target = {"target", DType::uint8, {}, {}, 2, {"lying", "upright"}};
    return {{"train", samples, {input, target}}, {"test", samples / 4, {input, target}}};
  }

  // Fills `out` with the samples `rows` of one column. Several threads call it at once, and the same rows must give the same bytes again.
  void read(size_t split, size_t column, std::span<const int64_t> rows, void* out) const {
    for (size_t i = 0; i < rows.size(); ++i) {
      const auto random = RandomStream::of(split, uint64_t(rows[i]), 0, 0);  // numbers that only split and sample decide
      const int64_t upright = random.word(0) & 1, shift = random.word(1) & 3;
      if (column == 1) static_cast<uint8_t*>(out)[i] = uint8_t(upright);
      for (int64_t e = 0; column == 0 && e < size * size; ++e) {
        const int64_t along = upright ? e % size : e / size;  // pixel e lies in row e / size, column e % size
        const double pixel = ((along + shift) / 2 % 2) + noise * (random.word(uint64_t(e) + 2) / 2147483648.0 - 1);
        static_cast<float*>(out)[int64_t(i) * size * size + e] = float(pixel);
      }
    }
  }
};
LAMINA_DATASET(FrozenDataset, "frozen_dataset", "pictures of stripes, lying or upright")
