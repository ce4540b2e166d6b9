package dev.graft.checkpoint;

import dev.graft.gguf.GgmlBlocks;
import dev.graft.gguf.GgmlType;
import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The tensors of a GGUF file under their Hugging Face names. */
final class GgufTensors {
  private GgufTensors() {}

  /**
   * Finds every tensor of a model's shape. All stay where they are in the file, but for q and k of
   * an architecture that pairs their rows: these are copied into Hugging Face's order.
   *
   * @param arena where the copies live
   * @throws InvalidInputException if one is missing, has another shape, or is not known
   */
  static Map<String, StoredTensor> of(GgufFile file, ModelSpec spec, Arena arena) {
    GgufArchitecture architecture = GgufConfig.architecture(file);
    Map<String, GgufPlace> places = GgufPlace.of(spec, architecture);
    Map<String, List<Long>> shapes = TensorNames.of(spec);
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    Set<String> known = new HashSet<>(Set.of(GgufPlace.ROPE_FREQS));
    places.forEach((name, place) -> {
      GgufTensor stored = stored(file, place, place.shape(shapes.get(name), spec));
      known.add(place.name());
      tensors.put(name, tensor(file, name, place, stored, shapes.get(name), arena));
    });
    for (String name : file.tensors().keySet()) {
      if (!known.contains(name)) {
        throw new InvalidInputException(
            file.path()
                + ": tensor "
                + name
                + " is none that Graft's "
                + spec.family().architecture()
                + " has, so its forward pass would be another");
      }
    }
    return tensors;
  }

  private static GgufTensor stored(GgufFile file, GgufPlace place, List<Long> shape) {
    GgufTensor stored = file.tensors().get(place.name());
    if (stored == null) {
      throw new InvalidInputException(
          file.path()
              + ": tensor "
              + place.name()
              + " is missing, which the metadata calls for; fetch or export the file again");
    }
    if (!stored.shape().equals(shape)) {
      throw new InvalidInputException(
          file.path()
              + ": tensor "
              + place.name()
              + " has the shape "
              + stored.shape()
              + " but the metadata calls for "
              + shape);
    }
    return stored;
  }

  private static StoredTensor tensor(
      GgufFile file,
      String name,
      GgufPlace place,
      GgufTensor stored,
      List<Long> shape,
      Arena arena) {
    MemorySegment data = file.data(stored);
    long position = stored.position();
    if (place.expert().isPresent()) {
      long bytes = stored.bytes() / stored.shape().getFirst();
      data = data.asSlice(place.expert().getAsInt() * bytes, bytes);
      position += place.expert().getAsInt() * bytes;
    }
    if (place.pairedHeads() > 0) {
      data = inSourceOrder(data, place, Math.toIntExact(shape.getFirst()), arena);
      position = -1;
    }
    return new StoredTensor(
        name, DType.valueOf(stored.type().name()), shape, data, file.path(), position);
  }

  private static MemorySegment inSourceOrder(
      MemorySegment data, GgufPlace place, int rows, Arena arena) {
    long bytes = data.byteSize() / rows;
    MemorySegment ordered = arena.allocate(data.byteSize(), 64);
    for (int row = 0; row < rows; row++) {
      MemorySegment.copy(data, row * bytes, ordered, place.sourceRow(row, rows) * bytes, bytes);
    }
    return ordered;
  }

  /** Q8_0 in place. */
  static Weight.Int8 int8(StoredTensor tensor) {
    int columns = columns(tensor);
    long block = GgmlType.Q8_0.blockBytes();
    long row = GgmlType.Q8_0.bytes(columns);
    return new Weight.Int8(
        tensor.name(),
        rows(tensor),
        columns,
        tensor.data(),
        2,
        row,
        block,
        tensor.data(),
        0,
        row,
        block);
  }

  /** Q4_0 as signed bytes, Q4_1 (which has minima) as float32; both are the very same numbers. */
  static Weight expand(StoredTensor tensor, Arena arena) {
    int rows = rows(tensor);
    int columns = columns(tensor);
    long elements = tensor.elements();
    if (tensor.dtype() == DType.Q4_0) {
      MemorySegment codes = arena.allocate(elements, 64);
      MemorySegment scales = arena.allocate(elements / GgmlBlocks.SIZE * 2, 64);
      GgmlBlocks.widenQ4(tensor.data(), codes, scales, elements);
      return Weight.Int8.of(tensor.name(), rows, columns, codes, scales);
    }
    MemorySegment floats = arena.allocate(elements * 4, 64);
    tensor.copyTo(floats);
    return new Weight.Plain(tensor.name(), rows, columns, DType.F32, floats);
  }

  private static int columns(StoredTensor tensor) {
    return Math.toIntExact(tensor.shape().getLast());
  }

  private static int rows(StoredTensor tensor) {
    return Math.toIntExact(tensor.elements() / columns(tensor));
  }
}
