#include "nest.hpp"

#include <algorithm>
#include <set>

namespace lamina::backends {

bool Nest::is_flat(size_t view) const {
  int64_t expected = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    if (strides[view][i] != expected) return false;
    expected *= sizes[i];
  }
  return true;
}

bool Nest::is_single(size_t view) const {
  return std::all_of(strides[view].begin(), strides[view].end(), [](int64_t s) { return s == 0; });
}

int64_t Nest::period(size_t view) const {
  int64_t dense = 1;
  size_t i = sizes.size();
  while (i > 0 && strides[view][i - 1] == dense) dense *= sizes[--i];
  while (i > 0 && strides[view][i - 1] == 0) --i;
  return i == 0 && dense > 1 ? dense : 0;
}

Nest make_nest(const Shape& space, uint64_t token, const std::vector<View>& views) {
  Nest nest;
  for (int64_t d : space) nest.count *= d;
  std::vector<AxisDigit> loops = axis_digits(token, space).value();
  std::vector<std::vector<AxisDigit>> digits(views.size());
  nest.fits.assign(views.size(), true);

  for (size_t v = 0; v < views.size(); ++v) {
    const Shape& shape = views[v].shape;
    const auto read = axis_digits(views[v].token, shape);
    if (!read) {
      nest.fits[v] = false;
      continue;
    }
    digits[v] = *read;
    const int shift = int(space.size()) - int(shape.size());
    std::vector<AxisDigit> split = loops;
    bool ok = true;
    for (AxisDigit& d : digits[v]) {
      d.axis += shift;
      for (size_t i = 0; i < split.size() && ok; ++i) {
        const AxisDigit l = split[i];
        if (l.axis != d.axis || d.weight <= l.weight || d.weight >= l.weight * l.size) continue;
        if (d.weight % l.weight || (l.weight * l.size) % d.weight) {
          ok = false;
          break;
        }
        split[i] = {l.axis, l.weight * l.size / d.weight, d.weight, 0};
        split.insert(split.begin() + long(i) + 1, {l.axis, d.weight / l.weight, l.weight, 0});
      }
    }
    // A loop must not straddle a digit of the view either: each loop's weight divides into the digit that holds it.
    for (const AxisDigit& l : split)
      for (const AxisDigit& d : digits[v])
        if (ok && l.axis == d.axis && l.weight >= d.weight && l.weight < d.weight * d.size)
          ok = l.weight % d.weight == 0 && l.weight * l.size <= d.weight * d.size;
    if (ok)
      loops = std::move(split);
    else
      nest.fits[v] = false;
  }

  for (const AxisDigit& l : loops) nest.sizes.push_back(l.size);
  nest.strides.assign(views.size(), Shape(loops.size(), 0));
  for (size_t v = 0; v < views.size(); ++v) {
    if (!nest.fits[v]) continue;
    for (size_t i = 0; i < loops.size(); ++i)
      for (const AxisDigit& d : digits[v])
        if (d.axis == loops[i].axis && loops[i].weight >= d.weight && loops[i].weight < d.weight * d.size)
          nest.strides[v][i] = d.stride * (loops[i].weight / d.weight);
  }

  for (size_t i = 1; i < nest.sizes.size();) {
    const bool merge =
        std::all_of(nest.strides.begin(), nest.strides.end(), [&](const Shape& s) { return s[i - 1] == s[i] * nest.sizes[i]; });
    if (!merge) {
      ++i;
      continue;
    }
    nest.sizes[i - 1] *= nest.sizes[i];
    nest.sizes.erase(nest.sizes.begin() + long(i));
    for (Shape& s : nest.strides) s.erase(s.begin() + long(i) - 1);
  }
  if (nest.sizes.empty()) {
    nest.sizes.push_back(1);
    for (Shape& s : nest.strides) s.push_back(0);
  }
  return nest;
}

uint64_t reduced_token(const Shape& space, uint64_t token, const Shape& result) {
  Shape weights(result.size(), 1);
  for (size_t a = result.size(); a-- > 1;) weights[a - 1] = weights[a] * result[a];
  const int shift = int(space.size()) - int(result.size());
  Digits digits;
  const std::vector<AxisDigit> loops = axis_digits(token, space).value();
  for (const AxisDigit& d : loops) {
    const int axis = d.axis - shift;
    if (axis >= 0 && result[size_t(axis)] != 1) digits.push_back({d.size, d.weight * weights[size_t(axis)]});
  }
  return token_of(std::move(digits));
}

}  // namespace lamina::backends
