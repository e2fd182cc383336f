#pragma once
#include <gemm/row-dots.cuh>
#include <gemm/stream-mma.sm80.cuh>

#include "launch.cuh"

// The kernels that stream a weight once past a few rows of x, and which of them takes a call: linears of all weight types.
// Which variant runs follows from the weight's shape and whether there is one row, never from how many more there are: a
// result's bits must not depend on who else is in the step.
namespace trtllm::cuda {

constexpr int64_t kMaxFewRowGroups = 65535;  // the grid's second axis; a group has 8 rows at least

inline unsigned row_groups(const LinearOperands& o, int64_t rows) { return static_cast<unsigned>((o.rows + rows - 1) / rows); }

// A thread has two packs of a row or more, where rows are that long; 8-bit packs are twice the work, of smaller blocks more
// find room.
template <class W, class T, class Y, int kRows>
void run_row_dots(const LinearOperands& o, cudaStream_t stream) {
  const int64_t bytes = o.in * static_cast<int64_t>(sizeof(W));
  const auto run = [&](auto kernel, int threads) {
    kernel<<<dim3(static_cast<unsigned>(o.out), row_groups(o, kRows)), threads, 0, stream>>>(o);
  };
  if (bytes >= 8192 && sizeof(W) > 1) {
    run(linear_row_dots_kernel<W, T, Y, kRows, 256>, 256);
  } else if (bytes >= (sizeof(W) > 1 ? 4096 : 8192)) {
    run(linear_row_dots_kernel<W, T, Y, kRows, 128>, 128);
  } else {
    run(linear_row_dots_kernel<W, T, Y, kRows, 64>, 64);
  }
}

template <class W, class T, class Y, int kRows>
void run_plain_row_dots(const LinearOperands& o, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>((o.out + 3) / 4), row_groups(o, kRows));
  linear_row_dots_plain_kernel<W, T, Y, kRows><<<grid, 128, 0, stream>>>(o);
}

template <class W, class T, class Y, int kWarps, int kSteps>
void run_stream(const LinearOperands& o, cudaStream_t stream) {
  const auto run = [&](auto kernel, int rows) {
    kernel<<<dim3(static_cast<unsigned>((o.out + 15) / 16), row_groups(o, rows)), kWarps * 32, 0, stream>>>(o);
  };
  if (o.rows <= 8) {
    run(linear_stream_kernel<T, W, T, T, Y, 1, 1, kWarps, kSteps>, 8);
  } else if (o.rows <= 16) {
    run(linear_stream_kernel<T, W, T, T, Y, 2, 1, kWarps, kSteps>, 16);
  } else {
    run(linear_stream_kernel<T, W, T, T, Y, 4, 1, kWarps, kSteps>, 32);
  }
}

// Any number of rows. `packed`: rows of x and weight are 16-byte aligned and a multiple of a pack of the weight long.
template <class W, class T, class Y>
void linear_few_rows(const LinearOperands& o, bool packed, cudaStream_t stream) {
  if (!packed) {
    if (o.rows <= 1) {
      run_plain_row_dots<W, T, Y, 1>(o, stream);
    } else {
      run_plain_row_dots<W, T, Y, 8>(o, stream);
    }
  } else if (o.rows <= 1) {
    run_row_dots<W, T, Y, 1>(o, stream);
  } else if constexpr (sizeof(T) == 4) {
    run_row_dots<W, T, Y, 8>(o, stream);
  } else if ((o.out + 15) / 16 <= 3 * multiprocessors()) {
    // Three blocks an SM or fewer: large ones, so that enough of the weight is on its way.
    run_stream<W, T, Y, 16, 1>(o, stream);
  } else {
    run_stream<W, T, Y, 8, sizeof(W) == 1 ? 2 : 1>(o, stream);
  }
}

}  // namespace trtllm::cuda
