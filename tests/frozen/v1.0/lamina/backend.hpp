/// A backend is three classes; none has a base class, and what is missing is a compile error with the wanted signature.
///   struct Mine {                                       // settings; small, copyable
///     void declare(Declaration&);                       // "device", "precision", "threads" and whatever else it takes
///     static std::vector<Device> devices();             // without opening any
///     std::unique_ptr<MySession> open() const;          // throws Error where the device cannot be had
///   };
///   struct MySession {                                  // owns the device and the state; used from one thread at a time
///     bool claims(const Op&);                           // op list ops but "map"; a composite that is refused is decomposed
///     void prepare(const Program&, Planner&);           // layouts, scratch, in-place pairs; offsets are not known yet
///     void state_create(const std::vector<StateEntry>&);  // once, zero-filled
///     void state_read(uint32_t entry, void* row_major);
///     void state_write(uint32_t entry, const void* row_major);
///     std::unique_ptr<MyExecutable> compile(Program);   // keep the Program if it is needed later: it owns its copies
///     std::string describe();                           // for the record: "AMD EPYC, 2 threads, …"
///     void keep(const void* base, uint64_t bytes);      // optional: feeds from there will not change; a copy may stay on the device
///   };
///   struct MyExecutable {                               // destroyed before its session
///     void run(const Run&);                             // has read all but outputs when it returns; may then still be at work
///     void wait();                                      // all runs of it are done, outputs are written
///     std::vector<OpTime> profile(bool enable);         // optional: seconds per op since the last call, then starts or stops counting
///     std::string explain();                            // optional: a line that sums up what runs, then a line for each part
///   };
///   LAMINA_BACKEND(Mine, "mine", "what it is, in one line")
/// Every method may throw Error (or any std::exception): it becomes a status and a text of the host.
/// What they are handed (Program, Op, Value, Planner, …) is described in program.hpp.
#pragma once
#include <memory>

#include "plugin.hpp"
#include "program.hpp"

namespace lamina {

namespace border {

template <class T>
struct Backend {
  using Plugin = T;
  using Session = typename decltype(std::declval<const T&>().open())::element_type;
  using Executable = typename decltype(std::declval<Session&>().compile(std::declval<Program>()))::element_type;
  struct Held {  // a session and the last text it gave
    std::unique_ptr<Session> session;
    std::string text;
  };
  static Session& of(void* session) { return *static_cast<Held*>(session)->session; }

  static lamina_status devices(const lamina_host* host, lamina_scope* scope, lamina_device* out, uint32_t* count) {
    return guard(host, scope, [&] {
      static thread_local std::vector<Device> kept;  // the texts live until the next call
      kept = T::devices();
      const uint32_t room = out ? *count : 0;
      *count = uint32_t(kept.size());
      for (uint32_t i = 0; i < std::min(room, *count); ++i) {
        const Device& d = kept[i];
        write_sized(out, i,
                    lamina_device{sizeof(lamina_device), d.available, d.name.c_str(), d.type.c_str(), d.driver.c_str(), d.why.c_str(),
                                  d.memory, d.threads, d.details.c_str()});
      }
    });
  }
  static lamina_status open(const lamina_host* host, lamina_scope* handle, const lamina_attribute* settings, uint32_t count,
                            void** session) {
    return guard(host, handle, [&] {
      auto held = std::make_unique<Held>();
      held->session = configured<T>(settings, count).open();
      *session = held.release();
    });
  }
  static void close(void* session) { delete static_cast<Held*>(session); }
  static uint32_t claims(void* session, const lamina_program_op* op, const lamina_program_value* values) {
    try {
      return of(session).claims(Op(0, read_sized(op), values));
    } catch (...) {
      return 0;  // what it cannot read it does not run
    }
  }
  static lamina_status prepare(const lamina_host* host, lamina_scope* scope, void* session, const lamina_program* program,
                               const lamina_planner* planner, void* plan) {
    return guard(host, scope, [&] {
      Planner p(planner, plan);
      of(session).prepare(Program(program), p);
    });
  }
  static lamina_status state_create(const lamina_host* host, lamina_scope* scope, void* session, const lamina_state_entry* entries,
                                    uint32_t count) {
    return guard(host, scope, [&] {
      std::vector<StateEntry> list;
      for (const auto& e : list_sized(entries, count))
        list.push_back({DType(e.dtype), Shape(e.dims, e.dims + std::min<uint32_t>(e.rank, LAMINA_MAX_RANK)), e.path ? e.path : "", e.layout,
                        e.bytes, e.alignment});
      of(session).state_create(list);
    });
  }
  static lamina_status state_read(const lamina_host* host, lamina_scope* scope, void* session, uint32_t entry, void* to) {
    return guard(host, scope, [&] { of(session).state_read(entry, to); });
  }
  static lamina_status state_write(const lamina_host* host, lamina_scope* scope, void* session, uint32_t entry, const void* from) {
    return guard(host, scope, [&] { of(session).state_write(entry, from); });
  }
  static lamina_status compile(const lamina_host* host, lamina_scope* scope, void* session, const lamina_program* program,
                               void** executable) {
    return guard(host, scope, [&] { *executable = of(session).compile(Program(program)).release(); });
  }
  static void release(void* executable) { delete static_cast<Executable*>(executable); }
  static lamina_status run(const lamina_host* host, lamina_scope* scope, void* executable, const lamina_run* r) {
    return guard(host, scope, [&] { static_cast<Executable*>(executable)->run(read_sized(r)); });
  }
  static lamina_status wait(const lamina_host* host, lamina_scope* scope, void* executable) {
    return guard(host, scope, [&] { static_cast<Executable*>(executable)->wait(); });
  }
  /// Room for one entry per op always suffices; what does not fit is dropped.
  static lamina_status profile(void* executable, uint32_t enable, lamina_profile* out, uint32_t* count) {
    if constexpr (requires(Executable e) { e.profile(true); }) {
      try {
        const std::vector<OpTime> times = static_cast<Executable*>(executable)->profile(enable != 0);
        const uint32_t room = out && count ? *count : 0;
        const uint32_t filled = uint32_t(std::min<size_t>(room, times.size()));
        for (uint32_t i = 0; i < filled; ++i) write_sized(out, i, lamina_profile{sizeof(lamina_profile), times[i].op, times[i].seconds});
        if (count) *count = filled;
        return 0;
      } catch (...) {
        return 1;
      }
    } else {
      if (count) *count = 0;
      return 1;
    }
  }
  static const char* describe_session(void* session) {
    try {
      Held& held = *static_cast<Held*>(session);
      held.text = held.session->describe();
      return held.text.c_str();
    } catch (...) {
      return "";
    }
  }
  static lamina_status keep(const lamina_host* host, lamina_scope* scope, void* session, const void* base, uint64_t bytes) {
    return guard(host, scope, [&] {
      if constexpr (requires(Session s) { s.keep(base, bytes); }) of(session).keep(base, bytes);
    });
  }
  static const char* explain(void* executable) {
    if constexpr (requires(Executable e) { e.explain(); }) {
      try {
        static thread_local std::string text;
        text = static_cast<Executable*>(executable)->explain();
        return text.c_str();
      } catch (...) {
      }
    }
    return "";
  }
  static void complete(Declaration&) {}
  static constexpr lamina_backend table{sizeof(lamina_backend),
                                        devices,
                                        open,
                                        close,
                                        claims,
                                        prepare,
                                        state_create,
                                        state_read,
                                        state_write,
                                        compile,
                                        release,
                                        run,
                                        wait,
                                        profile,
                                        describe_session,
                                        keep,
                                        explain};
};

}  // namespace border
}  // namespace lamina

#define LAMINA_BACKEND(Type, name, doc) LAMINA_PLUGIN("backend", name, doc, lamina::border::Backend<Type>)
