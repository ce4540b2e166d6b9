package dev.graft.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads a header from front to back; never beyond the end of the file. */
final class GgufCursor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Longer than any vocabulary in one string. */
  private static final long MAX_TEXT = 1 << 28;

  private final Path path;
  private final MemorySegment data;
  private long at;

  /** Begins at a position of a mapped file. */
  GgufCursor(Path path, MemorySegment data, long at) {
    this.path = path;
    this.data = data;
    this.at = at;
  }

  Path path() {
    return path;
  }

  long position() {
    return at;
  }

  long size() {
    return data.byteSize();
  }

  GgufFormatException damaged(String what) {
    return new GgufFormatException(path + ": " + what + "; fetch or write the file again");
  }

  int int32() {
    return data.get(INT, take(4));
  }

  long int64() {
    return data.get(LONG, take(8));
  }

  /** A count of things that take at least so many bytes each. */
  long count(String what, int leastBytes) {
    long count = int64();
    if (count < 0 || count > (size() - at) / leastBytes) {
      throw damaged(
          "is truncated or damaged: it announces "
              + Long.toUnsignedString(count)
              + " "
              + what
              + ", more than it has room for");
    }
    return count;
  }

  String text() {
    long length = count("bytes of a string", 1);
    if (length > MAX_TEXT) {
      throw damaged("has a string of " + length + " bytes in its header");
    }
    return new String(
        data.asSlice(take(length), length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  /** Goes past a value, and checks that all of it is there. */
  void skipValue(String key) {
    GgufValueType type = type(key);
    long count = 1;
    if (type == GgufValueType.ARRAY) {
      type = type(key);
      count = count("elements of " + key, type.bytes());
    }
    switch (type) {
      case STRING -> {
        for (long i = 0; i < count; i++) {
          take(count("bytes of a string", 1));
        }
      }
      case ARRAY -> throw damaged(key + " is an array of arrays");
      default -> take(count * type.bytes());
    }
  }

  GgufValue value(String key) {
    GgufValueType type = type(key);
    return switch (type) {
      case STRING -> new GgufValue.Text(text());
      case BOOL -> new GgufValue.Flag(whole(type) != 0);
      case FLOAT32, FLOAT64 -> new GgufValue.Real(real(type));
      case ARRAY -> array(key);
      default -> new GgufValue.Whole(whole(type));
    };
  }

  private GgufValue array(String key) {
    GgufValueType type = type(key);
    long count = count("elements of " + key, type.bytes());
    return switch (type) {
      case STRING -> {
        List<String> texts = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          texts.add(text());
        }
        yield new GgufValue.Texts(List.copyOf(texts));
      }
      case FLOAT32, FLOAT64 -> {
        List<Float> reals = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          reals.add((float) real(type));
        }
        yield new GgufValue.Reals(List.copyOf(reals));
      }
      case ARRAY -> throw damaged(key + " is an array of arrays");
      default -> {
        List<Long> wholes = new ArrayList<>();
        for (long i = 0; i < count; i++) {
          wholes.add(whole(type));
        }
        yield new GgufValue.Wholes(List.copyOf(wholes));
      }
    };
  }

  private GgufValueType type(String key) {
    int code = int32();
    return GgufValueType.of(code)
        .orElseThrow(
            () -> damaged(key + " has the value type " + code + ", which GGUF does not have"));
  }

  private long whole(GgufValueType type) {
    long position = take(type.bytes());
    return switch (type) {
      case UINT8 -> data.get(ValueLayout.JAVA_BYTE, position) & 0xFF;
      case INT8, BOOL -> data.get(ValueLayout.JAVA_BYTE, position);
      case UINT16 -> data.get(SHORT, position) & 0xFFFF;
      case INT16 -> data.get(SHORT, position);
      case UINT32 -> Integer.toUnsignedLong(data.get(INT, position));
      case INT32 -> data.get(INT, position);
      case UINT64, INT64 -> data.get(LONG, position);
      case FLOAT32, FLOAT64, STRING, ARRAY -> throw new IllegalArgumentException(type.name());
    };
  }

  private double real(GgufValueType type) {
    long position = take(type.bytes());
    // The shortest decimal: 1e-5 of a config comes back as 1e-5, not as 9.99999974e-6.
    return type == GgufValueType.FLOAT64
        ? data.get(DOUBLE, position)
        : Double.parseDouble(Float.toString(data.get(FLOAT, position)));
  }

  private long take(long bytes) {
    if (bytes > size() - at) {
      throw damaged("is truncated: its header goes on beyond its " + size() + " bytes");
    }
    long position = at;
    at += bytes;
    return position;
  }
}
