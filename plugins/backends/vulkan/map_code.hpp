/// GLSL of fused regions, four elements at a time: one in each lane of a vector. The text says what is computed and how operands are
/// reached; extents, strides and words of the step table are numbers beside it, so that equal regions share a pipeline.
#pragma once
#include "items.hpp"
#include "lowering.hpp"

namespace lamina::vulkan {

/// The text of a shader and what it is bound to.
class Kernel {
 public:
  std::string head;  ///< statements of main: before its loop
  std::string loop;  ///< and inside of it
  /// Where the loop runs over the four fours `word` of a turn that share blocks of random numbers: before it.
  std::string turn;
  DType storage = DType::float32;  ///< the 16-bit type that it reads or writes, if any
  std::string blocks;              ///< and the blocks' numbers, a uvec4; "" elsewhere

  /// An expression for a number that is no part of the text: a push constant, or a specialization constant where those are used up.
  std::string number(uint64_t value);
  std::string divisor(uint64_t by);  ///< of shaders/divide.glsl
  /// The name of an array of `element`s, "uint" or "uvec4"; the same range is bound once.
  enum class Use : uint8_t { read, write, share };  ///< share: between workgroups
  std::string array(Range range, const std::string& element, Use use);
  /// A name for a value that is computed in `text`.
  std::string define(std::string& text, const std::string& type, const std::string& value);
  /// `main`: the statements of main.
  Dispatch finish(const std::string& name, const std::string& main, uint32_t workgroup, std::array<uint32_t, 3> groups) const;

 private:
  struct Array {
    std::string element;
    bool reads, writes, shared;
  };
  std::vector<Array> arrays_;
  std::vector<Range> bindings_;
  Words push_, constants_;
  uint32_t names_ = 0;
};

/// What a view of a nest shows; coordinates have no bytes.
struct Tensor {
  Range range;
  DType dtype = DType::uint32;   ///< of its registers
  DType stored = DType::uint32;  ///< of its elements: float32 may be stored in 16 bits
  uint64_t begin = 0;            ///< bytes from the range's begin to the tensor
};
/// The same tensors within the bindings that a shader may have, less `others`: where they do not fit, neighbours share one.
Tensor tensor_of(const Lowering& l, Place place, const Value& v);
/// Elements that share a word are written four at a time.
inline bool shares_words(const Tensor& t) { return size_of(t.stored) < 4; }
bool fit_bindings(const Lowering& l, const std::vector<Tensor>& tensors, size_t others);
std::vector<Tensor> bindable(const Lowering& l, std::vector<Tensor> tensors, size_t others);

/// The views of a nest in a kernel: offsets, loads, stores.
class Elements {
 public:
  enum class Lanes : uint8_t {
    inner,  ///< neighbours along the innermost loop, whose extent is a multiple of 4; it is counted in fours
    free    ///< each lane has an offset of its own
  };
  Elements(Kernel& kernel, const Nest& nest, const std::vector<Tensor>& tensors, Lanes lanes);

  /// Adds what digits of `index` in these loops (outermost first) move each view. In `loop`, or before it; `index` is a uvec4 where
  /// `vector` says so.
  void walk(bool in_loop, const std::string& index, const std::vector<size_t>& loops, bool vector);
  /// Views that are flat are found by `quad`, the number of four elements: walk leaves them out.
  void flat(const std::string& quad);
  /// The offset of a view, instead: of its four elements, or of the one element that all lanes read.
  void put(uint32_t view, bool one, const std::string& offset, bool in_loop);
  /// Its elements are in this register.
  void give(uint32_t view, const std::string& name) { views_[view].loaded = name; }
  /// Which lanes hold elements, a bvec4; "" when all do. Stores leave the others out where they could hit another element.
  std::string inside;

  std::string load(uint32_t view);         ///< the name of its elements, a register of its type
  std::string coordinates(uint32_t view);  ///< offsets of its elements: a uvec4
  /// Where one element is shown to all lanes, the first lane's is stored.
  void store(std::string& text, uint32_t view, const std::string& value);

  static std::string register_of(DType dtype);                   ///< "Real", "Whole", "Word", "Flag"; "" for others
  static std::string from_bits(DType, const std::string& bits);  ///< a register from uvec4 bits
  static std::string to_bits(DType, const std::string& value);   ///< uvec4 bits of a register

 private:
  enum class Access : uint8_t {
    quad,    ///< four neighbours: the offset counts fours
    single,  ///< one element for all lanes
    steps,   ///< lanes are the innermost loop's stride apart
    lanes    ///< offsets are uvec4
  };
  struct View {
    Access access;
    bool is_flat = false;              ///< found by the number of its four
    std::string head, loop;            ///< summands of the offset; "" for 0
    std::string offset, step, loaded;  ///< names, from their first use on
  };
  bool in_head(uint32_t view) const { return views_[view].loop.empty(); }
  std::string offset(uint32_t view, std::string& text);
  std::array<std::string, 4> apart(uint32_t view, const std::string& offset) const;  ///< the lanes' offsets
  std::string array(uint32_t view, Kernel::Use use);
  int64_t stride(uint32_t view, size_t loop) const;

  Kernel& kernel_;
  const Nest& nest_;
  const std::vector<Tensor>& tensors_;
  const Lanes lanes_;
  std::vector<View> views_;
  uint32_t walks_ = 0;
};

/// The values of a region in a kernel, computed where they are asked for first.
class Values {
 public:
  Values(Lowering& l, Kernel& kernel, Elements& elements, const Segment& segment, uint32_t position_view);
  std::string of_instruction(uint32_t number) { return of(segment_.op->region.operands + number, DType{}); }

 private:
  std::string of(uint32_t number, DType wanted);
  std::string scalar(uint32_t operand, DType wanted);
  std::string compute(const Instruction& instruction, uint32_t number);
  const Value& operand(uint32_t number) const;
  bool is_scalar(uint32_t number) const;
  DType type_of(uint32_t number) const;

  Lowering& l_;
  Kernel& kernel_;
  Elements& elements_;
  const Segment& segment_;
  const uint32_t position_view_;
  std::vector<std::string> known_;
};

}  // namespace lamina::vulkan
