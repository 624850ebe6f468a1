#include "base/inflate.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include <zlib.h>

namespace lamina {

bool inflate_exactly(std::span<const std::byte> compressed, std::span<std::byte> out) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::runtime_error("zlib cannot start: there is not enough memory.");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(compressed.data()));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  size_t in_left = compressed.size(), out_left = out.size();
  int status = Z_OK;
  // zlib counts with 32 bits, so longer buffers go in pieces.
  constexpr size_t piece = std::numeric_limits<uInt>::max();
  while (status == Z_OK) {
    const uInt in = uInt(std::min(in_left, piece)), room = uInt(std::min(out_left, piece));
    stream.avail_in = in, stream.avail_out = room;
    status = inflate(&stream, Z_NO_FLUSH);
    in_left -= in - stream.avail_in, out_left -= room - stream.avail_out;
    // No progress, the stream not ended: it is cut short, or it wants to write more than it should.
    if (status == Z_OK && in == stream.avail_in && room == stream.avail_out) status = Z_BUF_ERROR;
  }
  inflateEnd(&stream);
  return status == Z_STREAM_END && out_left == 0;
}

}  // namespace lamina
