# build-info.json beside the binaries: what they were built for and by what, for packaging and for `trtllm doctor`.
set(info_archs "")
set(info_nvcc "null")
if(TRTLLM_CUDA_ENABLED)
  foreach(arch ${TRTLLM_CUDA_ARCHS})
    string(REGEX REPLACE "-real$" "" arch ${arch})
    list(APPEND info_archs "\"${arch}\"")
  endforeach()
  set(info_nvcc "\"${CMAKE_CUDA_COMPILER_VERSION}\"")
endif()
list(JOIN info_archs ", " info_archs)
file(CONFIGURE OUTPUT ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/build-info.json CONTENT
  "{ \"cudaArchs\": [@info_archs@], \"nvcc\": @info_nvcc@, \"compiler\": \"@CMAKE_CXX_COMPILER_ID@ @CMAKE_CXX_COMPILER_VERSION@\" }\n"
  @ONLY)
