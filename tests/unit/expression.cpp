// The language of formulas: what it means, where its faults are, and that no text harms it.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <numbers>

#include <lamina/expression.hpp>
#include <lamina/philox.hpp>

#include "prove/recording.hpp"
#include "support/plugins.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

/// Two tensors [2, 3], x1 (also x) and x2, and one that can be assigned.
struct Bench {
  Recording r;
  Tensor x1 = r.input("x1", {2, 3}, DType::float64), x2 = r.input("x2", {2, 3}, DType::float64), v = x2;
  std::vector<expression::Name> names(const std::string& own = "") {
    std::vector<expression::Name> list = {{"x", "an input", [&] { return x1; }},
                                          {"x1", "an input", [&] { return x1; }},
                                          {"x2", "an input", [&] { return x2; }},
                                          {"training", "whether it trains", [] { return Tensor(1); }}};
    if (!own.empty()) list.push_back({own, "a parameter", [] { return Tensor(3); }, {}, "parameters." + own});
    return list;
  }
  Tensor record(const std::string& formula) { return expression::Formula(formula, "forward", names()).record(r.scope, x1); }
};

const std::vector<double> a = {-2, -0.5, 0, 0.25, 1, 3}, b = {1, -1.5, 2, -0.25, 1, 0.5};

/// The elements of many formulas at a and b, by the reference; a result of fewer elements is repeated.
std::vector<std::vector<double>> values(const std::vector<std::string>& formulas) {
  Bench bench;
  for (size_t i = 0; i < formulas.size(); ++i) {
    INFO(formulas[i]);
    const Tensor y = bench.record(formulas[i]);
    bench.r.fetch(std::to_string(i), broadcast(y.scope() ? y : Tensor(bench.r.scope, y.id_in(bench.r.scope)), {2, 3}));
  }
  auto session = reference64.open();
  Steps steps(*session, bench.r);
  auto out = steps.run({{"x1", {DType::float64, {2, 3}, a}}, {"x2", {DType::float64, {2, 3}, b}}});
  std::vector<std::vector<double>> list;
  for (size_t i = 0; i < formulas.size(); ++i) list.push_back(out.at(std::to_string(i)).data);
  return list;
}

/// "column 9: there is …" of what is refused; "" of what is not.
std::string fault(const std::string& formula, const std::string& own = "") {
  Bench bench;
  try {
    expression::Formula(formula, "forward", bench.names(own)).record(bench.r.scope, bench.x1);
  } catch (const Error& e) {
    CHECK((e.setting == "forward" || e.setting == "parameters." + own));
    if (!e.text.empty()) return (e.place.empty() ? "" : e.place + ": ") + e.text;
    try {
      bench.r.handle.raise();
    } catch (const Error& told) {
      return e.place + ": " + told.text;
    }
  }
  return "";
}
std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("operators bind and group as in mathematics") {
  struct Case {
    const char* formula;
    double (*expected)(double x, double y);
  };
  const Case cases[] = {
      {"x1 + x2 * 3", [](double x, double y) { return x + y * 3; }},
      {"(x1 + x2) * 3", [](double x, double y) { return (x + y) * 3; }},
      {"x1 - x2 - 3", [](double x, double y) { return (x - y) - 3; }},
      {"x1 - (x2 - 3)", [](double x, double y) { return x - (y - 3); }},
      {"8 / x2 / 2", [](double, double y) { return 8 / y / 2; }},
      {"x1 / x2 * 3", [](double x, double y) { return x / y * 3; }},
      {"-x1 ^ 2", [](double x, double) { return -(x * x); }},
      {"(-x1) ^ 2", [](double x, double) { return x * x; }},
      {"2 ^ -x1", [](double x, double) { return std::pow(2, -x); }},
      {"2 ^ 3 ^ x2", [](double, double y) { return std::pow(2, std::pow(3, y)); }},
      {"x1 ^ 3 * 2", [](double x, double) { return x * x * x * 2; }},
      {"--x1 - -x2", [](double x, double y) { return x + y; }},
      {"-x1 * x2", [](double x, double y) { return -x * y; }},
      {"2 * -x1", [](double x, double) { return 2 * -x; }},
      {"x1 < x2", [](double x, double y) { return double(x < y); }},
      {"x1 <= x2", [](double x, double y) { return double(x <= y); }},
      {"x1 > x2", [](double x, double y) { return double(x > y); }},
      {"x1 >= x2", [](double x, double y) { return double(x >= y); }},
      {"x1 == x2", [](double x, double y) { return double(x == y); }},
      {"x1 != x2", [](double x, double y) { return double(x != y); }},
      {"x1 < x2 + 1", [](double x, double y) { return double(x < y + 1); }},
      {"x1 < 0 or x2 < 0 and x1 > -1", [](double x, double y) { return double(x < 0 || (y < 0 && x > -1)); }},
      {"not x1 < 0 and x2 > 0", [](double x, double y) { return double(!(x < 0) && y > 0); }},
      {"not (x1 < 0 and x2 > 0)", [](double x, double y) { return double(!(x < 0 && y > 0)); }},
      {"not not x1 < 0", [](double x, double) { return double(x < 0); }},
      {"x1 * (x1 > 0) + (x2 > 0) * (x1 > 0)", [](double x, double y) { return x * (x > 0) + (y > 0) * (x > 0); }},
      {"t = x1 * 2; u = t + x2;\n t * u", [](double x, double y) { return x * 2 * (x * 2 + y); }},
      {"x1 + 1.5e1 + .5 + 2. + 1E-2;", [](double x, double) { return x + 17.51; }},
      {"2 + 3 * 4 ^ 2 / 8 - 1", [](double, double) { return 7.0; }},
      {"pi * e", [](double, double) { return std::numbers::pi * std::numbers::e; }},
      {"1 < 2 and training == 1", [](double, double) { return 1.0; }},
      {"select(training, x1, x2)", [](double x, double) { return x; }},
  };
  std::vector<std::string> formulas;
  for (auto& c : cases) formulas.emplace_back(c.formula);
  const auto y = values(formulas);
  for (size_t i = 0; i < formulas.size(); ++i)
    for (size_t k = 0; k < a.size(); ++k) {
      const double expected = cases[i].expected(a[k], b[k]);
      CHECK_MESSAGE((y[i][k] == doctest::Approx(expected) || (std::isinf(expected) && y[i][k] == expected)), formulas[i], " at ", a[k],
                    ", ", b[k], ": ", y[i][k], ", not ", expected);
    }
}

TEST_CASE("every function is what its name says") {
  using F = double (*)(double, double);
  const std::map<std::string, F> meanings = {
      {"abs(x)", [](double x, double) { return std::abs(x); }},
      {"sign(x)", [](double x, double) { return double((x > 0) - (x < 0)); }},
      {"floor(x)", [](double x, double) { return std::floor(x); }},
      {"square(x)", [](double x, double) { return x * x; }},
      {"sqrt(x ^ 2 + 1)", [](double x, double) { return std::sqrt(x * x + 1); }},
      {"rsqrt(x ^ 2 + 1)", [](double x, double) { return 1 / std::sqrt(x * x + 1); }},
      {"pow(abs(x) + 1, x2)", [](double x, double y) { return std::pow(std::abs(x) + 1, y); }},
      {"exp(x)", [](double x, double) { return std::exp(x); }},
      {"expm1(x)", [](double x, double) { return std::expm1(x); }},
      {"log(x ^ 2 + 1)", [](double x, double) { return std::log(x * x + 1); }},
      {"log1p(x ^ 2)", [](double x, double) { return std::log1p(x * x); }},
      {"sin(x)", [](double x, double) { return std::sin(x); }},
      {"cos(x)", [](double x, double) { return std::cos(x); }},
      {"tanh(x)", [](double x, double) { return std::tanh(x); }},
      {"sigmoid(x)", [](double x, double) { return 1 / (1 + std::exp(-x)); }},
      {"softplus(x)", [](double x, double) { return std::log1p(std::exp(x)); }},
      {"relu(x)", [](double x, double) { return std::max(x, 0.0); }},
      {"erf(x)", [](double x, double) { return std::erf(x); }},
      {"minimum(x, x2)", [](double x, double y) { return std::min(x, y); }},
      {"maximum(x, x2)", [](double x, double y) { return std::max(x, y); }},
      {"clip(x, -1, 0.5)", [](double x, double) { return std::clamp(x, -1.0, 0.5); }},
      {"select(x > x2, x, 2 * x2)", [](double x, double y) { return x > y ? x : 2 * y; }},
      {"isnan(log(x - x2))", [](double x, double y) { return double(x < y); }},
      {"stop_gradient(x)", [](double x, double) { return x; }},
      {"sum(x)", [](double, double) { return 1.75; }},
      {"sum(x, axis = 1)", [](double x, double) { return x < 0.2 ? -2.5 : 4.25; }},
      {"sum(x, axis = [0, -1])", [](double, double) { return 1.75; }},
      {"mean(x)", [](double, double) { return 1.75 / 6; }},
      {"mean(x, axis = -1)", [](double x, double) { return (x < 0.2 ? -2.5 : 4.25) / 3; }},
      {"max(x, axis = 1)", [](double x, double) { return x < 0.2 ? 0.0 : 3.0; }},
      {"max(x)", [](double, double) { return 3.0; }},
      {"min(x, axis = 1)", [](double x, double) { return x < 0.2 ? -2.0 : 0.25; }},
      {"softmax(x, axis = 1) * sum(exp(x), axis = 1)", [](double x, double) { return std::exp(x); }},
      {"log_softmax(x, axis = -1) + log(sum(exp(x), axis = 1))", [](double x, double) { return x; }},
      {"random_uniform() >= 0 and random_uniform() < 1", [](double, double) { return 1.0; }},
      {"random_uniform() != random_uniform()", [](double, double) { return 1.0; }},
  };
  std::vector<std::string> formulas;
  for (auto& [formula, unused] : meanings) formulas.push_back(formula);
  const auto y = values(formulas);
  for (size_t i = 0; i < formulas.size(); ++i)
    for (size_t k = 0; k < a.size(); ++k) {
      const double expected = meanings.at(formulas[i])(a[k], b[k]);
      CHECK_MESSAGE(y[i][k] == doctest::Approx(expected), formulas[i], " at ", a[k], ", ", b[k], ": ", y[i][k], ", not ", expected);
    }
  for (auto& f : expression::functions()) {
    bool met = false;
    for (auto& formula : formulas) met |= formula.starts_with(f.name + std::string("("));
    CHECK_MESSAGE(met, f.name, " has no formula here");
  }
}

TEST_CASE("a state is the next version once it has one") {
  Bench bench;
  std::vector<expression::Name> names = bench.names();
  names.push_back({"v", "a state", [&] { return bench.v; }, [&](const Tensor& next) { bench.v = next; }, "state.v"});
  const Tensor y = expression::Formula("t = v; v = 2 * v + x; v - t", "update", names).record(bench.r.scope);
  bench.r.fetch("y", y);
  auto session = reference64.open();
  Steps steps(*session, bench.r);
  const auto out = steps.run({{"x1", {DType::float64, {2, 3}, a}}, {"x2", {DType::float64, {2, 3}, b}}}).at("y").data;
  for (size_t k = 0; k < a.size(); ++k) CHECK(out[k] == b[k] + a[k]);
  const auto refused = [&](const std::string& formula) {
    try {
      expression::Formula(formula, "update", names);
      return std::string();
    } catch (const Error& e) {
      return e.setting + ": " + e.text;
    }
  };
  CHECK(refused("v = x; v = v + x; v") == "update: \"v\" has its next value already");
  CHECK(refused("x - v") == "state.v: the formula gives \"v\" no next value: v = …;");
}

TEST_CASE("a fault says in which column it is, what was wanted and which name is near") {
  const std::pair<const char*, const char*> cases[] = {
      {"x * sigmod(x)", "column 5: there is no function \"sigmod\"; did you mean \"sigmoid\"?"},
      {"x *\n  Sigmoid(x)", "line 2, column 3: there is no function \"Sigmoid\"; did you mean \"sigmoid\"?"},
      {"x * wavelet(x)", "column 5: there is no function \"wavelet\""},
      {"x + trainin", "column 5: there is no name \"trainin\"; did you mean \"training\"?"},
      {"t = x; x + tt", "column 12: there is no name \"tt\"; did you mean \"t\"?"},
      {"x + 1; t = x", "column 1: only the last part is the result; those before it are name = …;"},
      {"", "column 1: the formula is empty"},
      {" \n ", "line 2, column 2: the formula is empty"},
      {"t = x;", "column 7: the result is missing: name = …; result"},
      {"t = x", "column 6: wanted \";\" and the result after it, got the end"},
      {"x +", "column 4: wanted a number, a name, a function or (, got the end"},
      {"x + * 2", "column 5: wanted a number, a name, a function or (, got \"*\""},
      {"(x + 1", "column 7: wanted \")\", got the end"},
      {"x + 1)", "column 6: wanted an operator or the end, got \")\""},
      {"2x", "column 2: wanted an operator or the end, got \"x\""},
      {"1.2.3 * x", "column 4: wanted an operator or the end, got \".3\""},
      {"x x", "column 3: wanted an operator or the end, got \"x\""},
      {"x (x + 1)", "column 1: \"x\" is no function; a product is written x * (…)"},
      {"sigmoid", "column 1: \"sigmoid\" is a function: sigmoid(x)"},
      {"x + clip(x, 1)", "column 5: wanted clip(x, low, high), got 2 arguments; clip: x, at least low and at most high"},
      {"sin()", "column 1: wanted sin(x), got 0 arguments; sin: sine of radians"},
      {"sin(x", "column 6: wanted \")\" at the end of sin(…, got the end"},
      {"sin(x,)", "column 7: wanted a number, a name, a function or (, got \")\""},
      {"sin(x, axis = 1)", "column 1: sin(x) takes no axis"},
      {"softmax(x)",
       "column 1: wanted softmax(x, axis) with an axis as in axis = 1, got 1 argument and 0 axes; softmax: positive numbers with sum 1 "
       "along one axis"},
      {"max(x, 0)",
       "column 1: wanted max(x, [axis]) with an axis as in axis = 1, got 2 arguments and 0 axes; max: largest over the axes (of two: "
       "maximum)"},
      {"max(x, axis = 1, axis = 0)", "column 1: max(x, [axis]) takes no second axis"},
      {"max(x, axis = 0.5)", "column 15: wanted the number of an axis, got \"0.5\""},
      {"max(x, axis = x)", "column 15: wanted the number of an axis, got \"x\""},
      {"max(x, axis = 1e30)", "column 15: wanted the number of an axis, got \"1e30\""},
      {"max(x, axis = [0, 1)", "column 20: wanted \"]\" at the end of the axes, got \")\""},
      {"max(x, axis)", "column 12: wanted \"=\" after axis, got \")\""},
      {"x + sum(x, axis = 2)", "column 5: sum: axis 2 is outside a shape of rank 2"},
      {"x + mean(x, axis = 2)", "column 5: axis 2 does not exist in the shape [2, 3]"},
      {"0 < x < 1", "column 7: comparisons do not chain; write x < y and y < z"},
      {"x = 2", "column 1: \"x\" cannot be given a value: it is an input"},
      {"(x = 2)", "column 4: wanted \")\", got \"=\""},
      {"x + 1 = 2", "column 7: = gives a name its value, at the beginning of a part; equality is written =="},
      {"sin = 2; x", "column 1: \"sin\" cannot be given a value: it is a function"},
      {"pi = 3; x", "column 1: \"pi\" cannot be given a value: it is a constant"},
      {"not = 3; x", "column 1: \"not\" cannot be given a value: it is a word of the language"},
      {"t = 3; t = 4; x", "column 8: \"t\" cannot be given a value: it is a name that has one"},
      {"T = 3; x", "column 1: the name \"T\" is not made of a-z, 0-9 and _"},
      {"x ** 2", "column 3: a power is written x ^ y"},
      {"x && x", "column 3: \"&\" has no meaning in a formula; names are made of a-z, 0-9 and _"},
      {"x · β", "column 3: \"·\" has no meaning in a formula; names are made of a-z, 0-9 and _"},
      {"β", "column 1: \"β\" has no meaning in a formula; names are made of a-z, 0-9 and _"},
      {"x * 1e999", "column 5: the number \"1e999\" is beyond what 64 bits hold"},
      {"x * 1e-999", "column 5: the number \"1e-999\" is beyond what 64 bits hold"},
      {"1 + not x > 0", "column 5: wanted a number, a name, a function or (, got \"not\""},
      {"x and x > 0", "column 3: logical_and: "},
      {"select(x, 1, 2)", "column 1: select: the condition must be bool"},
      {"x and", "column 6: wanted a number, a name, a function or (, got the end"},
  };
  for (auto& [formula, sentence] : cases) {
    const std::string told = fault(formula);
    const bool by_host =
        told.find("sum: ") != told.npos || told.find("logical_and: ") != told.npos || told.find("select: the") != told.npos;
    CHECK_MESSAGE((by_host ? told.starts_with(sentence) : told == sentence), formula, " gives: ", told);
  }
  CHECK(fault("x * beta", "beta") == "");
  CHECK(fault("x", "beta") == "the formula does not use \"beta\"");
  CHECK(fault("x * sin", "sin") == "the name \"sin\" is taken: it is a function");
  CHECK(fault("x * x2", "x2") == "the name \"x2\" is taken: it is an input");
  CHECK(fault("x * e", "e") == "the name \"e\" is taken: it is a constant");
  CHECK(fault("x * axis", "axis") == "the name \"axis\" is taken: it is a word of the language");
}

TEST_CASE("no text harms the reader of formulas") {
  const std::string deep = "the formula nests deeper than 128";
  for (const std::string part : {"(", "-", "not ", "sin(", "x ^ ", "x + (", "select(x > 0, "})
    CHECK_MESSAGE(fault(repeated(part, 8192 / part.size())).find(deep) != std::string::npos, part);
  CHECK(fault(repeated("(", 120) + "x" + repeated(")", 120)) == "");
  CHECK(fault(repeated("x+", 4095) + "x") == "");
  CHECK(fault(repeated("x", 8192)).size() < 100);
  CHECK(fault(repeated("x ", 4097)) == "column 1: the formula has 8194 bytes; at most 8192 are read");
  CHECK(fault(std::string(1 << 20, '(')).find("at most 8192 are read") != std::string::npos);
  CHECK(fault(std::string("x\0+ 1", 6)).find("has no meaning in a formula") != std::string::npos);
  CHECK(fault("\xff\xfe").find("column 1: ") == 0);
  CHECK(fault("x + \xe2\x82").find("column 5: ") == 0);
  CHECK(fault(repeated("9", 400)).find("is beyond what 64 bits hold") != std::string::npos);

  // Whatever comes is recorded or refused with a place.
  const char* parts[] = {"x",   "x2",     "(",   ")",    "+",  "-", "*",   "/",   "^",  "<", "==",  "=", ";",  ",",
                         "sin", "select", "sum", "axis", "[",  "]", "not", "and", "or", "1", "2.5", "t", "pi", "random_uniform",
                         "()",  "(x)",    "ä",   "\n",   "1e", "."};
  const RandomStream stream = RandomStream::of(11, 0, 0, 0);
  size_t sound = 0;
  for (uint64_t i = 0; i < 20000; ++i) {
    std::string text;
    for (uint64_t k = 0; k < 1 + i % 9; ++k) text += parts[stream.word(16 * i + k) % std::size(parts)];
    const std::string told = fault(text);
    sound += told.empty();
    if (!told.empty()) CHECK_MESSAGE((told.starts_with("column ") || told.starts_with("line ")), text, ": ", told);
  }
  CHECK(sound > 100);
}

TEST_CASE("docs/expressions.md has a row for every operator, function and constant, and none besides") {
  std::ifstream in(std::string(LAMINA_SOURCE) + "/docs/expressions.md");
  std::string text, rows;
  for (std::string line; std::getline(in, line);) {
    if (line == "| operator | is |") rows.clear();
    if (line.starts_with("| `")) rows += line + "\n";
  }
  const auto row = [](const std::string& call, std::string doc) {
    for (size_t at = 0; (at = doc.find('|', at)) != doc.npos; at += 2) doc.insert(at, 1, '\\');
    return "| `" + call + "` | " + doc + " |\n";
  };
  std::vector<std::pair<int, std::string>> written;
  for (auto& [level, f] : expression::operators()) {
    const std::string arguments = f.arguments, left = arguments.substr(0, arguments.find(", "));
    written.emplace_back(-level, row(left + " " + f.name + " " + arguments.substr(left.size() + 2), f.doc));
  }
  const auto &minus = expression::negation, &contrary = expression::contrary;
  written.emplace_back(-expression::sign_level, row(minus.name + std::string(minus.arguments), minus.doc));
  written.emplace_back(-expression::not_level, row(contrary.name + std::string(" ") + contrary.arguments, contrary.doc));
  std::ranges::stable_sort(written, {}, &std::pair<int, std::string>::first);
  for (auto& [level, line] : written) text += line;
  for (auto& f : expression::functions()) text += row(std::string(f.name) + "(" + f.arguments + ")", f.doc);
  for (auto& c : expression::constants) text += row(c.name, c.doc);
  CHECK(rows == text);
}
