// "map": fused elementwise regions over tiles.
#include <lamina/philox.hpp>

#include <algorithm>
#include <cstring>
#include <limits>

#include "lowering.hpp"
#include "map_code.hpp"
#include "threads.hpp"

namespace lamina::cpu {

namespace {

/// Calls f(offset, n) for the runs of the innermost loop that make up positions [pos, pos + n) of a view.
template <class F>
void for_runs(const Nest& nest, uint32_t view, int64_t pos, int64_t n, F f) {
  const size_t rank = nest.sizes.size();
  const Shape& strides = nest.strides[view];
  int64_t at[64];
  int64_t rest = pos, offset = 0;
  for (size_t i = rank; i-- > 0;) at[i] = rest % nest.sizes[i], rest /= nest.sizes[i], offset += at[i] * strides[i];
  const int64_t inner = nest.sizes[rank - 1];
  while (n > 0) {
    const int64_t run = std::min(n, inner - at[rank - 1]);
    f(offset, run);
    n -= run;
    offset += run * strides[rank - 1], at[rank - 1] += run;
    for (size_t i = rank; i-- > 1 && at[i] == nest.sizes[i];) {
      offset += strides[i - 1] - at[i] * strides[i];
      at[i] = 0, ++at[i - 1];
    }
  }
}

class MapStep : public Step {
 public:
  MapStep(std::vector<Body> bodies, int threads) : bodies_(std::move(bodies)) {
    double total = 0;
    for (const Body& b : bodies_) total += double(b.nest.count) * b.weight;
    threads_ = total < 40000 ? 1 : threads;
    shares_.resize(bodies_.size());
    int64_t all = 0, before = 0;
    for (const Body& b : bodies_) all += b.nest.count;
    for (size_t k = 0; k < bodies_.size(); ++k) {
      const Body& b = bodies_[k];
      for (int t = 0; t <= threads_; ++t) {
        int64_t cut = std::clamp(int64_t(double(all) * t / threads_) - before, int64_t(0), b.nest.count);
        if (t == threads_) cut = b.nest.count;
        if (cut != b.nest.count) cut = cut / b.granule * b.granule;
        shares_[k].push_back(cut);
      }
      before += b.nest.count;
    }
    cells_.resize(bodies_.size()), addresses_.resize(bodies_.size()), sums_.resize(bodies_.size());
  }

  void bind(const Memory& m) override {
    workspaces_ = m.workspaces;
    for (size_t k = 0; k < bodies_.size(); ++k) {
      const Body& b = bodies_[k];
      addresses_[k].clear();
      for (size_t v = 0; v < b.places.size(); ++v) {
        const bool table = v >= b.first_table && v < b.first_table + b.coordinates.size();
        addresses_[k].push_back(table ? (char*)b.coordinates[v - b.first_table].data() : m.at<char>(b.places[v]));
      }
      sums_[k].clear();
      for (const Reduction& r : b.reductions) sums_[k].push_back(m.at<double>(r.scratch));
      cells_[k].assign(b.slots, 0);
    }
  }

  void run(const Moment& now) override {
    for (size_t k = 0; k < bodies_.size(); ++k) compute_cells(k, *now.run);
    const auto share = [&](int t) {
      for (size_t k = 0; k < bodies_.size(); ++k) work(k, t, *now.run);
    };
    if (threads_ == 1)
      share(0);
    else
      on_threads(threads_, share);
    for (size_t k = 0; k < bodies_.size(); ++k)
      for (size_t r = 0; r < bodies_[k].reductions.size(); ++r) finish(k, r);
  }

 private:
  void compute_cells(size_t k, const lamina_run& run) {
    const Body& b = bodies_[k];
    uint32_t* cells = cells_[k].data();
    for (const Cell& c : b.cells) switch (c.from) {
        case Cell::From::constant:
          cells[c.slot] = c.bits;
          break;
        case Cell::From::scalar:
          cells[c.slot] = register_bits(run.scalars[c.scalar], c.dtype);
          break;
        case Cell::From::memory:
          kernels().load(&cells[c.slot], addresses_[k][c.view], stored_as(c.dtype), 1);
          break;
        case Cell::From::computed:
          break;
      }
    for (const Code& c : b.uniform) c.kernel(&cells[c.d], &cells[c.a], &cells[c.b], &cells[c.c], 1);
  }

  double* sums_of(size_t k, size_t r, int thread) const {
    return sums_[k][r] + (bodies_[k].shared_sums ? 0 : bodies_[k].reductions[r].sums * thread);
  }
  static double start_of(uint32_t kind) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return kind == LAMINA_SUM ? 0 : kind == LAMINA_MAX ? -infinity : infinity;
  }

  void work(size_t k, int thread, const lamina_run& run) {
    const Body& b = bodies_[k];
    const int64_t begin = shares_[k][size_t(thread)], end = shares_[k][size_t(thread) + 1];
    clear_sums(k, thread, begin, end);
    if (begin == end) return;
    const KernelTable& table = kernels();
    const auto& address = addresses_[k];
    char* space = (*workspaces_)[size_t(thread)];
    char** slot = reinterpret_cast<char**>(space);
    char* registers = space + (b.slots * sizeof(void*) + 63) / 64 * 64;
    for (const Cell& c : b.cells) slot[c.slot] = reinterpret_cast<char*>(&cells_[k][c.slot]);
    for (size_t i = 0; i < b.register_slots.size(); ++i) slot[b.register_slots[i]] = registers + i * size_t(b.tile * 4 + 64);
    const int64_t longest = std::min(b.tile, end - begin);
    for (const Filled& f : b.filled) fill(b, f, slot, f.cyclic ? address[f.view] : nullptr, longest);

    const bool long_period = b.period > b.tile;
    for (int64_t pos = begin; pos < end;) {
      int64_t length = std::min(b.tile, end - pos);
      const int64_t phase = long_period ? pos % b.period : 0;
      if (long_period) length = std::min(length, b.period - phase);
      const size_t n = size_t(length);
      for (const Advance& a : b.advances) slot[a.slot] = address[a.view] + (a.cyclic ? phase : pos) * 4;
      for (const Code& c : b.codes) {
        switch (c.kind) {
          case Code::Kind::call:
            c.kernel(slot[c.d], slot[c.a], slot[c.b], slot[c.c], n);
            break;
          case Code::Kind::load:
            table.load(slot[c.d], address[c.view] + pos * width(c.stored), c.stored, n);
            break;
          case Code::Kind::store:
            table.store(address[c.view] + pos * width(c.stored), slot[c.a], c.stored, n);
            break;
          case Code::Kind::random: {
            const RandomStream s = RandomStream::of(run.seed, c.key, run.step, run.micro_batch);
            const uint32_t words[4] = {s.key0, s.key1, s.step, s.micro_batch};
            table.random(reinterpret_cast<uint32_t*>(slot[c.d]), uint64_t(pos), n, words);
            break;
          }
          case Code::Kind::load_strided: {
            char* to = slot[c.d];
            const int64_t stride = b.nest.strides[c.view].back(), bytes = width(c.stored);
            for_runs(b.nest, c.view, pos, length, [&](int64_t offset, int64_t count) {
              table.load_strided(to, address[c.view] + offset * bytes, c.stored, stride, size_t(count));
              to += count * 4;
            });
            break;
          }
          case Code::Kind::store_strided: {
            const char* from = slot[c.a];
            const int64_t stride = b.nest.strides[c.view].back(), bytes = width(c.stored);
            for_runs(b.nest, c.view, pos, length, [&](int64_t offset, int64_t count) {
              table.store_strided(address[c.view] + offset * bytes, stride, from, c.stored, size_t(count));
              from += count * 4;
            });
            break;
          }
        }
      }
      for (size_t r = 0; r < b.reductions.size(); ++r)
        gather(b, b.reductions[r], sums_of(k, r, thread), slot[b.reductions[r].slot], pos, phase, length);
      pos += length;
    }
  }

  static int64_t width(Stored s) {
    constexpr int64_t bytes[] = {4, 1, 1, 2, 2, 8};
    return bytes[size_t(s)];
  }

  static void fill(const Body& b, const Filled& f, char** slot, const char* from, int64_t length) {
    const KernelTable& table = kernels();
    if (!f.cyclic) return table.load_strided(slot[f.slot], slot[f.from], Stored::word, 0, size_t(length));
    const int64_t period = b.nest.period(f.view);
    for (int64_t at = 0; at < length; at += period)
      table.load(slot[f.slot] + at * 4, from, f.stored, size_t(std::min(period, length - at)));
  }

  void clear_sums(size_t k, int thread, int64_t begin, int64_t end) {
    const Body& b = bodies_[k];
    for (size_t r = 0; r < b.reductions.size(); ++r) {
      const Reduction& red = b.reductions[r];
      double* sums = sums_of(k, r, thread);
      if (!b.shared_sums) {
        std::fill_n(sums, red.sums, start_of(red.kind));
      } else {
        for_runs(b.nest, red.view, begin, end - begin, [&](int64_t offset, int64_t count) {
          const int64_t stride = b.nest.strides[red.view].back();
          for (int64_t i = 0; i < (stride ? count : 1); ++i) sums[offset + i * stride] = start_of(red.kind);
        });
      }
    }
  }

  static void combine(double& sum, double v, uint32_t kind) {
    if (kind == LAMINA_SUM)
      sum += v;
    else if ((kind == LAMINA_MAX ? v > sum : v < sum) || v != v)
      sum = v;
  }

  static void gather(const Body& b, const Reduction& r, double* sums, const char* x, int64_t pos, int64_t phase, int64_t n) {
    const KernelTable& table = kernels();
    switch (r.gather) {
      case Gather::all:
        return combine(*sums, table.fold(x, r.kind, r.type, size_t(n)), r.kind);
      case Gather::lanes:
        return table.gather_into(sums, x, r.kind, r.type, size_t(n));
      case Gather::cycle:
        return table.gather_into(sums + phase, x, r.kind, r.type, size_t(n));
      case Gather::rows:
        break;
    }
    const int64_t stride = b.nest.strides[r.view].back();
    for_runs(b.nest, r.view, pos, n, [&](int64_t offset, int64_t count) {
      if (stride == 0) {
        combine(sums[offset], table.fold(x, r.kind, r.type, size_t(count)), r.kind);
      } else if (stride == 1) {
        table.gather_into(sums + offset, x, r.kind, r.type, size_t(count));
      } else {
        for (int64_t i = 0; i < count; ++i) combine(sums[offset + i * stride], table.fold(x + 4 * i, r.kind, r.type, 1), r.kind);
      }
      x += count * 4;
    });
  }

  void finish(size_t k, size_t r) {
    const Body& b = bodies_[k];
    const Reduction& red = b.reductions[r];
    char* to = addresses_[k][red.view];
    const int copies = b.shared_sums ? 1 : threads_;
    const int64_t lanes = red.gather == Gather::lanes ? b.tile / red.elements : 1;
    const Stored stored = stored_as(red.dtype);
    for (int64_t i = 0; i < red.elements; ++i) {
      double sum = start_of(red.kind);
      for (int t = 0; t < copies; ++t)
        for (int64_t l = 0; l < lanes; ++l) combine(sum, sums_of(k, r, t)[i + l * red.elements], red.kind);
      uint32_t bits;
      if (red.type == 'f') {
        const float f = float(sum);
        std::memcpy(&bits, &f, sizeof bits);
      } else {
        bits = uint32_t(int64_t(sum));
      }
      kernels().store(to + i * width(stored), &bits, stored, 1);
    }
  }

  std::vector<Body> bodies_;
  int threads_;
  std::vector<std::vector<int64_t>> shares_;  // per body: thread t works on [t], [t + 1)
  std::vector<std::vector<uint32_t>> cells_;
  std::vector<std::vector<char*>> addresses_;
  std::vector<std::vector<double*>> sums_;
  const std::vector<char*>* workspaces_ = nullptr;
};

/// The coordinates behind each iota, as registers hold them.
std::vector<std::vector<uint32_t>> coordinate_tables(const Op& op, const Shape& space) {
  std::vector<std::vector<uint32_t>> tables;
  for (const auto& i : op.region.instructions) {
    if (i.op != "iota") continue;
    std::vector<uint32_t>& table = tables.emplace_back();
    for (int64_t k = 0; k < space[size_t(i.attributes.integer("axis"))]; ++k) table.push_back(register_bits(double(k), i.dtype));
  }
  return tables;
}

}  // namespace

void lower_map(Lowering& l, const Op& op) {
  const Region& region = op.region;
  if (region.spaces.empty()) op.fail("its region has no segment");
  std::vector<Body> bodies;
  uint64_t sums = 0;
  for (uint32_t s = 0; s < region.spaces.size(); ++s) {
    const Segment segment = plan_segment(l, op, s);
    Body body = assemble(segment, l.settings.threads);
    body.first_table = 0;
    for (int v : segment.operand_view) body.first_table += v >= 0;
    body.coordinates = coordinate_tables(op, region.spaces[s]);
    for (const Reduction& r : body.reductions) sums += body.shared_sums ? 0 : uint64_t(r.sums);
    l.workspace_bytes = std::max(l.workspace_bytes, body.workspace_bytes());
    bodies.push_back(std::move(body));
  }
  // Sums that every thread keeps for itself may take 128 MB; beyond that one thread does it all.
  const int threads = sums * uint64_t(l.settings.threads) > (1u << 24) ? 1 : l.settings.threads;
  for (Body& b : bodies)
    for (Reduction& r : b.reductions) r.scratch = l.scratch(uint64_t(r.sums) * 8 * uint64_t(b.shared_sums ? 1 : threads));
  l.add([&] { return std::make_unique<MapStep>(std::move(bodies), threads); });
}

}  // namespace lamina::cpu
