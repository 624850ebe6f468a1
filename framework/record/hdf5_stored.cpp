#include "record/hdf5_stored.hpp"

#include "record/hdf5_handle.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <hdf5.h>

namespace lamina {
namespace {

using Kind = StoredType::Kind;

/// h5py's bool: an enumeration of int8 with FALSE = 0 and TRUE = 1.
bool is_boolean(int64_t type) {
  if (H5Tget_size(type) != 1 || H5Tget_nmembers(type) != 2) return false;
  int8_t no = -1, yes = -1;
  return H5Tenum_valueof(type, "FALSE", &no) >= 0 && H5Tenum_valueof(type, "TRUE", &yes) >= 0 && no == 0 && yes == 1;
}

/// Calls use(value, index) for every element, as the C++ type that holds it exactly.
template <typename T, typename Use>
void each(std::span<const std::byte> bytes, bool swap, Use use) {
  for (size_t i = 0; i < bytes.size() / sizeof(T); ++i) {
    std::byte element[sizeof(T)];
    std::memcpy(element, bytes.data() + i * sizeof(T), sizeof(T));
    if (swap) std::reverse(element, element + sizeof(T));
    T value;
    std::memcpy(&value, element, sizeof(T));
    use(value, i);
  }
}

template <typename Use>
void each_number(std::span<const std::byte> bytes, const StoredType& type, const std::string& what, Use use) {
  const bool swap = type.big_endian;
  if (type.kind == Kind::real) return type.size == 4 ? each<float>(bytes, swap, use) : each<double>(bytes, swap, use);
  if (type.kind == Kind::text) throw FileError(what + " holds texts where numbers are wanted.");
  switch (type.size) {
    case 1:
      return type.is_signed ? each<int8_t>(bytes, swap, use) : each<uint8_t>(bytes, swap, use);
    case 2:
      return type.is_signed ? each<int16_t>(bytes, swap, use) : each<uint16_t>(bytes, swap, use);
    case 4:
      return type.is_signed ? each<int32_t>(bytes, swap, use) : each<uint32_t>(bytes, swap, use);
    default:
      return type.is_signed ? each<int64_t>(bytes, swap, use) : each<uint64_t>(bytes, swap, use);
  }
}

template <typename To>
std::vector<To> integers(std::span<const std::byte> bytes, const StoredType& type, const std::string& what) {
  if (type.kind == Kind::real) throw FileError(what + " holds " + type.name() + " where integers are wanted.");
  std::vector<To> values(bytes.size() / type.size);
  each_number(bytes, type, what, [&](auto value, size_t i) {
    if constexpr (std::is_integral_v<decltype(value)>) {
      if (!std::in_range<To>(value))
        throw FileError(what + " holds " + std::to_string(value) + " at element " + std::to_string(i) + ", which does not fit int" +
                        std::to_string(sizeof(To) * 8) + ".");
      values[i] = To(value);
    }
  });
  return values;
}

}  // namespace

std::string StoredType::name() const {
  switch (kind) {
    case Kind::text:
      return "text";
    case Kind::boolean:
      return "boolean";
    case Kind::real:
      return "float" + std::to_string(size * 8);
    default:
      return (is_signed ? "int" : "uint") + std::to_string(size * 8);
  }
}

StoredType stored_type(int64_t type, const std::string& what) {
  struct Known {
    hid_t id;
    StoredType stored;
  };
  const Known known[] = {
      {H5T_IEEE_F32LE, {Kind::real, 4}},         {H5T_IEEE_F32BE, {Kind::real, 4, false, true}},
      {H5T_IEEE_F64LE, {Kind::real, 8}},         {H5T_IEEE_F64BE, {Kind::real, 8, false, true}},
      {H5T_STD_I8LE, {Kind::integer, 1, true}},  {H5T_STD_I8BE, {Kind::integer, 1, true}},
      {H5T_STD_U8LE, {Kind::integer, 1}},        {H5T_STD_U8BE, {Kind::integer, 1}},
      {H5T_STD_I16LE, {Kind::integer, 2, true}}, {H5T_STD_I16BE, {Kind::integer, 2, true, true}},
      {H5T_STD_U16LE, {Kind::integer, 2}},       {H5T_STD_U16BE, {Kind::integer, 2, false, true}},
      {H5T_STD_I32LE, {Kind::integer, 4, true}}, {H5T_STD_I32BE, {Kind::integer, 4, true, true}},
      {H5T_STD_U32LE, {Kind::integer, 4}},       {H5T_STD_U32BE, {Kind::integer, 4, false, true}},
      {H5T_STD_I64LE, {Kind::integer, 8, true}}, {H5T_STD_I64BE, {Kind::integer, 8, true, true}},
      {H5T_STD_U64LE, {Kind::integer, 8}},       {H5T_STD_U64BE, {Kind::integer, 8, false, true}},
  };
  const auto refuse = [&](const std::string& why, const std::string& advice = "") -> StoredType {
    throw FileError(what + " cannot be read: it holds " + why + (advice.empty() ? "." : "; " + advice + "."));
  };
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT:
      for (const Known& candidate : known)
        if (H5Tequal(type, candidate.id) > 0) return candidate.stored;
      if (H5Tget_class(type) == H5T_FLOAT && H5Tget_size(type) == 2) return refuse("float16 values", "store them as float32");
      return refuse("numbers of an unusual format (" + std::to_string(H5Tget_size(type)) + " bytes)");
    case H5T_ENUM:
      return is_boolean(type) ? StoredType{Kind::boolean, 1, true} : refuse("an enumeration");
    case H5T_STRING: {
      if (H5Tis_variable_str(type) != 0) return refuse("texts of variable length", "store them with fixed length");
      const size_t size = H5Tget_size(type);
      if (size == 0) return refuse("texts of no bytes");
      return {Kind::text, size, false, false, H5Tget_strpad(type) == H5T_STR_SPACEPAD};
    }
    case H5T_COMPOUND:
      return refuse("compound values", "store one dataset per field");
    case H5T_VLEN:
      return refuse("lists of variable length");
    case H5T_REFERENCE:
      return refuse("references");
    case H5T_OPAQUE:
      return refuse("opaque values");
    case H5T_ARRAY:
      return refuse("arrays as elements", "store them as axes");
    case H5T_BITFIELD:
      return refuse("bit fields");
    default:
      return refuse("values of an unknown class");
  }
}

DType read_as(const StoredType& type, const std::string& what) {
  switch (type.kind) {
    case Kind::text:
      throw FileError(what + " holds texts where numbers are wanted.");
    case Kind::boolean:
      return DType::boolean;
    case Kind::real:
      return type.size == 4 ? DType::float32 : DType::float64;
    default:
      break;
  }
  if (!type.is_signed && type.size == 1) return DType::uint8;
  return !type.is_signed && type.size == 4 ? DType::uint32 : DType::int32;
}

std::vector<std::byte> decode(std::span<const std::byte> bytes, const StoredType& type, const std::string& what) {
  const DType dtype = read_as(type, what);
  if (dtype == DType::int32 && !(type.is_signed && type.size == 4)) {
    const std::vector<int32_t> values = integers<int32_t>(bytes, type, what);
    const auto view = std::as_bytes(std::span(values));
    return {view.begin(), view.end()};
  }
  std::vector<std::byte> result(bytes.begin(), bytes.end());
  if (dtype == DType::boolean)
    for (std::byte& value : result) value = std::byte(value != std::byte(0));  // a bool of any other value is undefined in C++
  if (type.big_endian)
    for (size_t i = 0; i < result.size(); i += type.size) std::reverse(result.data() + i, result.data() + i + type.size);
  return result;
}

std::vector<int64_t> decode_int64(std::span<const std::byte> bytes, const StoredType& type, const std::string& what) {
  return integers<int64_t>(bytes, type, what);
}

std::vector<double> decode_float64(std::span<const std::byte> bytes, const StoredType& type, const std::string& what) {
  std::vector<double> values(bytes.size() / type.size);
  each_number(bytes, type, what, [&](auto value, size_t i) { values[i] = double(value); });
  return values;
}

std::vector<std::string> decode_texts(std::span<const std::byte> bytes, const StoredType& type, const std::string& what) {
  if (type.kind != Kind::text) throw FileError(what + " holds " + type.name() + " where texts are wanted.");
  std::vector<std::string> texts(bytes.size() / type.size);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto* begin = reinterpret_cast<const char*>(bytes.data()) + i * type.size;
    texts[i].assign(begin, std::find(begin, begin + type.size, '\0'));
    if (type.space_padded) texts[i].erase(texts[i].find_last_not_of(' ') + 1);
  }
  return texts;
}

}  // namespace lamina
