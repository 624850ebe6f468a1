// What the kernels of windows share: push constants and how an item is taken apart. Items are vectors of WIDTH channels, channels-last, over
// the positions of one side: the pooled tensor or x. Axes innermost first; axes that are not there have size 1.
//   binding 0: `from` float, read · binding RESULT, if there is one: `to` float, written. With FROM_NARROW, TO_NARROW they are narrow
//   (narrow.glsl), and WIDTH is 4.
#include "items.glsl"
#include "divide.glsl"
#include "vector.glsl"
#ifdef NARROW
#include "narrow.glsl"
#endif

#ifdef FROM_NARROW
layout(set = 0, binding = 0) readonly buffer From { uvec2 from[]; };
Real read(uint at) { return widened(from[at]); }
#else
layout(set = 0, binding = 0) readonly buffer From { Real from[]; };
Real read(uint at) { return from[at]; }
#endif
#ifdef TO_NARROW
layout(set = 0, binding = RESULT) writeonly buffer To { uvec2 to[]; };
void write(uint at, Real v) { to[at] = narrowed(v); }
#elif defined(RESULT)
layout(set = 0, binding = RESULT) writeonly buffer To { Real to[]; };
void write(uint at, Real v) { to[at] = v; }
#endif

layout(push_constant) uniform Push {
  uint count;          // of items
  uint count_padding;  // of averages: divide by the whole window
  Divisor channels;    // in vectors
  Divisor side[3];     // extents of the items' side
  uint other[3];       // extents of the other side
  uint size[3];
  Divisor stride[3];
  uint low[3];  // padding
};

// Vector number of a position of the other side.
uint vector_at(uint batch, uint depth, uint row, uint column, uint channel) {
  return (((batch * other[2] + depth) * other[1] + row) * other[0] + column) * channels.by + channel;
}

// Where items are positions of the pooled tensor: the part of the window that is inside x.
struct Window {
  uint batch, channel, begin[3], end[3];
};
Window window_of(uint item) {
  Window w;
  w.channel = take_digit(item, channels);
  for (int a = 0; a < 3; ++a) {
    const uint padded = take_digit(item, side[a]) * stride[a].by;
    w.begin[a] = max(padded, low[a]) - low[a];
    w.end[a] = min(padded + size[a] - low[a], other[a]);
  }
  w.batch = item;
  return w;
}
float divisor_of(Window w) {
  uint n = 1;
  for (int a = 0; a < 3; ++a) n *= count_padding != 0 ? size[a] : w.end[a] - w.begin[a];
  return float(n);
}
