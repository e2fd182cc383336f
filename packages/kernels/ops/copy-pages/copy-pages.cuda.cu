// cache[to, run, 0..n) = source[from, run, 0..n) for each record (lane, from, to, n) of this lane. The tokens of a run lie
// together, so each is one stretch of bytes. Block (x, y): records x, x + gridDim.x, ... of run y; threads stride the stretch
// in packs of 16 bytes, or of 2 where a token is no multiple of 16 bytes. Bytes are moved as they are. Records with pages
// that do not exist are skipped. Pages in mapped host memory work as well.
#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

template <class Pack>
__global__ void __launch_bounds__(128) copy_pages_kernel(const int32_t* copies, const int32_t* num_copies, int64_t capacity,
                                                         int32_t lane, const Pack* source, Pack* cache, int64_t source_pages,
                                                         int64_t pages, int64_t page_packs, int64_t run_packs,
                                                         int64_t token_packs, int32_t page_tokens) {
  const int64_t asked = *num_copies;
  const int64_t count = asked < capacity ? asked : capacity;
  for (int64_t i = blockIdx.x; i < count; i += gridDim.x) {
    const int32_t* record = copies + 4 * i;
    const int32_t from = record[1], to = record[2], tokens = record[3];
    if (record[0] != lane || from < 0 || from >= source_pages || to < 0 || to >= pages) continue;
    const int64_t length = (tokens < page_tokens ? tokens : page_tokens) * token_packs;
    const Pack* read = source + from * page_packs + blockIdx.y * run_packs;
    Pack* write = cache + to * page_packs + blockIdx.y * run_packs;
    for (int64_t at = threadIdx.x; at < length; at += blockDim.x) write[at] = read[at];
  }
}

static bool is_gapless(const TensorRef& pages) {
  const int64_t run = pages.shape[2] * pages.shape[3];
  return pages.stride[2] == pages.shape[3] && pages.stride[1] == run && pages.stride[0] == pages.shape[1] * run;
}

static Status launch_copy_pages(const OpCall& call, LaunchContext& context) {
  const auto o = CopyPagesArgs::from(call);
  if (!is_gapless(o.source) || !is_gapless(o.cache)) {
    return Status::error(Code::unsupported, "copy-pages: expected pages without gaps");
  }
  const int64_t capacity = o.copies.shape[0], runs = o.cache.shape[1], page_tokens = o.cache.shape[2];
  const int64_t token_bytes = o.cache.shape[3] * dtype_bytes(o.cache.dtype);
  if (capacity == 0 || runs == 0) return Status();
  const dim3 grid(static_cast<unsigned>(capacity < 256 ? capacity : 256), static_cast<unsigned>(runs));
  const auto run = [&](auto* type) {
    using Pack = std::remove_pointer_t<decltype(type)>;
    const int64_t token_packs = token_bytes / static_cast<int64_t>(sizeof(Pack)), run_packs = token_packs * page_tokens;
    copy_pages_kernel<Pack><<<grid, 128, 0, stream_of(context)>>>(
        o.copies.as<int32_t>(), o.num_copies.as<int32_t>(), capacity, o.lane, o.source.as<Pack>(), o.cache.as<Pack>(),
        o.source.shape[0], o.cache.shape[0], runs * run_packs, run_packs, token_packs,
        static_cast<int32_t>(page_tokens));
    return launched("copy-pages");
  };
  if (token_bytes % 16 == 0) return run(static_cast<uint4*>(nullptr));
  return token_bytes % 2 == 0 ? run(static_cast<uint16_t*>(nullptr)) : run(static_cast<uint8_t*>(nullptr));
}

TRTLLM_CUDA_KERNELS(copy_pages, {"copy-pages", "copy-pages.cuda", 0, nullptr, nullptr, launch_copy_pages, RowBits::fixed})

}  // namespace trtllm::cuda
