/* The border between Lamina and a plugin, version 1: C99, nothing else is shared.
   - Structs that start with `size` grow at the end only; the writer sets size. A reader copies the smaller of both sizes into a zeroed
     struct of its own: a field the writer never knew reads as zero, and zero always means "absent". In an array, size is the stride.
   - Structs without `size` are frozen for all of version 1.
   - Texts: UTF-8, NUL at the end. Those in a plugin's tables live as long as the process; all others are copied before the call returns.
   - A lamina_scope is valid until the call that it came with returns; lamina_host lives as long as the process.
   - Layers, losses, metrics, optimizers … have no object: each call brings its settings and keeps nothing. Only datasets and backends
     have one. Calls come from one thread unless a function says otherwise.
   - A call that fails returns non-zero, and the reason has been told to `fail` once by whoever found it; the first reason wins.
   - A plugin exports one symbol, lamina_plugin_v1, and imports none of the host's: what it may call arrives in lamina_host. */
#ifndef LAMINA_ABI_H
#define LAMINA_ABI_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LAMINA_MAJOR 1
#define LAMINA_MINOR 2
#define LAMINA_MAX_RANK 8

typedef uint32_t lamina_status;           /* 0 = done */
typedef uint32_t lamina_value;            /* a tensor of the graph under construction, known until the call that got it returns; 0 = none */
typedef struct lamina_scope lamina_scope; /* the host's: where in the network a call is (path, mode, settings); where errors are told */

/* Element types. Sizes in bytes: 4, 8, 2, 2, 4, 4, 1, 1. */
enum { LAMINA_FLOAT32 = 1, LAMINA_FLOAT64, LAMINA_FLOAT16, LAMINA_BFLOAT16, LAMINA_INT32, LAMINA_UINT32, LAMINA_UINT8, LAMINA_BOOL };

enum { LAMINA_BOOLEAN = 1, LAMINA_INTEGER, LAMINA_REAL, LAMINA_TEXT, LAMINA_DTYPE, LAMINA_LIST = 0x100 };
typedef struct lamina_attribute { /* frozen: an op's attribute, a parameter's default, a delivered setting */
  const char* name;
  uint32_t type, count; /* LAMINA_…, or'ed with LAMINA_LIST; count is 1 for a single value, 0 for "no default" */
  const void* data;     /* int64_t[count] (boolean, integer, dtype), double[count] (real), const char*[count] (text) */
} lamina_attribute;

typedef struct lamina_shape { /* frozen */
  uint32_t dtype, rank;
  int64_t dims[LAMINA_MAX_RANK];
} lamina_shape;

typedef struct lamina_host lamina_host;

/* A kernel of the plugin's own. Lives as long as the process. A missing body is null: planning says where it cannot run. */
typedef struct lamina_kernel_call {
  uint32_t size, in_count, out_count, constant_count;
  const void* const* in; /* dense, row-major, float or double; a body cannot fail */
  void* const* out;
  const lamina_shape *in_shapes, *out_shapes;
  const double* constants;
  int64_t begin, end; /* the work items of this call; any thread, any split, in any order */
} lamina_kernel_call;
typedef struct lamina_kernel {
  uint32_t size;
  const char* name; /* unique in the plugin */
  void (*cpu_float)(const lamina_kernel_call*);
  void (*cpu_double)(const lamina_kernel_call*);
  const char* glsl; /* void item(uint i), reaching buffers through in0(i), out0(i, v), constants as c0, … */
  /* Emits the gradient. upstream: one per result, 0 where nothing depends on it. downstream: one per input, 0 = none. */
  lamina_status (*gradient)(const lamina_host*, lamina_scope*, const lamina_value* in, const lamina_value* results,
                            const lamina_value* upstream, const double* constants, lamina_value* downstream);
} lamina_kernel;

struct lamina_host { /* a plugin looks at size before it reads a field that version 1.0 did not have */
  uint32_t size, minor;
  /* The one verb. parameter, state, assign, scalar and random_bits are ops like any other: a new op or a new attribute never changes this
     table. *out_count: room on entry, number of results on return. */
  lamina_status (*emit)(lamina_scope*, const char* op, const lamina_value* in, uint32_t in_count, const lamina_attribute*,
                        uint32_t attribute_count, lamina_value* out, uint32_t* out_count);
  lamina_status (*shape)(lamina_scope*, lamina_value, lamina_shape*);
  lamina_status (*kernel)(lamina_scope*, const lamina_kernel*, const lamina_value* in, uint32_t in_count, const double* constants,
                          uint32_t constant_count, const lamina_shape* out_shapes, lamina_value* out, uint32_t out_count, int64_t items);
  uint32_t (*training)(lamina_scope*);
  void (*fail)(lamina_scope*, const char* text);       /* any thread */
  uint32_t (*supports)(lamina_scope*, const char* op); /* 1 if emit knows the op */
  /* Initializers only: numbers `first` … `first + count` of the tensor's own stream, uniform in [0, 1) with 53 bits. */
  lamina_status (*uniform)(lamina_scope*, uint64_t first, uint64_t count, double* out);
  /* Datasets only: an array of an HDF5 file, through the host's hardened reader. First call with data null: tells dtype and dims (64-bit
     integers come as int32, range-checked). Second call: fills `bytes` bytes, row-major. */
  lamina_status (*read_hdf5)(lamina_scope*, const char* path, const char* name, lamina_shape*, void* data, uint64_t bytes);
  /* Since 1.1. The reason, told to fail by whoever found it, is about this setting ("stride", "parameters.beta"), at this place of its text
     ("column 9"; null or "": all of it). Any thread; the first wins. */
  void (*point_at)(lamina_scope*, const char* setting, const char* place);
};

enum {
  LAMINA_REQUIRED = 1,
  LAMINA_PER_STEP = 2,       /* a scalar of the step table: may change without a new plan */
  LAMINA_OPTIONAL_INPUT = 4, /* ports */
  LAMINA_MANY = 8,           /* ports: the last input repeats; since 1.2 the last result too: part_0, part_1, … */
  LAMINA_PER_AXIS = 16,      /* a list that also takes one number for all axes */
  LAMINA_PATH = 32,          /* a text that names a file or folder; relative ones are resolved against the experiment's folder */
  LAMINA_PADDING = 64        /* since 1.2, a list of integers: places around each spatial axis, see below */
};
/* A padding is delivered as [n] for all sides, as one number per axis, or by a code that no number of places has: [LAMINA_PAD_SAME],
   [LAMINA_PAD_SAME_LOWER], or [LAMINA_PAD_SIDES, low of axis 0, high of axis 0, low of axis 1, …]. */
enum { LAMINA_PAD_SAME = -1, LAMINA_PAD_SAME_LOWER = -2, LAMINA_PAD_SIDES = -3 };
/* An object with keys of the user's choosing, {"beta": {"initial": 1, …}, …}, is declared as the list of texts NAME.*, followed by a list
   NAME.*.FIELD for each value under a key, whose default is one element or, where it is required, none. NAME.* is delivered as the keys,
   NAME.*.FIELD with one element per key; without keys, none of them. A plain value under a key stands for the first FIELD. A per-step one
   is the scalar NAME.key.FIELD. */
typedef struct lamina_parameter {
  uint32_t size, flags;
  const char *domain, *doc; /* "[0, 1)", "(0, inf)" or "same | valid"; null = anything. Of a list: of each element */
  lamina_attribute initial; /* name, type and default; count 0 = none */
  const char* unit;
} lamina_parameter;
typedef struct lamina_port { /* an input or a result */
  uint32_t size, flags;
  const char *name, *doc;
} lamina_port;

typedef struct lamina_plugin { /* what lamina_plugin_v1 returns; lives as long as the process */
  uint32_t size;
  uint16_t major, minor;
  const char *kind, *name, *doc; /* an unknown kind is listed and ignored; name null: doc says what is wrong with the plugin */
  const lamina_parameter* parameters;
  const lamina_port *inputs, *results;
  uint32_t parameter_count, input_count, result_count;
  const void* table;         /* of its kind, size first */
  const char* version;       /* of the plugin; for the record */
  const char* example;       /* settings as JSON text, used by docs and by the conformance check */
  const char* example_shape; /* shapes of the inputs it is checked on, as JSON text: [[2, 3, 8, 8]] */
  /* Since 1.1, for documents; null where there is nothing to say. */
  const char *formula, *details; /* "y = max(x, 0)", lines end in \n; whole sentences */
  const char* source;            /* author, venue, year, equation */
} lamina_plugin;

#define LAMINA_SETTINGS const lamina_host *, lamina_scope *, const lamina_attribute *settings, uint32_t setting_count

typedef struct lamina_layer { /* kinds layer, loss, transform: records what it computes */
  uint32_t size;
  /* in: as many as its ports say, 0 for an optional one that is not there. *out_count: room on entry, number of results on return. */
  lamina_status (*forward)(LAMINA_SETTINGS, const lamina_value* in, uint32_t in_count, lamina_value* out, uint32_t* out_count);
} lamina_layer;
typedef struct lamina_metric { /* algebra to partial sums per batch (added up in float64 over all batches), then a formula on the host */
  uint32_t size;
  lamina_status (*sums)(LAMINA_SETTINGS, const lamina_value* in, uint32_t in_count, lamina_value* out, uint32_t* out_count);
  /* sums: all elements of all results, one after the other. */
  lamina_status (*finish)(LAMINA_SETTINGS, const double* sums, uint64_t sum_count, double* result);
} lamina_metric;
typedef struct lamina_optimizer {
  uint32_t size;
  lamina_status (*update)(LAMINA_SETTINGS, lamina_value w, lamina_value g, lamina_value* next);
} lamina_optimizer;
typedef struct lamina_initializer { /* pure: values depend on settings, shape, fans and the numbers of host->uniform */
  uint32_t size;
  lamina_status (*fill)(LAMINA_SETTINGS, const lamina_shape*, int64_t fan_in, int64_t fan_out, double* values);
} lamina_initializer;
typedef struct lamina_moment { /* where the training is, before an update */
  uint32_t size, metric_count;
  int64_t step, steps, epoch, epochs, steps_per_epoch; /* step and epoch count from 0; steps: of the whole run */
  double learning_rate;                                /* the experiment's */
  const char* const* metric_names;                     /* of the last epoch; none in the first */
  const double* metric_values;
  /* Since 1.2. Of each metric the values of all epochs so far that measured it, history_counts[i] of them; the last is metric_values[i],
     which is NaN where there is none yet. */
  const double* const* metric_histories;
  const int64_t* history_counts;
} lamina_moment;
typedef struct lamina_schedule { /* pure */
  uint32_t size;
  lamina_status (*rate)(LAMINA_SETTINGS, const lamina_moment*, double* learning_rate);
} lamina_schedule;

/* Datasets. The object is created by open and belongs to the plugin; everything it points to lives until close. */
typedef struct lamina_column {
  uint32_t size;
  uint32_t class_count;       /* of a target that is a class number: how many classes; else 0 */
  const char* name;           /* "input", "target", or any name the network's inputs use */
  lamina_shape sample;        /* dtype and shape of one sample, without the batch axis */
  const void* data;           /* all samples, one after the other, when they are in memory; null: through read */
  const char* const* classes; /* names of the classes, or null */
} lamina_column;
typedef struct lamina_split {
  uint32_t size, column_count;
  const char* name; /* "train", "validation", "test" */
  int64_t samples;
  const lamina_column* columns;
} lamina_split;
typedef struct lamina_dataset {
  uint32_t size;
  lamina_status (*open)(LAMINA_SETTINGS, void** object);
  lamina_status (*splits)(void* object, const lamina_split** splits, uint32_t* count);
  /* Columns without data: decodes the samples `rows` of one column into out, dense. Any thread, several at once. */
  lamina_status (*read)(const lamina_host*, lamina_scope*, void* object, uint32_t split, uint32_t column, const int64_t* rows,
                        uint32_t row_count, void* out);
  void (*close)(void* object);
} lamina_dataset;

/* Kind backend: see abi_backend.h. */

#ifdef __cplusplus
}
#endif
#endif
