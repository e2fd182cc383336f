#pragma once
#include "backend.h"

namespace trtllm {

const Backend* cpu_backend();

// Counts memory and runs nothing: plans of any size compile and "run" on it. Host memory it hands out is real.
const Backend* null_backend();

}  // namespace trtllm
