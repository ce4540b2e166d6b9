package dev.graft.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a Hugging Face directory, streaming: the tensors are declared first, then each is written
 * once, in any order, and memory does not grow with the model. Everything goes to a temporary
 * directory beside the target, is synced, and takes its name at the end, so that a directory of
 * that name is always whole. Closing without {@link #commit} leaves nothing.
 */
public final class CheckpointWriter implements AutoCloseable {
  /** Files of a model that are not weights or {@code config.json} and travel with it. */
  public static final List<String> COMPANIONS =
      List.of(
          "tokenizer.json",
          "tokenizer_config.json",
          "tokenizer.model",
          "special_tokens_map.json",
          "added_tokens.json",
          "vocab.json",
          "vocab.txt",
          "merges.txt",
          "chat_template.jinja",
          "chat_template.json",
          "generation_config.json",
          "LICENSE");

  private final Path target;
  private final Path work;
  private final List<Shard> shards;
  private final Map<String, Place> places;
  private boolean committed;

  /**
   * A tensor to be written.
   *
   * @param name its name
   * @param dtype its element type
   * @param shape row-major
   */
  public record Declared(String name, DType dtype, List<Long> shape) {
    /** How many bytes. */
    public long bytes() {
      return shape.stream().reduce((long) dtype.bytes(), Math::multiplyExact);
    }
  }

  private record Shard(String file, FileChannel channel) {}

  private record Place(FileChannel channel, long position, long bytes) {}

  private CheckpointWriter(Path target, Path work, List<Shard> shards, Map<String, Place> places) {
    this.target = target;
    this.work = work;
    this.shards = shards;
    this.places = places;
  }

  /**
   * Starts a directory.
   *
   * @param target must not exist or be empty
   * @param tensors all that will be written
   * @param maxShardBytes largest size of one file's data
   * @throws InvalidInputException if the target is taken
   */
  public static CheckpointWriter create(Path target, List<Declared> tensors, long maxShardBytes)
      throws IOException {
    requireFree(target);
    Path parent = target.toAbsolutePath().getParent();
    Files.createDirectories(parent);
    Path work = workDirectory(target, ProcessHandle.current().pid());
    deleteTree(work);
    Files.createDirectory(work);
    List<Shard> shards = new ArrayList<>();
    try {
      Map<String, Place> places = new LinkedHashMap<>();
      List<List<Declared>> plan = plan(tensors, maxShardBytes);
      Map<String, String> index = new LinkedHashMap<>();
      for (int i = 0; i < plan.size(); i++) {
        String file =
            plan.size() == 1
                ? "model.safetensors"
                : String.format("model-%05d-of-%05d.safetensors", i + 1, plan.size());
        FileChannel channel =
            FileChannel.open(
                work.resolve(file), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        shards.add(new Shard(file, channel));
        long at = SafetensorsFile.writeHeader(channel, plan.get(i));
        for (Declared tensor : plan.get(i)) {
          places.put(tensor.name(), new Place(channel, at, tensor.bytes()));
          index.put(tensor.name(), file);
          at += tensor.bytes();
        }
      }
      CheckpointWriter writer = new CheckpointWriter(target, work, shards, places);
      if (plan.size() > 1) {
        writer.writeIndex(index, tensors.stream().mapToLong(Declared::bytes).sum());
      }
      return writer;
    } catch (IOException e) {
      closeAll(shards);
      deleteTree(work);
      throw explained(target, e);
    } catch (RuntimeException e) {
      closeAll(shards);
      deleteTree(work);
      throw e;
    }
  }

  /** Writes a tensor's bytes. */
  public void write(String name, MemorySegment data) throws IOException {
    Place place = place(name, data.byteSize());
    try {
      Safetensors.writeAt(place.channel(), place.position(), data);
    } catch (IOException e) {
      throw explained(target, e);
    }
  }

  /**
   * Writes a part of a tensor's bytes.
   *
   * @param at where in the tensor the part begins
   */
  public void write(String name, long at, MemorySegment part) throws IOException {
    Place place = Optional.ofNullable(places.get(name)).orElseThrow();
    if (at < 0 || at + part.byteSize() > place.bytes()) {
      throw new IllegalArgumentException(
          "tensor " + name + " ends before " + at + " + " + part.byteSize() + " bytes");
    }
    try {
      Safetensors.writeAt(place.channel(), place.position() + at, part);
    } catch (IOException e) {
      throw explained(target, e);
    }
  }

  /** Copies a stored tensor's bytes, file to file where they lie in one in this order. */
  public void copy(String name, StoredTensor from, FileChannel source) throws IOException {
    if (from.position() < 0) {
      write(name, from.data());
      return;
    }
    Place place = place(name, from.bytes());
    try {
      place.channel().position(place.position());
      for (long done = 0; done < from.bytes(); ) {
        long moved =
            source.transferTo(from.position() + done, from.bytes() - done, place.channel());
        if (moved <= 0) {
          throw new IOException(
              from.file() + ": ended while tensor " + from.name() + " was being copied");
        }
        done += moved;
      }
    } catch (IOException e) {
      throw explained(target, e);
    }
  }

  /** Copies the files that travel with a model. */
  public void copyCompanions(Path source) throws IOException {
    try {
      for (String name : COMPANIONS) {
        Path file = source.resolve(name);
        if (Files.isRegularFile(file)) {
          Files.copy(file, work.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
      }
    } catch (IOException e) {
      throw explained(target, e);
    }
  }

  /** Writes another file of the directory. */
  public void writeFile(String name, byte[] content) throws IOException {
    try {
      Files.write(work.resolve(name), content);
    } catch (IOException e) {
      throw explained(target, e);
    }
  }

  /** The temporary directory that a process writes before it takes the target's name. */
  public static Path workDirectory(Path target, long process) {
    return target
        .toAbsolutePath()
        .getParent()
        .resolve("." + target.getFileName() + ".part-" + process);
  }

  /** The directory under its temporary name, for files that stream themselves. */
  public Path workDirectory() {
    return work;
  }

  /** Writes {@code config.json}, syncs every file and gives the directory its name. */
  public void commit(ObjectNode config) throws IOException {
    try {
      writeFile(
          "config.json",
          (JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(config) + "\n")
              .getBytes(StandardCharsets.UTF_8));
      for (Shard shard : shards) {
        shard.channel().force(true);
        shard.channel().close();
      }
      try (var files = Files.list(work)) {
        for (Path file : files.toList()) {
          sync(file);
        }
      }
      sync(work);
      Files.deleteIfExists(target);
      Files.move(work, target, StandardCopyOption.ATOMIC_MOVE);
      sync(target.toAbsolutePath().getParent());
      committed = true;
    } catch (IOException e) {
      throw explained(target, e);
    }
  }

  @Override
  public void close() throws IOException {
    if (!committed) {
      closeAll(shards);
      deleteTree(work);
    }
  }

  /** Refuses a target that holds something. */
  public static void requireFree(Path target) throws IOException {
    if (Files.isRegularFile(target)) {
      throw new InvalidInputException(
          target + ": a file of this name is there; choose another output directory");
    }
    if (Files.isDirectory(target)) {
      try (var entries = Files.list(target)) {
        if (entries.findAny().isPresent()) {
          throw new InvalidInputException(
              target + ": the directory is not empty; remove it or choose another output");
        }
      }
    }
  }

  /** Bytes of a size such as 5GB, 500MB or 1GiB. */
  public static long parseSize(String text) {
    var matcher =
        java.util.regex.Pattern.compile(
                "(\\d+(?:\\.\\d+)?)\\s*([KMGT]?)(I?)B?", java.util.regex.Pattern.CASE_INSENSITIVE)
            .matcher(text.strip());
    if (!matcher.matches()) {
      throw new InvalidInputException("'" + text + "' is not a size; write 5GB, 500MB or 1GiB");
    }
    int power = "KMGT".indexOf(matcher.group(2).toUpperCase(java.util.Locale.ROOT)) + 1;
    double base = matcher.group(3).isEmpty() ? 1000 : 1024;
    double bytes =
        Double.parseDouble(matcher.group(1))
            * (matcher.group(2).isEmpty() ? 1 : Math.pow(base, power));
    if (bytes < 1) {
      throw new InvalidInputException(
          "'" + text + "' is not a size above 0; write 5GB, 500MB or 1GiB");
    }
    return (long) bytes;
  }

  /** Forces a file or directory to disk. */
  public static void sync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Deletes a directory and all in it, if it is there. */
  public static void deleteTree(Path path) throws IOException {
    if (!Files.exists(path)) {
      return;
    }
    List<Path> entries;
    try (var walk = Files.walk(path)) {
      entries = walk.toList();
    }
    for (Path entry : entries.reversed()) {
      Files.deleteIfExists(entry);
    }
  }

  private Place place(String name, long bytes) {
    Place place = Optional.ofNullable(places.get(name)).orElseThrow();
    if (place.bytes() != bytes) {
      throw new IllegalArgumentException(
          "tensor " + name + " was declared with " + place.bytes() + " bytes but has " + bytes);
    }
    return place;
  }

  private static List<List<Declared>> plan(List<Declared> tensors, long maxShardBytes) {
    List<List<Declared>> shards = new ArrayList<>();
    List<Declared> current = new ArrayList<>();
    long size = 0;
    for (Declared tensor : tensors) {
      if (!current.isEmpty() && size + tensor.bytes() > maxShardBytes) {
        shards.add(current);
        current = new ArrayList<>();
        size = 0;
      }
      current.add(tensor);
      size += tensor.bytes();
    }
    shards.add(current);
    return shards;
  }

  private void writeIndex(Map<String, String> index, long total) throws IOException {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.putObject("metadata").put("total_size", total);
    ObjectNode map = root.putObject("weight_map");
    index.forEach(map::put);
    writeFile(
        "model.safetensors.index.json",
        JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsBytes(root));
  }

  private static void closeAll(List<Shard> shards) throws IOException {
    for (Shard shard : shards) {
      shard.channel().close();
    }
  }

  private static IOException explained(Path target, IOException e) {
    if (String.valueOf(e.getMessage()).contains("No space left")) {
      return new IOException(
          target
              + ": the disk is full; free space and run the same command again, nothing was left half-written",
          e);
    }
    return e;
  }
}
