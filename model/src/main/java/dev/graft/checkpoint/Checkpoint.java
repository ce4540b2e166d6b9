package dev.graft.checkpoint;

import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufFormatException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A Hugging Face directory or a GGUF file, its weights mapped into memory under their Hugging Face
 * names. Close it to unmap them.
 */
public final class Checkpoint implements AutoCloseable {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path directory;
  private final ObjectNode config;
  private final ModelSpec spec;
  private final Map<String, StoredTensor> tensors;
  private final Dequantizer dequantizer;
  private final Map<String, Weight> expanded = new ConcurrentHashMap<>();
  private final Arena arena;

  private Checkpoint(
      Path directory,
      ObjectNode config,
      ModelSpec spec,
      Map<String, StoredTensor> tensors,
      Dequantizer dequantizer,
      Arena arena) {
    this.directory = directory;
    this.config = config;
    this.spec = spec;
    this.tensors = tensors;
    this.dequantizer = dequantizer;
    this.arena = arena;
  }

  /**
   * Opens a directory or a GGUF file and checks that every tensor of its shape is there.
   *
   * @throws InvalidInputException if it cannot be used; the message names file and field
   */
  @SuppressWarnings("MustBeClosedChecker") // the checkpoint closes it
  public static Checkpoint open(Path directory) throws IOException {
    if (GgufFile.is(directory)) {
      return openGguf(directory);
    }
    ObjectNode config = readConfig(directory);
    ModelSpec spec = ConfigReader.read(directory.resolve("config.json").toString(), config);
    Arena arena = Arena.ofShared();
    try {
      Map<String, StoredTensor> tensors = tensors(directory, arena);
      Dequantizer dequantizer =
          new Dequantizer(directory, tensors, QuantizationConfig.blocks(config));
      TensorNames.check(directory, spec, tensors, dequantizer);
      return new Checkpoint(directory, config, spec, tensors, dequantizer, arena);
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  @SuppressWarnings("MustBeClosedChecker") // the checkpoint closes it
  private static Checkpoint openGguf(Path file) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      GgufFile gguf = GgufFile.open(file, arena);
      ObjectNode config = GgufConfig.read(gguf);
      ModelSpec spec = ConfigReader.read(file.toString(), config);
      Map<String, StoredTensor> tensors = GgufTensors.of(gguf, spec, arena);
      Dequantizer dequantizer = new Dequantizer(file, tensors, QuantizationConfig.blocks(config));
      return new Checkpoint(file, config, spec, tensors, dequantizer, arena);
    } catch (GgufFormatException e) {
      arena.close();
      throw new InvalidInputException(e.getMessage(), e);
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /** Reads {@code config.json} alone, or what it would be for a GGUF file. */
  public static ObjectNode readConfig(Path directory) throws IOException {
    if (GgufFile.is(directory)) {
      try (Arena arena = Arena.ofConfined()) {
        return GgufConfig.read(GgufFile.open(directory, arena));
      } catch (GgufFormatException e) {
        throw new InvalidInputException(e.getMessage(), e);
      }
    }
    Path file = directory.resolve("config.json");
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          directory
              + ": there is no config.json; give the directory of a Hugging Face model or a .gguf file");
    }
    return readObject(file);
  }

  /** The model's shape. */
  public ModelSpec spec() {
    return spec;
  }

  /** {@code config.json} as it stands, or what it would be for a GGUF file. */
  public ObjectNode config() {
    return config.deepCopy();
  }

  /** The directory, or the GGUF file. */
  public Path directory() {
    return directory;
  }

  /** Names of all tensors, in the order of the files. */
  public Set<String> names() {
    return tensors.keySet();
  }

  /** A tensor by name. */
  public StoredTensor tensor(String name) {
    return find(name)
        .orElseThrow(
            () -> new InvalidInputException(directory + ": tensor " + name + " is missing"));
  }

  /** A tensor by name, if it is there. */
  public Optional<StoredTensor> find(String name) {
    return Optional.ofNullable(tensors.get(name));
  }

  /**
   * Decodes a weight to float32, its scales applied.
   *
   * @param floats room for every element
   * @throws InvalidInputException if it holds NaN or infinity
   */
  public void copyWeight(String name, MemorySegment floats) {
    StoredTensor tensor = tensor(name);
    tensor.requireFinite();
    if (tensor.dtype() == DType.F8_E4M3 || tensor.dtype() == DType.I8) {
      Dequantizer.copy(dequantizer.weight(tensor), floats);
    } else {
      tensor.copyTo(floats);
    }
  }

  /**
   * A weight in place, [rows, columns]; a vector is one row.
   *
   * @throws InvalidInputException if it is missing or no weight
   */
  public Weight weight(String name) {
    StoredTensor tensor = tensor(name);
    return switch (tensor.dtype()) {
      case Q8_0 -> GgufTensors.int8(tensor);
      case Q4_0, Q4_1 -> expanded.computeIfAbsent(name, _ -> GgufTensors.expand(tensor, arena));
      default -> dequantizer.weight(tensor);
    };
  }

  @Override
  public void close() {
    arena.close();
  }

  private static Map<String, StoredTensor> tensors(Path directory, Arena arena) throws IOException {
    Path index = directory.resolve(INDEX);
    if (Files.isRegularFile(index)) {
      return sharded(directory, index, arena);
    }
    Path single = directory.resolve(SINGLE);
    if (!Files.isRegularFile(single)) {
      throw new InvalidInputException(
          directory
              + ": there is neither "
              + SINGLE
              + " nor "
              + INDEX
              + "; only safetensors are read as weights");
    }
    return SafetensorsFile.open(single, arena);
  }

  private static Map<String, StoredTensor> sharded(Path directory, Path index, Arena arena)
      throws IOException {
    JsonNode map = readObject(index).path("weight_map");
    if (!map.isObject() || map.isEmpty()) {
      throw new InvalidInputException(index + ": weight_map is missing; fetch the file again");
    }
    Map<String, Map<String, StoredTensor>> shards = new TreeMap<>();
    Map<String, StoredTensor> tensors = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().asString("");
      if (!shards.containsKey(shard)) {
        Path file = directory.resolve(shard);
        if (shard.isEmpty() || shard.contains("/") || !Files.isRegularFile(file)) {
          throw new InvalidInputException(
              index
                  + ": weight_map names the shard '"
                  + shard
                  + "', which is not in "
                  + directory
                  + "; fetch it");
        }
        shards.put(shard, SafetensorsFile.open(file, arena));
      }
      StoredTensor tensor = shards.get(shard).get(entry.getKey());
      if (tensor == null) {
        throw new InvalidInputException(
            index
                + ": weight_map places "
                + entry.getKey()
                + " in "
                + shard
                + ", which does not hold it; fetch both again");
      }
      tensors.put(entry.getKey(), tensor);
    }
    return tensors;
  }

  private static ObjectNode readObject(Path file) throws IOException {
    try {
      if (JsonMapper.shared().readTree(Files.readString(file)) instanceof ObjectNode object) {
        return object;
      }
      throw new InvalidInputException(file + ": this is not a JSON object");
    } catch (JacksonException | java.nio.charset.CharacterCodingException e) {
      throw new InvalidInputException(file + ": this is not JSON; fetch the file again", e);
    }
  }
}
