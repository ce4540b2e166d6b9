package dev.graft.results;

import dev.graft.checkpoint.InvalidInputException;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answered questions, one JSON object a line in a file, so that a run that was killed goes on where
 * it was. Each line is handed to the operating system whole and at once; a torn last line, which a
 * killed process can leave, is dropped when the file is opened. Not safe for use by several
 * threads.
 */
public final class ItemLog implements Closeable {
  private final Optional<Path> file;
  private final Optional<FileChannel> channel;
  private final Map<ItemKey, Item> items = new HashMap<>();

  private ItemLog(Optional<Path> file, Optional<FileChannel> channel) {
    this.file = file;
    this.channel = channel;
  }

  /** A log that is kept in memory only. */
  public static ItemLog inMemory() {
    return new ItemLog(Optional.empty(), Optional.empty());
  }

  /**
   * Opens a log to go on with, and creates it where absent.
   *
   * @throws InvalidInputException if the file holds something else
   */
  public static ItemLog open(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Files.createDirectories(folder);
    FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() == null) {
        throw new InvalidInputException(
            file + " is being written by another graft; wait for it or give another --out");
      }
      ItemLog log = new ItemLog(Optional.of(file), Optional.of(channel));
      long end = log.readLines(Files.readAllBytes(file));
      channel.truncate(end);
      channel.position(end);
      return log;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** Reads whole lines; returns where the last of them ends. */
  private long readLines(byte[] bytes) {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    long end = 0;
    int number = 0;
    for (int at = 0; at < bytes.length; at++) {
      if (bytes[at] != '\n') {
        line.write(bytes[at]);
        continue;
      }
      number++;
      end = at + 1L;
      Item item = item(number, line.toByteArray());
      items.put(item.key(), item);
      line.reset();
    }
    return end;
  }

  private Item item(int number, byte[] line) {
    try {
      JsonNode json = JsonMapper.shared().readTree(line);
      return ItemJson.item(json);
    } catch (JacksonException | NullPointerException e) {
      throw new InvalidInputException(
          file.orElseThrow()
              + ", line "
              + number
              + " is not an answered question; give another --out or delete the file",
          e);
    }
  }

  /** The answer to a question, if there is one already. */
  public Optional<Item> find(ItemKey key) {
    return Optional.ofNullable(items.get(key));
  }

  /**
   * Adds an answer.
   *
   * @throws IOException if the line could not be written whole
   */
  public void add(Item item) throws IOException {
    if (channel.isPresent()) {
      put(channel.get(), ItemJson.line(item) + "\n");
    }
    items.put(item.key(), item);
  }

  private void put(FileChannel out, String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    long start = out.position();
    try {
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    } catch (IOException e) {
      out.truncate(start);
      throw new IOException(
          "could not write to "
              + file.orElseThrow()
              + ": "
              + e.getMessage()
              + "; free some space and give the same command again",
          e);
    }
  }

  @Override
  public void close() throws IOException {
    if (channel.isPresent()) {
      try (FileChannel out = channel.get()) {
        out.force(true);
      }
    }
  }
}
