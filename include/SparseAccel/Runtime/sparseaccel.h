/*===- sparseaccel.h - Running compiled programs from C -----------*- C -*-===*\
|*                                                                            *|
|* Load a program, run float32 images through it, read outputs and statistics.*|
|* Functions that return int return 0 on success; sparseaccel_error() then    *|
|* has the message of the last failure of this session. Not for several       *|
|* threads at once on one session; runs use all cores by themselves.          *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef SPARSEACCEL_RUNTIME_SPARSEACCEL_H
#define SPARSEACCEL_RUNTIME_SPARSEACCEL_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sparseaccel_session sparseaccel_session;

/* A tensor of the program as the caller binds it. Owned by the session. */
typedef struct sparseaccel_tensor {
  const char *name;
  size_t rank;
  const uint32_t *shape; /* of one run: shape[0] is the program's batch */
  size_t elements;       /* of one run */
} sparseaccel_tensor;

/* Sums over all runs of the last sparseaccel_run(); of a layer, or of all. */
typedef struct sparseaccel_stats {
  const char *name;
  int on_host;
  double cycles, compute_cycles, load_cycles, store_cycles;
  double macs, effectual_macs, performed_macs, gated_macs, wasted_slots;
  double dram_bytes;
} sparseaccel_stats;

/* Always returns a session; where loading failed, sparseaccel_error() says why, and only that and sparseaccel_close() may be called.
   `machine` is a path or the name of a shipped machine; NULL: the one that the program was compiled for. */
sparseaccel_session *sparseaccel_open(const char *program_path, const char *machine);
void sparseaccel_close(sparseaccel_session *session);
/* The last failure's message, or NULL where there was none. */
const char *sparseaccel_error(const sparseaccel_session *session);

size_t sparseaccel_input_count(const sparseaccel_session *session);
size_t sparseaccel_output_count(const sparseaccel_session *session);
int sparseaccel_input(const sparseaccel_session *session, size_t index, sparseaccel_tensor *tensor);
int sparseaccel_output(const sparseaccel_session *session, size_t index, sparseaccel_tensor *tensor);

/* Binds `runs` times the input's elements, row-major. The data is copied. */
int sparseaccel_set_input(sparseaccel_session *session, size_t index, const float *data, size_t runs);
/* Runs what was bound; all inputs have the same number of runs. threads = 0: one per core. */
int sparseaccel_run(sparseaccel_session *session, unsigned threads);
/* After a run: the output's runs times elements as floats, owned by the session until the next run. */
int sparseaccel_get_output(const sparseaccel_session *session, size_t index, const float **data, size_t *elements);

size_t sparseaccel_layer_count(const sparseaccel_session *session);
int sparseaccel_layer_stats(const sparseaccel_session *session, size_t layer, sparseaccel_stats *stats);
int sparseaccel_total_stats(const sparseaccel_session *session, sparseaccel_stats *stats);

#ifdef __cplusplus
}
#endif

#endif /* SPARSEACCEL_RUNTIME_SPARSEACCEL_H */
