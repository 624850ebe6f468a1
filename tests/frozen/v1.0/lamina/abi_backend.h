/* The border between Lamina and a backend: a program as plain structs, and the table that runs it. The rules of abi.h hold.
   The host hands a finished program down: ops in the order they run, every value with its place. A backend sees ops, never layers.
   All structs below that the host fills are its own: valid until the call they were handed to returns, unless it says otherwise. */
#ifndef LAMINA_ABI_BACKEND_H
#define LAMINA_ABI_BACKEND_H
#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a value lives. */
enum {
  LAMINA_TEMPORARY = 1, /* in the arena, at offset */
  LAMINA_INPUT,         /* index: the feed it is gathered from. The backend copies it into the arena at offset, in the value's layout */
  LAMINA_STATE,         /* index: the state entry. Several values of one program may be versions of one entry, in place */
  LAMINA_SCALAR         /* index: the row of the step table. Rank 0, a double on the host; operand of maps only */
};
typedef struct lamina_program_value {
  uint32_t size, kind, dtype, rank;
  int64_t dims[LAMINA_MAX_RANK];
  uint32_t index;
  uint32_t fixed;            /* in prepare: layout and bytes are given (a state whose layout an earlier program chose) and bind */
  uint64_t layout;           /* the backend's own token; 0 = dense row-major */
  uint64_t bytes, alignment; /* as prepare chose; default: dense, 64 */
  uint64_t offset;           /* in the arena (temporaries, inputs); a multiple of alignment */
} lamina_program_value;

/* A fused elementwise region in single-assignment form, closed by reductions or not. Per segment one iteration space `shape`; every operand
   broadcasts to it (right-aligned, size 1 repeats). Ops of the instructions: the elementwise ops of the op list, by name. */
enum { LAMINA_KEEP = 0, LAMINA_SUM = 1, LAMINA_MAX = 2, LAMINA_MIN = 3 };
typedef struct lamina_instruction {
  uint32_t size, dtype; /* of its result */
  const char* op;
  uint32_t in_count, in[3]; /* < operand count: that operand; else operand count + number of an earlier instruction */
  uint32_t attribute_count;
  const lamina_attribute* attributes; /* constant: value; cast: none (dtype says); random_bits: key, stream; iota: axis; shift_right: bits */
} lamina_instruction;
typedef struct lamina_region_result {
  uint32_t size, from;   /* instruction number */
  uint32_t reduce;       /* LAMINA_KEEP, or reduced over the axes where the result has size 1 and the iteration space more */
} lamina_region_result;
typedef struct lamina_region {
  uint32_t size, operand_count, instruction_count, result_count;
  const lamina_instruction* instructions;
  const lamina_region_result* results;
  /* The same expression over several sets of tensors (the update of all parameters): segments × operand_count operands in the op's `in`,
     segments × result_count results in `out`. Segments are independent of each other. */
  uint32_t segment_count;
  const lamina_shape* shapes; /* per segment */
} lamina_region;

#define LAMINA_ABSENT 0xffffffffu
typedef struct lamina_program_op {
  uint32_t size, revision;  /* revision of the op's definition: 1 */
  const char* name;         /* of the op list; or "map" (region), "kernel", "reorder" (to another layout), "copy" (same layout) */
  const char* path;         /* layer path, for profiles and errors */
  uint32_t in_count, out_count;
  /* Numbers of values. LAMINA_ABSENT: an optional input that is not there, or a result that nothing reads: one of a composite, or a
     primitive's second; a kernel's results are all there. */
  const uint32_t *in, *out;
  uint32_t attribute_count;
  const lamina_attribute* attributes;
  const lamina_region* region; /* "map" */
  const lamina_kernel* kernel; /* "kernel" */
  const double* constants;
  uint32_t constant_count;
  int64_t items;
  uint64_t scratch, scratch_bytes; /* in the arena, 64-aligned; lives during this op only */
} lamina_program_op;

typedef struct lamina_program_output { /* a value that the host wants to see after each run */
  uint32_t size, value;
  uint64_t offset; /* in lamina_run.outputs; written dense, row-major */
} lamina_program_output;

typedef struct lamina_program {
  uint32_t size;
  uint32_t value_count, op_count, output_count, feed_count, scalar_count;
  const lamina_program_value* values;
  const lamina_program_op* ops; /* in the order they run */
  const lamina_program_output* outputs;
  uint64_t arena_bytes, output_bytes;
  const char* name; /* for profiles: "train 64" */
} lamina_program;

/* What a backend may ask of the planner during prepare. Numbers are those of the program that was handed in. */
typedef struct lamina_planner {
  uint32_t size;
  void (*layout)(void* plan, uint32_t value, uint64_t layout, uint64_t bytes, uint64_t alignment);
  void (*scratch)(void* plan, uint32_t op, uint64_t bytes);
  /* The result may take the operand's place when the operand is not read later. Numbers within the op; layouts and bytes must agree. */
  void (*overwrite)(void* plan, uint32_t op, uint32_t result, uint32_t operand);
  /* The result is the operand's bytes: same place, the op does nothing. */
  void (*view)(void* plan, uint32_t op, uint32_t result, uint32_t operand);
  /* The op wants this operand in another layout: one "reorder" op is put before the first that asks for the same. */
  void (*reorder)(void* plan, uint32_t op, uint32_t operand, uint64_t layout, uint64_t bytes, uint64_t alignment);
} lamina_planner;

typedef struct lamina_state_entry {
  uint32_t size, dtype, rank;
  int64_t dims[LAMINA_MAX_RANK];
  const char* path;
  uint64_t layout, bytes, alignment;
} lamina_state_entry;

typedef struct lamina_feed { /* frozen: where one input of a run comes from */
  const void* base;
  const int64_t* rows; /* sample numbers, one per batch row: sample r stands at base + r · row_bytes; null: dense, the batch itself */
  int64_t row_bytes;
} lamina_feed;
typedef struct lamina_run { /* all but outputs is read before `run` returns: the host then reuses scalars, rows and decoded batches */
  uint32_t size, feed_count;
  uint64_t seed, step, micro_batch; /* of the random numbers: key (seed, stream), counter (block, step, micro_batch) */
  const lamina_feed* feeds;
  const double* scalars; /* the step table: scalar_count rows */
  void* outputs;         /* output_bytes, host memory of this run alone, filled when wait returns; or null */
} lamina_run;

typedef struct lamina_device {
  uint32_t size, available; /* available 0: `why` says why not */
  const char *name, *type, *driver, *why;
  uint64_t memory; /* bytes, 0 = not known */
  uint32_t threads;
  const char* details; /* limits and features, a line each; or null */
} lamina_device;

typedef struct lamina_profile { /* one op's time, added up since the last reading */
  uint32_t size, op;
  double seconds;
} lamina_profile;

/* The table of kind backend. open's settings are the backend's declared parameters; the experiment's keys `device`, `precision` and
   `threads` are such parameters. A session is used from one thread at a time; sessions are independent. Texts the backend returns live until
   the next call on the session. */
typedef struct lamina_backend {
  uint32_t size;
  /* Lists devices without opening any. *count: room on entry, number of devices on return. Texts live until the next call of it. */
  lamina_status (*devices)(const lamina_host*, lamina_scope*, lamina_device*, uint32_t* count);
  lamina_status (*open)(LAMINA_SETTINGS, void** session);
  void (*close)(void* session); /* after all its programs are released */
  /* 1 if the backend runs this op on these values itself. Asked for every op but maps; a composite that is refused is decomposed. */
  uint32_t (*claims)(void* session, const lamina_program_op*, const lamina_program_value* values);
  /* Chooses layouts, bytes, scratch; offsets are not known yet. */
  lamina_status (*prepare)(const lamina_host*, lamina_scope*, void* session, const lamina_program*, const lamina_planner*, void* plan);
  /* Once per session, after the first prepare; zero-filled. */
  lamina_status (*state_create)(const lamina_host*, lamina_scope*, void* session, const lamina_state_entry*, uint32_t count);
  lamina_status (*state_read)(const lamina_host*, lamina_scope*, void* session, uint32_t entry, void* row_major);
  lamina_status (*state_write)(const lamina_host*, lamina_scope*, void* session, uint32_t entry, const void* row_major);
  /* The program's structs stay valid until release. */
  lamina_status (*compile)(const lamina_host*, lamina_scope*, void* session, const lamina_program*, void** executable);
  void (*release)(void* executable);
  lamina_status (*run)(const lamina_host*, lamina_scope*, void* executable, const lamina_run*); /* may return before the run is done */
  lamina_status (*wait)(const lamina_host*, lamina_scope*, void* executable);                   /* all runs of it are done */
  /* Optional. enable first, then read: *count is room on entry, number on return. */
  lamina_status (*profile)(void* executable, uint32_t enable, lamina_profile*, uint32_t* count);
  const char* (*describe)(void* session); /* "AMD EPYC, 2 threads, oneDNN 2.6.3, AVX-512": for the record */
  /* Optional. Feeds whose base is this one will find these bytes unchanged until close: a backend may keep a copy on its device. */
  lamina_status (*keep)(const lamina_host*, lamina_scope*, void* session, const void* base, uint64_t bytes);
  /* Optional. What the program became: a line that sums it up ("23 dispatches, …"), then a line for each part, in running order. Lives until
     the next call on the executable. */
  const char* (*explain)(void* executable);
} lamina_backend;

#ifdef __cplusplus
}
#endif
#endif
