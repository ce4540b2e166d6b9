package dev.graft.quantize;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.CheckpointWriter.Declared;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.TensorNames;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.LongConsumer;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a quantised copy of a Hugging Face directory, streaming: projections and experts become
 * codes and scales; embeddings, gates, norms and biases are copied file to file.
 */
public final class Quantizer {
  private static final String EMBEDDING = "model.embed_tokens.weight";
  private static final String HEAD = "lm_head.weight";

  private final Checkpoint source;
  private final QuantizeOptions options;

  /** What is written, by name: the tensor that it is made of. */
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

  private final Map<Path, FileChannel> channels = new HashMap<>();

  private Quantizer(Checkpoint source, QuantizeOptions options) {
    this.source = source;
    this.options = options;
    requireNumbers(source);
    TensorNames.of(source.spec()).keySet().forEach(name -> tensors.put(name, source.tensor(name)));
    if (options.lmHead() && !tensors.containsKey(HEAD)) {
      tensors.put(HEAD, source.tensor(EMBEDDING));
    }
  }

  /** Bytes of tensors that {@link #run} will write. */
  public static long outputBytes(Path directory, QuantizeOptions options) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      return bytes(new Quantizer(checkpoint, options).declare());
    }
  }

  /**
   * Quantises a model.
   *
   * @param directory a Hugging Face directory of any family
   * @param out must not exist or be empty
   * @param written hears of bytes as they are written
   * @throws InvalidInputException if the model is quantised already or a weight is not finite
   */
  public static Quantized run(
      Path directory, Path out, QuantizeOptions options, LongConsumer written) throws IOException {
    CheckpointWriter.requireFree(out);
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      return new Quantizer(checkpoint, options).write(out, written);
    }
  }

  private Quantized write(Path out, LongConsumer written) throws IOException {
    List<TensorError> errors = new ArrayList<>();
    List<Declared> declared = declare();
    try (CheckpointWriter writer =
        CheckpointWriter.create(out, declared, options.maxShardBytes())) {
      for (Map.Entry<String, StoredTensor> entry : tensors.entrySet()) {
        StoredTensor from = entry.getValue();
        if (quantises(entry.getKey(), from)) {
          errors.add(
              new MatrixQuantizer(from, entry.getKey(), options.scheme()).write(writer, written));
        } else {
          from.requireFinite();
          writer.copy(entry.getKey(), from, channel(from));
          written.accept(from.bytes());
        }
      }
      writer.copyCompanions(source.directory());
      copyModelingFiles(writer);
      writer.commit(config());
    } finally {
      for (FileChannel channel : channels.values()) {
        channel.close();
      }
    }
    long before = source.names().stream().mapToLong(name -> source.tensor(name).bytes()).sum();
    return new Quantized(errors, warnings(errors), before, bytes(declared));
  }

  /** Matrices that tokens are multiplied with, except for the router's. */
  private boolean quantises(String name, StoredTensor tensor) {
    return tensor.shape().size() == 2
        && !name.equals(EMBEDDING)
        && !isGate(name)
        && (options.lmHead() || !name.equals(HEAD));
  }

  private static boolean isGate(String name) {
    return name.endsWith(".gate.weight");
  }

  private List<Declared> declare() {
    List<Declared> declared = new ArrayList<>();
    Scheme scheme = options.scheme();
    tensors.forEach((name, from) -> {
      if (quantises(name, from)) {
        declared.add(new Declared(name, scheme.codeType(), from.shape()));
        declared.add(
            new Declared(
                scheme.scaleName(name),
                scheme.scaleType(),
                scheme.scaleShape(from.shape().get(0), from.shape().get(1))));
      } else {
        declared.add(new Declared(name, from.dtype(), from.shape()));
      }
    });
    return declared;
  }

  private ObjectNode config() {
    ObjectNode config = source.config();
    List<String> kept = new ArrayList<>();
    for (String name : tensors.keySet()) {
      if (isGate(name)) {
        kept.add(name.substring(0, name.length() - ".weight".length()));
      }
    }
    if (options.lmHead()) {
      config.put("tie_word_embeddings", false);
    } else {
      kept.add("lm_head");
    }
    QuantizedConfig.put(config, options.scheme(), kept);
    return config;
  }

  private List<String> warnings(List<TensorError> errors) {
    List<String> warnings = new ArrayList<>();
    if (options.scheme() == Scheme.FP8_BLOCK) {
      Map<String, Integer> odd = new TreeMap<>();
      errors.stream()
          .filter(e -> e.rows() % Scheme.BLOCK != 0 || e.columns() % Scheme.BLOCK != 0)
          .forEach(e -> odd.merge(e.rows() + " × " + e.columns(), 1, Integer::sum));
      if (!odd.isEmpty()) {
        warnings.add(
            "128 does not divide the dimensions of "
                + odd.values().stream().mapToInt(Integer::intValue).sum()
                + " weights ("
                + String.join(", ", odd.keySet())
                + "); Graft reads such blocks, transformers refuses them");
      }
    }
    if (options.scheme() == Scheme.Q8) {
      errors.stream()
          .filter(e -> e.largestWeight() > Int8Panels.LARGEST_WEIGHT)
          .forEach(e ->
              warnings.add(
                  "tensor "
                      + e.name()
                      + " holds "
                      + e.largestWeight()
                      + ", beyond what float16 scales reach; it was cut to "
                      + Int8Panels.LARGEST_WEIGHT));
    }
    return warnings;
  }

  /** The Python files that {@code auto_map} names, if the model has them. */
  private void copyModelingFiles(CheckpointWriter writer) throws IOException {
    if (!source.config().path("auto_map").isObject()) {
      return;
    }
    List<Path> files;
    try (var entries = Files.list(source.directory())) {
      files = entries.filter(file -> file.toString().endsWith(".py")).sorted().toList();
    }
    for (Path file : files) {
      writer.writeFile(file.getFileName().toString(), Files.readAllBytes(file));
    }
  }

  private FileChannel channel(StoredTensor tensor) throws IOException {
    FileChannel channel = channels.get(tensor.file());
    if (channel == null) {
      channel = FileChannel.open(tensor.file(), StandardOpenOption.READ);
      channels.put(tensor.file(), channel);
    }
    return channel;
  }

  private static void requireNumbers(Checkpoint checkpoint) {
    if (Files.isRegularFile(checkpoint.directory())) {
      throw new InvalidInputException(
          checkpoint.directory()
              + ": this is a GGUF file; quantise the Hugging Face directory that it was made from");
    }
    String method =
        checkpoint.config().path("quantization_config").path("quant_method").asString("");
    boolean codes =
        checkpoint.names().stream()
            .map(name -> checkpoint.tensor(name).dtype())
            .anyMatch(dtype -> dtype == DType.F8_E4M3 || dtype == DType.I8);
    if (codes || !method.isEmpty()) {
      throw new InvalidInputException(
          checkpoint.directory()
              + "/config.json: the weights are quantised already"
              + (method.isEmpty() ? "" : " (quant_method " + method + ")")
              + "; quantise the model they were made from");
    }
  }

  private static long bytes(List<Declared> declared) {
    return declared.stream().mapToLong(Declared::bytes).sum();
  }
}
