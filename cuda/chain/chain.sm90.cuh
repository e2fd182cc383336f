#pragma once
#include <trtllm/ptx/copy-ahead.sm80.cuh>
#include <trtllm/ptx/warpgroup-mma.sm90.cuh>

#include "run-attention.sm90.cuh"
#include "run-linear.sm90.cuh"
#include "stream-weights.sm90.cuh"

// The links of a chain in one resident kernel, a block a multiprocessor (sm_90): all weights of a decode step of one row as one
// stream, which never waits for a kernel to end and the next to begin. Eight warps run the links in order, and a ninth copies the
// block's tiles of the weights into a ring ahead of them. Tiles are dealt round and round over all linears, so that blocks
// read the same number of bytes, if not of each weight. What blocks make for each other they hand over as chain-block.cuh says.
// HAZARD: all blocks must be resident at once: launch it cooperatively.
// Shared memory: the ring; x of a linear or an attention's scratch; the residual; sums of warps; two links ahead of time.
namespace trtllm::cuda {

// Copies link i to its place among kPipelinedLinks. Called two links early, so that everyone is done with what it replaces.
__device__ __forceinline__ void fetch_link(const ChainProgram& p, int i) {
  constexpr int kPacks = sizeof(Link) / 16;
  if (i < p.num_links && threadIdx.x < kPacks) {
    const uint32_t to = chain_address(chain_shared().links + i % kPipelinedLinks) + threadIdx.x * 16;
    copy_to_shared(to, reinterpret_cast<const uint4*>(p.links + i) + threadIdx.x);
  }
}

template <class T, int kDim>
__device__ void run_links(const ChainProgram& p, ChainBlock& block) {
  for (int i = 0; i < p.num_links; i++) {
    fetch_link(p, i + 2);
    const Link& link = chain_shared().links[i % kPipelinedLinks];
    if (link.kind == LinkKind::attention) {
      if constexpr (kDim > 0) run_attention<T, kDim>(link.attention, block);
      wait_for_copies();
      meet_consumers();
    } else if (link.linear.weight_kind == LinkWeight::floats) {
      run_linear<T, T, T>(link.linear, block);
    } else if (link.linear.weight_kind == LinkWeight::f8) {
      run_linear<T, f16, f8>(link.linear, block);
    } else {
      run_linear<T, f16, i8>(link.linear, block);
    }
  }
}

// HAZARD: threads wait for registers that are not there: all of them together take at most those the block began with.
constexpr int kFirstRegisters = 65536 / kChainThreads / 8 * 8, kProducerRegisters = 40, kConsumerRegisters = 232;
static_assert(kConsumerRegisters * kChainConsumers + kProducerRegisters * (kChainThreads - kChainConsumers) <= kFirstRegisters * kChainThreads);

template <class T, int kDim>
__global__ void __launch_bounds__(kChainThreads, 1) chain_kernel(const __grid_constant__ ChainProgram p) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
  ChainShared& shared = chain_shared();
  if (threadIdx.x == 0) {
    for (int i = 0; i < p.stages; i++) {
      init_barrier(&shared.full[i], 1);
      init_barrier(&shared.empty[i], kChainWarps);
    }
    publish_barriers();
  }
  __syncthreads();
  if (threadIdx.x >= kChainConsumers) {  // a warpgroup for one warp's work: only whole ones can give registers to others
    give_registers_back<kProducerRegisters>();
    if (threadIdx.x < kChainConsumers + 32) stream_weights(p);
    return;
  }
  take_registers<kConsumerRegisters>();
  fetch_link(p, 0);
  fetch_link(p, 1);
  ChainBlock block(p, p.launches[blockIdx.x]);
  for (int i = threadIdx.x; i < p.num_rotary * kMaxChainHalf; i += kChainConsumers) {
    const int table = i / kMaxChainHalf, pair = i % kMaxChainHalf;
    if (pair < p.rotary[table].half) rotary_angle(p.rotary[table], 0, pair, &shared.cosine[table][pair], &shared.sine[table][pair]);
  }
  wait_for_copies();
  meet_consumers();
  run_links<T, kDim>(p, block);
  if (threadIdx.x == 0) p.launches[blockIdx.x] = block.launch + 1;
#endif
}

}  // namespace trtllm::cuda
