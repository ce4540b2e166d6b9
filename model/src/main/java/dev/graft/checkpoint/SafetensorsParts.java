package dev.graft.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Parts of tensors written into safetensors files that another process has begun, so that several
 * processes write one checkpoint at the same time.
 */
public final class SafetensorsParts implements AutoCloseable {
  private record Place(FileChannel channel, long position, long bytes) {}

  private final List<FileChannel> channels = new ArrayList<>();
  private final Map<String, Place> places = new HashMap<>();

  private SafetensorsParts() {}

  /** Opens files whose headers are written already. */
  public static SafetensorsParts open(List<Path> files) throws IOException {
    SafetensorsParts parts = new SafetensorsParts();
    try {
      for (Path file : files) {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
        parts.channels.add(channel);
        try (Arena arena = Arena.ofConfined()) {
          SafetensorsFile.open(file, arena)
              .forEach((name, tensor) ->
                  parts.places.put(name, new Place(channel, tensor.position(), tensor.bytes())));
        }
      }
      return parts;
    } catch (IOException | RuntimeException e) {
      parts.close();
      throw e;
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
    Safetensors.writeAt(place.channel(), place.position() + at, part);
  }

  /** Forces what was written to disk and closes. */
  @Override
  public void close() throws IOException {
    for (FileChannel channel : channels) {
      channel.force(true);
      channel.close();
    }
  }
}
