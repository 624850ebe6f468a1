#include <png.h>

#include <cstdio>  // jpeglib.h needs FILE

#include <jpeglib.h>

#include <cmath>
#include <csetjmp>

#include <lamina/file.hpp>
using namespace lamina;

namespace {

constexpr uint64_t most_bytes = 1 << 28, most_pixels = 1 << 30, most_kept = 1 << 26;

/// Refuses sizes that no file of `bytes` can be decoded to, at `most` pixels per byte.
void check_claim(const std::string& path, uint64_t height, uint64_t width, uint64_t bytes, uint64_t most) {
  const uint64_t pixels = height * width;  // each has 32 bits
  if (pixels > most_pixels) throw Error(describe(path, " claims ", width, " × ", height, " pixels; at most ", most_pixels, " are decoded"));
  if (!pixels || pixels / most > bytes) throw Error(describe(path, " claims ", width, " × ", height, " pixels, but has ", bytes, " bytes"));
}
/// Refuses pictures that are held in memory as a whole.
void check_kept(const std::string& path, int64_t height, int64_t width, const char* why) {
  if (uint64_t(height) * uint64_t(width) > most_kept)
    throw Error(describe(path, " has ", width, " × ", height, " pixels; at most ", most_kept, " are decoded ", why));
}

/// A PNG picture that is being read, row by row. libpng's errors come back by longjmp to functions that own nothing.
class Png {
 public:
  Png(const std::string& path, const std::string& bytes) : path_(path), from_(bytes.data()), left_(bytes.size()) {
    if (!begin()) fail();
    check_claim(path, png_get_image_height(png_, info_), png_get_image_width(png_, info_), bytes.size(), 8 * 1032);  // a bit each, deflated
  }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int64_t width() const { return png_get_image_width(png_, info_); }
  /// The next row.
  void read(uint8_t* rgba) {
    if (!started_) {
      started_ = true;
      if (!start()) fail();
      if (passes_ > 1) {  // interlaced: no row is whole before the last pass
        check_kept(path_, height(), width(), "where they are interlaced");
        whole_.resize(size_t(height() * width() * 4));
        if (!all()) fail();
      }
    }
    if (passes_ > 1)
      std::copy_n(whole_.data() + size_t(4 * width() * row_++), 4 * width(), rgba);
    else if (!one(rgba))
      fail();
  }

 private:
  bool begin() {
    png_ = png_create_read_struct(
        PNG_LIBPNG_VER_STRING, this,
        [](png_structp png, png_const_charp text) {
          Png& own = *static_cast<Png*>(png_get_error_ptr(png));
          std::snprintf(own.message_, sizeof own.message_, "%s", text);
          png_longjmp(png, 1);
        },
        [](png_structp, png_const_charp) {});
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) return false;
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, [](png_structp png, png_bytep to, size_t count) {
      Png& own = *static_cast<Png*>(png_get_io_ptr(png));
      if (count > own.left_) png_error(png, "it ends too early");
      std::copy_n(own.from_, count, reinterpret_cast<char*>(to));
      own.from_ += count, own.left_ -= count;
    });
    png_read_info(png_, info_);
    return true;
  }
  bool start() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_alpha_mode(png_, PNG_ALPHA_PNG, PNG_DEFAULT_sRGB);  // of pictures with another gamma
    png_set_expand(png_), png_set_scale_16(png_), png_set_gray_to_rgb(png_), png_set_add_alpha(png_, 255, PNG_FILLER_AFTER);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool one(uint8_t* rgba) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_row(png_, rgba, nullptr);
    return true;
  }
  bool all() {
    if (setjmp(png_jmpbuf(png_))) return false;
    const png_uint_32 rows = png_get_image_height(png_, info_), bytes = 4 * png_get_image_width(png_, info_);
    for (int pass = 0; pass < passes_; ++pass)
      for (png_uint_32 row = 0; row < rows; ++row) png_read_row(png_, whole_.data() + size_t(row) * bytes, nullptr);
    return true;
  }
  [[noreturn]] void fail() const { throw Error(describe(path_, " is damaged: ", std::string(message_))); }
  std::string path_;
  const char* from_;
  size_t left_;
  struct Handles {
    png_structp png = nullptr;
    png_infop info = nullptr;
    ~Handles() { png_destroy_read_struct(&png, &info, nullptr); }
  } handles_;
  png_structp& png_ = handles_.png;
  png_infop& info_ = handles_.info;
  bool started_ = false;
  int passes_ = 1;
  std::vector<uint8_t> whole_;  ///< of an interlaced picture
  int64_t row_ = 0;
  char message_[128] = "there is no memory for it";
};

/// A JPEG picture that is being read, row by row. libjpeg's errors, and warnings (it goes on with grey where data are missing), come back
/// by longjmp to functions that own nothing.
class Jpeg {
 public:
  Jpeg(const std::string& path, const std::string& bytes) : path_(path) {
    info_.err = jpeg_std_error(&errors_);
    errors_.error_exit = [](j_common_ptr info) { of(info).leave(); };
    errors_.emit_message = [](j_common_ptr info, int level) {
      if (level < 0) of(info).leave();
    };
    progress_.progress_monitor = [](j_common_ptr info) {  // a small file can ask for many passes over a large picture
      Jpeg& j = of(info);
      if (j.info_.input_scan_number > 500) std::snprintf(j.message_, sizeof j.message_, "more than 500 scans"), std::longjmp(j.back_, 1);
    };
    info_.client_data = this;
    if (!begin(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size())) fail();
    check_claim(path, info_.image_height, info_.image_width, bytes.size(), 512);  // a bit for 64
    if (jpeg_has_multiple_scans(&info_)) check_kept(path, height(), width(), "where they come in several scans");
  }
  int64_t height() const { return info_.image_height; }
  int64_t width() const { return info_.image_width; }
  /// The next row.
  void read(uint8_t* rgba) {
    if (!one(rgba)) fail();
  }

 private:
  static Jpeg& of(j_common_ptr info) { return *static_cast<Jpeg*>(info->client_data); }
  [[noreturn]] void leave() {
    errors_.format_message(reinterpret_cast<j_common_ptr>(&info_), message_);
    std::longjmp(back_, 1);
  }
  [[noreturn]] void fail() const { throw Error(describe(path_, " is damaged: ", std::string(message_))); }
  bool begin(const unsigned char* bytes, size_t count) {
    if (setjmp(back_)) return false;
    jpeg_create_decompress(&info_);
    info_.client_data = this, info_.progress = &progress_;
    jpeg_mem_src(&info_, bytes, count);
    jpeg_read_header(&info_, TRUE);
    return true;
  }
  bool one(uint8_t* rgba) {
    if (setjmp(back_)) return false;
    if (info_.output_scanline == 0) info_.out_color_space = JCS_EXT_RGBA, jpeg_start_decompress(&info_);
    JSAMPROW row = rgba;
    jpeg_read_scanlines(&info_, &row, 1);
    if (info_.output_scanline == info_.output_height) jpeg_finish_decompress(&info_);
    return true;
  }
  std::string path_;
  struct Info : jpeg_decompress_struct {
    ~Info() { jpeg_destroy_decompress(this); }
  } info_{};
  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf back_;
  char message_[JMSG_LENGTH_MAX] = "";
};

/// Calls f with the picture, a Png or a Jpeg by what the file begins with.
template <class F>
auto with_picture(const std::string& path, F f) {
  const std::string bytes = contents_of(path, most_bytes);
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) {
    Png picture(path, bytes);
    return f(picture);
  }
  if (!bytes.starts_with("\xff\xd8\xff")) throw Error(path + " is neither a PNG nor a JPEG picture");
  Jpeg picture(path, bytes);
  return f(picture);
}

/// The triangle filter along one axis, as wide as a place of the larger grid: what each new place takes of the old ones.
struct Filter {
  struct Place {
    int64_t first;  ///< of the old places
    std::vector<float> weights;
  };
  std::vector<Place> places;
  Filter(int64_t from, int64_t to) {
    const double step = double(from) / double(to), width = std::max(step, 1.0);
    for (int64_t p = 0; p < to; ++p) {
      const double centre = (double(p) + 0.5) * step;
      const auto first = std::max<int64_t>(0, int64_t(std::floor(centre - width))),
                 last = std::min(from - 1, int64_t(std::ceil(centre + width)));
      const auto weight = [&](int64_t i) { return std::max(0.0, 1 - std::abs(double(i) + 0.5 - centre) / width); };
      double sum = 0;
      for (int64_t i = first; i <= last; ++i) sum += weight(i);
      Place& place = places.emplace_back(Place{first, {}});
      for (int64_t i = first; i <= last; ++i) {
        if (const auto w = float(weight(i) / sum))
          place.weights.push_back(w);
        else if (place.weights.empty())
          place.first = i + 1;
      }
    }
  }
};

/// A picture that is brought to another size while its rows come in: no more than one row of it is held. Source: triangle (or tent) filter,
/// Heckbert, "Zoom", Graphics Gems III, 1992.
class Resizer {
 public:
  Resizer(int64_t height, int64_t width, Shape extent, int64_t channels)
      : down_(height, extent[0]),
        across_(width, extent[1]),
        channels_(channels),
        line_(size_t(extent[1] * channels)),
        sums_(size_t(element_count(extent) * channels)) {}
  /// The next row, [width, channels].
  void row(const std::vector<float>& pixels) {
    std::fill(line_.begin(), line_.end(), 0.0f);
    for (size_t p = 0; p < across_.places.size(); ++p) {
      const Filter::Place& place = across_.places[p];
      const float* from = &pixels[size_t(place.first * channels_)];
      for (const float w : place.weights)
        for (int64_t c = 0; c < channels_; ++c) line_[p * size_t(channels_) + size_t(c)] += w * *from++;
    }
    for (size_t p = begin_; p < down_.places.size() && down_.places[p].first <= row_; ++p) {
      const Filter::Place& place = down_.places[p];
      const int64_t k = row_ - place.first;
      if (k >= int64_t(place.weights.size())) {
        if (p == begin_) ++begin_;  // places end in order
        continue;
      }
      for (size_t i = 0; i < line_.size(); ++i) sums_[p * line_.size() + i] += place.weights[size_t(k)] * line_[i];
    }
    ++row_;
  }
  /// The planes, [channels, height, width]; returns where the next picture begins.
  uint8_t* planes(uint8_t* out) const {
    for (size_t c = 0; c < size_t(channels_); ++c)
      for (size_t i = c; i < sums_.size(); i += size_t(channels_)) *out++ = uint8_t(std::clamp(sums_[i] + 0.5f, 0.0f, 255.0f));
    return out;
  }

 private:
  Filter down_, across_;
  int64_t channels_, row_ = 0;
  size_t begin_ = 0;  ///< the first new row that is not whole
  std::vector<float> line_, sums_;
};

}  // namespace

struct ImageFolder {
  Path path;
  std::optional<Path> test;
  std::string channels = "rgb";
  std::optional<PerAxis> size;
  int64_t background = 255;
  std::vector<std::string> classes;

  void declare(Declaration& d) {
    d.details(
        "A sub-folder per class, in it PNG and JPEG pictures (.png, .jpg, .jpeg); other files and hidden ones are passed over. "
        "Pictures are decoded in every epoch, beside the training. Where `size` is given, they are resized, each channel for itself, "
        "by a triangle filter that covers all pixels (as antialiased bilinear does); without it all must have one size. What lies "
        "behind transparent pixels is `background`, unless `channels` is rgba. Rotations noted in EXIF are not applied. Refused, with the "
        "path: what is no picture or a damaged one, more than 2³⁰ pixels (2²⁶ without `size`, interlaced or in several scans), a PNG of "
        "more than a million rows or columns, a class without pictures in "
        "the training split, a class of "
        "the test split that it has not.");
    d.source("PNG: ISO/IEC 15948; JPEG: ITU-T T.81; grey is the luma of ITU-R BT.601");
    d.required("path", path, "folder of the training split");
    d.optional("test", test, "folder of the test split; absent: there is no such split");
    d.optional("channels", channels, "gray | rgb | rgba", "the channels of the input: one, three or four");
    d.optional("size", size, "[1, 65536]", "height and width that pictures are brought to; absent: they have one size");
    d.optional("background", background, "[0, 255]", "what is behind transparent pixels: 255 is white");
    d.optional("classes", classes, "sub-folders that are the classes, in the order of their numbers; none: all, by name");
    d.result("input", "[channels, height, width], uint8");
    d.result("target", "class number of each picture");
    d.example(R"({"path": "pictures/train", "test": "pictures/test", "size": 64})");
  }
  std::vector<Split> open(Source& s) {
    if (classes.empty())
      for (auto& entry : entries_of(path.text))
        if (entry.folder) classes.push_back(entry.name);
    if (classes.empty()) s.fail(path.text, " has no sub-folders; wanted one per class");
    if (classes.size() > 65536) s.fail(path.text, " has ", classes.size(), " sub-folders; wanted at most 65536 classes");
    std::vector<Split> splits = {split(s, "train", path.text)};
    if (test) splits.push_back(split(s, "test", test->text));
    if (size) {
      extent_ = size->at(2);
    } else {
      for (auto& files : files_)
        for (auto& file : files) same_size(s, file);
    }
    for (auto& each : splits) each.columns[0].sample = {channel_count(), extent_[0], extent_[1]};
    return splits;
  }
  void read(size_t split, size_t, std::span<const int64_t> rows, void* out) const {
    auto* to = static_cast<uint8_t*>(out);
    for (int64_t row : rows) to = decode(files_[split][size_t(row)], to);
  }

 private:
  std::vector<std::vector<std::string>> files_;  ///< of each split
  Shape extent_;                                 ///< height, width

  int64_t channel_count() const { return channels == "gray" ? 1 : channels == "rgb" ? 3 : 4; }
  Split split(Source& s, const char* name, const std::string& folder) {
    Split made{name, 0, {{"input", DType::uint8, {}}, {"target", DType::int32, {}, {}, uint32_t(classes.size()), classes}}};
    std::vector<std::string>& files = files_.emplace_back();
    for (auto& entry : entries_of(folder))
      if (entry.folder && std::ranges::find(classes, entry.name) == classes.end() && made.name == "test")
        s.fail(folder, " has the sub-folder ", entry.name, ", which is no class of the training split", did_you_mean(entry.name, classes));
    for (int32_t number = 0; number < int32_t(classes.size()); ++number) {
      const std::string below = folder + "/" + classes[size_t(number)];
      const size_t before = files.size();
      if (made.name == "train" || is_there(below))
        for (auto& entry : entries_of(below))
          if (const std::string e = ending_of(entry.name); !entry.folder && (e == "png" || e == "jpg" || e == "jpeg"))
            files.push_back(below + "/" + entry.name);
      if (files.size() == before && made.name == "train") s.fail(below, " holds no pictures (.png, .jpg, .jpeg)");
      std::vector<uint8_t>& data = made.columns[1].data;
      for (size_t i = before; i < files.size(); ++i)
        data.insert(data.end(), reinterpret_cast<const uint8_t*>(&number), reinterpret_cast<const uint8_t*>(&number + 1));
    }
    if (files.empty()) s.fail(folder, " holds no pictures (.png, .jpg, .jpeg) in the sub-folders of its classes");
    made.samples = int64_t(files.size());
    return made;
  }
  void same_size(Source& s, const std::string& file) {
    const Shape own = with_picture(file, [&](auto& picture) {
      check_kept(file, picture.height(), picture.width(), "as they are; \"size\" makes them smaller");
      return Shape{picture.height(), picture.width()};
    });
    if (extent_.empty()) extent_ = own;
    if (own != extent_)
      s.fail(file, " has ", own[1], " × ", own[0], " pixels, ", files_[0][0], " ", extent_[1], " × ", extent_[0],
             "; \"size\" brings all to one");
  }
  /// The picture as planes of its channels; returns where the next begins.
  uint8_t* decode(const std::string& file, uint8_t* out) const {
    return with_picture(file, [&](auto& picture) {
      const int64_t height = picture.height(), width = picture.width(), count = channel_count();
      if (!size && Shape{height, width} != extent_) throw Error(file + " has changed its size while the training runs");
      std::vector<uint8_t> rgba(size_t(4 * width));
      if (Shape{height, width} == extent_) {
        for (int64_t y = 0; y < height; ++y) {
          picture.read(rgba.data());
          for (int64_t c = 0; c < count; ++c)
            for (int64_t x = 0; x < width; ++x) out[(c * height + y) * width + x] = uint8_t(channel(&rgba[size_t(4 * x)], c, count));
        }
        return out + count * height * width;
      }
      std::vector<float> pixels(size_t(count * width));
      Resizer resizer(height, width, extent_, count);
      for (int64_t y = 0; y < height; ++y) {
        picture.read(rgba.data());
        for (int64_t x = 0; x < width; ++x)
          for (int64_t c = 0; c < count; ++c) pixels[size_t(x * count + c)] = float(channel(&rgba[size_t(4 * x)], c, count));
        resizer.row(pixels);
      }
      return resizer.planes(out);
    });
  }
  /// Channel c of `count`: one is grey, four are the picture's own.
  int channel(const uint8_t* rgba, int64_t c, int64_t count) const {
    if (count == 4) return rgba[c];
    const auto on_background = [&](int v) { return (v * rgba[3] + int(background) * (255 - rgba[3]) + 127) / 255; };
    if (count == 3) return on_background(rgba[c]);
    return (on_background(rgba[0]) * 19595 + on_background(rgba[1]) * 38470 + on_background(rgba[2]) * 7471 + 32768) >> 16;
  }
};
LAMINA_DATASET(ImageFolder, "image_folder", "pictures in a folder per class")
