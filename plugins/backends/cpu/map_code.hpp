/// A fused region as code for the tile machine: each instruction is one call of an inner loop over a tile that stays in the first-level
/// cache.
#pragma once
#include <lamina/program.hpp>

#include "common/planning.hpp"
#include "kernels.hpp"
#include "step.hpp"

namespace lamina::cpu {

/// How a reduced result is summed up over the tiles of a thread.
enum class Gather : uint8_t {
  all,    ///< one element
  lanes,  ///< dense over the innermost `period` elements, which divide a tile: one sum per element of a tile
  cycle,  ///< the same, with a period longer than a tile: one sum per element of the period
  rows    ///< anything else: one sum per element of the result, run by run
};

struct Reduction {
  uint32_t slot, kind, view;  ///< kind: LAMINA_SUM, …
  char type;                  ///< of the register: 'f', 'i', 'u'
  Gather gather;
  DType dtype;       ///< of the result
  int64_t elements;  ///< of the result
  int64_t sums;      ///< doubles per thread
  Place scratch, result;
};

struct Code {
  enum class Kind : uint8_t { call, load, load_strided, random, store, store_strided };
  Kind kind;
  Stored stored = Stored::word;
  uint16_t d = 0, a = 0, b = 0, c = 0;  ///< slots
  uint32_t view = 0;
  MapKernel kernel = nullptr;
  uint64_t key = 0;  ///< of the random stream
};

/// A slot is an address: of a cell (one element for all tiles), of a register, or one that advances with the tiles.
struct Cell {
  uint16_t slot;
  enum class From : uint8_t { constant, scalar, memory, computed } from;
  uint32_t bits = 0;    ///< constant
  uint32_t scalar = 0;  ///< row of the step table
  DType dtype{};        ///< of the scalar's use, or of the memory's element
  uint32_t view = 0;
};
struct Advance {
  uint16_t slot;
  uint32_t view;
  bool cyclic;  ///< base + position mod period, else base + position
};
struct Filled {  ///< registers that are written once per thread
  uint16_t slot;
  bool cyclic;    ///< from a view of a short period; else from a cell
  uint16_t from;  ///< cell's slot
  uint32_t view = 0;
  Stored stored = Stored::word;
};

/// One segment: its loops and its code.
struct Body {
  Nest nest;
  std::vector<Place> places;                       ///< per view
  std::vector<std::vector<uint32_t>> coordinates;  ///< iota tables; their views come behind the operands
  uint32_t first_table = 0;                        ///< view of coordinates[0]
  int64_t tile = 0, period = 0, granule = 0;
  double weight = 1;  ///< cost per element
  uint32_t slots = 0, registers = 0;
  std::vector<uint16_t> register_slots;  ///< slot of each register
  std::vector<Cell> cells;
  std::vector<Code> uniform;  ///< once per run, on cells
  std::vector<Advance> advances;
  std::vector<Filled> filled;
  std::vector<Code> codes;
  std::vector<Reduction> reductions;
  bool shared_sums = false;  ///< threads own whole rows of every reduced result

  uint64_t workspace_bytes() const;
};

/// The code of a segment; Error for what the machine cannot run.
Body assemble(const Segment& segment, int threads);

Stored stored_as(DType dtype);
/// A number in the 32-bit form that registers of this dtype hold.
uint32_t register_bits(double value, DType dtype);

}  // namespace lamina::cpu
