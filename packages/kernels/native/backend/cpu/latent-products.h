#pragma once
#include "latent-attention.h"

// The products of latent attention with the rows of a head in the weight [heads * (nope + value), rank]: queries into the
// latent space (K^T q), and sums of latents out of it (V s). Each element is one chain over the summed axis in its order.
// Pieces of work are (head, kTokensTogether tokens), so that a head's rows are read once for several tokens.
namespace trtllm {
namespace ISA_NS {

constexpr int kTokensTogether = 16;

struct LatentWeight {
  const TensorRef& weight;
  int64_t nope_dim, value_dim;

  template <class T>
  const T* key_row(int64_t head, int64_t i) const {
    return row_of<T>(weight, head * (nope_dim + value_dim) + i);
  }
  template <class T>
  const T* value_row(int64_t head, int64_t i) const {
    return key_row<T>(head, nope_dim + i);
  }
};

// Query rows [0, count) of `out` (padded_width apart): the absorbed query [rank], the position part behind it, then zeros.
template <int R, class T>
TRTLLM_INLINE void absorb_rows(const LatentWeight& w, int64_t head, const float* q, int64_t rank, float* const (&out)[R]) {
  for_stretches(rank, [&](int64_t i, int n) {
    Vec acc[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) acc[r] = zero();
    for (int64_t k = 0; k < w.nope_dim; k++) {
      const Vec row = load_stretch(w.key_row<T>(head, k) + i, n);
#pragma GCC unroll 8
      for (int r = 0; r < R; r++) acc[r] = fma(set(q[r * w.nope_dim + k]), row, acc[r]);
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) store_stretch(out[r] + i, acc[r], n);
  });
}

template <class T>
static void absorb_queries(const LatentWeight& w, const LatentRows& rows, const TensorRef& q, const TensorRef& q_pe,
                           int64_t head, int64_t begin, int64_t end) {
  alignas(64) float wide[4 * kMaxLatentWidth];
  const int64_t rope_dim = q_pe.shape[2];
  for (int64_t t = begin; t < end; t += 4) {
    const int64_t count = end - t < 4 ? end - t : 4;
    float* out[4];
    for (int64_t r = 0; r < count; r++) {
      const T* from = row_of<T>(q, t + r) + head * q.stride[1];
      const T* pe = row_of<T>(q_pe, t + r) + head * q_pe.stride[1];
      out[r] = rows.query(t + r, head);
      for (int64_t i = 0; i < w.nope_dim; i++) wide[r * w.nope_dim + i] = to_f32(from[i]);
      memset(out[r] + rows.padded_width - kLanes, 0, kLanes * 4);
      for (int64_t i = 0; i < rope_dim; i++) out[r][rows.rank + i] = to_f32(pe[i]);
    }
    if (count == 4) {
      absorb_rows<4, T>(w, head, wide, rows.rank, {out[0], out[1], out[2], out[3]});
    } else {
      for (int64_t r = 0; r < count; r++) absorb_rows<1, T>(w, head, wide + r * w.nope_dim, rows.rank, {out[r]});
    }
  }
}

template <class T>
static void project_values(const LatentWeight& w, const LatentRows& rows, const TensorRef& y, int64_t head, int64_t begin,
                           int64_t end) {
  alignas(64) float wide[16 * kMaxLatentWidth];
  for (int64_t j = 0; j < w.value_dim; j += 16) {
    const int count = w.value_dim - j < 16 ? static_cast<int>(w.value_dim - j) : 16;
    memset(wide, 0, static_cast<size_t>(16 * rows.padded_rank) * 4);
    for (int r = 0; r < count; r++) {
      const T* from = w.value_row<T>(head, j + r);
      for_stretches(rows.rank, [&](int64_t i, int n) { store(wide + r * rows.padded_rank + i, load_stretch(from + i, n)); });
    }
    for (int64_t t = begin; t < end; t++) {
      const Vec dots = page_scores(rows.sum(t, head), wide, rows.padded_rank, rows.padded_rank);
      store_stretch(row_of<T>(y, t) + head * y.stride[1] + j, dots, count);
    }
  }
}

}  // namespace ISA_NS
}  // namespace trtllm
