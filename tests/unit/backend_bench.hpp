/// Programs for a backend plugin, written by hand from the public headers alone: what a host does, without the host.
#pragma once
#include <dlfcn.h>
#include <lamina/abi_backend.h>
#include <lamina/tensor.hpp>

#include <cstring>
#include <deque>
#include <stdexcept>

namespace bench {

using lamina::Attribute;
using lamina::DType;
using lamina::Shape;

struct Array {
  Shape shape;
  std::vector<double> data;
  DType dtype = DType::float64;
};

template <class T>
void put(std::byte*& to, double v) {
  const T element = T(v);
  std::memcpy(to, &element, sizeof element);
  to += sizeof element;
}
template <class T>
double take(const std::byte*& from) {
  T element;
  std::memcpy(&element, from, sizeof element);
  from += sizeof element;
  return double(element);
}
inline std::vector<std::byte> bytes_of(const Array& a) {
  std::vector<std::byte> bytes(a.data.size() * lamina::size_of(a.dtype));
  std::byte* to = bytes.data();
  for (double v : a.data) {
    if (a.dtype == DType::float64) put<double>(to, v);
    if (a.dtype == DType::float32) put<float>(to, v);
    if (a.dtype == DType::int32) put<int32_t>(to, v);
    if (a.dtype == DType::uint32) put<uint32_t>(to, v);
    if (lamina::size_of(a.dtype) == 1) put<uint8_t>(to, v);
  }
  return bytes;
}
inline std::vector<double> numbers_of(DType dtype, const std::byte* from, size_t count) {
  std::vector<double> v;
  while (v.size() < count) {
    if (dtype == DType::float64) v.push_back(take<double>(from));
    if (dtype == DType::float32) v.push_back(take<float>(from));
    if (dtype == DType::int32) v.push_back(take<int32_t>(from));
    if (dtype == DType::uint32) v.push_back(take<uint32_t>(from));
    if (lamina::size_of(dtype) == 1) v.push_back(take<uint8_t>(from));
    if (lamina::size_of(dtype) == 2) throw std::runtime_error("16-bit results are not read here");
  }
  return v;
}

/// One session of one backend. `fault` holds the last text told to fail.
class Session {
 public:
  explicit Session(const std::string& library, std::vector<Attribute> settings = {}) {
    void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) throw std::runtime_error(dlerror());
    auto entry = reinterpret_cast<const lamina_plugin* (*)()>(dlsym(handle, "lamina_plugin_v1"));
    plugin = entry();
    table = static_cast<const lamina_backend*>(plugin->table);
    host.size = sizeof host;
    host.fail = [](lamina_scope* scope, const char* text) { *reinterpret_cast<std::string*>(scope) = text; };
    std::vector<lamina_attribute> views;
    for (auto& a : settings) views.push_back(a.view());
    must(table->open(&host, scope(), views.data(), uint32_t(views.size()), &object));
  }
  ~Session() { table->close(object); }
  Session(const Session&) = delete;
  lamina_scope* scope() { return reinterpret_cast<lamina_scope*>(&fault); }
  void must(lamina_status status) {
    if (status) throw std::runtime_error(fault);
  }
  const lamina_plugin* plugin;
  const lamina_backend* table;
  lamina_host host{};
  std::string fault;
  void* object = nullptr;
};

/// Builds a program value by value; temporaries and inputs get places of their own in the arena.
class Program {
 public:
  uint32_t value(uint32_t kind, DType dtype, const Shape& shape, uint32_t index = 0) {
    lamina_program_value v{};
    v.size = sizeof v, v.kind = kind, v.dtype = uint32_t(dtype), v.rank = uint32_t(shape.size()), v.index = index;
    std::copy(shape.begin(), shape.end(), v.dims);
    v.bytes = uint64_t(lamina::element_count(shape)) * lamina::size_of(dtype), v.alignment = 64;
    if (kind == LAMINA_TEMPORARY || kind == LAMINA_INPUT) v.offset = arena, arena += (v.bytes + 63) / 64 * 64;
    values.push_back(v);
    return uint32_t(values.size() - 1);
  }
  uint32_t temporary(const Shape& shape, DType dtype = DType::float64) { return value(LAMINA_TEMPORARY, dtype, shape); }
  uint32_t input(const Array& a) {
    feeds.push_back(bytes_of(a));
    return value(LAMINA_INPUT, a.dtype, a.shape, uint32_t(feeds.size() - 1));
  }
  uint32_t scalar(double v) {
    scalars.push_back(v);
    return value(LAMINA_SCALAR, DType::float64, {}, uint32_t(scalars.size() - 1));
  }
  lamina_program_op& op(const char* name, std::vector<uint32_t> in, std::vector<uint32_t> out, std::vector<Attribute> attributes = {}) {
    Held& h = held.emplace_back(Held{std::move(in), std::move(out), std::move(attributes), {}});
    for (auto& a : h.attributes) h.views.push_back(a.view());
    lamina_program_op& o = ops.emplace_back();
    o.size = sizeof o, o.revision = 1, o.name = name, o.path = "net.layer";
    o.in = h.in.data(), o.in_count = uint32_t(h.in.size()), o.out = h.out.data(), o.out_count = uint32_t(h.out.size());
    o.attributes = h.views.data(), o.attribute_count = uint32_t(h.views.size());
    return o;
  }
  void show(uint32_t v) {
    outputs.push_back({sizeof(lamina_program_output), v, output_bytes});
    output_bytes += (values[v].bytes + 7) / 8 * 8;
  }
  const lamina_program& view() {
    program = {sizeof program,         uint32_t(values.size()),
               uint32_t(ops.size()),   uint32_t(outputs.size()),
               uint32_t(feeds.size()), uint32_t(scalars.size()),
               values.data(),          ops.data(),
               outputs.data(),         arena,
               output_bytes,           "test"};
    return program;
  }
  /// Compiles and runs once; the shown values.
  std::vector<std::vector<double>> run(Session& s, uint64_t seed = 0, uint64_t step = 0) {
    void* executable = nullptr;
    s.must(s.table->compile(&s.host, s.scope(), s.object, &view(), &executable));
    std::vector<lamina_feed> sources;
    for (auto& f : feeds) sources.push_back({f.data(), nullptr, 0});
    std::vector<std::byte> bytes(output_bytes + 1);
    const lamina_run run{sizeof run, uint32_t(sources.size()), seed, step, 0, sources.data(), scalars.data(), bytes.data()};
    const lamina_status status = s.table->run(&s.host, s.scope(), executable, &run) || s.table->wait(&s.host, s.scope(), executable);
    s.table->release(executable);
    s.must(status);
    std::vector<std::vector<double>> results;
    for (auto& o : outputs) {
      const auto& v = values[o.value];
      results.push_back(numbers_of(DType(v.dtype), bytes.data() + o.offset, v.bytes / lamina::size_of(DType(v.dtype))));
    }
    return results;
  }

  std::vector<lamina_program_value> values;
  std::vector<lamina_program_op> ops;
  std::vector<lamina_program_output> outputs;
  std::vector<std::vector<std::byte>> feeds;
  std::vector<double> scalars;
  uint64_t arena = 0, output_bytes = 0;

 private:
  struct Held {
    std::vector<uint32_t> in, out;
    std::vector<Attribute> attributes;
    std::vector<lamina_attribute> views;
  };
  std::deque<Held> held;
  lamina_program program{};
};

/// A fused region: instructions are added one by one, numbered after the operands.
class Region {
 public:
  explicit Region(uint32_t operands) : operands(operands) {}
  uint32_t add(const char* op, std::vector<uint32_t> in, DType dtype = DType::float64, std::vector<Attribute> attributes = {}) {
    Held& h = held.emplace_back(Held{std::move(attributes), {}});
    for (auto& a : h.attributes) h.views.push_back(a.view());
    lamina_instruction i{};
    i.size = sizeof i, i.dtype = uint32_t(dtype), i.op = op, i.in_count = uint32_t(in.size());
    std::copy(in.begin(), in.end(), i.in);
    i.attributes = h.views.data(), i.attribute_count = uint32_t(h.views.size());
    instructions.push_back(i);
    return operands + uint32_t(instructions.size()) - 1;
  }
  void result(uint32_t number, uint32_t reduce = LAMINA_KEEP) {
    results.push_back({sizeof(lamina_region_result), number - operands, reduce});
  }
  /// The iteration spaces, one per segment. The view lives as long as this.
  const lamina_region* over(const std::vector<Shape>& spaces) {
    shapes.clear();
    for (auto& s : spaces) {
      lamina_shape& shape = shapes.emplace_back();
      shape.rank = uint32_t(s.size());
      std::copy(s.begin(), s.end(), shape.dims);
    }
    region = {sizeof region,       operands,       uint32_t(instructions.size()), uint32_t(results.size()),
              instructions.data(), results.data(), uint32_t(shapes.size()),       shapes.data()};
    return &region;
  }

 private:
  struct Held {
    std::vector<Attribute> attributes;
    std::vector<lamina_attribute> views;
  };
  uint32_t operands;
  std::deque<Held> held;
  std::vector<lamina_instruction> instructions;
  std::vector<lamina_region_result> results;
  std::vector<lamina_shape> shapes;
  lamina_region region{};
};

/// Runs one op on dense inputs; its results, which have the shapes and types of `out` (whose data are ignored).
inline std::vector<std::vector<double>> evaluate(Session& s, const char* name, const std::vector<Array>& in, const std::vector<Array>& out,
                                                 const std::vector<Attribute>& attributes = {}) {
  Program p;
  std::vector<uint32_t> ins, outs;
  for (auto& a : in) ins.push_back(p.input(a));
  for (auto& a : out) outs.push_back(p.temporary(a.shape, a.dtype));
  p.op(name, ins, outs, attributes);
  for (uint32_t o : outs) p.show(o);
  return p.run(s);
}

}  // namespace bench
