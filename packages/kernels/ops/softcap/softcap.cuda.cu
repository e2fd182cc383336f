// y = cap * tanh(x / cap). See native/backend/cuda/elementwise.cuh for tiles and numerics.
#include "../../native/backend/cuda/elementwise.cuh"
#include "../../native/backend/cuda/register.h"
#include "../../native/generated/op-args.h"

namespace trtllm::cuda {

struct Softcap {
  float cap;
  __device__ float operator()(float a, float) const { return cap * tanhf(a / cap); }
};

static Status launch_softcap(const OpCall& call, LaunchContext& context) {
  const auto o = SoftcapArgs::from(call);
  return launch_elementwise("softcap", o.x, o.x, o.y, context, Softcap{o.cap});
}

TRTLLM_CUDA_KERNELS(softcap, {"softcap", "softcap.cuda", 0, nullptr, nullptr, launch_softcap, RowBits::fixed})

}  // namespace trtllm::cuda
