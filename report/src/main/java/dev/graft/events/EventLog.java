package dev.graft.events;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicLong;
import tools.jackson.databind.JsonNode;

/**
 * Writes the events of a run to {@code events.jsonl}, one JSON object a line. Each line is handed
 * to the operating system whole and at once, so a killed process leaves at most one torn last line,
 * which {@link RunEvents#read} passes over and the next {@link #append} or {@link #resume} drops.
 * Not safe for use by several threads.
 */
public final class EventLog implements Closeable {
  private final Path file;
  private final FileChannel channel;
  private final EventJson json;

  private EventLog(Path file, FileChannel channel, EventJson json) {
    this.file = file;
    this.channel = channel;
    this.json = json;
  }

  /**
   * Opens {@code file} to write after what it holds, and creates it, with its folder, where absent.
   *
   * @throws InvalidRunException where the file holds a line that is no event
   */
  public static EventLog append(Path file) throws IOException {
    return open(file, Integer.MAX_VALUE);
  }

  /**
   * Opens {@code file} to go on after a checkpoint: drops the first event whose {@code step} is
   * beyond {@code lastStep} and everything after it, in one truncation.
   *
   * @param lastStep step of the checkpoint that training goes on from
   * @throws InvalidRunException where a line before that point is no event
   */
  public static EventLog resume(Path file, int lastStep) throws IOException {
    return open(file, lastStep);
  }

  private static EventLog open(Path file, int lastStep) throws IOException {
    if (file.getParent() != null) {
      Files.createDirectories(file.getParent());
    }
    EventJson json = new EventJson();
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      AtomicLong end = new AtomicLong();
      boolean[] terminated = {true};
      new EventLines(file, json)
          .walk(line -> {
            JsonNode step = line.object().path("step");
            if (step.isNumber() && step.doubleValue() > lastStep) {
              return false;
            }
            end.set(line.end());
            terminated[0] = line.terminated();
            return true;
          });
      EventLog log = new EventLog(file, channel, json);
      if (end.get() < channel.size()) {
        channel.truncate(end.get());
        channel.force(true);
      }
      channel.position(end.get());
      if (!terminated[0]) {
        log.put("\n");
      }
      return log;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /**
   * Writes one line. A {@link Event.Saved} is also forced to the disk.
   *
   * @throws IOException where the line could not be written whole; the file then ends before it
   */
  public void write(Event event) throws IOException {
    put(json.line(event));
    if (event instanceof Event.Saved) {
      sync();
    }
  }

  /** Forces what was written to the disk: call it before a checkpoint becomes the latest one. */
  public void sync() throws IOException {
    channel.force(true);
  }

  private void put(String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    long start = channel.position();
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
    } catch (IOException e) {
      IOException failure =
          new IOException(
              "could not write to %s: %s; free some space and resume the run"
                  .formatted(file, e.getMessage()),
              e);
      try {
        channel.truncate(start);
      } catch (IOException second) {
        failure.addSuppressed(second);
      }
      throw failure;
    }
  }

  @Override
  public void close() throws IOException {
    try (channel) {
      channel.force(true);
    }
  }
}
