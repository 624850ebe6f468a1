#include <lamina/dataset.hpp>
#include <lamina/philox.hpp>
using namespace lamina;

/// Random samples in memory, the same in every run: for measurements, which need data of a shape and no meaning.
/// Columns: input of the given shape, real numbers in [-1, 1) or bytes; target, a class number. One split, "train".
struct Synthetic {
  Shape shape;
  int64_t classes = 10, samples = 1024;
  std::string dtype = "float32";

  void declare(Declaration& d) {
    d.required("shape", shape, "[1, 1048576]", "shape of a sample: [channels, (depth, height,) width]");
    d.optional("classes", classes, "[1, 1048576]", "number of classes");
    d.optional("samples", samples, "[1, 1073741824]", "number of samples");
    d.optional("dtype", dtype, "float32 | uint8", "type of the input");
  }
  std::vector<Split> open(Source& s) const {
    const DType type = dtype == "uint8" ? DType::uint8 : DType::float32;
    uint64_t bytes = 0;
    if (__builtin_mul_overflow(sample_bytes(type, shape), uint64_t(samples), &bytes) || bytes > most_)
      s.fail(samples, " samples of the shape ", shape, " are more than the ", most_ >> 30, " GiB that this data set makes");
    Column input{"input", type, shape, std::vector<uint8_t>(bytes)},
        target{"target", DType::int32, {}, std::vector<uint8_t>(size_t(samples) * 4), uint32_t(classes)};
    if (type == DType::uint8)
      fill<uint8_t>(input, [](uint32_t word) { return word >> 24; });
    else
      fill<float>(input, [](uint32_t word) { return float(word >> 8) * (1.0f / (1 << 23)) - 1; });
    fill<int32_t>(target, [this](uint32_t word) { return int64_t(word) % classes; });
    return {{"train", samples, {std::move(input), std::move(target)}}};
  }

 private:
  static constexpr uint64_t most_ = uint64_t(1) << 33;
  /// Every element as `value` makes it of a random word.
  template <class T, class F>
  static void fill(Column& c, F value) {
    const RandomStream stream = RandomStream::of(1, stream_key(c.name), 0, 0);
    T* to = reinterpret_cast<T*>(c.data.data());
    const size_t count = c.data.size() / sizeof(T);
    for (size_t i = 0; i < count;)
      for (uint32_t word : stream.block(i / 4))
        if (i < count) to[i++] = T(value(word));
  }
};
LAMINA_DATASET(Synthetic, "synthetic", "random samples made in memory, for measurements")
