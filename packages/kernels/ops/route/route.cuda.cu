// Experts of each token and the pairs in the order of experts: moe/choose-experts.cuh, then moe/order-pairs.cuh. Workspace, for
// many pairs: a count for each block and expert. A token's experts and weights depend on its logits alone.
#include <moe/choose-experts.cuh>
#include <moe/order-pairs.cuh>

#include "../../native/backend/cuda/launch.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

constexpr int64_t kMostPairsOfOneBlock = 4 * kSortPairs;

static int64_t blocks_of(int64_t pairs) { return (pairs + kSortPairs - 1) / kSortPairs; }

static void run_choose(const ChooseOperands& o, cudaStream_t stream) {
  const unsigned grid = static_cast<unsigned>((o.tokens + 3) / 4);
  const auto run = [&](auto kernel) { kernel<<<grid, 128, 0, stream>>>(o); };
  if (o.count <= 32) {
    run(choose_experts_kernel<1>);
  } else if (o.count <= 64) {
    run(choose_experts_kernel<2>);
  } else if (o.count <= 128) {
    run(choose_experts_kernel<4>);
  } else if (o.count <= 256) {
    run(choose_experts_kernel<8>);
  } else if (o.count <= 512) {
    run(choose_experts_kernel<16>);
  } else {
    run(choose_experts_kernel<32>);
  }
}

static void run_order(const OrderOperands& o, cudaStream_t stream) {
  const size_t shared = sizeof(uint32_t) * kSortWarps * static_cast<size_t>(o.count);
  const auto allow = [&](auto kernel) {
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    return kernel;
  };
  if (o.pairs <= kMostPairsOfOneBlock) {
    allow(order_pairs_kernel)<<<1, kSortThreads, shared, stream>>>(o);
    return;
  }
  const unsigned blocks = static_cast<unsigned>(blocks_of(o.pairs));
  allow(count_pairs_kernel)<<<blocks, kSortThreads, shared, stream>>>(o);
  scan_counts_kernel<<<1, kSortThreads, 0, stream>>>(o, blocks);
  allow(place_pairs_kernel)<<<blocks, kSortThreads, shared, stream>>>(o);
}

static int64_t route_workspace(const OpCall& call) {
  const auto o = RouteArgs::from(call);
  const int64_t pairs = o.order.shape[0];
  return pairs <= kMostPairsOfOneBlock ? 0 : blocks_of(pairs) * o.logits.shape[1] * 4;
}

static Status launch_route(const OpCall& call, LaunchContext& context) {
  const auto o = RouteArgs::from(call);
  const int64_t tokens = o.logits.shape[0], count = o.logits.shape[1];
  if (count > 1024 || o.groups > 32 || o.chosen < 1 || o.chosen != o.experts.shape[1] || tokens * o.chosen > INT32_MAX) {
    return Status::error(Code::unsupported, "route: %d of %lld experts in %d groups; expected at most 1024 in 32 groups", o.chosen,
                         static_cast<long long>(count), o.groups);
  }
  const int64_t size = o.groups > 0 ? count / o.groups : 0;
  if (o.groups < 1 || count % o.groups != 0 || o.chosen_groups < 1 || o.chosen_groups > o.groups || o.group_best < 1 ||
      o.group_best > size || o.chosen > (o.groups > 1 ? o.chosen_groups * size : count)) {
    return Status::error(Code::invalid, "route: %d of %lld experts in %d of %d groups by their %d best", o.chosen,
                         static_cast<long long>(count), o.chosen_groups, o.groups, o.group_best);
  }
  const cudaStream_t stream = stream_of(context);
  run_choose({o.logits.as<float>(), o.bias.present() ? o.bias.as<float>() : nullptr, o.experts.as<int32_t>(),
              o.weights.as<float>(), tokens, o.logits.stride[0], static_cast<int>(count), o.chosen, o.groups, o.chosen_groups,
              o.group_best, o.scoring == 1, o.renormalize != 0, o.factor},
             stream);
  run_order({o.experts.as<int32_t>(), o.place.as<int32_t>(), o.order.as<int32_t>(), o.offsets.as<int32_t>(),
             static_cast<uint32_t*>(context.workspace), tokens * o.chosen, static_cast<int>(count)},
            stream);
  return launched("route");
}

TRTLLM_CUDA_KERNELS(route, {"route", "route.cuda", 0, nullptr, route_workspace, launch_route, RowBits::fixed})

}  // namespace trtllm::cuda
