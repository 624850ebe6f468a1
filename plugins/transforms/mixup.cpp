#include <numbers>

#include <lamina/transform.hpp>
using namespace lamina;

struct Mixup {
  double alpha = 1;

  void declare(Declaration& d) {
    d.formula(
        "y[n] = λ[n] x[n] + (1 − λ[n]) x[m], label[n] = λ[n] target[n] + (1 − λ[n]) target[m], m = (n + r) mod batch, in training\n"
        "y = x, label = target in evaluation");
    d.details(
        "λ is drawn from Beta(α, α) for each sample and r for each step, so that every other sample is as likely a partner; both columns "
        "have the same λ and partner. λ = ½ + t / (2 √(2α + t²)), where t is of Student's distribution with 2α degrees of freedom, made "
        "from two uniform numbers without rejection. Targets must be real: put `one_hot` on the column of class numbers before.");
    d.source("Zhang, Cisse, Dauphin & Lopez-Paz, ICLR 2018; Student's t: Bailey, Mathematics of Computation 62 (1994)");
    d.optional("alpha", alpha, "(0, inf)", "α: 1 mixes evenly; below 1, most samples stay nearly as they are; published: 0.1 to 1");
    d.input("input", "[batch, …]");
    d.input("target", "[batch, …], real");
    d.result("input", "as input, in its type");
    d.result("target", "as target");
    d.example(R"({"alpha": 0.4})", "[[5, 2, 3], [5, 4]]");
  }
  std::array<Tensor, 2> forward(Scope& s, Tensor x, Tensor target) const {
    if (!target.is_real())
      s.fail("the targets are whole numbers, which cannot be mixed; put a `one_hot` with \"input\": \"target\" before");
    if (x.rank() < 1 || target.rank() < 1 || x.size(0) != target.size(0))
      s.fail("wanted as many inputs as targets, got the shapes ", x.shape(), " and ", target.shape());
    if (!s.training()) return {x, target};
    const int64_t batch = x.size(0);
    // r² = t² / (2α + t²), with t² / 2α = (u^(−1/α) − 1) cos²; both parts multiplied by u^(1/α), which cannot overflow.
    const Tensor log_u = log1p(-s.random_uniform({batch}, "radius")) / alpha,
                 angle = cos(2 * std::numbers::pi * s.random_uniform({batch}, "angle"));
    const Tensor part = -expm1(log_u) * square(angle), ratio = sqrt(part / maximum(exp(log_u) + part, 1e-30));
    const Tensor lambda = 0.5 + 0.5 * sign(angle) * ratio;
    const Tensor other = positions(s, lambda, 0) + random_below(s, {1}, batch, 0), partner = select(other >= batch, other - batch, other);
    const auto mixed = [&](const Tensor& v) {
      const Tensor own = to_real(v), more = to_real(gather(v, partner, 0));
      return as_stored(more + (own - more) * reshape(lambda, one_per_sample(v)), v);
    };
    return {mixed(x), mixed(target)};
  }
};
LAMINA_TRANSFORM(Mixup, "mixup", "mixes pairs of samples and their targets while training")
