#include "f8-tiles.cuh"

namespace trtllm::cuda {

F8Tiles f8_tiles_f16() { return f8_tiles<f16>(); }

}  // namespace trtllm::cuda
