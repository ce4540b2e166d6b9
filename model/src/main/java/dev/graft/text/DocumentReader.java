package dev.graft.text;

import com.github.luben.zstd.ZstdIOException;
import com.github.luben.zstd.ZstdInputStream;
import dev.graft.checkpoint.InvalidInputException;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.LongConsumer;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The documents of a .txt or .jsonl file, plain, .gz or .zst, one at a time. Line ends become
 * {@code \n}.
 */
public final class DocumentReader implements Closeable {
  /** What separates the documents of a text file. */
  public enum Split {
    /** Lines of nothing but white space; they belong to no document. */
    BLANK_LINE,
    /** Nothing: the file is one document. */
    FILE
  }

  private final Path file;
  private final boolean jsonl;
  private final Split split;
  private final String textKey;
  private final TextLines lines;

  private DocumentReader(Path file, boolean jsonl, Split split, String textKey, TextLines lines) {
    this.file = file;
    this.jsonl = jsonl;
    this.split = split;
    this.textKey = textKey;
    this.lines = lines;
  }

  /**
   * Opens a file.
   *
   * @param textKey field of a JSON line that holds the text
   * @param read hears of bytes of the file as they are read, before decompression
   * @throws InvalidInputException if the name does not say what it is, or the content is something
   *     else
   */
  public static DocumentReader open(Path file, Split split, String textKey, LongConsumer read)
      throws IOException {
    String name = file.getFileName().toString();
    String plain = name.replaceFirst("\\.(gz|zst)$", "");
    boolean jsonl = plain.endsWith(".jsonl");
    if (!jsonl && !plain.endsWith(".txt")) {
      throw new InvalidInputException(
          file
              + ": the name ends in neither .txt nor .jsonl (nor one of them with .gz or .zst); rename it");
    }
    InputStream in;
    try {
      in = new BufferedInputStream(new CountedInput(Files.newInputStream(file), read), 1 << 16);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    }
    try {
      if (name.endsWith(".gz")) {
        in = new GZIPInputStream(in, 1 << 16);
      } else if (name.endsWith(".zst")) {
        // Corpora are often packed with a longer window than the default allows.
        in = new ZstdInputStream(in).setLongMax(31);
      }
      return new DocumentReader(file, jsonl, split, textKey, new TextLines(file, in));
    } catch (EOFException | ZipException e) {
      in.close();
      throw new InvalidInputException(file + ": this is not gzip's format; rename the file", e);
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  /**
   * The next document; empty at the end.
   *
   * @throws InvalidInputException if the file is damaged, not UTF-8 or a line not what it should be
   */
  public Optional<Document> next() throws IOException {
    try {
      return jsonl ? nextObject() : nextText();
    } catch (EOFException | ZipException | ZstdIOException e) {
      throw new InvalidInputException(
          file
              + ": the compressed data is damaged or cut off after line "
              + lines.number()
              + "; fetch it again",
          e);
    }
  }

  private Optional<Document> nextText() throws IOException {
    StringBuilder text = new StringBuilder();
    long first = 1;
    boolean blank = true;
    for (Optional<String> next = lines.next(); next.isPresent(); next = lines.next()) {
      String line = next.get();
      if (split == Split.BLANK_LINE && line.isBlank()) {
        if (text.isEmpty()) {
          continue;
        }
        break;
      }
      if (text.isEmpty()) {
        first = lines.number();
      }
      if (text.length() + line.length() > TextLines.LONGEST) {
        throw new InvalidInputException(
            file
                + ": the document from line "
                + first
                + " on is longer than 64 Mi characters; put blank lines between documents, or make it several files");
      }
      blank &= line.isBlank();
      text.append(line);
      if (lines.terminated()) {
        text.append('\n');
      }
    }
    if (blank) {
      return Optional.empty();
    }
    if (split == Split.BLANK_LINE && text.charAt(text.length() - 1) == '\n') {
      text.setLength(text.length() - 1);
    }
    return Optional.of(new Document(source(first), new Document.Body.Text(text.toString())));
  }

  private String source(long line) {
    return file + ": line " + line;
  }

  private Optional<Document> nextObject() throws IOException {
    Optional<String> next = lines.next();
    while (next.isPresent() && next.get().isBlank()) {
      next = lines.next();
    }
    if (next.isEmpty()) {
      return Optional.empty();
    }
    String source = source(lines.number());
    JsonNode object;
    try {
      object = JsonMapper.shared().readTree(next.get());
    } catch (JacksonException e) {
      throw new InvalidInputException(
          source
              + " is not JSON: "
              + e.getOriginalMessage().lines().findFirst().orElse("")
              + "; each line holds one object",
          e);
    }
    if (object.path("messages").isArray()) {
      return Optional.of(
          new Document(source, new Document.Body.Conversation(messages(source, object))));
    }
    JsonNode text = object.path(textKey);
    if (!text.isString()) {
      throw new InvalidInputException(
          source
              + " has neither a '"
              + textKey
              + "' string nor a 'messages' list; name the field by --text-key");
    }
    return Optional.of(
        new Document(source, new Document.Body.Text(unicode(source, text.asString()))));
  }

  private static List<Document.Message> messages(String source, JsonNode object) {
    refuse(source, object, "tools");
    List<Document.Message> messages = new ArrayList<>();
    for (JsonNode message : object.get("messages")) {
      refuse(source, message, "tool_calls");
      if (!message.path("role").isString() || !message.path("content").isString()) {
        throw new InvalidInputException(
            source
                + ": message "
                + (messages.size() + 1)
                + " needs a 'role' and a 'content', both strings");
      }
      messages.add(
          new Document.Message(
              message.get("role").asString(), unicode(source, message.get("content").asString())));
    }
    if (messages.isEmpty()) {
      throw new InvalidInputException(source + ": 'messages' is empty; leave the line out");
    }
    return List.copyOf(messages);
  }

  /** A conversation without its tools would teach something else than what it says. */
  private static void refuse(String source, JsonNode object, String key) {
    JsonNode value = object.path(key);
    if (!value.isMissingNode() && !value.isNull() && !value.isEmpty()) {
      throw new InvalidInputException(
          source + " has '" + key + "', which Graft does not render; leave the line out");
    }
  }

  /** JSON can escape half of a surrogate pair, which is no character and has no tokens. */
  private static String unicode(String source, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        i++;
      } else if (Character.isSurrogate(c)) {
        throw new InvalidInputException(
            String.format(
                "%s holds half of a surrogate pair, \\u%04x; mend or leave out the line",
                source, (int) c));
      }
    }
    return text;
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
