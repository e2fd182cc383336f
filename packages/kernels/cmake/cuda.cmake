# libtrtllm_cuda.so: every ops/*/*.cuda.cu and native/backend/cuda/**, one table behind trtllm_cuda_backend(). It needs
# libc only: cudart and libstdc++ are inside, and cudart opens the driver itself, so that it loads without a GPU.
file(GLOB cuda_kernel_sources CONFIGURE_DEPENDS
  ${CMAKE_CURRENT_SOURCE_DIR}/ops/*/*.cuda.cu ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/cuda/*.cu)
file(GLOB cuda_host_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/cuda/*.cc)
get_filename_component(cuda_library ${CMAKE_CURRENT_SOURCE_DIR}/../../cuda ABSOLUTE)

# Machine code only. Older CMake does not know family targets such as 100f: the flags are written here. For the same
# reason kernels are C++17.
set(cuda_arch_flags "")
foreach(arch ${TRTLLM_CUDA_ARCHS})
  string(REGEX REPLACE "-real$" "" arch ${arch})
  list(APPEND cuda_arch_flags --generate-code=arch=compute_${arch},code=sm_${arch})
endforeach()

find_package(CUDAToolkit REQUIRED)
add_library(trtllm_cuda SHARED ${cuda_kernel_sources} ${cuda_host_sources})
set_target_properties(trtllm_cuda PROPERTIES
  CXX_VISIBILITY_PRESET hidden CUDA_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
  CUDA_STANDARD 17 CUDA_STANDARD_REQUIRED ON CUDA_RUNTIME_LIBRARY Static
  CUDA_ARCHITECTURES OFF)
target_include_directories(trtllm_cuda PRIVATE ${cuda_library} ${cuda_library}/include)
target_include_directories(trtllm_cuda SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
target_compile_options(trtllm_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:CXX>:-O2> $<$<COMPILE_LANGUAGE:CXX>:-Wall> $<$<COMPILE_LANGUAGE:CXX>:-Wextra>
  "$<$<COMPILE_LANGUAGE:CUDA>:-lineinfo;${cuda_arch_flags}>")
# Kernels of Hopper's own instructions exist in this build.
if("90a-real" IN_LIST TRTLLM_CUDA_ARCHS)
  target_compile_definitions(trtllm_cuda PRIVATE TRTLLM_SM90A)
endif()
target_link_libraries(trtllm_cuda PRIVATE ${CMAKE_DL_LIBS})
target_link_options(trtllm_cuda PRIVATE -Wl,-z,nodelete -static-libgcc -static-libstdc++ -Wl,--no-undefined
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/cuda-exports.map)
