/// What losses and metrics share: how a target and a weight meet a prediction. Shapes: [batch, …].
#pragma once
#include <array>
#include <span>

#include "plugin.hpp"

namespace lamina {

/// Whether `target` holds class numbers [batch, …] for a prediction [batch, classes, …].
inline bool holds_labels(const Tensor& prediction, const Tensor& target) {
  Shape shape = prediction.shape();
  if (shape.size() < 2 || target.is_real()) return false;
  shape.erase(shape.begin() + 1);
  return target.shape() == shape;
}
/// Class numbers as int32, whatever integer type they are stored in.
inline Tensor as_labels(const Tensor& target) { return target.dtype() == DType::int32 ? target : cast(target, DType::int32); }

/// `target` in the prediction's shape and the program's real type. Shapes may differ in axes of size 1 at the end ([batch] meets [batch,
/// 1]); all else is refused, because broadcasting would pair every prediction with every target.
inline Tensor matched(const Tensor& prediction, const Tensor& target) {
  Shape wanted = prediction.shape(), got = target.shape();
  auto trimmed = [](Shape s) {
    while (!s.empty() && s.back() == 1) s.pop_back();
    return s;
  };
  if (trimmed(wanted) != trimmed(got))
    throw Error(describe("the prediction has the shape ", wanted, ", the target ", got, "; they must agree"));
  return wanted == got ? to_real(target) : reshape(to_real(target), wanted);
}

/// `weight` laid out for values of `shape`: its axes are the first ones of `shape`, so [batch] weighs whole samples.
inline Tensor spread(const Tensor& weight, const Shape& shape) {
  Shape own = weight.shape();
  if (own.size() > shape.size()) throw Error(describe("the weight ", own, " has more axes than what it weighs, ", shape));
  own.resize(shape.size(), 1);
  return broadcast(reshape(to_real(weight), own), shape);
}
/// Σ weight · values / Σ weight; without weight the plain mean.
inline Tensor weighted_mean(const Tensor& values, const std::optional<Tensor>& weight) {
  if (!weight) return mean(values);
  const Tensor w = spread(*weight, values.shape());
  return total(w * values) / total(w);
}
/// Σ weight · values and Σ weight (the number of values when there is no weight): the sums of a mean over many batches.
inline std::array<Tensor, 2> weighted_sums(const Tensor& values, const std::optional<Tensor>& weight) {
  if (!weight) return {total(values), double(element_count(values.shape()))};
  const Tensor w = spread(*weight, values.shape());
  return {total(w * values), total(w)};
}

/// One number of many: "mean" as above, or "sum", Σ weight · values.
inline Tensor reduced(const Tensor& values, const std::optional<Tensor>& weight, const std::string& reduction) {
  return reduction == "sum" ? weighted_sums(values, weight)[0] : weighted_mean(values, weight);
}
/// Declares the setting for it, which every loss has.
inline void declare_reduction(Declaration& d, std::string& reduction) {
  d.optional("reduction", reduction, "mean | sum",
             "what becomes of the numbers of a batch; a sum grows with the batch, as its gradient does");
}

/// `shape` [batch, classes, …] without its classes: [batch, …].
inline Shape places_of(Shape shape) {
  shape.erase(shape.begin() + 1);
  return shape;
}
/// The number of its class at each element of `shape` [batch, classes, …], int32.
inline Tensor class_numbers(Scope& s, const Shape& shape) {
  return s.emit("iota", {}, {{"shape", shape}, {"axis", 1}, {"dtype", DType::int32}})[0];
}
/// Where the class is the label: labels int32 [batch, …] → bool of `shape` [batch, classes, …].
inline Tensor is_label(const Tensor& labels, const Shape& shape) {
  Shape laid = shape;
  laid[1] = 1;
  return equal(class_numbers(*labels.scope(), shape), reshape(labels, laid));
}
/// x [batch, classes, …] at the labels int32 [batch, …]; NaN where a label names no class.
inline Tensor at_label(const Tensor& x, const Tensor& labels) {
  const Tensor found = reshape(sum(select(is_label(labels, x.shape()), x, 0), {1}), labels.shape());
  return select(logical_and(labels >= 0, labels < x.size(1)), found, std::nan(""));
}
/// The class numbers int32 [batch, …] of a target that holds them or their probabilities, of which the first largest counts.
inline Tensor labels_of(Scope& s, const Tensor& prediction, const Tensor& target) {
  const bool labels = holds_labels(prediction, target);
  if (prediction.rank() < 2 || (!labels && target.shape() != prediction.shape()))
    s.fail("the prediction has the shape ", prediction.shape(), ", the target ", target.shape(),
           "; wanted [batch, classes, …] and integer class numbers [batch, …], or two equal shapes");
  return labels ? as_labels(target) : reshape(argmax(to_real(target), 1), places_of(target.shape()));
}
/// Whether scores are above the threshold, and whether the target is a yes (above 1/2): two bools in the prediction's shape.
inline std::array<Tensor, 2> decisions(const Tensor& prediction, const Tensor& target, double threshold) {
  return {prediction > threshold, matched(prediction, target) > 0.5};
}
inline void declare_threshold(Declaration& d, std::optional<double>& threshold) {
  d.optional("threshold", threshold, "(-inf, inf)",
             "for yes-or-no questions: the score above which the answer is yes, 0 for logits and 0.5 for probabilities");
}
/// Numbers as a tensor [numbers] of the program's real type.
inline Tensor listed(Scope& s, const std::vector<double>& numbers) {
  Tensors parts;
  for (size_t i = 0, end; i < numbers.size(); i = end) {  // equal neighbours are one part
    for (end = i; end < numbers.size() && numbers[end] == numbers[i];) ++end;
    parts.push_back(broadcast(Tensor(s, Tensor(numbers[i]).id_in(s)), {int64_t(end - i)}));
  }
  return parts.size() == 1 ? parts[0] : concat(parts, 0);
}

/// What losses on classes share, cross-entropy and negative log-likelihood.
struct ClassLoss {
  std::vector<double> class_weights;
  std::optional<int64_t> ignore_index;
  double label_smoothing = 0;
  std::string reduction = "mean";

  void declare(Declaration& d) {
    d.input("target", "class numbers [batch, …], or probabilities [batch, classes, …]");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("y", "one number");
    d.optional("class_weights", class_weights, "[0, inf)", "how much each class counts, one number per class; all alike when left out");
    d.optional("ignore_index", ignore_index, "class number of places that do not count, such as -100; none when left out");
    declare_reduction(d, reduction);
  }
  /// The loss of `prediction` [batch, classes, …], which holds logits or log-probabilities.
  Tensor of(Scope& s, Tensor prediction, const Tensor& target, const std::optional<Tensor>& weight, bool logits) const {
    if (prediction.rank() < 2) s.fail("wanted a prediction [batch, classes, …], got the shape ", prediction.shape());
    const Shape shape = prediction.shape(), places = places_of(shape);
    const int64_t classes = shape[1];
    if (!class_weights.empty() && int64_t(class_weights.size()) != classes)
      throw Error(describe("\"class_weights\" has ", class_weights.size(), " numbers, but there are ", classes, " classes"),
                  "class_weights");
    const Tensor class_weight = class_weights.empty() ? Tensor() : listed(s, class_weights);
    // −Σ_c class_weight_c · t_c · log p_c, at each place
    const auto over_classes = [&](const Tensor& t) {
      const Tensor terms = t * (logits ? log_softmax(prediction, 1) : prediction);
      return reshape(-sum(class_weight ? per_channel(class_weight, prediction) * terms : terms, {1}), places);
    };
    if (!holds_labels(prediction, target)) {
      if (target.shape() != shape)
        s.fail("the prediction has the shape ", shape, ", the target ", target.shape(),
               "; wanted integer class numbers without the classes axis, or probabilities of the prediction's shape");
      if (ignore_index) throw Error("\"ignore_index\" names a class number, but the target holds probabilities", "ignore_index");
      const Tensor t = to_real(target);
      return reduced(over_classes(label_smoothing > 0 ? t * (1 - label_smoothing) + label_smoothing / double(classes) : t), weight,
                     reduction);
    }
    Tensor labels = as_labels(target);
    std::optional<Tensor> counts = weight;  // of places, whatever their class
    if (ignore_index) {
      // What stands at an ignored place is replaced, not multiplied by 0: an infinite score there would make 0 · ∞, in the gradient too.
      const Tensor ignored = equal(labels, *ignore_index);
      Shape laid = shape;
      laid[1] = 1;
      prediction = select(reshape(ignored, laid), 0, prediction);
      labels = select(ignored, 0, labels);
      counts = weight ? select(ignored, 0, spread(*weight, places)) : to_real(logical_not(ignored));
    }
    Tensor values = logits ? softmax_cross_entropy(prediction, labels) : -at_label(prediction, labels);
    const Tensor share = class_weight ? gather(class_weight, labels, 0) : Tensor();
    if (share) values = share * values;
    if (label_smoothing > 0) values = values * (1 - label_smoothing) + over_classes(label_smoothing / double(classes));
    if (!share || reduction == "sum") return reduced(values, counts, reduction);
    return weighted_sums(values, counts)[0] / weighted_sums(share, counts)[0];
  }
};

/// What precision, recall and their mean share: how often a class is right, said and true.
struct ClassCounts {
  std::string average = "macro";
  std::optional<int64_t> of_class;
  std::optional<double> threshold;

  void declare(Declaration& d) {
    d.details(
        "The class that is said is that of the largest score, the first of equals; with threshold every index of axis 1 is a yes-or-no "
        "question of its own. 0 where nothing would be divided. Classes that are neither said nor true do not enter the mean.");
    d.input("prediction", "scores [batch, classes, …]; with threshold one score per question [batch, …]");
    d.input("target", "class numbers [batch, …], or probabilities as prediction; with threshold 0 (no) or 1 (yes), as prediction");
    d.input("weight", "of samples [batch] or of places [batch, …]");
    d.result("right", "weight of the places that are said and truly in each class");
    d.result("said", "weight of the places that are said to be in each class");
    d.result("true", "weight of the places that are truly in each class");
    d.optional("average", average, "macro | micro", "macro: the mean over the classes that occur; micro: all classes counted together");
    d.optional("class", of_class, "[0, inf)", "only this class, by its number; instead of an average");
    declare_threshold(d, threshold);
    d.example("{}", "[[4, 3], [4, 3]]");
  }
  std::array<Tensor, 3> sums(Scope& s, const Tensor& prediction, const Tensor& target, const std::optional<Tensor>& weight) const {
    Shape shape = prediction.shape();
    std::array<Tensor, 2> in_class;  // said, truly; bools [batch, classes, …]
    if (threshold) {
      if (shape.empty()) s.fail("wanted scores [batch, …], got one number");
      in_class = decisions(prediction, target, *threshold);
      if (shape.size() == 1) shape.push_back(1);  // one question
      for (Tensor& t : in_class) t = reshape(t, shape);
    } else {
      const Tensor right = labels_of(s, prediction, target);
      in_class = {is_label(reshape(argmax(prediction, 1), right.shape()), shape), is_label(right, shape)};
    }
    if (of_class && *of_class >= shape[1])
      throw Error(describe("\"class\" is ", *of_class, ", but there are only ", shape[1], " classes, counted from 0"), "class");
    Shape laid = shape, others;
    laid[1] = 1;
    for (int64_t axis = 0; axis < int64_t(shape.size()); ++axis)
      if (axis != 1) others.push_back(axis);
    const Tensor w = weight ? reshape(spread(*weight, places_of(shape)), laid) : Tensor(1.0);
    const auto counted = [&](const Tensor& hits) {
      const Tensor each = reshape(sum(w * to_real(hits), others), {shape[1]});
      return of_class ? slice(each, 0, *of_class, *of_class + 1) : average == "micro" ? total(each) : each;
    };
    return {counted(logical_and(in_class[0], in_class[1])), counted(in_class[0]), counted(in_class[1])};
  }
  struct Count {
    double right, said, truth;
  };
  /// The mean of `ratio`'s numerator / denominator over the classes that occur; 0 where the denominator is, and where no class occurs.
  template <class Ratio>
  static double finish(std::span<const double> sums, Ratio ratio) {
    const size_t classes = sums.size() / 3;
    double result = 0, occur = 0;
    for (size_t c = 0; c < classes; ++c) {
      const Count n{sums[c], sums[classes + c], sums[2 * classes + c]};
      const auto [numerator, denominator] = ratio(n);
      if (n.said + n.truth > 0) ++occur;
      if (denominator > 0) result += numerator / denominator;
    }
    return occur > 0 ? result / occur : 0;
  }
};

}  // namespace lamina
