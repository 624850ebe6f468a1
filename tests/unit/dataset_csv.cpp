// Tables: what RFC 4180 allows, how columns become features, and sentences for all else.
#include <doctest/doctest.h>

#include <cmath>

#include "support/datasets.hpp"

using namespace lamina;
using namespace lamina::test;

namespace {

using Texts = std::vector<std::string>;
using Reals = std::vector<float>;
using Ints = std::vector<int32_t>;

struct Table {
  Files files;
  std::vector<Attribute> settings;
  Table(const std::string& text, std::vector<Attribute> more = {}) : settings(std::move(more)) {
    settings.emplace_back("path", files.write("t.csv", text));
  }
  Table& test(const std::string& text) {
    settings.emplace_back("test", files.write("test.csv", text));
    return *this;
  }
  OpenDataset open() const { return OpenDataset("csv", settings); }
  /// Without the folder.
  std::string refusal() const {
    std::string text = test::refusal("csv", settings);
    for (size_t at; (at = text.find(files.root.string() + "/")) != text.npos;) text.erase(at, files.root.string().size() + 1);
    return text;
  }
};
Reals input(const Table& t, size_t split = 0) { return t.open().values<float>(split, 0); }

}  // namespace

TEST_CASE("csv: numbers and a target of names") {
  const Table t("a,b,kind\n1,2.5,dog\n-3,4e-1,cat\n+5, 6 ,dog\n", {{"target", Texts{"kind"}}});
  const OpenDataset data = t.open();
  CHECK(data.size() == 1);
  CHECK(data[0].samples == 3);
  CHECK(data.sample(0) == Shape{2});
  CHECK(data.values<float>(0, 0) == Reals{1, 2.5f, -3, 0.4f, 5, 6});
  CHECK(data.dtype(1) == DType::int32);
  CHECK(data.values<int32_t>(0, 1) == Ints{1, 0, 1});
  CHECK(data.classes() == Texts{"cat", "dog"});
}

TEST_CASE("csv: quotes, line ends, byte order mark, empty lines, separators, lines before") {
  CHECK(input(Table("\xEF\xBB\xBF\"a\",\"b\"\r\n\"1\",2\r\n\r\n3,\"4\"")) == Reals{1, 2, 3, 4});
  const Table quoted("name,x\n\"a \"\"b\"\", c\nd\",1\n\"\",2\n", {{"target", Texts{"name"}}, {"missing_values", Texts{"NA"}}});
  CHECK(quoted.open().classes() == Texts{"", "a \"b\", c\nd"});
  CHECK(input(Table("1;2\n3;4\n", {{"header", false}, {"separator", ";"}})) == Reals{1, 2, 3, 4});
  CHECK(input(Table("1\t2\n", {{"header", false}, {"separator", "\t"}})) == Reals{1, 2});
  CHECK(input(Table("150,4,setosa\n# more\n1,2\n", {{"header", false}, {"skip_lines", int64_t(2)}})) == Reals{1, 2});
  const Table packed("");
  packed.files.write_gz("t.csv", "a\n1\n2\n");
  CHECK(input(packed) == Reals{1, 2});
}

TEST_CASE("csv: columns by name and number, left out, shaped") {
  const std::string text = "a,b,c,d\n1,2,3,4\n5,6,7,8\n";
  CHECK(input(Table(text, {{"inputs", Texts{"c", "0"}}})) == Reals{3, 1, 7, 5});
  CHECK(input(Table(text, {{"target", Texts{"-1"}}, {"ignore", Texts{"b"}}})) == Reals{1, 3, 5, 7});
  const Table several(text, {{"target", Texts{"d", "a"}}});
  CHECK(several.open().sample(1) == Shape{2});
  CHECK(several.open().values<float>(0, 1) == Reals{4, 1, 8, 5});
  const Table one(text, {{"target", Texts{"d"}}});
  CHECK(one.open().sample(1).empty());
  CHECK(one.open().dtype(1) == DType::float32);
  CHECK(Table(text, {{"shape", Shape{1, 2, 2}}}).open().sample(0) == Shape{1, 2, 2});
}

TEST_CASE("csv: categories are sorted, by number where all are, and become zeros and ones in the input") {
  const Table t("c,n,y\nred,10,3\nblue,9,5\nred,10,3\n", {{"target", Texts{"y"}}, {"categories", Texts{"n", "y"}}});
  CHECK(t.open().sample(0) == Shape{4});
  CHECK(input(t) == Reals{0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1});
  CHECK(t.open().classes() == Texts{"3", "5"});
  CHECK(input(Table("c,n\nred,1\nblue,2\n", {{"encoding", "number"}})) == Reals{1, 1, 0, 2});
}

TEST_CASE("csv: missing values, standardised columns; what is learned comes from the training file") {
  const std::string text = "x,y\n1,0\nNA,1\n5,0\n";
  CHECK(Table(text).refusal() == "t.csv, line 3: the column \"x\" has no value; \"missing\" can fill it");
  CHECK(input(Table(text, {{"missing", "mean"}, {"inputs", Texts{"x"}}})) == Reals{1, 3, 5});
  CHECK(input(Table(text, {{"missing", "zero"}, {"inputs", Texts{"x"}}})) == Reals{1, 0, 5});
  CHECK(Table(text, {{"missing", "mean"}, {"target", Texts{"x"}}}).refusal() ==
        "t.csv, line 3: the column \"x\" of the target has no value");
  CHECK(input(Table(text, {{"missing", "mean"}, {"standardize", true}, {"inputs", Texts{"x"}}})) == Reals{-1, 0, 1});
  CHECK(input(Table("x\n7\n7\n", {{"standardize", true}})) == Reals{0, 0});
  CHECK(input(Table("x\n0.1\n0.1\n0.1\n", {{"standardize", true}})) == Reals{0, 0, 0});  // whose sum is not 0.3
  CHECK(input(Table("c,x\n,1\na,2\n", {{"missing", "zero"}})) == Reals{1, 0, 1, 0, 1, 2});
  Table alike("c\nNA\na\n?\n", {{"missing", "zero"}});
  CHECK(input(alike) == Reals{1, 0, 0, 1, 1, 0});
  CHECK(input(alike.test("c\nnull\n"), 1) == Reals{1, 0});
  const Table numbers("c\n3\nNA\n?\n", {{"missing", "zero"}, {"categories", Texts{"c"}}});
  CHECK(input(numbers) == Reals{1, 0, 0, 1, 0, 1});
  Table both("x,c\n1,b\n3,a\n", {{"standardize", true}, {"target", Texts{"c"}}});
  both.test("x,c\n5,a\n");
  CHECK(input(both, 1) == Reals{3});
  CHECK(both.open().values<int32_t>(1, 1) == Ints{0});
}

TEST_CASE("csv: hostile and mistaken files") {
  CHECK(Table("").refusal() == "t.csv holds no records");
  CHECK(Table("a,b\n").refusal() == "t.csv holds no records behind its header");
  CHECK(Table("a,b\n1,2\n3\n").refusal() ==
        "t.csv, line 3: 1 cells; wanted 2 as in the first record. Is \"separator\" right, or \"skip_lines\"?");
  CHECK(Table("a\n\"1\n2\n").refusal() == "t.csv, line 2: a quote is not closed");
  CHECK(Table("a\n\"1\"2\n").refusal() == "t.csv, line 2: text follows a closing quote");
  CHECK(
      Table("a\n1\nx\n").refusal() ==
      "t.csv, line 3: the column \"a\" has \"x\" where others are numbers. Does it mean that the value is missing (\"missing_values\"), or "
      "are all of its values categories (\"categories\")?");
  for (const char* number : {"1e999", "1e39", "inf", "0x10", "1.2.3", "1,"})
    CHECK(Table(std::string("a\n1\n") + number + "\n").refusal() != "");
  CHECK(Table(std::string("a\n1\n\0\n", 6)).refusal() != "");
  CHECK(Table("a\n" + std::string(70000, ',') + "\n").refusal() == "t.csv, line 2: more than 65536 cells");
  CHECK(Table("width,b\n1,2\n", {{"target", Texts{"widht"}}}).refusal() ==
        "\"target\" names the column \"widht\", which t.csv has not; it has 2, width … b; did you mean \"width\"?");
  for (const char* number : {"2", "-3", "99999999999999999999"})
    CHECK(Table("a,b\n1,2\n", {{"target", Texts{number}}}).refusal().starts_with("\"target\" names the column \""));
  CHECK(Table("a,b\n1,2\n", {{"target", Texts{"a", "0"}}}).refusal() == "\"target\" names the column \"0\" twice");
  CHECK(Table("a\n1\n", {{"target", Texts{"a"}}}).refusal() ==
        "t.csv: no column is left for the input; the file has 1. Is \"separator\" right?");
  CHECK(Table("a,b\n1,x\n", {{"target", Texts{"a", "b"}}, {"inputs", Texts{"a"}}}).refusal() ==
        "the column \"b\" of \"target\" holds categories; then it must be the only one");
  CHECK(Table("a,b\n1,2\n", {{"shape", Shape{3}}}).refusal() == "\"shape\" = [3] has 3 elements; the input has 2 features of 2 columns");
  CHECK(Table("a\n1\n", {{"separator", "::"}}).refusal() ==
        "\"separator\" = \"::\"; wanted one character that is no quote and no line end");
  CHECK(Table("c,x\na,1\n", {}).test("c,x\nb,1\n").refusal() ==
        "test.csv, line 2: the column \"c\" has the category \"b\", which the training file has not");
  CHECK(Table("a\n1\n", {}).test("a,b\n1,2\n").refusal() == "test.csv has 2 columns, t.csv has 1");
  CHECK(Table("a,b\n1,2\n", {}).test("b,a\n1,2\n").refusal() ==
        "test.csv calls column 0 \"b\", t.csv calls it \"a\"; wanted the same columns in the same order");
  const Table pipe("");
  pipe.files.pipe("t.csv");
  CHECK(pipe.refusal() == "t.csv is no regular file");
  const Table packed("");
  std::string bytes(packed.files.write_gz("t.csv", "a\n" + std::string(3000, '1') + "\n"));
  std::ifstream in(bytes, std::ios::binary);
  std::string whole(std::istreambuf_iterator<char>(in), {});
  packed.files.write("t.csv", whole.substr(0, whole.size() - 9));
  CHECK(packed.refusal() != "");
}

TEST_CASE("csv: tables of scikit-learn as Debian packs them") {
  const std::string folder = "/usr/lib/python3/dist-packages/sklearn/datasets/data/";
  if (!std::filesystem::exists(folder)) {
    MESSAGE("python3-sklearn is not installed");
    return;
  }
  const OpenDataset wine("csv", {{"path", folder + "wine_data.csv"},
                                 {"header", false},
                                 {"skip_lines", int64_t(1)},
                                 {"target", Texts{"-1"}},
                                 {"categories", Texts{"-1"}}});
  CHECK(wine[0].samples == 178);
  CHECK(wine.sample(0) == Shape{13});
  CHECK(wine.classes() == Texts{"0", "1", "2"});
  const OpenDataset digits("csv", {{"path", folder + "digits.csv.gz"},
                                   {"header", false},
                                   {"target", Texts{"64"}},
                                   {"categories", Texts{"64"}},
                                   {"shape", Shape{1, 8, 8}}});
  CHECK(digits[0].samples == 1797);
  CHECK(digits.classes().size() == 10);
}
