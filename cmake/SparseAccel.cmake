# Helpers of the MLIR-free half.

add_library(sparseaccel_flags INTERFACE)
target_include_directories(sparseaccel_flags INTERFACE
  ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
target_compile_options(sparseaccel_flags INTERFACE -Wall -Wextra -Wno-unused-parameter
  $<$<BOOL:${SPARSEACCEL_WERROR}>:-Werror>)
if(SPARSEACCEL_SANITIZE)
  add_compile_options(-fsanitize=${SPARSEACCEL_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SPARSEACCEL_SANITIZE})
endif()

# Fuzzing needs the coverage of everything, and finds more with the sanitizers.
if(SPARSEACCEL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=vptr,function -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()

# sparseaccel_library(NAME sources... LINK libs...): a static library of the MLIR-free half.
function(sparseaccel_library NAME)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${NAME} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${NAME} PUBLIC sparseaccel_flags ${ARG_LINK})
endfunction()

# sparseaccel_unittest(NAME sources... LINK libs...): a GoogleTest program in build/test/unit, found by the test driver.
function(sparseaccel_unittest NAME)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${NAME} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${NAME} PRIVATE sparseaccel_flags ${ARG_LINK} GTest::gmock GTest::gtest_main)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test/unit)
  add_test(NAME ${NAME} COMMAND ${NAME})
  set_property(TEST ${NAME} PROPERTY ENVIRONMENT SPARSEACCEL_CACHE_DIR=${PROJECT_BINARY_DIR}/test/object-cache)
  set_property(GLOBAL APPEND PROPERTY SPARSEACCEL_UNITTESTS ${NAME})
endfunction()
