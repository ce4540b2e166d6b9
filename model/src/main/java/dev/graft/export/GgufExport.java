package dev.graft.export;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.GgufArchitecture;
import dev.graft.checkpoint.GgufConfig;
import dev.graft.checkpoint.GgufPlace;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.RopeFactors;
import dev.graft.checkpoint.RopeScaling;
import dev.graft.checkpoint.TensorNames;
import dev.graft.gguf.GgmlType;
import dev.graft.gguf.GgufValue;
import dev.graft.gguf.GgufWriter;
import dev.graft.text.GgufVocabulary;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Writes a checkpoint as a GGUF file for llama.cpp, streaming. Types are as its own converter
 * chooses them: norms, biases and the router float32, every other matrix of the type asked for.
 */
public final class GgufExport {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Checkpoint checkpoint;
  private final ModelSpec spec;
  private final GgufType type;
  private final Map<String, GgufPlace> places;
  private final Map<String, List<Long>> shapes;
  private final GgufArchitecture architecture;

  private GgufExport(Checkpoint checkpoint, GgufType type) {
    this.checkpoint = checkpoint;
    this.spec = checkpoint.spec();
    this.type = type;
    this.architecture = GgufArchitecture.of(checkpoint.directory().toString(), spec);
    this.places = GgufPlace.of(spec, architecture);
    this.shapes = TensorNames.of(spec);
  }

  /** Bytes of tensors that {@link #run} will write. */
  public static long outputBytes(Path model, GgufType type) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      return new GgufExport(checkpoint, type)
          .declare().values().stream().mapToLong(GgufWriter.Declared::bytes).sum();
    }
  }

  /**
   * Writes the file.
   *
   * @param model a Hugging Face directory, or a GGUF file to be written in another type
   * @param out takes the place of a file of this name
   * @param written hears of bytes as they are written
   * @throws dev.graft.checkpoint.InvalidInputException naming what llama.cpp cannot express
   */
  public static void run(Path model, Path out, GgufType type, LongConsumer written)
      throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      new GgufExport(checkpoint, type).write(out, written);
    }
  }

  private void write(Path out, LongConsumer written) throws IOException {
    Map<String, GgufWriter.Declared> declared = declare();
    String name = checkpoint.directory().toAbsolutePath().normalize().getFileName().toString();
    Map<String, GgufValue> metadata = GgufConfig.metadata(name, spec, architecture);
    metadata.put("general.file_type", new GgufValue.Whole(type.fileType()));
    metadata.put("general.quantization_version", new GgufValue.Whole(2));
    metadata.putAll(GgufVocabulary.metadata(checkpoint.directory(), spec.vocabSize()));
    try (GgufWriter writer = GgufWriter.create(out, metadata, List.copyOf(declared.values()))) {
      if (declared.containsKey(GgufPlace.ROPE_FREQS)) {
        float[] factors = RopeFactors.of(spec.rope(), spec.headDim());
        MemorySegment data = MemorySegment.ofArray(new byte[factors.length * 4]);
        for (int i = 0; i < factors.length; i++) {
          data.set(FLOAT, i * 4L, factors[i]);
        }
        writer.write(GgufPlace.ROPE_FREQS, 0, data);
        written.accept(data.byteSize());
      }
      for (Map.Entry<String, GgufPlace> entry : places.entrySet()) {
        GgufPlace place = entry.getValue();
        GgmlType stored = declared.get(place.name()).type();
        GgufRows rows = new GgufRows(checkpoint.weight(entry.getKey()), place, stored);
        long start = place.expert().orElse(0) * rows.bytes();
        rows.write((offset, data) -> {
          writer.write(place.name(), start + offset, data);
          written.accept(data.byteSize());
        });
      }
      writer.commit();
    }
  }

  /** Every tensor of the file by its name there. */
  private Map<String, GgufWriter.Declared> declare() {
    Map<String, GgufWriter.Declared> declared = new LinkedHashMap<>();
    if (spec.rope().scaling() instanceof RopeScaling.Llama3) {
      declared.put(
          GgufPlace.ROPE_FREQS,
          new GgufWriter.Declared(
              GgufPlace.ROPE_FREQS, GgmlType.F32, List.of(spec.headDim() / 2L)));
    }
    places.forEach((name, place) -> {
      List<Long> shape = place.shape(shapes.get(name), spec);
      declared.put(
          place.name(), new GgufWriter.Declared(place.name(), stored(place, shape), shape));
    });
    return declared;
  }

  private GgmlType stored(GgufPlace place, List<Long> shape) {
    boolean exact = shape.size() == 1 || place.name().endsWith(".ffn_gate_inp.weight");
    return exact ? GgmlType.F32 : type.forColumns(shape.getLast());
  }
}
