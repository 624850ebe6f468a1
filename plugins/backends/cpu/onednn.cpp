#include "onednn.hpp"

#include <oneapi/dnnl/dnnl.hpp>

#include <cstring>
#include <optional>

namespace lamina::cpu {

namespace {

using dnnl::memory;
using Dims = memory::dims;
using Type = memory::data_type;

Type type_of(DType t) { return t == DType::bfloat16 ? Type::bf16 : Type::f32; }
Type type_of(const Operand& o) { return type_of(o.type); }

dnnl::engine& engine() {
  static dnnl::engine* e = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *e;
}
dnnl::stream& stream() {
  static dnnl::stream* s = new dnnl::stream(engine());
  return *s;
}

dnnl::primitive_attr user_scratch() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

/// Primitives in a row, each with its arguments as the C interface takes them.
class OnednnStep : public Step {
 public:
  struct Argument {
    int name;
    memory::desc desc;
    Place place;
  };
  void add(const dnnl::primitive& p, const std::vector<Argument>& arguments) {
    Call& call = calls_.emplace_back();
    call.primitive = p;
    for (const Argument& a : arguments) {
      call.memories.push_back(memory(a.desc, engine(), DNNL_MEMORY_NONE));
      call.arguments.push_back({a.name, call.memories.back().get()});
      call.places.push_back(a.place);
    }
  }
  void bind(const Memory& m) override {
    for (Call& c : calls_)
      for (size_t i = 0; i < c.places.size(); ++i) c.memories[i].set_data_handle(m.at(c.places[i]), stream());
    stream().wait();
  }
  void run(const Moment&) override {
    for (const Call& c : calls_)
      if (dnnl_primitive_execute(c.primitive.get(), stream().get(), int(c.arguments.size()), c.arguments.data()) != dnnl_success)
        throw std::runtime_error("oneDNN could not run a primitive that it had created");
  }

 private:
  struct Call {
    dnnl::primitive primitive;
    std::vector<memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
    std::vector<Place> places;
  };
  std::vector<Call> calls_;
};

/// Collects calls, or, while planning, only their scratch.
class Recorder {
 public:
  explicit Recorder(Lowering& l) : lowering_(l) {
    if (l.compiling()) step_ = std::make_unique<OnednnStep>();
  }
  struct Tensor {
    int name;
    memory::desc wanted, own;  ///< what the primitive takes, and what stands at `place`
    Place place;
  };
  /// A primitive between the reorders that its operands and its result need.
  template <class Primitive, class Desc>
  void run(const Desc& pd, const std::vector<Tensor>& operands, const Tensor& result) {
    const auto reordered = [](const memory::desc& from, const memory::desc& to) {
      using Reorder = dnnl::reorder::primitive_desc;
      return from == to ? std::nullopt : std::optional<Reorder>(Reorder(engine(), from, engine(), to, user_scratch()));
    };
    // All that may throw comes before the first scratch.
    std::vector<std::optional<dnnl::reorder::primitive_desc>> before;
    for (const Tensor& t : operands) before.push_back(reordered(t.own, t.wanted));
    const auto after = reordered(result.wanted, result.own);
    std::vector<OnednnStep::Argument> arguments;
    for (size_t i = 0; i < operands.size(); ++i) {
      const Tensor& t = operands[i];
      const Place place = before[i] ? scratch(t.wanted) : t.place;
      if (before[i]) call<dnnl::reorder>(*before[i], {{DNNL_ARG_FROM, t.own, t.place}, {DNNL_ARG_TO, t.wanted, place}});
      arguments.push_back({t.name, t.wanted, place});
    }
    const Place place = after ? scratch(result.wanted) : result.place;
    arguments.push_back({result.name, result.wanted, place});
    call<Primitive>(pd, std::move(arguments));
    if (after) call<dnnl::reorder>(*after, {{DNNL_ARG_FROM, result.wanted, place}, {DNNL_ARG_TO, result.own, result.place}});
  }
  bool finish() {
    lowering_.add([&] { return std::move(step_); });
    return true;
  }

 private:
  Place scratch(const memory::desc& d) { return lowering_.scratch(d.get_size()); }
  template <class Primitive, class Desc>
  void call(const Desc& pd, std::vector<OnednnStep::Argument> arguments) {
    const memory::desc pad = pd.scratchpad_desc();
    if (pad.get_size()) arguments.push_back({DNNL_ARG_SCRATCHPAD, pad, scratch(pad)});
    if (step_) step_->add(Primitive(pd), arguments);
  }
  Lowering& lowering_;
  std::unique_ptr<OnednnStep> step_;
};

bool is_reference(const char* implementation) { return std::strstr(implementation, "ref") != nullptr; }

/// [outer…, last] with `last` innermost: channels-last strides for dims {n, c, spatial…} and {g, o, i, k…}.
memory::desc channels_last(const Dims& dims, size_t channel_axis, Type type) {
  Dims strides(dims.size());
  int64_t stride = 1;
  strides[channel_axis] = 1, stride = dims[channel_axis];
  for (size_t a = dims.size(); a-- > 0;)
    if (a != channel_axis) strides[a] = stride, stride *= dims[a];
  return memory::desc(dims, type, strides);
}

struct ConvDescs {
  Dims x, w, y, stride, dilation, low, high;
  size_t w_channel;
};
ConvDescs descs_of(const ConvShape& s) {
  ConvDescs d;
  d.x = {s.batch, s.channels}, d.y = {s.batch, s.filters};
  d.w = s.groups == 1 ? Dims{s.filters, s.channels} : Dims{s.groups, s.filters / s.groups, s.channels / s.groups};
  d.w_channel = d.w.size() - 1;
  for (size_t a = 0; a < s.in.size(); ++a) {
    d.x.push_back(s.in[a]), d.y.push_back(s.out[a]), d.w.push_back(s.kernel[a]);
    d.stride.push_back(s.stride[a]), d.dilation.push_back(s.dilation[a] - 1), d.low.push_back(s.low[a]), d.high.push_back(s.high[a]);
  }
  return d;
}

}  // namespace

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

Bfloat16 onednn_bfloat16() {
  const auto has = [](dnnl::cpu_isa isa) { return (unsigned(dnnl::get_effective_cpu_isa()) & unsigned(isa)) == unsigned(isa); };
  return has(dnnl::cpu_isa::avx512_core_bf16) ? Bfloat16::native : has(dnnl::cpu_isa::avx512_core) ? Bfloat16::emulated : Bfloat16::none;
}

bool add_onednn_conv(Lowering& l, ConvPass pass, const ConvShape& shape, DType multiplied, const Operand& x, const Operand& w,
                     const Operand& y) {
  const ConvDescs d = descs_of(shape);
  const Type product = type_of(multiplied);
  const bool forward = pass == ConvPass::forward, data = pass == ConvPass::backward_data;
  // The result is rounded to what it is stored as; what is multiplied has one type.
  const Type x_type = data ? type_of(x) : product, w_type = forward || data ? product : type_of(w), y_type = forward ? type_of(y) : product;
  const memory::desc own_x = channels_last(d.x, 1, type_of(x)), own_w = channels_last(d.w, d.w_channel, type_of(w)),
                     own_y = channels_last(d.y, 1, type_of(y));
  const auto any = [](const Dims& dims, Type type) { return memory::desc(dims, type, memory::format_tag::any); };
  const memory::desc any_w = any(d.w, w_type);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::primitive_attr attr = user_scratch();
  // Activations as they are, weights as the primitive likes them; where that ends in its reference loops, all as it likes.
  for (const bool free : {false, true}) {
    const auto activations = [&](const Dims& dims, Type type) { return free ? any(dims, type) : channels_last(dims, 1, type); };
    const memory::desc want_x = activations(d.x, x_type), want_y = activations(d.y, y_type);
    try {
      using Forward = dnnl::convolution_forward;
      const auto forward_with = [&](const memory::desc& x, const memory::desc& w, const memory::desc& y) {
        return Forward::primitive_desc(
            Forward::desc(dnnl::prop_kind::forward_training, algorithm, x, w, y, d.stride, d.dilation, d.low, d.high), attr, engine());
      };
      const auto hint = [&] { return forward_with(activations(d.x, product), any(d.w, product), activations(d.y, product)); };
      Recorder recorder(l);
      if (forward) {
        const Forward::primitive_desc pd = forward_with(want_x, any_w, want_y);
        if (is_reference(pd.impl_info_str())) continue;
        recorder.run<Forward>(pd, {{DNNL_ARG_SRC, pd.src_desc(), own_x, x.place}, {DNNL_ARG_WEIGHTS, pd.weights_desc(), own_w, w.place}},
                              {DNNL_ARG_DST, pd.dst_desc(), own_y, y.place});
        return recorder.finish();
      }
      if (data) {
        using Backward = dnnl::convolution_backward_data;
        const Backward::primitive_desc pd(Backward::desc(algorithm, want_x, any_w, want_y, d.stride, d.dilation, d.low, d.high), attr,
                                          engine(), hint());
        if (is_reference(pd.impl_info_str())) continue;
        recorder.run<Backward>(
            pd, {{DNNL_ARG_DIFF_DST, pd.diff_dst_desc(), own_y, y.place}, {DNNL_ARG_WEIGHTS, pd.weights_desc(), own_w, w.place}},
            {DNNL_ARG_DIFF_SRC, pd.diff_src_desc(), own_x, x.place});
        return recorder.finish();
      }
      using Backward = dnnl::convolution_backward_weights;
      const Backward::primitive_desc pd(Backward::desc(algorithm, want_x, any_w, want_y, d.stride, d.dilation, d.low, d.high), attr,
                                        engine(), hint());
      if (is_reference(pd.impl_info_str())) continue;
      recorder.run<Backward>(pd, {{DNNL_ARG_SRC, pd.src_desc(), own_x, x.place}, {DNNL_ARG_DIFF_DST, pd.diff_dst_desc(), own_y, y.place}},
                             {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc(), own_w, w.place});
      return recorder.finish();
    } catch (const dnnl::error&) {
      continue;  // not implemented for this shape
    }
  }
  return false;
}

bool add_onednn_matmul(Lowering& l, const MatmulShape& s, DType multiplied, const Operand& a, const Operand& b, const Operand& c) {
  const bool batched = s.batch > 1;
  const auto desc = [&](int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride, Type type) {
    return batched ? memory::desc({s.batch, rows, columns}, type, Dims{rows * columns, row_stride, column_stride})
                   : memory::desc({rows, columns}, type, Dims{row_stride, column_stride});
  };
  const auto desc_a = [&](Type type) { return desc(s.m, s.k, s.am, s.ak, type); };
  const auto desc_b = [&](Type type) { return desc(s.k, s.n, s.bk, s.bn, type); };
  try {
    const Type product = type_of(multiplied);
    const memory::desc da = desc_a(product), db = desc_b(product), dc = desc(s.m, s.n, s.n, 1, type_of(c));
    const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(da, db, dc), user_scratch(), engine());
    if (is_reference(pd.impl_info_str())) return false;
    Recorder recorder(l);
    recorder.run<dnnl::matmul>(pd, {{DNNL_ARG_SRC, da, desc_a(type_of(a)), a.place}, {DNNL_ARG_WEIGHTS, db, desc_b(type_of(b)), b.place}},
                               {DNNL_ARG_DST, dc, dc, c.place});
    return recorder.finish();
  } catch (const dnnl::error&) {
    return false;
  }
}

}  // namespace lamina::cpu
