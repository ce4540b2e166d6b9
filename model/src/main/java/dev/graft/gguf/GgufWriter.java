package dev.graft.gguf;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a GGUF file of version 3, streaming: the tensors are declared first, then their bytes are
 * written piece by piece, in any order. Everything goes to a temporary file beside the target, is
 * synced, and takes its name at the end, so that a file of that name is always whole. Closing
 * without {@link #commit} leaves nothing.
 */
public final class GgufWriter implements AutoCloseable {
  private static final int VERSION = 3;

  private final Path target;
  private final Path work;
  private final FileChannel channel;
  private final Map<String, GgufTensor> tensors;
  private boolean committed;

  /**
   * A tensor to be written.
   *
   * @param shape row-major; rows are whole blocks of the type
   */
  public record Declared(String name, GgmlType type, List<Long> shape) {
    /** How many bytes. */
    public long bytes() {
      return new GgufTensor(name, type, shape, 0).bytes();
    }
  }

  private GgufWriter(Path target, Path work, FileChannel channel, Map<String, GgufTensor> tensors) {
    this.target = target;
    this.work = work;
    this.channel = channel;
    this.tensors = tensors;
  }

  /**
   * Starts a file.
   *
   * @param target replaced at {@link #commit} if it is there
   * @param tensors all that will be written
   */
  public static GgufWriter create(
      Path target, Map<String, GgufValue> metadata, List<Declared> tensors) throws IOException {
    Path parent = target.toAbsolutePath().getParent();
    Files.createDirectories(parent);
    Path work =
        parent.resolve("." + target.getFileName() + ".part-" + ProcessHandle.current().pid());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Map<String, GgufTensor> places = new LinkedHashMap<>();
    long end = header(new DataOutputStream(bytes), metadata, tensors, places);
    long start = GgufFile.align(bytes.size(), GgufFile.DEFAULT_ALIGNMENT);
    places.replaceAll((name, t) -> new GgufTensor(name, t.type(), t.shape(), start + t.position()));
    FileChannel channel =
        FileChannel.open(
            work,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
    GgufWriter writer = new GgufWriter(target, work, channel, places);
    try {
      writer.put(MemorySegment.ofArray(bytes.toByteArray()), 0);
      // The last byte gives the file its size, padding included, before any tensor is written.
      writer.put(MemorySegment.ofArray(new byte[1]), start + end - 1);
    } catch (IOException | RuntimeException e) {
      writer.close();
      throw e;
    }
    return writer;
  }

  /**
   * Writes a piece of a tensor.
   *
   * @param offset in bytes from the tensor's start
   */
  public void write(String name, long offset, MemorySegment data) throws IOException {
    GgufTensor tensor = tensors.get(name);
    if (tensor == null || offset < 0 || offset + data.byteSize() > tensor.bytes()) {
      throw new IllegalArgumentException(
          "tensor " + name + " was not declared with " + (offset + data.byteSize()) + " bytes");
    }
    put(data, tensor.position() + offset);
  }

  /** Syncs the file and gives it its name. */
  public void commit() throws IOException {
    try {
      channel.force(true);
      channel.close();
      Files.move(work, target, StandardCopyOption.ATOMIC_MOVE);
      try (FileChannel parent =
          FileChannel.open(target.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
        parent.force(true);
      }
      committed = true;
    } catch (IOException e) {
      throw explained(e);
    }
  }

  @Override
  public void close() throws IOException {
    if (!committed) {
      channel.close();
      Files.deleteIfExists(work);
    }
  }

  private void put(MemorySegment data, long position) throws IOException {
    try {
      for (long done = 0; done < data.byteSize(); ) {
        long length = Math.min(1 << 30, data.byteSize() - done);
        ByteBuffer buffer = data.asSlice(done, length).asByteBuffer();
        while (buffer.hasRemaining()) {
          done += channel.write(buffer, position + done);
        }
      }
    } catch (IOException e) {
      throw explained(e);
    }
  }

  private IOException explained(IOException e) {
    if (String.valueOf(e.getMessage()).contains("No space left")) {
      return new IOException(
          target
              + ": the disk is full; free space and run the same command again, nothing was left half-written",
          e);
    }
    return e;
  }

  /** Writes all before the data; returns the size of the data, padding included. */
  private static long header(
      DataOutputStream out,
      Map<String, GgufValue> metadata,
      List<Declared> tensors,
      Map<String, GgufTensor> places)
      throws IOException {
    int32(out, GgufFile.MAGIC);
    int32(out, VERSION);
    int64(out, tensors.size());
    int64(out, metadata.size());
    for (Map.Entry<String, GgufValue> entry : metadata.entrySet()) {
      text(out, entry.getKey());
      value(out, entry.getValue());
    }
    long at = 0;
    for (Declared tensor : tensors) {
      if (tensor.shape().getLast() % tensor.type().blockElements() != 0) {
        throw new IllegalArgumentException(
            "tensor " + tensor.name() + " has rows that are no whole blocks of " + tensor.type());
      }
      text(out, tensor.name());
      int32(out, tensor.shape().size());
      for (long size : tensor.shape().reversed()) {
        int64(out, size);
      }
      int32(out, tensor.type().code());
      int64(out, at);
      places.put(tensor.name(), new GgufTensor(tensor.name(), tensor.type(), tensor.shape(), at));
      at = GgufFile.align(at + tensor.bytes(), GgufFile.DEFAULT_ALIGNMENT);
    }
    return at;
  }

  private static void value(DataOutputStream out, GgufValue value) throws IOException {
    switch (value) {
      case GgufValue.Text(String text) -> {
        type(out, GgufValueType.STRING);
        text(out, text);
      }
      case GgufValue.Whole(long whole) when whole >= 0 && whole <= 0xFFFFFFFFL -> {
        type(out, GgufValueType.UINT32);
        int32(out, (int) whole);
      }
      case GgufValue.Whole(long whole) -> {
        type(out, GgufValueType.INT64);
        int64(out, whole);
      }
      case GgufValue.Real(double real) -> {
        type(out, GgufValueType.FLOAT32);
        int32(out, Float.floatToIntBits((float) real));
      }
      case GgufValue.Flag(boolean flag) -> {
        type(out, GgufValueType.BOOL);
        out.writeByte(flag ? 1 : 0);
      }
      case GgufValue.Texts(List<String> texts) -> {
        array(out, GgufValueType.STRING, texts.size());
        for (String text : texts) {
          text(out, text);
        }
      }
      case GgufValue.Wholes(List<Long> wholes) -> {
        array(out, GgufValueType.INT32, wholes.size());
        for (long whole : wholes) {
          int32(out, Math.toIntExact(whole));
        }
      }
      case GgufValue.Reals(List<Float> reals) -> {
        array(out, GgufValueType.FLOAT32, reals.size());
        for (float real : reals) {
          int32(out, Float.floatToIntBits(real));
        }
      }
    }
  }

  private static void array(DataOutputStream out, GgufValueType type, int size) throws IOException {
    type(out, GgufValueType.ARRAY);
    type(out, type);
    int64(out, size);
  }

  private static void type(DataOutputStream out, GgufValueType type) throws IOException {
    int32(out, type.code());
  }

  private static void text(DataOutputStream out, String text) throws IOException {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    int64(out, utf8.length);
    out.write(utf8);
  }

  private static void int32(DataOutputStream out, int value) throws IOException {
    out.writeInt(Integer.reverseBytes(value));
  }

  private static void int64(DataOutputStream out, long value) throws IOException {
    out.writeLong(Long.reverseBytes(value));
  }
}
