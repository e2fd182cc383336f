#include "chain.h"

#include <chain/chain-shared.h>

#include <memory>

namespace trtllm::cuda {

// More on their way than these would only stand in line (docs/kernels/decode-step.md).
constexpr int kStagesOnTheirWay = 2, kFewestStages = 3;

static int64_t aligned(int64_t bytes, int64_t to) { return (bytes + to - 1) / to * to; }

static bool has_chain_kernel(const DeviceState* device, int* blocks, int* shared_bytes) {
  int major = 0, cooperative = 0;
  const auto attribute = [&](int* value, cudaDeviceAttr which) { return cudaDeviceGetAttribute(value, which, device->ordinal) == cudaSuccess; };
  return attribute(&major, cudaDevAttrComputeCapabilityMajor) && major == 9 && bf16_chain_kernel(0) != nullptr &&
         attribute(&cooperative, cudaDevAttrCooperativeLaunch) && cooperative != 0 && attribute(blocks, cudaDevAttrMultiProcessorCount) &&
         attribute(shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin);
}

static const void* kernel_of(const ChainPlan& plan) {
  return plan.dtype == DType::bf16 ? bf16_chain_kernel(plan.head_dim) : f16_chain_kernel(plan.head_dim);
}

// Links, counts of launches, two sets of vectors.
static int64_t links_bytes(const ChainPlan& plan) { return aligned(static_cast<int64_t>(plan.links.size() * sizeof(Link)), 256); }
static int64_t launches_bytes(int blocks) { return aligned(static_cast<int64_t>(blocks) * 4, 256); }

Status make_chain(DeviceState* device, const StepNodes& step, int first, ChainState** out, int* num_nodes, uint64_t* bytes) {
  *out = nullptr;
  *num_nodes = 0;
  *bytes = 0;
  int blocks = 0, most_shared = 0;
  if (!has_chain_kernel(device, &blocks, &most_shared)) return Status();
  auto chain = std::make_unique<ChainState>();
  chain->plan = plan_chain(step, first, blocks);
  ChainPlan& plan = chain->plan;
  if (plan.num_nodes == 0) return Status();
  ChainProgram& p = chain->program;
  p = ChainProgram{};
  int64_t input_bytes = plan.most_in * 2;
  if (plan.head_dim != 0 && input_bytes < attention_scratch_bytes(plan.head_dim, plan.part_heads)) {
    input_bytes = attention_scratch_bytes(plan.head_dim, plan.part_heads);
  }
  const int64_t input_offset = kChainSharedBytes + aligned(plan.residual_length * 2, 128), ring_offset = input_offset + aligned(input_bytes, 128);
  const int64_t stages = (most_shared - ring_offset) / kChainStageBytes;
  if (stages < kFewestStages) return Status();
  p.num_links = static_cast<int32_t>(plan.links.size());
  p.flip_bytes = plan.handed_bytes;
  p.input_offset = static_cast<int32_t>(input_offset), p.ring_offset = static_cast<int32_t>(ring_offset);
  p.stages = static_cast<int32_t>(stages < kMaxChainStages ? stages : kMaxChainStages);
  p.flight = kStagesOnTheirWay;
  p.num_rotary = static_cast<int32_t>(plan.rotary.size());
  for (size_t i = 0; i < plan.rotary.size(); i++) p.rotary[i] = plan.rotary[i];
  chain->blocks = blocks;
  chain->shared_bytes = static_cast<int>(ring_offset + p.stages * kChainStageBytes);
  *num_nodes = plan.num_nodes;
  *bytes = static_cast<uint64_t>(links_bytes(plan) + launches_bytes(blocks) + 2 * plan.handed_bytes);
  *out = chain.release();
  return Status();
}

Status place_chain(DeviceState* device, StreamState* stream, ChainState* chain, void* memory) {
  TRTLLM_TRY(use(device));
  const ChainPlan& plan = chain->plan;
  ChainProgram& p = chain->program;
  char* at = static_cast<char*>(memory);
  p.links = reinterpret_cast<const Link*>(at);
  p.launches = reinterpret_cast<uint32_t*>(at + links_bytes(plan));
  p.handed = reinterpret_cast<unsigned char*>(at + links_bytes(plan) + launches_bytes(chain->blocks));
  TRTLLM_TRY(status_of(cudaMemcpyAsync(at, plan.links.data(), plan.links.size() * sizeof(Link), cudaMemcpyHostToDevice, stream->handle),
                       "copying the links of a chain"));
  TRTLLM_TRY(status_of(cudaMemsetAsync(p.launches, 0, static_cast<size_t>(launches_bytes(chain->blocks)), stream->handle), "clearing a chain"));
  TRTLLM_TRY(status_of(cudaMemsetAsync(p.handed, 0xff, static_cast<size_t>(2 * plan.handed_bytes), stream->handle), "clearing a chain"));
  return status_of(cudaFuncSetAttribute(kernel_of(plan), cudaFuncAttributeMaxDynamicSharedMemorySize, chain->shared_bytes),
                   "giving a chain its shared memory");
}

// HAZARD: blocks wait for each other, so all must be resident: a cooperative launch is all or nothing.
Status run_chain(DeviceState* device, StreamState* stream, const ChainState* chain) {
  TRTLLM_TRY(use(device));
  ChainProgram program = chain->program;
  void* arguments[] = {&program};
  return status_of(cudaLaunchCooperativeKernel(kernel_of(chain->plan), dim3(static_cast<unsigned>(chain->blocks)), dim3(kChainThreads), arguments,
                                               static_cast<size_t>(chain->shared_bytes), stream->handle),
                   "launching a chain");
}

void destroy_chain(ChainState* chain) { delete chain; }

}  // namespace trtllm::cuda
