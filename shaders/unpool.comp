// Through positions that are data: max_take, and max_unpool where the windows are not known. Positions outside are skipped.
//   binding 0: full float [batch, volume, channels] · binding 1: positions int [batch, pooled, channels], read · binding 2: pooled float
//   [batch, pooled, channels]
// TAKE: pooled = full at the positions; an item per element of pooled. Else pooled is added to full, which is zeros, at the positions: an
// item per column of one channel walks it in order, so the sums are the same in every run.
#include "items.glsl"
#include "divide.glsl"

layout(push_constant) uniform Push {
  uint count;
  Divisor channels, pooled_volume;
  uint volume;
};

#ifdef TAKE
#define FULL readonly
#define POOLED writeonly
#else
#define FULL
#define POOLED readonly
#endif
layout(set = 0, binding = 0) FULL buffer Full { float full[]; };
layout(set = 0, binding = 1) readonly buffer Positions { int positions[]; };
layout(set = 0, binding = 2) POOLED buffer Pooled { float pooled[]; };

void main() {
  const uint item = item_number();
  if (item >= count) return;
  uint batch = item;
  const uint channel = take_digit(batch, channels);
#ifdef TAKE
  take_digit(batch, pooled_volume);
  const uint k = uint(positions[item]);
  pooled[item] = k < volume ? full[(batch * volume + k) * channels.by + channel] : 0.0;
#else
  const uint first = batch * volume * channels.by + channel;
  for (uint i = 0; i < pooled_volume.by; ++i) {
    const uint from = (batch * pooled_volume.by + i) * channels.by + channel, k = uint(positions[from]);
    if (k < volume) full[first + k * channels.by] += pooled[from];
  }
#endif
}
