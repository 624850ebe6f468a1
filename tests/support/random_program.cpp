#include "support/random_program.hpp"

#include <deque>

namespace lamina::test {
namespace {

class Author {
 public:
  Author(Recording& r, const std::string& seed, bool steep) : r_(r), random_(seed), steep_(steep) {}

  void write(int ops) {
    add(to_real(r_.input("x", {4, 6}, DType::float32)), 1.5);
    add(to_real(r_.input("n", {6}, DType::int32)), 3);
    for (const char* name : {"a", "b", "c"})
      states_.emplace_back(r_.scope.emit("state", {}, {{"name", name}, {"shape", Shape{4, 6}}, {"value", 0.0}})[0]);
    add(r_.parameter("w", {4, 6}), 1), add(r_.parameter("bias", {6}), 1), add(r_.parameter("column", {4, 1}), 1);
    for (auto& s : states_) add(s, 1);
    numbers_ = {r_.number("learning_rate"), r_.number("step") * 0.25, 1 - pow(0.5, r_.number("step")), 0.5, -1.25};
    for (int k = 0; k < ops; ++k) one();
    for (int k = 0; k < 6; ++k) r_.fetch("y" + std::to_string(k), values_[pick(values_.size())].t);
    r_.fetch("last", values_.back().t);
    r_.fetch("state", states_[0]);
  }

 private:
  struct Known {
    Tensor t;
    double bound;
  };
  size_t pick(size_t count) { return size_t(random_.whole(0, int64_t(count) - 1)); }
  /// Mostly something recent, so that programs are deep, not wide.
  Known any() {
    return values_[random_.bits() % 3 ? values_.size() - 1 - pick(std::min<size_t>(values_.size(), 12)) : pick(values_.size())];
  }
  Known shaped(const Shape& shape) {
    for (int tries = 0; tries < 30; ++tries)
      if (Known k = any(); k.t.shape() == shape) return k;
    return {broadcast(values_[2].t, shape), 1.5};
  }
  void add(const Tensor& t, double bound) { values_.push_back(bound > 8 ? Known{tanh(t), 1} : Known{t, bound}); }

  void one() {
    const Known a = any();
    const bool flat = a.t.rank() == 2 && a.t.shape() == Shape{4, 6};
    switch (random_.whole(0, steep_ ? 16 : 14)) {
      case 0:
      case 1:
        return binary(a);
      case 2:
        return add(tanh(a.t), 1);
      case 3:
        return add(exp(tanh(a.t) * number()), 8);
      case 4:
        return add(-a.t, a.bound);
      case 5:
        return add(relu(a.t), a.bound);
      case 6:
        return add(sigmoid(a.t) * a.t, a.bound);
      case 7: {
        if (!a.t.rank()) return binary(a);
        const int axis = int(pick(size_t(a.t.rank())));
        return add(sum(a.t, {axis}) / double(a.t.size(axis)), a.bound);
      }
      case 8:
        return a.t.rank() ? add(max(a.t, {int(pick(size_t(a.t.rank())))}), a.bound) : binary(a);
      case 9: {
        if (!flat) return binary(a);
        const Known b = shaped({4, 6});
        return add(matmul(matmul(a.t, b.t, false, true) / (6 * b.bound), b.t) / 4, a.bound * b.bound);
      }
      case 10:
        return flat ? add(reshape(transpose(reshape(a.t, {2, 2, 6}), {1, 0, 2}), {4, 6}), a.bound)
                    : add(reshape(a.t, a.t.shape()), a.bound);
      case 11:
        return flat ? add(softmax(a.t, 1), 1) : add(square(a.t), a.bound * a.bound);
      case 12:
        return assign();
      case 13:
        return flat ? add(concat({slice(a.t, 0, 2, 4), slice(a.t, 0, 0, 2)}, 0), a.bound) : add(abs(a.t), a.bound);
      case 14:
        return add(broadcast(a.t, a.t.rank() ? a.t.shape() : Shape{1, 6}), a.bound);
      case 15:
        return add(select(a.t > any().t, number(), a.t), std::max(a.bound, 2.0));
      default:
        return add(floor(a.t), a.bound + 1);
    }
  }
  Tensor number() { return numbers_[pick(numbers_.size())]; }
  void binary(const Known& a) {
    const Known b = any();
    switch (random_.whole(0, 5)) {
      case 0:
        return add(a.t * b.t, a.bound * b.bound);
      case 1:
        return add(a.t - b.t, a.bound + b.bound);
      case 2:
        return add(maximum(a.t, b.t), std::max(a.bound, b.bound));
      case 3:
        return add(minimum(b.t, a.t), std::max(a.bound, b.bound));
      case 4:
        return add(a.t * number() + b.t, a.bound * 1.25 + b.bound);
      default:
        return add(a.t + b.t, a.bound + b.bound);
    }
  }
  void assign() {
    State& s = states_[pick(states_.size())];
    if (random_.bits() % 4 == 0) {  // change places with another
      State& o = states_[pick(states_.size())];
      const Tensor mine = s, other = o;
      if (&s != &o) s = other, o = mine;
      return;
    }
    const Tensor next = tanh(shaped({4, 6}).t) * (random_.bits() % 2 ? 1.0 : 0.5);
    if (random_.bits() % 2)
      s = next;
    else
      s = 0.5 * static_cast<const Tensor&>(s) + 0.5 * next;
    add(s, 1);
  }

  Recording& r_;
  Random random_;
  const bool steep_;
  std::deque<State> states_;
  std::vector<Known> values_;
  std::vector<Tensor> numbers_;
};

}  // namespace

void record_random_program(Recording& r, const std::string& seed, int ops, bool steep) {
  try {
    Author(r, seed, steep).write(ops);
  } catch (const Error& e) {
    if (e.text.empty()) r.handle.raise();
    throw;
  }
}
std::map<std::string, Array> random_inputs(const std::string& seed) {
  Random random(seed + "/inputs");
  Array x{DType::float32, {4, 6}, {}}, n{DType::int32, {6}, {}};
  for (int i = 0; i < 24; ++i) x.data.push_back(double(float(random.uniform(-1.5, 1.5))));
  for (int i = 0; i < 6; ++i) n.data.push_back(double(random.whole(-3, 3)));
  return {{"x", x}, {"n", n}};
}
void write_states(program::Session& session, const std::string& seed) {
  Random random(seed + "/states");
  for (auto& s : session.state()) {
    std::vector<double> data;
    for (int64_t i = 0, n = element_count(s.type.shape); i < n; ++i) data.push_back(double(float(random.uniform(-1, 1))));
    write(session, s.path, data);
  }
}

}  // namespace lamina::test
