#include "f8-tiles.cuh"

namespace trtllm::cuda {

F8Tiles f8_tiles_bf16() { return f8_tiles<bf16>(); }

}  // namespace trtllm::cuda
