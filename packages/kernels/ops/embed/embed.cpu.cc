#include <cstring>
#include <type_traits>

#include "../../native/backend/cpu/by-dtype.h"
#include "../../native/backend/cpu/panel.h"
#include "../../native/backend/cpu/register.h"
#include "../../native/core/thread-pool.h"
#include "../../native/generated/op-args.h"

namespace trtllm {
namespace ISA_NS {

template <class T>
static void copy_table_row(const TensorRef& weight, int64_t id, T* y) {
  const int64_t dim = weight.shape[1];
  const T* table = weight.as<T>();
  if (weight.layout == Layout::strided) {
    memcpy(y, table + id * weight.stride[0], static_cast<size_t>(dim) * sizeof(T));
    return;
  }
  const int64_t group = weight.dtype == DType::f32 ? 1 : 2;
  const T* from = table + panel_index(weight.dtype, dim, id, 0);
  for (int64_t i = 0; i < dim; i += group) {
    for (int64_t j = 0; j < group && i + j < dim; j++) y[i + j] = from[i * kPanelRows + j];
  }
}

static Status launch_embed(const OpCall& call, LaunchContext& context) {
  const auto o = EmbedArgs::from(call);
  const int32_t* ids = o.ids.as<int32_t>();
  const int64_t vocab = o.weight.shape[0], dim = o.weight.shape[1];
  return by_float("embed", o.weight.dtype, [&](auto* type) {
    using T = std::remove_pointer_t<decltype(type)>;
    context.pool->for_each(o.ids.shape[0], row_grain(dim), [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; t++) {
        T* y = row_of<T>(o.y, t);
        if (ids[t] >= 0 && ids[t] < vocab) {
          copy_table_row(o.weight, ids[t], y);
        } else {
          memset(y, 0, static_cast<size_t>(dim) * sizeof(T));
        }
      }
    });
    return Status();
  });
}

TRTLLM_CPU_KERNEL(embed, "embed", launch_embed)

}  // namespace ISA_NS
}  // namespace trtllm
