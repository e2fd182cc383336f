#include "turned.h"

#include <cstring>

namespace trtllm {
namespace {

// Tiles of kSide x kSide elements, so that both sides of the exchange stay in a core's first cache.
constexpr int64_t kSide = 32;

template <int kBytes>
void copy_tiles(const HostMatrix& source, int64_t first, int64_t rows, int64_t from_column, int64_t to_column, char* to) {
  for (int64_t row = 0; row < rows; row += kSide) {
    const int64_t end = std::min(row + kSide, rows);
    for (int64_t column = from_column; column < to_column; column++) {
      for (int64_t r = row; r < end; r++) {
        const int64_t from = (first + r) * source.row_stride + column * source.column_stride;
        memcpy(to + (r * source.columns + column) * kBytes, source.data + from * kBytes, kBytes);
      }
    }
  }
}

}  // namespace

void copy_turned(ThreadPool& pool, const HostMatrix& source, int64_t first, int64_t rows, char* to) {
  const int64_t tiles = (source.columns + kSide - 1) / kSide;
  pool.for_each(tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; tile++) {
      const int64_t from = tile * kSide, until = std::min(from + kSide, source.columns);
      switch (dtype_bytes(source.dtype)) {
        case 4: copy_tiles<4>(source, first, rows, from, until, to); break;
        case 2: copy_tiles<2>(source, first, rows, from, until, to); break;
        default: copy_tiles<1>(source, first, rows, from, until, to); break;
      }
    }
  });
}

}  // namespace trtllm
