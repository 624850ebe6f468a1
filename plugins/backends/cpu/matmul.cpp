// matmul: oneDNN for large products, own loops for tiny ones.
#include "matmul.hpp"

#include <algorithm>

#include "kernels.hpp"
#include "one_type.hpp"

namespace lamina::cpu {

namespace {

constexpr int64_t small_product = 100000;  ///< multiplications below which a library call costs more than it brings

class SmallMatmulStep : public Step {
 public:
  SmallMatmulStep(const MatmulShape& s, Place a, Place b, Place c, Place packed) : s_(s), a_(a), b_(b), c_(c), packed_(packed) {}
  void bind(const Memory& m) override {
    from_a_ = m.at<float>(a_), from_b_ = m.at<float>(b_), to_ = m.at<float>(c_), room_ = m.at<float>(packed_);
  }
  void run(const Moment&) override {
    const SmallProduct p{s_.m, s_.n, s_.k, s_.am, s_.ak, s_.bk, s_.bn};
    for (int64_t i = 0; i < s_.batch; ++i)
      kernels().small_product(p, from_a_ + i * s_.m * s_.k, from_b_ + i * s_.k * s_.n, to_ + i * s_.m * s_.n, room_);
  }

 private:
  MatmulShape s_;
  Place a_, b_, c_, packed_;
  const float *from_a_ = nullptr, *from_b_ = nullptr;
  float *to_ = nullptr, *room_ = nullptr;
};

}  // namespace

void add_matmul(Lowering& l, const MatmulShape& s, const Operand& a, const Operand& b, const Operand& c) {
  const bool large = s.m * s.n * s.k >= small_product || s.batch * s.m * s.n * s.k >= 20 * small_product;
  const auto add = [&](DType product, const Operand& pa, const Operand& pb, const Operand& pc) {
    if (large && add_onednn_matmul(l, s, product, pa, pb, pc)) return true;
    if (product != DType::float32) return false;
    const Place packed = l.scratch(uint64_t(s.k * ((s.n + 15) / 16 * 16)) * 4);
    l.add([&] { return std::make_unique<SmallMatmulStep>(s, pa.place, pb.place, pc.place, packed); });
    return true;
  };
  add_product(l, add, a, b, c);
}

void lower_matmul(Lowering& l, const Op& op) {
  const MatmulPlan p = plan_matmul(l, op);
  add_matmul(l, p.shape, l.stored_at(p.a, op.in(0)), l.stored_at(p.b, op.in(1)), l.stored_at(p.c, op.out(0)));
}

}  // namespace lamina::cpu
