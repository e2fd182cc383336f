#pragma once
#include <attention/rotary.cuh>

#include "launch.cuh"
#include "rotary-call.h"
