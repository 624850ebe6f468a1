/// Formulas as texts, "x * sigmoid(beta * x)": read to a list of steps, which then record tensor algebra like any plugin's code. Nothing is
/// pasted into another language. The language is told in docs/expressions.md.
#pragma once
#include <charconv>
#include <functional>
#include <string_view>

#include "functions.hpp"
#include "members.hpp"

namespace lamina::expression {

/// A name that the formula may read. `assign` is null for one that keeps its value; else the formula must give it its next one.
struct Name {
  std::string name, what;             ///< "beta", "a parameter"
  std::function<Tensor()> read = {};  ///< at the place where the formula does
  std::function<void(const Tensor&)> assign = {};
  std::string setting = {};  ///< "parameters.beta" where the user has chosen the name: it must be free, and used
  bool used = false, assigned = false;
};

class Formula {
 public:
  /// Reads `text`, the setting `setting`. Error with place: what is no formula, what has no meaning, a name that is taken or not used.
  Formula(std::string text, std::string setting, std::vector<Name> names) : text_(std::move(text)), setting_(std::move(setting)) {
    for (auto& c : constants) names_.push_back({c.name, "a constant", [&c] { return Tensor(c.value); }});
    for (Name& n : names) {
      if (const std::string taken = meaning(n.name); !taken.empty())
        throw Error(describe("the name ", quoted(n.name), " is taken: it is ", taken), n.setting);
      names_.push_back(std::move(n));
    }
    if (text_.size() > longest_text) fail(0, "the formula has ", text_.size(), " bytes; at most ", longest_text, " are read");
    next();
    statements();
    for (const Name& n : names_) {
      if (n.assign && !n.assigned)
        throw Error(describe("the formula gives ", quoted(n.name), " no next value: ", n.name, " = …;"), n.setting);
      if (!n.setting.empty() && !n.used && !n.assigned) throw Error(describe("the formula does not use ", quoted(n.name)), n.setting);
    }
  }
  /// Records it; what the host refuses gets the place of the operator or function.
  Tensor record(Scope& scope, const Tensor& like = {}) const {
    Tensors stack, locals(names_.size());
    int random_calls = 0;
    for (const Step& s : steps_) try {
        if (s.kind == Step::number) stack.emplace_back(s.value);
        if (s.kind == Step::name) stack.push_back(names_[s.index].read ? names_[s.index].read() : locals[s.index]);
        if (s.kind == Step::store) {
          names_[s.index].assign ? names_[s.index].assign(numeric(stack.back())) : void(locals[s.index] = stack.back());
          stack.pop_back();
        }
        if (s.kind != Step::call) continue;
        Call c{scope, {stack.end() - ptrdiff_t(s.index), stack.end()}, s.axes, like, {}};
        stack.resize(stack.size() - s.index);
        stack.push_back(call(*s.function, c, random_calls));
      } catch (const Error& e) {
        throw e.setting.empty() ? Error(e.text, setting_, place(s.at)) : e;
      }
    return numeric(stack.at(0));
  }

 private:
  struct Step {  // in postfix order
    enum Kind { number, name, store, call } kind;
    size_t at;         // in the text
    size_t index = 0;  // of a name; arguments of a call
    double value = 0;
    const Function* function = nullptr;
    Shape axes = {};
  };
  struct Token {
    enum Kind { number, name, symbol, end } kind;
    std::string text;
    size_t at;
    double value = 0;
  };

  static std::string quoted(const std::string& text) { return "\"" + text.substr(0, 40) + (text.size() > 40 ? "…\"" : "\""); }
  static std::string shown(const Token& t) { return t.kind == Token::end ? "the end" : quoted(t.text); }
  /// "column 9", or "line 2, column 9" in a text of several lines; columns count characters.
  std::string place(size_t at) const {
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && i < text_.size(); ++i)
      if (text_[i] == '\n')
        ++line, column = 1;
      else
        column += (text_[i] & 0xC0) != 0x80;
    const bool lines = text_.find('\n') != text_.npos;
    return (lines ? "line " + std::to_string(line) + ", " : "") + "column " + std::to_string(column);
  }
  template <class... Parts>
  [[noreturn]] void fail(size_t at, const Parts&... parts) const {
    throw Error(describe(parts...), setting_, place(at));
  }
  template <class List>
  static auto find(List& list, const std::string& name) {
    return std::find_if(list.begin(), list.end(), [&](auto& item) { return item.name == name; });
  }
  template <class List>
  static std::vector<std::string> names_of(const List& list) {
    std::vector<std::string> names;
    for (auto& item : list) names.emplace_back(item.name);
    return names;
  }
  static bool is_word(const std::string& text) { return text == "and" || text == "or" || text == "not" || text == "axis"; }
  /// "a function", "an input", …: what a name means already; "" when it is free.
  std::string meaning(const std::string& name) const {
    const auto known = find(names_, name);
    return known != names_.end()                          ? known->what
           : is_word(name)                                ? "a word of the language"
           : find(functions(), name) != functions().end() ? "a function"
                                                          : "";
  }

  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  /// The token at at_, and at_ behind it.
  void next() {
    at_ = std::min(text_.find_first_not_of(" \n\t\r", at_), text_.size());
    const auto rest = std::string_view(text_).substr(at_);
    token_ = {Token::end, "", at_};
    if (rest.empty()) return;
    size_t length = 0;
    if (is_letter(rest[0])) {
      while (length < rest.size() && (is_letter(rest[length]) || is_digit(rest[length]))) ++length;
      token_.kind = Token::name;
    } else if (is_digit(rest[0]) || (rest[0] == '.' && rest.size() > 1 && is_digit(rest[1]))) {
      const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), token_.value);
      length = size_t(end.ptr - rest.data());
      if (end.ec != std::errc()) fail(at_, "the number ", quoted(std::string(rest.substr(0, length))), " is beyond what 64 bits hold");
      token_.kind = Token::number;
    } else {
      const auto two = rest.substr(0, 2);
      if (two == "**") fail(at_, "a power is written x ^ y");
      length = two == "<=" || two == ">=" || two == "==" || two == "!=" ? 2 : 1;
      if (length == 1 && std::string_view("+-*/^<>=();,[]").find(rest[0]) == rest.npos) {
        while (length < rest.size() && (rest[length] & 0xC0) == 0x80) ++length;  // a whole UTF-8 character
        fail(at_, quoted(std::string(rest.substr(0, length))), " has no meaning in a formula; names are made of a-z, 0-9 and _");
      }
      token_.kind = Token::symbol;
    }
    token_.text = rest.substr(0, length), at_ += length;
  }
  bool is(const char* text) const { return (token_.kind == Token::symbol || token_.kind == Token::name) && token_.text == text; }
  bool take(const char* text) { return is(text) && (next(), true); }
  void expect(const char* text, const std::string& what) {
    if (!take(text)) fail(token_.at, "wanted ", quoted(text), what, ", got ", shown(token_));
  }

  void statements() {
    while (true) {
      const Token first = token_;
      const size_t behind = at_;
      if (first.kind == Token::end) fail(first.at, steps_.empty() ? "the formula is empty" : "the result is missing: name = …; result");
      if (first.kind == Token::name && (next(), take("="))) {
        expression(1), store(first);
        expect(";", " and the result after it");
        continue;
      }
      token_ = first, at_ = behind;
      expression(1);
      if (take(";") && token_.kind != Token::end) fail(first.at, "only the last part is the result; those before it are name = …;");
      if (is("=")) fail(token_.at, "= gives a name its value, at the beginning of a part; equality is written ==");
      if (token_.kind != Token::end) fail(token_.at, "wanted an operator or the end, got ", shown(token_));
      return;
    }
  }
  void store(const Token& to) {
    auto n = find(names_, to.text);
    if (n != names_.end() && n->assign) {
      if (n->assigned) fail(to.at, quoted(to.text), " has its next value already");
    } else {
      if (const std::string taken = meaning(to.text); !taken.empty())
        fail(to.at, quoted(to.text), " cannot be given a value: it is ", taken);
      for (char c : to.text)
        if (c >= 'A' && c <= 'Z') fail(to.at, "the name ", quoted(to.text), " is not made of a-z, 0-9 and _");
      n = names_.insert(names_.end(), {to.text, "a name that has one"});
    }
    n->assigned = true;
    steps_.push_back({Step::store, to.at, size_t(n - names_.begin())});
  }

  /// An operand, and what operators of at least `level` make of it.
  void expression(int level) {
    if (++depth_ > deepest_nesting) fail(token_.at, "the formula nests deeper than ", deepest_nesting);
    const size_t at = token_.at;
    if (level <= not_level && take("not")) {
      expression(not_level), emit(contrary, at, 1);
    } else if (take("-")) {
      expression(sign_level);
      if (steps_.back().kind == Step::number)
        steps_.back().value = -steps_.back().value;
      else
        emit(negation, at, 1);
    } else {
      operand();
    }
    const auto operation = [&] {
      return std::find_if(operators().begin(), operators().end(), [&](auto& o) { return is(o.function.name); });
    };
    for (auto o = operation(); o != operators().end() && o->level >= level; o = operation()) {
      const size_t there = token_.at;
      next();
      expression(o->level == power_level ? sign_level : o->level + 1);
      if (o->level == power_level && steps_.back().kind == Step::number && steps_.back().value == 2)
        steps_.pop_back(), emit(*find(functions(), "square"), there, 1);
      else
        emit(o->function, there, 2);
      const auto behind = operation();
      if (o->level == comparison_level && behind != operators().end() && behind->level == comparison_level)
        fail(token_.at, "comparisons do not chain; write x < y and y < z");
    }
    --depth_;
  }
  void operand() {
    const Token t = token_;
    next();
    if (t.kind == Token::number) return void(steps_.push_back({Step::number, t.at, 0, t.value}));
    if (t.kind == Token::symbol && t.text == "(") return expression(1), expect(")", "");
    if (t.kind != Token::name || is_word(t.text)) fail(t.at, "wanted a number, a name, a function or (, got ", shown(t));
    const auto f = find(functions(), t.text);
    const auto n = find(names_, t.text);
    if (f != functions().end()) {
      if (!take("(")) fail(t.at, quoted(t.text), " is a function: ", f->name, "(", f->arguments, ")");
      return arguments(*f, t.at);
    }
    if (n == names_.end()) {
      const std::vector<std::string> known = is("(") ? names_of(functions()) : names_of(names_);
      fail(t.at, is("(") ? "there is no function " : "there is no name ", quoted(t.text), did_you_mean(t.text, known));
    }
    if (is("(")) fail(t.at, quoted(t.text), " is no function; a product is written ", t.text, " * (…)");
    n->used = true;
    steps_.push_back({Step::name, t.at, size_t(n - names_.begin())});
  }
  static std::vector<std::string> arguments_of(const Function& f) {
    std::vector<std::string> names;
    for (std::string_view rest = f.arguments; !rest.empty(); rest.remove_prefix(std::min(rest.size(), names.back().size() + 2)))
      names.emplace_back(rest.substr(0, rest.find(", ")));
    return names;
  }
  void arguments(const Function& f, size_t at) {
    std::vector<std::string> wanted = arguments_of(f);
    const bool may = !wanted.empty() && wanted.back() == "[axis]", must = !wanted.empty() && wanted.back() == "axis";
    size_t count = 0;
    Shape axes;
    for (bool more = !is(")"); more; more = take(",")) {
      if (take("axis")) {
        if (!(may || must) || !axes.empty()) fail(at, f.name, "(", f.arguments, ") takes no ", axes.empty() ? "axis" : "second axis");
        axes = axis_list();
      } else {
        expression(1), ++count;
      }
    }
    expect(")", describe(" at the end of ", f.name, "(…"));
    if (count != wanted.size() - (may || must) || (must && axes.size() != 1))
      fail(at, "wanted ", f.name, "(", f.arguments, ")", may || must ? " with an axis as in axis = 1" : "", ", got ", count,
           count == 1 ? " argument" : " arguments", may || must ? describe(" and ", axes.size(), " axes") : "", "; ", f.name, ": ", f.doc);
    emit(f, at, count), steps_.back().axes = axes;
  }
  /// = 1, or = [2, 3].
  Shape axis_list() {
    Shape axes;
    expect("=", " after axis");
    const bool list = take("[");
    do {
      const bool negative = take("-");
      if (token_.kind != Token::number || token_.value != std::floor(token_.value) || token_.value >= LAMINA_MAX_RANK)
        fail(token_.at, "wanted the number of an axis, got ", shown(token_));
      axes.push_back(negative ? -int64_t(token_.value) : int64_t(token_.value));
      next();
    } while (list && take(","));
    if (list) expect("]", " at the end of the axes");
    return axes;
  }
  void emit(const Function& f, size_t at, size_t count) { steps_.push_back({Step::call, at, count, 0, &f}); }

  /// A condition as 1 or 0, so that it counts in arithmetic.
  static Tensor numeric(const Tensor& t) { return t.scope() && t.dtype() == DType::boolean ? to_real(t) : t; }
  static Tensor call(const Function& f, Call& c, int& random_calls) {
    const std::vector<std::string> arguments = arguments_of(f);
    for (size_t i = 0; i < c.in.size(); ++i)
      if (arguments[i] != "condition") c.in[i] = numeric(c.in[i]);
    if (!c.in.empty() && std::none_of(c.in.begin(), c.in.end(), [](auto& t) { return t.scope(); }))
      c.in[0] = Tensor(c.scope, c.in[0].id_in(c.scope));
    if (!arguments.empty() && arguments.back() == "[axis]" && c.axes.empty()) c.axes = all_axes(c[0]);
    if (arguments.empty() && random_calls++) c.stream = std::to_string(random_calls);
    return f.record(c);
  }

  std::string text_, setting_;
  std::vector<Name> names_;  // constants, those given, those that the text makes
  std::vector<Step> steps_;
  Token token_{Token::end, "", 0};
  size_t at_ = 0, depth_ = 0;  // behind the token; of nested expressions
};

}  // namespace lamina::expression
