// median_pool.cpp for GPUs. An item is an element of y (out0); out1 is where in its channel's volume it was found.
// c0, c1, c2: size of the window along depth, height and width; c3, c4, c5: its stride; c6, c7, c8: padding. Axes that x lacks have size 1.

// Of the bits, because a compiler may take it that there is no NaN.
bool is_nan(float v) { return (floatBitsToUint(v) & 0x7fffffffu) > 0x7f800000u; }

void item(uint i) {
  const uvec3 size = uvec3(c0, c1, c2), stride = uvec3(c3, c4, c5), padding = uvec3(c6, c7, c8);
  uvec3 extent, begin, end;  // of x, and the part of the window that lies inside
  uint rest = i;
  for (int a = 2; a >= 0; --a) {
    const uint axis = in0_rank() - 3 + a;
    const uint places = axis < 2 ? 1 : out0_size(axis), start = rest % places * stride[a];
    rest /= places;
    extent[a] = axis < 2 ? 1 : in0_size(axis);
    begin[a] = max(start, padding[a]) - padding[a];
    end[a] = min(start + size[a] - padding[a], extent[a]);
  }
  const uint first = rest * extent.x * extent.y * extent.z;  // of this channel
  const uvec3 inside = end - begin;
  const uint middle = (inside.x * inside.y * inside.z - 1) / 2;

  float low = 0, high = 0;  // the median lies between, once they are known
  bool above = false, below = false;
  for (uint d = begin.x; d < end.x; ++d)
    for (uint h = begin.y; h < end.y; ++h)
      for (uint w = begin.z; w < end.z; ++w) {
        const uint place = (d * extent.y + h) * extent.z + w;
        const float v = in0(first + place);
        if (above && v <= low || below && v >= high) continue;
        uint less = 0, equal = 0;
        for (uint e = begin.x; e < end.x; ++e)
          for (uint g = begin.y; g < end.y; ++g)
            for (uint k = begin.z; k < end.z; ++k) {
              const uint there = (e * extent.y + g) * extent.z + k;
              const float other = in0(first + there);
              if (is_nan(other)) {
                out0(i, other);
                out1(i, float(there));
                return;
              }
              less += uint(other < v);
              equal += uint(other == v);
            }
        if (less > middle) {
          below = true, high = v;
        } else if (less + equal <= middle) {
          above = true, low = v;
        } else {
          out0(i, v);
          out1(i, float(place));
          return;
        }
      }
}
