/// Decompression into a buffer of known size: compressed data cannot claim more memory than the caller gave.
#pragma once
#include <cstddef>
#include <span>

namespace lamina {

/// Inflates one whole zlib stream (RFC 1950) into `out`. True only when it decodes to exactly out.size() bytes.
/// std::runtime_error when the machine cannot give zlib its working memory.
bool inflate_exactly(std::span<const std::byte> compressed, std::span<std::byte> out);

}  // namespace lamina
