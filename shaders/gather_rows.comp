// Rows of a data set, gathered into a batch.
//   binding 0  data   readonly   uint [rows, row_words]
//   binding 1  rows   readonly   uint [batch]: which row; one that is not there gives zeros
//   binding 2  batch  writeonly  uint [batch, row_words]
// Push constants: words of a row, batch, rows of the data set. Grid: items.glsl, an item per word of the batch. Every word has one writer.
#include "items.glsl"

layout(binding = 0) readonly buffer Data { uint data[]; };
layout(binding = 1) readonly buffer Rows { uint rows[]; };
layout(binding = 2) writeonly buffer Batch { uint batch[]; };
layout(push_constant) uniform Push { uint row_words, batch_rows, data_rows; };

void main() {
  const uint i = item_number();
  if (i >= row_words * batch_rows) return;
  const uint row = rows[i / row_words];
  batch[i] = row < data_rows ? data[row * row_words + i % row_words] : 0;
}
