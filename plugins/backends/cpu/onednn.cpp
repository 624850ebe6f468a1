#include "onednn.hpp"

#include <oneapi/dnnl/dnnl.hpp>

#include <cstring>

namespace lamina::cpu {

namespace {

using dnnl::memory;
using Dims = memory::dims;
constexpr auto f32 = memory::data_type::f32;

dnnl::engine& engine() {
  static dnnl::engine* e = new dnnl::engine(dnnl::engine::kind::cpu, 0);
  return *e;
}
dnnl::stream& stream() {
  static dnnl::stream* s = new dnnl::stream(engine());
  return *s;
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
  Place scratch(const memory::desc& d) { return lowering_.scratch(d.get_size()); }
  template <class Primitive, class Desc>
  void call(const Desc& pd, std::vector<OnednnStep::Argument> arguments) {
    const memory::desc pad = pd.scratchpad_desc();
    if (pad.get_size()) arguments.push_back({DNNL_ARG_SCRATCHPAD, pad, scratch(pad)});
    if (step_) step_->add(Primitive(pd), arguments);
  }
  /// `from` in the layout that a primitive wants.
  Place as(Place from, const memory::desc& own, const memory::desc& wanted) {
    if (own == wanted) return from;
    const Place to = scratch(wanted);
    reorder(from, own, to, wanted);
    return to;
  }
  void reorder(Place from, const memory::desc& a, Place to, const memory::desc& b) {
    dnnl::primitive_attr attr;
    attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    call<dnnl::reorder>(dnnl::reorder::primitive_desc(engine(), a, engine(), b, attr), {{DNNL_ARG_FROM, a, from}, {DNNL_ARG_TO, b, to}});
  }
  bool finish() {
    lowering_.add([&] { return std::move(step_); });
    return true;
  }

 private:
  Lowering& lowering_;
  std::unique_ptr<OnednnStep> step_;
};

bool is_reference(const char* implementation) { return std::strstr(implementation, "ref") != nullptr; }

/// [outer…, last] with `last` innermost: channels-last strides for dims {n, c, spatial…} and {g, o, i, k…}.
memory::desc channels_last(const Dims& dims, size_t channel_axis) {
  Dims strides(dims.size());
  int64_t stride = 1;
  strides[channel_axis] = 1, stride = dims[channel_axis];
  for (size_t a = dims.size(); a-- > 0;)
    if (a != channel_axis) strides[a] = stride, stride *= dims[a];
  return memory::desc(dims, f32, strides);
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

dnnl::primitive_attr user_scratch() {
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

}  // namespace

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch);
}

bool add_onednn_conv(Lowering& l, ConvPass pass, const ConvShape& shape, Place x, Place w, Place y) {
  const ConvDescs d = descs_of(shape);
  const memory::desc own_x = channels_last(d.x, 1), own_w = channels_last(d.w, d.w_channel), own_y = channels_last(d.y, 1);
  const memory::desc any_x(d.x, f32, memory::format_tag::any), any_w(d.w, f32, memory::format_tag::any),
      any_y(d.y, f32, memory::format_tag::any);
  const auto algorithm = dnnl::algorithm::convolution_direct;
  const dnnl::primitive_attr attr = user_scratch();
  // Activations as they are, weights as the primitive likes them; where that ends in its reference loops, all as it likes.
  for (const bool free : {false, true}) {
    const memory::desc &want_x = free ? any_x : own_x, &want_y = free ? any_y : own_y;
    try {
      using Forward = dnnl::convolution_forward;
      const auto hint = [&](const memory::desc& hx, const memory::desc& hy) {
        return Forward::primitive_desc(
            Forward::desc(dnnl::prop_kind::forward_training, algorithm, hx, any_w, hy, d.stride, d.dilation, d.low, d.high), attr,
            engine());
      };
      Recorder recorder(l);
      if (pass == ConvPass::forward) {
        const Forward::primitive_desc pd = hint(want_x, want_y);
        if (is_reference(pd.impl_info_str())) continue;
        const Place from = recorder.as(x, own_x, pd.src_desc()), weights = recorder.as(w, own_w, pd.weights_desc());
        const bool direct = pd.dst_desc() == own_y;
        const Place to = direct ? y : recorder.scratch(pd.dst_desc());
        recorder.call<Forward>(
            pd, {{DNNL_ARG_SRC, pd.src_desc(), from}, {DNNL_ARG_WEIGHTS, pd.weights_desc(), weights}, {DNNL_ARG_DST, pd.dst_desc(), to}});
        if (!direct) recorder.reorder(to, pd.dst_desc(), y, own_y);
        return recorder.finish();
      }
      if (pass == ConvPass::backward_data) {
        using Backward = dnnl::convolution_backward_data;
        const Backward::primitive_desc pd(Backward::desc(algorithm, want_x, any_w, want_y, d.stride, d.dilation, d.low, d.high), attr,
                                          engine(), hint(want_x, want_y));
        if (is_reference(pd.impl_info_str())) continue;
        const Place from = recorder.as(y, own_y, pd.diff_dst_desc()), weights = recorder.as(w, own_w, pd.weights_desc());
        const bool direct = pd.diff_src_desc() == own_x;
        const Place to = direct ? x : recorder.scratch(pd.diff_src_desc());
        recorder.call<Backward>(pd, {{DNNL_ARG_DIFF_DST, pd.diff_dst_desc(), from},
                                     {DNNL_ARG_WEIGHTS, pd.weights_desc(), weights},
                                     {DNNL_ARG_DIFF_SRC, pd.diff_src_desc(), to}});
        if (!direct) recorder.reorder(to, pd.diff_src_desc(), x, own_x);
        return recorder.finish();
      }
      using Backward = dnnl::convolution_backward_weights;
      const Backward::primitive_desc pd(Backward::desc(algorithm, want_x, any_w, want_y, d.stride, d.dilation, d.low, d.high), attr,
                                        engine(), hint(want_x, want_y));
      if (is_reference(pd.impl_info_str())) continue;
      const Place from = recorder.as(x, own_x, pd.src_desc()), upstream = recorder.as(y, own_y, pd.diff_dst_desc());
      const bool direct = pd.diff_weights_desc() == own_w;
      const Place to = direct ? w : recorder.scratch(pd.diff_weights_desc());
      recorder.call<Backward>(pd, {{DNNL_ARG_SRC, pd.src_desc(), from},
                                   {DNNL_ARG_DIFF_DST, pd.diff_dst_desc(), upstream},
                                   {DNNL_ARG_DIFF_WEIGHTS, pd.diff_weights_desc(), to}});
      if (!direct) recorder.reorder(to, pd.diff_weights_desc(), w, own_w);
      return recorder.finish();
    } catch (const dnnl::error&) {
      continue;  // not implemented for this shape
    }
  }
  return false;
}

bool add_onednn_matmul(Lowering& l, const MatmulShape& s, Place a, Place b, Place c) {
  const bool batched = s.batch > 1;
  const auto desc = [&](int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride) {
    return batched ? memory::desc({s.batch, rows, columns}, f32, Dims{rows * columns, row_stride, column_stride})
                   : memory::desc({rows, columns}, f32, Dims{row_stride, column_stride});
  };
  try {
    const memory::desc da = desc(s.m, s.k, s.am, s.ak), db = desc(s.k, s.n, s.bk, s.bn), dc = desc(s.m, s.n, s.n, 1);
    const dnnl::matmul::primitive_desc pd(dnnl::matmul::desc(da, db, dc), user_scratch(), engine());
    if (is_reference(pd.impl_info_str())) return false;
    Recorder recorder(l);
    recorder.call<dnnl::matmul>(pd, {{DNNL_ARG_SRC, da, a}, {DNNL_ARG_WEIGHTS, db, b}, {DNNL_ARG_DST, dc, c}});
    return recorder.finish();
  } catch (const dnnl::error&) {
    return false;
  }
}

}  // namespace lamina::cpu
