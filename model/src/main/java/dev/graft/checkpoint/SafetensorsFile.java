package dev.graft.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** One safetensors file, mapped; its header is checked whole before any tensor is handed out. */
final class SafetensorsFile {
  private static final long MAX_HEADER = 100_000_000;
  private static final JsonMapper JSON = JsonMapper.shared();

  private SafetensorsFile() {}

  /**
   * Maps a file.
   *
   * @param arena how long the mapping lives
   * @throws InvalidInputException if the file is not whole and consistent
   */
  static Map<String, StoredTensor> open(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < 8) {
        throw damaged(file, "is " + size + " bytes long, too short for a safetensors header");
      }
      MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      long header = mapped.get(Decoder.LONG, 0);
      if (header < 2 || header > MAX_HEADER || header > size - 8) {
        throw damaged(
            file,
            "has a header length of "
                + Long.toUnsignedString(header)
                + " bytes, but the file holds "
                + (size - 8)
                + " after it");
      }
      return tensors(file, header(file, mapped.asSlice(8, header)), mapped, 8 + header);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(
          file + ": there is no such file; fetch the checkpoint again", e);
    }
  }

  private static ObjectNode header(Path file, MemorySegment bytes) {
    String text =
        new String(bytes.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
    try {
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return object;
      }
      throw damaged(file, "has a header that is not a JSON object");
    } catch (JacksonException e) {
      throw damaged(file, "has a header that is not JSON");
    }
  }

  private static Map<String, StoredTensor> tensors(
      Path file, ObjectNode header, MemorySegment mapped, long dataStart) {
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (!entry.getKey().equals("__metadata__")) {
        tensors.put(
            entry.getKey(), tensor(file, entry.getKey(), entry.getValue(), mapped, dataStart));
      }
    }
    List<StoredTensor> byPosition = new ArrayList<>(tensors.values());
    byPosition.sort(
        Comparator.comparingLong(StoredTensor::position).thenComparingLong(StoredTensor::bytes));
    long end = dataStart;
    for (StoredTensor tensor : byPosition) {
      if (tensor.position() < end) {
        throw damaged(file, "tensor " + tensor.name() + " overlaps the one before it");
      }
      if (tensor.position() > end) {
        throw damaged(
            file,
            "has "
                + (tensor.position() - end)
                + " bytes before tensor "
                + tensor.name()
                + " that belong to none");
      }
      end = tensor.position() + tensor.bytes();
    }
    if (end != mapped.byteSize()) {
      throw damaged(
          file, "has " + (mapped.byteSize() - end) + " bytes at its end that belong to no tensor");
    }
    return tensors;
  }

  private static StoredTensor tensor(
      Path file, String name, JsonNode entry, MemorySegment mapped, long dataStart) {
    String type = entry.path("dtype").asString("");
    DType dtype;
    try {
      dtype = DType.valueOf(type);
      if (dtype.inBlocks()) {
        throw new IllegalArgumentException(type);
      }
    } catch (IllegalArgumentException e) {
      throw new InvalidInputException(
          file
              + ": tensor "
              + name
              + " has dtype '"
              + type
              + "', which Graft does not read; convert it to F32, F16, BF16 or F8_E4M3",
          e);
    }
    List<Long> shape = longs(file, name, "shape", entry.path("shape"));
    List<Long> offsets = longs(file, name, "data_offsets", entry.path("data_offsets"));
    long available = mapped.byteSize() - dataStart;
    if (offsets.size() != 2 || offsets.get(1) < offsets.get(0)) {
      throw damaged(file, "tensor " + name + " has data_offsets that are not a range");
    }
    if (offsets.get(1) > available) {
      throw damaged(
          file,
          "is truncated: tensor "
              + name
              + " ends at byte "
              + offsets.get(1)
              + " of the data but only "
              + available
              + " are there");
    }
    long bytes;
    try {
      bytes = shape.stream().reduce((long) dtype.bytes(), Math::multiplyExact);
    } catch (ArithmeticException e) {
      throw damaged(file, "tensor " + name + " has an impossible shape " + shape);
    }
    if (bytes != offsets.get(1) - offsets.get(0)) {
      throw damaged(
          file,
          "tensor "
              + name
              + " of shape "
              + shape
              + " and dtype "
              + type
              + " needs "
              + bytes
              + " bytes but has "
              + (offsets.get(1) - offsets.get(0)));
    }
    long position = dataStart + offsets.get(0);
    return new StoredTensor(name, dtype, shape, mapped.asSlice(position, bytes), file, position);
  }

  private static List<Long> longs(Path file, String name, String field, JsonNode node) {
    List<Long> values = new ArrayList<>();
    for (JsonNode value : node) {
      if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 0) {
        throw damaged(file, "tensor " + name + " has a " + field + " that is not a list of sizes");
      }
      values.add(value.longValue());
    }
    if (!node.isArray()) {
      throw damaged(file, "tensor " + name + " has no " + field);
    }
    return List.copyOf(values);
  }

  private static InvalidInputException damaged(Path file, String what) {
    return new InvalidInputException(file + ": " + what + "; fetch or write the file again");
  }

  /** Returns where the data starts: aligned to 64 bytes so that a mapping's tensors are. */
  static long writeHeader(FileChannel channel, List<CheckpointWriter.Declared> tensors)
      throws IOException {
    ObjectNode header = JSON.createObjectNode();
    header.putObject("__metadata__").put("format", "pt");
    long at = 0;
    for (CheckpointWriter.Declared tensor : tensors) {
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.dtype().name());
      tensor.shape().forEach(entry.withArray("shape")::add);
      entry.withArray("shape");
      entry.putArray("data_offsets").add(at).add(at + tensor.bytes());
      at += tensor.bytes();
    }
    byte[] json = JSON.writeValueAsBytes(header);
    int length = (8 + json.length + 63) / 64 * 64;
    ByteBuffer buffer = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putLong(length - 8L).put(json);
    while (buffer.hasRemaining()) {
      buffer.put((byte) ' ');
    }
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer, buffer.position());
    }
    if (at > 0) { // the file has its length from the start, so that others may write into it
      channel.write(ByteBuffer.allocate(1), length + at - 1);
    }
    return length;
  }
}
