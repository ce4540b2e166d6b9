package dev.graft.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A GGUF file of version 2 or 3, mapped; its header is checked whole before anything is read. */
public final class GgufFile {
  /** "GGUF", little-endian. */
  static final int MAGIC = 0x46554747;

  static final int DEFAULT_ALIGNMENT = 32;
  static final String ALIGNMENT = "general.alignment";
  private static final int MAX_DIMENSIONS = 4;

  private final Path path;
  private final MemorySegment mapped;
  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;

  private GgufFile(
      Path path, MemorySegment mapped, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
    this.path = path;
    this.mapped = mapped;
    this.metadata = metadata;
    this.tensors = tensors;
  }

  /** Whether a path is a file that begins as GGUF does, or is named so. */
  public static boolean is(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      return false;
    }
    if (path.getFileName().toString().endsWith(".gguf")) {
      return true;
    }
    try (var in = Files.newInputStream(path)) {
      return java.util.Arrays.equals(in.readNBytes(4), new byte[] {'G', 'G', 'U', 'F'});
    }
  }

  /**
   * Maps a file.
   *
   * @param arena how long the mapping lives
   * @throws GgufFormatException if the file is not whole and consistent
   */
  public static GgufFile open(Path path, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      GgufCursor in = new GgufCursor(path, mapped, 0);
      if (mapped.byteSize() < 4 || in.int32() != MAGIC) {
        throw new GgufFormatException(
            path + ": this is not a GGUF file: it does not begin with the letters GGUF");
      }
      int version = in.int32();
      if (version != 2 && version != 3) {
        throw new GgufFormatException(
            path
                + ": the GGUF version is "
                + (version == Integer.reverseBytes(3) ? "3 in big-endian order" : version)
                + "; versions 2 and 3 in little-endian order are read");
      }
      long tensorCount = in.count("tensors", 24);
      long valueCount = in.count("metadata values", 12);
      Map<String, Long> values = new LinkedHashMap<>();
      for (long i = 0; i < valueCount; i++) {
        String key = in.text();
        values.put(key, in.position());
        in.skipValue(key);
      }
      GgufMetadata metadata = new GgufMetadata(path, mapped, values);
      return new GgufFile(path, mapped, metadata, tensors(in, tensorCount, metadata));
    }
  }

  private static Map<String, GgufTensor> tensors(GgufCursor in, long count, GgufMetadata metadata) {
    List<GgufTensor> infos = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      infos.add(info(in));
    }
    long alignment = metadata.whole(ALIGNMENT).orElse((long) DEFAULT_ALIGNMENT);
    if (alignment < 1 || Long.bitCount(alignment) != 1) {
      throw in.damaged(ALIGNMENT + " is " + alignment + ", which is no power of two");
    }
    long start = align(in.position(), alignment);
    Map<String, GgufTensor> tensors = new LinkedHashMap<>();
    for (GgufTensor info : infos) {
      GgufTensor tensor =
          new GgufTensor(info.name(), info.type(), info.shape(), start + info.position());
      if (info.position() < 0
          || info.position() > in.size()
          || info.position() % alignment != 0
          || tensor.position() > in.size() - tensor.bytes()) {
        throw in.damaged(
            "is truncated or damaged: tensor "
                + tensor.name()
                + " of "
                + tensor.bytes()
                + " bytes should begin at byte "
                + tensor.position()
                + " of "
                + in.size());
      }
      if (tensors.put(tensor.name(), tensor) != null) {
        throw in.damaged("has the tensor " + tensor.name() + " twice");
      }
    }
    return java.util.Collections.unmodifiableMap(tensors);
  }

  /** A tensor's entry; its position still counts from the start of the data. */
  private static GgufTensor info(GgufCursor in) {
    String name = in.text();
    int dimensions = in.int32();
    if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
      throw in.damaged("tensor " + name + " has " + dimensions + " dimensions");
    }
    List<Long> shape = new ArrayList<>();
    long elements = 1;
    for (int d = 0; d < dimensions; d++) {
      long size = in.int64();
      if (size < 1 || size > Long.MAX_VALUE / 64 / elements) {
        throw in.damaged("tensor " + name + " has the impossible dimension " + size);
      }
      elements *= size;
      shape.addFirst(size);
    }
    int code = in.int32();
    GgmlType type =
        GgmlType.of(code)
            .orElseThrow(() ->
                new GgufFormatException(
                    in.path()
                        + ": tensor "
                        + name
                        + " has the type "
                        + GgmlType.describe(code)
                        + ", which Graft does not read; take a file of F32, F16, BF16, Q8_0, Q4_0 or Q4_1"));
    if (shape.getLast() % type.blockElements() != 0) {
      throw in.damaged(
          "tensor "
              + name
              + " has rows of "
              + shape.getLast()
              + " elements, which are no whole blocks of "
              + type);
    }
    return new GgufTensor(name, type, List.copyOf(shape), in.int64());
  }

  static long align(long position, long alignment) {
    return (position + alignment - 1) / alignment * alignment;
  }

  public Path path() {
    return path;
  }

  public GgufMetadata metadata() {
    return metadata;
  }

  /** Every tensor by its name, in the order of the file. */
  public Map<String, GgufTensor> tensors() {
    return tensors;
  }

  /** A tensor's bytes; valid while the arena lives. */
  public MemorySegment data(GgufTensor tensor) {
    return mapped.asSlice(tensor.position(), tensor.bytes());
  }
}
