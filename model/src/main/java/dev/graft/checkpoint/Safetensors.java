package dev.graft.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** One safetensors file that is not a model: named tensors, mapped. */
public final class Safetensors implements AutoCloseable {
  private final Path file;
  private final Arena arena;
  private final Map<String, StoredTensor> tensors;

  private Safetensors(Path file, Arena arena, Map<String, StoredTensor> tensors) {
    this.file = file;
    this.arena = arena;
    this.tensors = tensors;
  }

  /**
   * Maps a file.
   *
   * @throws InvalidInputException if it is not whole and consistent
   */
  @SuppressWarnings("MustBeClosedChecker") // closed with this
  public static Safetensors open(Path file) throws IOException {
    Arena arena = Arena.ofShared();
    try {
      return new Safetensors(file, arena, SafetensorsFile.open(file, arena));
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  public Set<String> names() {
    return tensors.keySet();
  }

  /** A tensor by name. */
  public StoredTensor tensor(String name) {
    StoredTensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new InvalidInputException(file + ": tensor " + name + " is missing");
    }
    return tensor;
  }

  @Override
  public void close() {
    arena.close();
  }

  /**
   * Starts a file of the declared tensors; it is whole when all are written and the writer is
   * closed.
   */
  public static Writer create(Path file, List<CheckpointWriter.Declared> tensors)
      throws IOException {
    return new Writer(file, tensors);
  }

  /** Writes one file, each tensor once. */
  public static final class Writer implements AutoCloseable {
    private final FileChannel channel;
    private final Map<String, Long> positions = new LinkedHashMap<>();

    private Writer(Path file, List<CheckpointWriter.Declared> tensors) throws IOException {
      this.channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      long at = SafetensorsFile.writeHeader(channel, tensors);
      for (CheckpointWriter.Declared tensor : tensors) {
        positions.put(tensor.name(), at);
        at += tensor.bytes();
      }
    }

    /** Writes a tensor's bytes. */
    public void write(String name, MemorySegment data) throws IOException {
      writeAt(channel, positions.get(name), data);
    }

    /** Syncs and closes. */
    @Override
    public void close() throws IOException {
      channel.force(true);
      channel.close();
    }
  }

  static void writeAt(FileChannel channel, long position, MemorySegment data) throws IOException {
    for (long done = 0; done < data.byteSize(); ) {
      long length = Math.min(Integer.MAX_VALUE - 8, data.byteSize() - done);
      ByteBuffer buffer = data.asSlice(done, length).asByteBuffer();
      while (buffer.hasRemaining()) {
        done += channel.write(buffer, position + done);
      }
    }
  }
}
